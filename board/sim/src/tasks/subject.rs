//! What tasks of a world can speak of.

use std::collections::BTreeMap;

use crate::{
    plant::{Actuator, PlantFile},
    server::WorldFile,
    simulated::Point,
};

/// Something a task can name.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A quantity.
    Quantity {
        /// Decimals a sensor shows.
        digits: u8,
        /// Lowest.
        min: f64,
        /// Highest.
        max: f64,
    },
    /// An actuator; it says itself where it can be.
    Actuator(Actuator),
    /// A choice among values that the file of the world checks itself.
    Choice,
    /// Something that runs for some time, or gives pulses.
    Runs,
}

/// All that a world's tasks can speak of.
#[derive(Clone, Debug, PartialEq)]
pub struct Subjects {
    /// In `when`, `end`, `answer`, `runs`.
    pub named: BTreeMap<String, Subject>,
    /// In `start`.
    pub start: BTreeMap<String, Subject>,
}

impl Subjects {
    /// Those of a world.
    #[must_use]
    pub fn of(world: &WorldFile) -> Self {
        match world {
            WorldFile::Plant(plant) => Self::of_plant(plant),
            WorldFile::Room(_) => Self::of_room(),
        }
    }

    fn of_plant(plant: &PlantFile) -> Self {
        let quantities = plant.quantity.iter().map(|(name, quantity)| {
            let (digits, min, max) = (quantity.digits, quantity.min, quantity.max);
            (name.clone(), Subject::Quantity { digits, min, max })
        });
        let actuators = plant.actuator.iter().map(|(name, actuator)| {
            let subject = match actuator {
                Actuator::Timed { .. } => Subject::Runs,
                actuator => Subject::Actuator(actuator.clone()),
            };
            (name.clone(), subject)
        });
        let named: BTreeMap<_, _> = quantities.chain(actuators).collect();
        let start = named.iter().filter(|(_, subject)| **subject != Subject::Runs);
        Self { start: start.map(|(name, subject)| (name.clone(), subject.clone())).collect(), named }
    }

    /// The cold room's: its file has other keys for the start than people have words.
    fn of_room() -> Self {
        let air = Subject::Quantity { digits: 1, min: -100.0, max: 100.0 };
        let ice = Subject::Quantity { digits: 0, min: 0.0, max: 1_000.0 };
        let relay = Actuator::Relay { start: "off".into(), effect: BTreeMap::new() };
        let fan = Actuator::Percent { start: 0, effect: BTreeMap::new() };
        let states = vec!["closed".into(), "open".into()];
        let door = Actuator::Switch { states, start: "closed".into(), effect: BTreeMap::new() };
        let named = [
            ("air", air.clone()),
            ("ice", ice.clone()),
            ("compressor", Subject::Actuator(relay)),
            ("fan", Subject::Actuator(fan)),
            ("door", Subject::Actuator(door)),
            ("defrost", Subject::Runs),
            ("antifreeze", Subject::Runs),
        ];
        let start = [
            ("air_c", air),
            ("ice_mm", ice),
            ("door_open_s", Subject::Choice),
            ("compressor_on", Subject::Choice),
            ("fan_percent", Subject::Choice),
        ];
        let owned = |(name, subject): (&str, Subject)| (name.to_owned(), subject);
        Self { named: named.map(owned).into(), start: start.map(owned).into() }
    }
}

impl Subject {
    /// Whether it can be at `point`.
    ///
    /// # Errors
    ///
    /// What is allowed instead.
    pub fn allows(&self, point: &Point) -> Result<(), String> {
        match (self, point) {
            (Self::Quantity { min, max, .. }, Point::Number(number)) if (*min..=*max).contains(number) => {
                Ok(())
            }
            (Self::Quantity { min, max, .. }, _) => {
                Err(format!("`{point}` is not allowed: it must be {min} to {max}"))
            }
            (Self::Actuator(actuator), point) => actuator.allows(point),
            (Self::Choice, _) => Ok(()),
            (Self::Runs, Point::Word(word)) if word == "off" || word == "on" => Ok(()),
            (Self::Runs, _) => Err(format!("`{point}` is not allowed: it must be on or off")),
        }
    }
}
