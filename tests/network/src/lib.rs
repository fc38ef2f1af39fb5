//! What the tests of this crate share: peers of our own and real ones, whole agents that live with them,
//! and tools made from a few lines of a board file.
//!
//! A peer keeps a log of its own, which knows nothing of records: that log is the oracle.
//! `scripts/test-network.sh` installs the real ones, `mcp-peer` is the hostile one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's set-up may fail")]

pub mod certificates;
pub mod gateway;
pub mod http;
pub mod mcp;
pub mod mqtt;
