//! The simulated board: a world with physics, faults and a log of every change, in a process of its
//! own; and time and randomness that a test decides.
//!
//! Leaves out agents: the world does not know who turns its switches.

mod board;
mod client;
mod clock;
mod entropy;
mod flash;
pub mod plant;
pub mod protocol;
mod section;
pub mod server;
pub mod simulated;
pub mod tasks;
pub mod world;
mod world_clock;

pub use board::{DeviceSectionError, assemble};
pub use client::{
    LineError, SocketWorld, WorldDuty, WorldPin, WorldPump, WorldRegulator, WorldRoom, WorldSelector,
    WorldSensor, WorldTimer, ask,
};
pub use clock::ManualClock;
pub use entropy::SeededEntropy;
pub use flash::{CutModel, Fault, Moment, PowerCut, SimFlash, SimFlashCounts, SimFlashError, SimFlashHandle};
pub use section::{IO_MS_LIMIT, TIME_SCALE_MAX, Waits, WorldSection};
pub use world_clock::WorldClock;
