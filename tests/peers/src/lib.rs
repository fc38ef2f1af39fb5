//! The set-up of tests against peers: a peer's process, or pins and buses in the kernel's stead, the tools
//! of a board file that reach them, and seeded lives of a whole agent that moves them.
//!
//! Each keeps a log of its own, which knows nothing of records: that log is the oracle. The tests
//! themselves are in `tests/`, the peers' programs beside this crate.

pub mod agent;
pub mod field;
pub mod life;
pub mod oracle;
pub mod peer;
pub mod sweep;
pub mod tools;
pub mod wires;

pub use agent::{Agent, Around, Ended, NoActuators};
pub use field::Field;
pub use life::{Story, live};
pub use peer::Peer;
pub use sweep::sweep;
pub use tools::Tools;
pub use wires::Wires;
