//! Tools that give pulses. Pulses can't be taken back or told apart: where something counts them, a lost
//! outcome is read back from it; where nothing does, it stays unknown.

use std::time::Duration;

use everstep_core::{Class, Outcome, Settlement};
use everstep_tool::{
    BoxFuture, Context, Device, DeviceError, Tool, ToolCall, ToolSpec, Trust,
    device::{Counter, Pulser},
    parse_arguments, schema_for,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Arguments of every tool that gives pulses.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {
    /// How many pulses.
    #[schemars(range(min = 1, max = 1))]
    pulses: u32,
}

/// What a tool that gives pulses is called, and what it says.
#[derive(Clone, Debug)]
pub struct PulseWords {
    /// Its name.
    pub tool: String,
    /// One sentence for the model.
    pub summary: String,
    /// Says before the number of pulses that they were given: `dosed`.
    pub gave: String,
    /// Most pulses of one call.
    pub pulses_max: u32,
    /// Milliseconds a call, or a look at the counter, may take.
    pub run_ms_max: u32,
}

impl PulseWords {
    fn spec(&self, device: &str, class: Class) -> ToolSpec {
        let mut arguments = schema_for::<Args>();
        if let Some(most) = arguments.pointer_mut("/properties/pulses/maximum") {
            *most = json!(self.pulses_max);
        }
        ToolSpec {
            name: self.tool.clone(),
            summary: self.summary.clone(),
            arguments,
            class,
            trust: Trust::Inside,
            device: Some(device.to_owned()),
            run_ms_max: self.run_ms_max,
        }
    }

    /// How many pulses a call asks for. The schema says so too; what can't be taken back is worth a
    /// second look.
    fn read(&self, call: &ToolCall) -> Result<u32, String> {
        let Args { pulses } = parse_arguments(call)?;
        let max = self.pulses_max;
        if (1..=max).contains(&pulses) {
            Ok(pulses)
        } else {
            Err(format!("pulses must be 1 to {max}, got {pulses}"))
        }
    }

    fn given(&self, pulses: u32) -> String {
        format!("{} {pulses} pulse{}", self.gave, plural(pulses))
    }
}

const fn plural(pulses: u32) -> &'static str {
    if pulses == 1 { "" } else { "s" }
}

/// Gives pulses that nothing counts.
pub struct Pulses<P> {
    spec: ToolSpec,
    words: PulseWords,
    device: Device<P>,
}

impl<P: Pulser + 'static> Pulses<P> {
    /// The tool of `device`.
    #[must_use]
    pub fn new(device: Device<P>, words: PulseWords) -> Self {
        // A second run gives as many again, and nothing can tell whether the first did.
        let spec = words.spec(device.name(), Class::Never);
        Self { spec, words, device }
    }
}

impl<P: Pulser + 'static> Tool for Pulses<P> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let pulses = match self.words.read(call) {
                Ok(pulses) => pulses,
                Err(why) => return Outcome::NotStarted(why),
            };
            let cancel = cx.cancel.clone();
            let given = self.device.call(cx, move |pulser| pulser.pulse(pulses, &cancel)).await;
            given.map_or_else(Outcome::from, |()| Outcome::Done(self.words.given(pulses)))
        })
    }
}

/// Gives pulses that a counter counts, so that a lost outcome can be read back.
pub struct CountedPulses<P> {
    spec: ToolSpec,
    words: PulseWords,
    /// Whose counter it is: `the pump`.
    counts: String,
    device: Device<P>,
}

impl<P: Pulser + Counter + 'static> CountedPulses<P> {
    /// The tool of `device`. `counts` says whose counter it is; after `settle_ms` no pulse that was asked
    /// for earlier can still be counted.
    #[must_use]
    pub fn new(device: Device<P>, words: PulseWords, counts: &str, settle_ms: u32) -> Self {
        let spec = words.spec(device.name(), Class::ReadBack { settle_ms });
        Self { spec, words, counts: counts.to_owned(), device }
    }

    async fn count(&self) -> Result<u64, DeviceError> {
        let wait_max = Duration::from_millis(self.words.run_ms_max.into()) / 2;
        self.device.use_for(wait_max, Counter::count).await
    }

    /// How many pulses a call asks for, and what the counter showed before it.
    fn read(&self, call: &ToolCall) -> Result<(u32, u64), String> {
        let pulses = self.words.read(call)?;
        let before = call.baseline.as_deref().and_then(|text| text.parse().ok());
        let before = before.ok_or_else(|| "the counter was not read before the pulses".to_owned())?;
        Ok((pulses, before))
    }
}

impl<P: Pulser + Counter + 'static> Tool for CountedPulses<P> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn baseline<'a>(&'a self, _arguments: &'a Value) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            self.count().await.map(|count| Some(count.to_string())).map_err(|error| error.to_string())
        })
    }

    fn run<'a>(&'a self, call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (pulses, before) = match self.read(call) {
                Ok(read) => read,
                Err(why) => return Outcome::NotStarted(why),
            };
            let cancel = cx.cancel.clone();
            let counted = self
                .device
                .call(cx, move |pulser| {
                    pulser.pulse(pulses, &cancel)?;
                    // The pulses are out: from here on nothing may claim that they are not.
                    pulser.count().map_err(|error| DeviceError::Unknown(error.to_string()))
                })
                .await;
            match counted.map(|count| (count, self.judge(before, pulses, count))) {
                Ok((_, Settlement::Done(text))) => Outcome::Done(text),
                Ok((count, Settlement::NotDone)) => {
                    Outcome::MayHaveRun(format!("{}'s counter still shows {count}", self.counts))
                }
                Ok((_, Settlement::CantTell(why))) => Outcome::MayHaveRun(why),
                Err(error) => error.into(),
            }
        })
    }

    fn probe<'a>(&'a self, call: &'a ToolCall) -> BoxFuture<'a, Settlement> {
        Box::pin(async move {
            match (self.read(call), self.count().await) {
                (Ok((pulses, before)), Ok(count)) => self.judge(before, pulses, count),
                (Err(why), _) => Settlement::CantTell(why),
                (_, Err(error)) => Settlement::CantTell(error.to_string()),
            }
        })
    }
}

impl<P> CountedPulses<P> {
    /// What the counter tells about `pulses` pulses that began at `before`. A counter that began anew
    /// can't tell.
    fn judge(&self, before: u64, pulses: u32, count: u64) -> Settlement {
        match count.checked_sub(before) {
            Some(0) => Settlement::NotDone,
            Some(given) if given == u64::from(pulses) => {
                Settlement::Done(format!("{}, counter {count}", self.words.given(pulses)))
            }
            _ => Settlement::CantTell(format!(
                "{}'s counter went from {before} to {count} for {pulses} pulse{}",
                self.counts,
                plural(pulses)
            )),
        }
    }
}

#[cfg(test)]
mod tests;
