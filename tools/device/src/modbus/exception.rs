//! What a server says instead of doing it, and whether it may have done it all the same.

use everstep_tool::DeviceError;
use tokio_modbus::ExceptionCode;

/// An exception as an error. `NotSent` only for those that the specification lets a server answer
/// before it does anything (Modbus Application Protocol V1.1b3, section 7).
pub(super) fn error(server: &str, asked: &str, code: ExceptionCode) -> DeviceError {
    let (acted, meaning) = match code {
        ExceptionCode::IllegalFunction => (Acted::No, "it does not know this function"),
        ExceptionCode::IllegalDataAddress => {
            (Acted::No, "it has no such address: check `register` and `table`")
        }
        ExceptionCode::IllegalDataValue => (Acted::No, "it does not take this value"),
        ExceptionCode::ServerDeviceBusy => (Acted::No, "it is busy: try again later"),
        ExceptionCode::GatewayPathUnavailable => {
            (Acted::No, "the gateway has no way to this unit: check `unit_id`")
        }
        ExceptionCode::ServerDeviceFailure => (Acted::Perhaps, "it failed while doing it"),
        ExceptionCode::Acknowledge => (Acted::Perhaps, "it has begun, and is not done yet"),
        ExceptionCode::MemoryParityError => (Acted::Perhaps, "its memory is damaged"),
        ExceptionCode::GatewayTargetDevice => {
            (Acted::Perhaps, "the unit behind the gateway did not answer: check its power and `unit_id`")
        }
        ExceptionCode::Custom(_) => (Acted::Perhaps, "no code of the specification"),
    };
    let code = u8::from(code);
    let text = format!("{server} refused to {asked} with exception {code:02}: {meaning}");
    match acted {
        Acted::No => DeviceError::NotSent(text),
        Acted::Perhaps => DeviceError::Unknown(text),
    }
}

#[derive(Clone, Copy)]
enum Acted {
    No,
    Perhaps,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_before_any_act_count_as_not_sent() {
        for code in 0..=255 {
            let error = error("plc:502", "write register 4", ExceptionCode::new(code));
            let is_certain = matches!(error, DeviceError::NotSent(_));
            assert_eq!(is_certain, [1, 2, 3, 6, 10].contains(&code), "{error}");
            assert!(error.to_string().contains(&format!("exception {code:02}")), "{error}");
        }
    }
}
