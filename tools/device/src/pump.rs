//! `dose_antifreeze`: pulses of a pump that counts them, so that a lost outcome can be read back.

use std::time::Duration;

use everstep_core::{Class, Outcome, Settlement};
use everstep_tool::{
    BoxFuture, Context, Device, DeviceError, Tool, ToolCall, ToolSpec, Trust, device::DosingPump,
    parse_arguments, schema_for,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Most pulses of one call.
pub const PULSES_MAX: u32 = 5;
/// Milliseconds after which no pulse asked for earlier can still come: the pump takes one command at
/// a time, and a new connection shuts out the one before.
pub const SETTLE_MS: u32 = 2_000;
/// How long a try, or a look at the counter, may take.
const RUN_MS_MAX: u32 = 5_000;

/// Arguments of `dose_antifreeze`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// How many pulses.
    #[schemars(range(min = 1, max = 5))]
    pulses: u32,
}

/// Doses antifreeze into the drain pan, so that melt water does not freeze there.
pub struct DoseAntifreeze<P> {
    spec: ToolSpec,
    device: Device<P>,
}

impl<P: DosingPump + 'static> DoseAntifreeze<P> {
    /// The tool of `device`.
    #[must_use]
    pub fn new(device: Device<P>) -> Self {
        let spec = ToolSpec {
            name: "dose_antifreeze".into(),
            summary: "dose antifreeze into the drain pan".into(),
            arguments: schema_for::<Args>(),
            class: Class::ReadBack { settle_ms: SETTLE_MS },
            trust: Trust::Inside,
            device: Some(device.name().to_owned()),
            run_ms_max: RUN_MS_MAX,
        };
        Self { spec, device }
    }

    async fn counter(&self) -> Result<u64, DeviceError> {
        let wait_max = Duration::from_millis(RUN_MS_MAX.into()) / 2;
        self.device.use_for(wait_max, DosingPump::counter).await
    }
}

impl<P: DosingPump + 'static> Tool for DoseAntifreeze<P> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn baseline<'a>(&'a self, _arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            self.counter().await.map(|counter| Some(counter.to_string())).map_err(|error| error.to_string())
        })
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (pulses, before) = match read(call) {
                Ok(read) => read,
                Err(why) => return Outcome::NotStarted(why),
            };
            let dosed = self
                .device
                .call(cx, move |pump| {
                    pump.pulse(pulses)?;
                    // The pulses are out: from here on nothing may claim that they are not.
                    let counter = pump.counter().map_err(|error| DeviceError::Unknown(error.to_string()))?;
                    match judge(before, pulses, counter) {
                        Settlement::Done(text) => Ok(text),
                        Settlement::NotDone => {
                            Err(DeviceError::Unknown(format!("the pump's counter still shows {counter}")))
                        }
                        Settlement::CantTell(why) => Err(DeviceError::Unknown(why)),
                    }
                })
                .await;
            dosed.map_or_else(Outcome::from, Outcome::Done)
        })
    }

    fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            match (read(call), self.counter().await) {
                (Ok((pulses, before)), Ok(counter)) => judge(before, pulses, counter),
                (Err(why), _) => Settlement::CantTell(why),
                (_, Err(error)) => Settlement::CantTell(error.to_string()),
            }
        })
    }
}

/// How many pulses a call asks for, and what the counter showed before it.
fn read(call: &ToolCall) -> Result<(u32, u64), String> {
    let Args { pulses } = parse_arguments(call)?;
    if !(1..=PULSES_MAX).contains(&pulses) {
        return Err(format!("a dose has 1 to {PULSES_MAX} pulses, got {pulses}"));
    }
    let before = call.baseline.as_deref().and_then(|text| text.parse().ok());
    before.map(|before| (pulses, before)).ok_or_else(|| "the counter was not read before the dose".to_owned())
}

/// What the counter tells about a dose of `pulses` that began at `before`.
fn judge(before: u64, pulses: u32, counter: u64) -> Settlement {
    let s = if pulses == 1 { "" } else { "s" };
    match counter.checked_sub(before) {
        Some(0) => Settlement::NotDone,
        Some(given) if given == u64::from(pulses) => {
            Settlement::Done(format!("dosed {pulses} pulse{s}, counter {counter}"))
        }
        _ => Settlement::CantTell(format!(
            "the pump's counter went from {before} to {counter} for {pulses} pulse{s}"
        )),
    }
}

#[cfg(test)]
mod tests;
