//! What the tests of this crate share: a board of their own, and tools made from a few lines of a board
//! file.
//!
//! Leaves out the peers: `scripts/test-network.sh` installs the real ones.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's set-up may fail")]

pub mod mqtt;
