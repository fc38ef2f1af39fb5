//! What the tests of this crate share: peers of our own, and whole agents that live with them.
//!
//! A peer keeps a log of its own, which knows nothing of records: that log is the oracle.

pub mod http;
