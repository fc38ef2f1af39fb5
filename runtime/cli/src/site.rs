//! The board a command is about: its file, its state folder, the agent.

use std::path::{Path, PathBuf};

use everstep_board_linux::config::{AgentSection, BoardFile};

use crate::{
    args::Place,
    exit::{Failure, Outcome},
};

/// The section of the simulated world.
pub(crate) type World = toml::Table;
/// The section of one device.
pub(crate) type Device = toml::Table;

/// A board whose file was read and checked.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) file: BoardFile<World, Device>,
    pub(crate) state_dir: PathBuf,
    pub(crate) agent_name: String,
    pub(crate) agent: AgentSection,
}

impl Site {
    /// Reads the board file. Changes nothing.
    pub(crate) fn find(place: &Place) -> Outcome<Self> {
        let file: BoardFile<World, Device> = BoardFile::load(&place.board).map_err(Failure::usage)?;
        let (agent_name, agent) = file.agent(place.agent.as_deref()).map_err(Failure::usage)?;
        let (agent_name, agent) = (agent_name.to_owned(), agent.clone());
        let state_dir = place.state_dir.clone().unwrap_or_else(|| file.state_dir());
        Ok(Self { file, state_dir, agent_name, agent })
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

    /// The flash file.
    pub(crate) fn flash_path(&self) -> PathBuf {
        self.in_state(&self.file.board.flash.path)
    }
}
