//! An HTTP endpoint, as a tool.

use serde::{Deserialize, Serialize};

use crate::Wrong;

/// `[network.http.NAME]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    /// One sentence for the model.
    pub summary: String,
}

impl HttpSection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        Ok(())
    }
}
