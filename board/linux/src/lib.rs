//! What a board is on Linux: flash in a file and the key that seals it, the owner's lock and control
//! socket, the clock, entropy, the devices on its pins and buses, what the machine has left, and
//! `agent.toml`.
//!
//! Leaves out what the bytes on flash mean, what a control request does, and any simulated part:
//! those are the journal's, the driver's and `everstep-board-sim`'s.

pub mod child;
pub mod clock;
pub mod config;
pub mod control;
pub mod device;
pub mod entropy;
pub mod flash;
pub mod line;
pub mod machine;
pub mod owner;
pub mod secret;
