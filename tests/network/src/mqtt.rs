//! MQTT: a real broker, what stands between it and the board, somebody else who listens, and whole agents
//! that publish.
//!
//! The broker's own log is the oracle: it knows nothing of records.

pub mod broker;
pub mod life;
pub mod oracle;
pub mod peer;
pub mod proxy;
pub mod tools;

pub use broker::Broker;
pub use life::live;
pub use oracle::Story;
pub use peer::{Peer, Seen};
pub use proxy::{Fate, Proxy};
pub use tools::Board;
