//! The set-up of whole-agent tests: a seeded life of one agent in memory, a rehearsal of the real
//! process that is killed on the way, a stand for one agent, whole episodes that measure a model, and
//! oracles outside the system.
//!
//! The tests themselves are in `tests/tests/`.

pub mod episodes;
pub mod harness;
pub mod rehearsal;
pub mod stand;
