//! Tools over a board's own devices, and what happens to its actuators at boot and at the end.
//!
//! Written against device traits: `embedded-hal` where it has one, `everstep-tool`'s where it has
//! none. Leaves out every concrete bus: boards bring those.

mod actuators;
mod fan;
mod heater;
mod parts;
mod pump;
mod relay;
mod room;
mod section;
mod sensor;
mod set;
mod switch;
mod timer;

pub use actuators::{ACTUATOR_MS_MAX, Actuate, Actuators, BootPolicy, State};
pub use fan::Fan;
pub use heater::{DEFROST_S_MAX, DEFROST_S_MIN, RunDefrost};
pub use parts::BoardParts;
pub use pump::{DoseAntifreeze, PULSES_MAX, SETTLE_MS};
pub use relay::Relay;
pub use room::{ReadRoom, RoomRange};
pub use section::{DeviceSection, RUN_S_LIMIT, Switch};
pub use sensor::ReadSensor;
pub use set::{SetTool, Settings};
pub use switch::{Setpoint, StateSwitch};
pub use timer::RunTimer;
