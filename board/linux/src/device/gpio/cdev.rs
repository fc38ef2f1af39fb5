//! The kernel's lines, through their character devices.
//!
//! No kernel driver has run this yet: what surrounds it was checked over a fake, what is here over the
//! crate's documentation.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use everstep_tool::device::Watched;
use everstep_tools_device::Active;
use gpiocdev::{
    Chip, Request,
    line::{Bias as KernelBias, Direction, EdgeDetection, EdgeKind, Value},
    request::Config,
};

use super::{Bias, CONSUMER, Gpio, GpioError, GpioLine, LineInfo, LinePlace, Setup};
use crate::device::node;

/// Changes the kernel keeps for a line until they are asked for.
const EVENTS_KEPT: u32 = 64;
/// What drivers say of a bias they don't have; the kernel's own number, which no C library has.
const ENOTSUPP: i32 = 524;

/// The chips of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelGpio;

/// A line of one of them.
#[derive(Debug)]
pub(crate) struct KernelLine {
    request: Request,
    place: LinePlace,
    active: Active,
}

impl Gpio for KernelGpio {
    type Line = KernelLine;

    fn request(&self, place: &LinePlace, active: Active, setup: Setup) -> Result<KernelLine, GpioError> {
        let mut builder = Request::from_config(config(place, active, setup));
        builder.with_consumer(CONSUMER).with_kernel_event_buffer_size(EVENTS_KEPT);
        let request = builder.request().map_err(|error| self.refusal(place, &error))?;
        Ok(KernelLine { request, place: place.clone(), active })
    }

    fn info(&self, place: &LinePlace) -> Result<LineInfo, GpioError> {
        let chip = Chip::from_path(&place.chip).map_err(|error| opened(&place.chip, &error))?;
        let lines = chip.info().map_err(|error| told(place, &error))?.num_lines;
        if place.line >= lines {
            return Err(GpioError::NoLine { place: place.clone(), lines });
        }
        let info = chip.line_info(place.line).map_err(|error| told(place, &error))?;
        let user =
            info.used.then(|| if info.consumer.is_empty() { "the kernel".into() } else { info.consumer });
        Ok(LineInfo { name: info.name, user, is_output: info.direction == Direction::Output })
    }
}

impl KernelGpio {
    /// Why a line was not given.
    fn refusal(self, place: &LinePlace, error: &gpiocdev::Error) -> GpioError {
        // What is wrong with the chip or the line says more than the number of the error.
        match self.info(place) {
            Err(error) => error,
            Ok(LineInfo { user: Some(user), .. }) => GpioError::Used { place: place.clone(), user },
            Ok(_) => told(place, error),
        }
    }
}

fn config(place: &LinePlace, active: Active, setup: Setup) -> Config {
    let mut config = Config::default();
    config.on_chip(&place.chip).with_line(place.line);
    match active {
        Active::High => config.as_active_high(),
        Active::Low => config.as_active_low(),
    };
    match setup {
        Setup::AsIs => config.as_is(),
        Setup::Output { on } => config.as_output(value(on)),
        Setup::Input { bias, debounce_us } => {
            config.as_input().with_bias(match bias {
                Bias::AsIs => None,
                Bias::Disabled => Some(KernelBias::Disabled),
                Bias::PullUp => Some(KernelBias::PullUp),
                Bias::PullDown => Some(KernelBias::PullDown),
            });
            if debounce_us > 0 {
                config.with_debounce_period(Duration::from_micros(debounce_us.into()));
            }
            config.with_edge_detection(EdgeDetection::BothEdges)
        }
    };
    config
}

const fn value(on: bool) -> Value {
    if on { Value::Active } else { Value::Inactive }
}

/// What the kernel's error on opening a chip means.
fn opened(chip: &Path, error: &gpiocdev::Error) -> GpioError {
    let text = match (os_error(error), error) {
        (Some(number), _) => node::not_opened(chip, &io::Error::from_raw_os_error(number)),
        (None, _) if !chip.exists() => node::missing(chip),
        (None, error) => format!("{} is no GPIO chip: {error}", chip.display()),
    };
    GpioError::Chip(text)
}

/// What the kernel's error about a line means.
fn told(place: &LinePlace, error: &gpiocdev::Error) -> GpioError {
    let place = place.clone();
    match os_error(error) {
        Some(libc::ENODEV) => GpioError::Gone { place },
        Some(libc::EINVAL | libc::EOPNOTSUPP | ENOTSUPP) => {
            let why = "its driver can't do this: leave out `bias` and `debounce_us`, or choose another line";
            GpioError::Refused { place, why: why.into() }
        }
        Some(number) => GpioError::Other { place, why: io::Error::from_raw_os_error(number).to_string() },
        None => GpioError::Other { place, why: error.to_string() },
    }
}

fn os_error(error: &gpiocdev::Error) -> Option<i32> {
    match error {
        gpiocdev::Error::Os(number) | gpiocdev::Error::Uapi(_, gpiocdev_uapi::Error::Os(number)) => {
            Some(number.0)
        }
        _ => None,
    }
}

impl GpioLine for KernelLine {
    fn is_on(&mut self) -> Result<bool, GpioError> {
        let value = self.request.lone_value().map_err(|error| told(&self.place, &error))?;
        Ok(value == Value::Active)
    }

    fn set(&mut self, on: bool) -> Result<(), GpioError> {
        self.request.set_lone_value(value(on)).map_err(|error| told(&self.place, &error))
    }

    fn set_up(&mut self, setup: Setup) -> Result<(), GpioError> {
        let config = config(&self.place, self.active, setup);
        self.request.reconfigure(&config).map_err(|error| told(&self.place, &error))
    }

    #[expect(clippy::disallowed_methods, reason = "a line changes in real time, and a board knows real time")]
    fn next_change(&mut self, wait_max: Duration) -> Result<Watched, GpioError> {
        let fail = |error| told(&self.place, &error);
        let began = Instant::now();
        let became = if self.request.wait_edge_event(wait_max).map_err(fail)? {
            Some(self.request.read_edge_event().map_err(fail)?.kind == EdgeKind::Rising)
        } else {
            None
        };
        Ok(Watched { became, passed: began.elapsed() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_chip_is_told_before_a_line_is_asked_for() {
        let told = |chip: &str| {
            let place = LinePlace { chip: chip.into(), line: 3 };
            let request = KernelGpio.request(&place, Active::High, Setup::AsIs).unwrap_err().to_string();
            assert_eq!(request, KernelGpio.info(&place).unwrap_err().to_string());
            request
        };
        let missing = told("/nowhere/gpiochip7");
        let expected =
            "/nowhere/gpiochip7 is missing: this machine has no /nowhere/gpiochipN: enable its driver";
        assert_eq!(missing, expected);
        assert!(told("/dev/null").starts_with("/dev/null is no GPIO chip: "), "{}", told("/dev/null"));
    }

    #[test]
    fn errors_of_the_kernel_are_told_by_what_to_do() {
        let place = LinePlace { chip: "/dev/gpiochip0".into(), line: 3 };
        let tell = |number| told(&place, &gpiocdev::Error::Os(gpiocdev_uapi::Errno(number)));
        assert_eq!(tell(libc::ENODEV), GpioError::Gone { place: place.clone() });
        for number in [libc::EINVAL, libc::EOPNOTSUPP, ENOTSUPP] {
            assert!(
                tell(number)
                    .to_string()
                    .ends_with("leave out `bias` and `debounce_us`, or choose another line")
            );
        }
        assert_eq!(tell(libc::EIO).to_string(), "line 3 of /dev/gpiochip0: Input/output error (os error 5)");
        let wrapped = gpiocdev_uapi::Error::Os(gpiocdev_uapi::Errno(libc::ENODEV));
        let wrapped = gpiocdev::Error::Uapi(gpiocdev::UapiCall::GetLine, wrapped);
        assert_eq!(told(&place, &wrapped), GpioError::Gone { place });
    }

    #[test]
    fn a_line_is_asked_for_as_it_is_an_output_or_a_watched_input() {
        let place = LinePlace { chip: "/dev/gpiochip0".into(), line: 3 };
        let line = |active, setup| {
            let config = config(&place, active, setup);
            assert_eq!(config.chip(), Path::new("/dev/gpiochip0"));
            config.line_config(3).unwrap().clone()
        };
        let as_is = line(Active::Low, Setup::AsIs);
        assert_eq!((as_is.direction, as_is.active_low), (None, true));
        let output = line(Active::High, Setup::Output { on: true });
        assert_eq!((output.direction, output.value), (Some(Direction::Output), Some(Value::Active)));
        let input = line(Active::High, Setup::Input { bias: Bias::PullUp, debounce_us: 5_000 });
        assert_eq!((input.direction, input.bias), (Some(Direction::Input), Some(KernelBias::PullUp)));
        assert_eq!(input.edge_detection, Some(EdgeDetection::BothEdges));
        assert_eq!(input.debounce_period, Some(Duration::from_millis(5)));
    }
}
