//! A query of a local database, as a tool.

use serde::{Deserialize, Serialize};

use crate::Wrong;

/// `[network.query.NAME]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySection {
    /// One sentence for the model.
    pub summary: String,
}

impl QuerySection {
    /// What is wrong with the section, if anything.
    ///
    /// # Errors
    ///
    /// The key and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        Ok(())
    }
}
