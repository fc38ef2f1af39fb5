//! What can be made to go wrong in a plant.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Plant;
use crate::{simulated::Point, world::By};

/// Something that goes wrong in the plant itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PlantFault {
    /// An actuator takes commands and does something else.
    Stuck {
        /// Which.
        actuator: String,
        /// What it does; null frees it.
        at: Option<Point>,
    },
    /// A sensor shows something else than the truth.
    Shows {
        /// Of which quantity.
        quantity: String,
        /// What it shows; null is the truth.
        value: Option<f64>,
    },
    /// The sensors do not answer.
    SensorsFail {
        /// Whether they do not.
        fail: bool,
    },
    /// Somebody moves an actuator by hand.
    Moved {
        /// Which.
        actuator: String,
        /// Where to.
        to: Point,
    },
}

impl Plant {
    /// Makes something go wrong, or right again.
    ///
    /// # Errors
    ///
    /// A name the plant does not have, or a state it can't be in; nothing was changed.
    pub fn fault(&mut self, fault: &PlantFault) -> Result<(), String> {
        let device = match fault {
            PlantFault::Moved { actuator, to } => return self.put(By::Fault, actuator, to),
            PlantFault::Stuck { actuator, at } => {
                let (kind, _) = self.known(actuator)?;
                at.as_ref().map_or(Ok(()), |at| kind.allows(at))?;
                if let Some(moved) = self.actuators.get_mut(actuator) {
                    moved.stuck.clone_from(at);
                }
                actuator
            }
            PlantFault::Shows { quantity, value } => {
                let level = self.quantities.get_mut(quantity);
                level.ok_or_else(|| format!("the plant has no quantity {quantity}"))?.shows = *value;
                super::SENSORS
            }
            PlantFault::SensorsFail { fail } => {
                self.sensors_fail = *fail;
                super::SENSORS
            }
        };
        self.log(By::Fault, device, "fault", Value::Null, Value::Null, json!(fault));
        Ok(())
    }
}
