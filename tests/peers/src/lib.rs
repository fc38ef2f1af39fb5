//! The set-up of tests against peers: a peer's process, the tools of a board file that reach it, and
//! seeded lives of a whole agent that moves it.
//!
//! A peer keeps a log of its own, which knows nothing of records: that log is the oracle. The tests
//! themselves are in `tests/`, the peers' programs beside this crate.

pub mod life;
pub mod oracle;
pub mod peer;
pub mod tools;

pub use life::{Story, live};
pub use peer::Peer;
pub use tools::Tools;
