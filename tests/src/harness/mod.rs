//! A seeded life: chaos model, chaos world, power cuts, and the checks after each of them.

mod ages;
mod chance;
mod home;
mod life;
mod model;
mod oracle;
mod time;
mod world;

pub use chance::Chance;
pub use life::{Faults, Life, Story, live};
pub use oracle::Violation;
