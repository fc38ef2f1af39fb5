//! The board a command is about: its file, its state folder, the agent.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use everstep_board_linux::{
    config::{AgentSection, BoardFile, BoardFileError, ConstraintKind, MediumKind, ModelSection},
    device::{self, WrongSection},
    entropy,
    flash::{FlashPlace, Geometry, LinuxFlash, OpenError, Writes},
};
use everstep_core::Limits;
use everstep_driver::{AgentConfig, Approvals, Budget, Sealing, SharedFlash};
use everstep_journal::{Region, SALT_BYTES};
use everstep_model::{Constraint, Sampling};
use everstep_model_llama::SnapshotOptions;

use crate::{
    args::Place,
    exit::{Failure, Outcome},
    model::check_family,
    network,
};

/// The section of the simulated world.
pub(crate) type World = everstep_board_sim::WorldSection;
/// The section of one device.
pub(crate) type Device = everstep_board_linux::device::DeviceSection;

/// The section of what is outside the board.
pub(crate) type Network = everstep_tools_network::NetworkSection;

/// Snapshots of the KV cache, a folder for each agent.
const KV_FOLDER: &str = "kv";

/// A board whose file was read and checked.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) file: BoardFile<World, Device, Network>,
    pub(crate) state_dir: PathBuf,
    pub(crate) agent_name: String,
    pub(crate) agent: AgentSection,
}

impl Site {
    /// Reads the board file. Changes nothing.
    pub(crate) fn find(place: &Place) -> Outcome<Self> {
        let file: BoardFile<World, Device, Network> =
            BoardFile::load(&place.board).map_err(Failure::usage)?;
        if let Some(world) = &file.board.world {
            world
                .check()
                .map_err(|(key, message)| Failure::usage(file.wrong(&format!("world.{key}"), message)))?;
        }
        device::check(&file.board.device, file.board.board.kind)
            .map_err(|wrong| Failure::usage(wrong_section(&file, wrong)))?;
        check_family(&file)?;
        let (agent_name, agent) = file.agent(place.agent.as_deref()).map_err(Failure::usage)?;
        let (agent_name, agent) = (agent_name.to_owned(), agent.clone());
        let state_dir = place.state_dir.clone().unwrap_or_else(|| file.state_dir());
        let site = Self { file, state_dir, agent_name, agent };
        if let Some(network) = &site.file.board.network {
            network::check(&site, network)?;
        }
        Ok(site)
    }

    /// Makes the state folder, where there is none.
    pub(crate) fn make_state_dir(&self) -> Outcome<()> {
        std::fs::create_dir_all(&self.state_dir).map_err(|error| {
            let what = format!(
                "state folder {} can't be made: change `board.state_dir` or `--state-dir`",
                self.state_dir.display()
            );
            Failure::usage(anyhow::Error::new(error).context(what))
        })
    }

    /// Where a file of the board's state lies.
    pub(crate) fn in_state(&self, path: &Path) -> PathBuf {
        self.state_dir.join(path)
    }

    /// The flash file, or the device.
    pub(crate) fn flash_path(&self) -> PathBuf {
        self.in_state(&self.file.board.flash.path)
    }

    /// Where the flash is, and what holds it.
    pub(crate) fn flash_place(&self) -> FlashPlace {
        let flash = &self.file.board.flash;
        FlashPlace {
            medium: flash.medium(),
            path: self.flash_path(),
            bytes: flash.bytes.get(),
            state_dir: self.state_dir.clone(),
        }
    }

    /// Opens the flash for writing, or makes it.
    pub(crate) fn open_flash(&self) -> Outcome<SharedFlash<LinuxFlash>> {
        let flash =
            LinuxFlash::open_or_create(&self.flash_place()).map_err(|error| self.not_opened(error))?;
        let geometry = flash.geometry();
        self.shared(flash, geometry)
    }

    /// A flash as the journals on it share it: the one place that knows what each medium's manners are to
    /// a journal.
    pub(crate) fn shared<F>(&self, flash: F, geometry: Geometry) -> Outcome<SharedFlash<F>> {
        let manners = match geometry.writes {
            Writes::AtOnce => Region::from(0..0),
            Writes::KeptBack => Region::buffered(0..0),
        };
        let manners = manners.blocks(geometry.unit_bytes).sectors(geometry.sector_bytes);
        Ok(SharedFlash::with_manners(flash, manners).sealed(self.sealing()?))
    }

    /// What a flash that can't be opened means for the operator.
    pub(crate) fn not_opened(&self, error: OpenError) -> Failure {
        match error.key() {
            Some(key) => Failure::usage(self.file.wrong(key, error.to_string())),
            None => Failure::flash(error),
        }
    }

    /// Where the agent's records are.
    pub(crate) fn agent_region(&self) -> Range<u32> {
        let agents = self.file.layout().agents;
        // A checked file has a region for each of its agents.
        agents
            .into_iter()
            .find(|(name, _)| *name == self.agent_name)
            .map(|(_, region)| region)
            .unwrap_or_default()
    }

    /// What the flash is sealed with, if the board file says that it is.
    fn sealing(&self) -> Outcome<Option<Sealing>> {
        let flash = &self.file.board.flash;
        let Some(source) = &flash.seal else { return Ok(None) };
        let key = source
            .read(&self.file.resolve(Path::new("")))
            .map_err(|error| Failure::usage(self.file.wrong("flash.seal", error.to_string())))?;
        let mut salt = [0; SALT_BYTES];
        entropy::fill(&mut salt).map_err(Failure::failed)?;
        Ok(Some(Sealing::new(key, flash.device.clone(), salt)))
    }

    /// Where snapshots of the KV cache go, if anywhere. They hold what the journal does, and are not sealed
    /// yet: beside a sealed journal there are none.
    pub(crate) fn kv_snapshots(&self) -> Option<SnapshotOptions> {
        let folder = self.in_state(Path::new(KV_FOLDER)).join(&self.agent_name);
        kv_snapshots(&self.file.board.model, self.file.board.flash.seal.is_some(), folder)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.agent.limits.into()
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget { snapshot_records: self.file.board.flash.snapshot_records.get(), ..Budget::default() }
    }

    /// The agent as the driver wants it.
    pub(crate) fn config(&self) -> AgentConfig {
        let model = &self.file.board.model;
        AgentConfig {
            name: self.agent_name.clone(),
            system: self.agent.system.clone(),
            limits: self.limits(),
            sampling: Sampling { temperature: model.temperature.get(), top_p: model.top_p.get() },
            constraint: match self.agent.constraint {
                ConstraintKind::Calls => Constraint::Calls,
                ConstraintKind::Off => Constraint::Off,
            },
            run_tokens_max: self.agent.limits.run_tokens_max.get(),
            budget: self.budget(),
            approvals: Approvals::Return,
        }
    }

    /// Something is wrong with what is on flash: says where, and what can be done.
    pub(crate) fn flash_needs_attention(&self, error: impl Into<anyhow::Error>) -> Failure {
        let path = self.flash_path();
        let error = Failure::flash(error).line();
        // Every refusal over a seal says so, and none of them means that the flash is bad.
        let help = if error.contains("journal is sealed") || error.contains("journal was sealed") {
            "check `flash.seal` and `flash.device`: only the right key reads it"
        } else {
            match self.file.board.flash.medium {
                _ if path.is_file() => {
                    "what was accepted stays on it: keep a copy, then move the file away to start anew"
                }
                MediumKind::Mtd => {
                    "what is on it stays: check `flash.path`, keep a copy, then `flash_erase` the part to start anew"
                }
                MediumKind::File | MediumKind::Block => {
                    "what is on it stays: check `flash.path`, keep a copy, then fill it with zeros to start anew"
                }
            }
        };
        Failure::flash(anyhow::anyhow!(
            "flash {}, agent {}: {error}; {help}",
            path.display(),
            self.agent_name
        ))
    }
}

/// A device that can't be used, with its line.
pub(crate) fn wrong_section(file: &BoardFile<World, Device, Network>, wrong: WrongSection) -> BoardFileError {
    file.wrong(&format!("device.{}.{}", wrong.device, wrong.key), wrong.message)
}

fn kv_snapshots(section: &ModelSection, sealed: bool, folder: PathBuf) -> Option<SnapshotOptions> {
    let bytes_max = u64::from(section.kv_snapshot_bytes_max.get());
    let bytes_per_hour_max = u64::from(section.kv_snapshot_bytes_per_hour_max.get());
    (bytes_max > 0 && !sealed).then_some(SnapshotOptions { folder, bytes_max, bytes_per_hour_max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_kept_unless_switched_off_or_the_journal_is_sealed() {
        let section = ModelSection::default();
        let kept = |section: &ModelSection, sealed| kv_snapshots(section, sealed, "kv/gateway".into());
        let options = kept(&section, false).unwrap();
        assert_eq!(options.folder, Path::new("kv/gateway"));
        assert_eq!((options.bytes_max, options.bytes_per_hour_max), (64 << 20, 128 << 20));
        // What was said must not lie open beside a journal that is sealed.
        assert!(kept(&section, true).is_none());
        let off: ModelSection = toml::from_str("kv_snapshot_bytes_max = 0").unwrap();
        assert!(kept(&off, false).is_none());
    }
}
