//! MQTT brokers: tools that publish a message, tell the newest one of a subscription, or wait for one.
//!
//! What is published has a connection of its own (`publish`); what comes in has one that lasts, within a
//! session that the broker keeps (`session`). So nothing is ever left to be sent by itself.

mod broker;
mod frames;
mod latest;
mod link;
mod packet;
mod probe;
mod publish;
mod section;
mod session;
mod told;
mod tools;
mod topic;
mod wait;
mod watch;

pub use section::{LatestSection, MqttProbeSection, MqttSection, PublishSection, VersionKind, WaitSection};

pub(crate) use tools::tools;

#[cfg(test)]
mod tests;
