//! `read_room`: all sensors of a cold room in one line.

use std::ops::RangeInclusive;

use everstep_core::{Class, Outcome};
use everstep_tool::{
    BoxFuture, Context, Device, Tool, ToolCall, ToolSpec, Trust,
    device::{RoomReading, RoomSensor},
    schema_for,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::sensor::rounded;

/// No arguments.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Args {}

/// What the sensors can truly show. Anything outside is a broken sensor, not a number.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomRange {
    /// Air, in degrees Celsius.
    pub air_c: RangeInclusive<f64>,
    /// Ice, in millimetres.
    pub ice_mm: RangeInclusive<f64>,
}

/// Reads a cold room.
pub struct ReadRoom<S> {
    spec: ToolSpec,
    device: Device<S>,
    range: RoomRange,
}

impl<S: RoomSensor + 'static> ReadRoom<S> {
    /// The tool of `device`.
    #[must_use]
    pub fn new(device: Device<S>, range: RoomRange) -> Self {
        let spec = ToolSpec {
            name: "read_room".into(),
            summary: "read air, ice, door, compressor and fan of the cold room".into(),
            arguments: schema_for::<Args>(),
            class: Class::Observe,
            trust: Trust::Inside,
            device: Some(device.name().to_owned()),
            run_ms_max: 5_000,
        };
        Self { spec, device, range }
    }
}

impl<S: RoomSensor + 'static> Tool for ReadRoom<S> {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, cx: &'a Context) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.device.call(cx, RoomSensor::read).await {
                Ok(reading) => {
                    describe(&reading, &self.range).map_or_else(Outcome::NotStarted, Outcome::Done)
                }
                Err(error) => error.into(),
            }
        })
    }
}

/// The reading in words, or which sensor shows what it can't.
fn describe(reading: &RoomReading, range: &RoomRange) -> Result<String, String> {
    let RoomReading { air_c, ice_mm, door_open, compressor_on, fan_percent, defrost_left_s } = *reading;
    for (what, value, unit, range) in
        [("air", air_c, "C", &range.air_c), ("ice", ice_mm, "mm", &range.ice_mm)]
    {
        // A value that is no number is in no range.
        if !range.contains(&value) {
            let (min, max) = (range.start(), range.end());
            return Err(format!(
                "the {what} sensor shows {value:.1} {unit}, outside of {min} to {max} {unit}"
            ));
        }
    }
    if fan_percent > 100 {
        return Err(format!("the fan shows {fan_percent} percent, outside of 0 to 100 percent"));
    }
    let defrost =
        if defrost_left_s > 0 { format!(", defrost {defrost_left_s} s left") } else { String::new() };
    Ok(format!(
        "air {} C, ice {} mm, door {}, compressor {}, fan {fan_percent} percent{defrost}",
        rounded(air_c, 1),
        rounded(ice_mm, 0),
        if door_open { "open" } else { "closed" },
        if compressor_on { "on" } else { "off" },
    ))
}

#[cfg(test)]
mod tests;
