//! The watchdog: a timer of the machine that restarts it when nobody feeds it any more.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{assemble::Assembly, kinds::Section, look::Verdict, machine::Machine};
use crate::config::Whole;

/// `kind = "watchdog"`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchdogSection {
    /// The device.
    #[serde(default = "default_path")]
    pub path: PathBuf,
    /// Seconds without being fed after which the machine restarts.
    #[serde(default)]
    pub timeout_s: Whole<60, 2, 3_600>,
}

fn default_path() -> PathBuf {
    "/dev/watchdog".into()
}

impl Section for WatchdogSection {
    fn moves(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn add<M: Machine>(
        &self,
        _name: &str,
        _board: &mut Assembly<'_, M>,
    ) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    fn look<M: Machine>(&self, _machine: &M) -> (Verdict, String) {
        let path = self.path.display();
        // Opening it would start it.
        match self.path.metadata() {
            Ok(_) => (Verdict::Ok, format!("{path} is there")),
            Err(error) => (Verdict::Wrong, format!("{path}: {error}")),
        }
    }
}
