//! MQTT brokers: not there yet.

use std::sync::Arc;

use everstep_tool::Tool;
use serde::{Deserialize, Serialize};

use crate::{BoardSide, Wrong};

/// `[network.mqtt.NAME]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttSection {
    /// Where it is.
    pub broker: String,
}

impl MqttSection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        Ok(())
    }
}

/// The tools of the broker called `name`.
///
/// # Errors
///
/// The key, seen from the section, and what is wrong.
pub(crate) fn tools(
    _name: &str,
    _section: &MqttSection,
    _board: &BoardSide,
) -> Result<Vec<Arc<dyn Tool>>, Wrong> {
    Err(("broker".into(), "MQTT brokers are not there yet: remove this section".into()))
}
