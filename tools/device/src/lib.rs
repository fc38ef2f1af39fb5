//! Tools over a board's own devices, and what happens to its actuators at boot and at the end.
//!
//! Written against device traits: `embedded-hal` where it has one, `everstep-tool`'s where it has
//! none. Leaves out every concrete bus: boards bring those.

mod actuators;
mod bus;
mod contact;
mod fan;
mod heater;
mod i2c;
pub mod line;
pub mod modbus;
mod parts;
mod pca9535;
mod pulse;
mod pulse_output;
mod pump;
mod quantity;
mod register;
mod relay;
mod room;
mod scale;
mod section;
mod sensor;
pub mod serial;
mod set;
mod spi;
mod switch;
mod timer;
mod tmp102;

pub use actuators::{Actuate, Actuators, BootPolicy, State};
pub use bus::{BusFault, Effect, PinError, SharedBus};
pub use contact::{NamedContact, WAIT_S_LIMIT, WaitContact};
pub use fan::Fan;
pub use heater::{DEFROST_S_MAX, DEFROST_S_MIN, RunDefrost};
pub use i2c::{I2cChip, I2cRegister, I2cSession};
pub use parts::BoardParts;
pub use pca9535::{Active, ExpanderInput, ExpanderLine, ExpanderOutput, LINES};
pub use pulse::{CountedPulses, PulseWords, Pulses};
pub use pulse_output::{CountedBy, PulseOutput};
pub use pump::{PULSES_MAX, SETTLE_MS, dose_antifreeze};
pub use quantity::Quantity;
pub use register::{Level, Register, ScaledRegister};
pub use relay::Relay;
pub use room::{ReadRoom, RoomRange};
pub use scale::{Order, Scaling, Width};
pub use section::{DeviceSection, RUN_S_LIMIT, Switch};
pub use sensor::{ReadSensor, describe};
pub use set::{SetTool, Settings};
pub use spi::SpiRegister;
pub use switch::{Setpoint, StateSwitch};
pub use timer::RunTimer;
pub use tmp102::Tmp102;
