//! The model a command is about: a GGUF through llama.cpp, or a script.

use std::{
    num::{NonZeroU16, NonZeroU32},
    path::{Path, PathBuf},
};

use everstep_board_linux::{
    config::{BoardFile, ModelSection},
    machine,
};
use everstep_model::{Family, Model, ModelCard, Script, ScriptedModel};
use everstep_model_llama::{EngineOptions, LlamaModel, LoadProgress, OnProgress, SnapshotOptions};

use crate::{
    args::{BOARD_DEFAULT, Place},
    exit::{Failure, Outcome},
    screen::Screen,
    site::{Device, Network, Site, World},
};

/// How a script is told from a GGUF.
const SCRIPTED: &str = "scripted:";

/// Which model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Choice {
    /// A GGUF file.
    Gguf(PathBuf),
    /// A script that says what the model would.
    Scripted(PathBuf),
}

impl Choice {
    /// The model of the command line, else of the board file. Paths on the command line start at the
    /// current folder, those of the board file at its own.
    pub(crate) fn of(site: &Site, flag: Option<&str>) -> Outcome<Self> {
        Self::in_file(&site.file, flag)
    }

    /// The same for a command that needs no agent, nor a board where `--model` names all there is to
    /// know. Also hands back how the model is set up.
    pub(crate) fn without_agent(place: &Place, flag: Option<&str>) -> Outcome<(Self, ModelSection)> {
        let is_named = place.board != Path::new(BOARD_DEFAULT) || place.board.exists();
        if let Some(flag) = flag.filter(|_| !is_named) {
            return Ok((Self::parse(flag, Path::to_owned), ModelSection::default()));
        }
        let file: BoardFile<World, Device, Network> =
            BoardFile::load(&place.board).map_err(Failure::usage)?;
        check_family(&file)?;
        Ok((Self::in_file(&file, flag)?, file.board.model))
    }

    fn in_file(file: &BoardFile<World, Device, Network>, flag: Option<&str>) -> Outcome<Self> {
        if let Some(flag) = flag {
            return Ok(Self::parse(flag, Path::to_owned));
        }
        match &file.board.model.path {
            Some(path) => Ok(Self::parse(path, |path| file.resolve(path))),
            None => Err(Failure::usage(
                file.wrong("model.path", "no model is named: set this key, or give `--model FILE`".into()),
            )),
        }
    }

    fn parse(text: &str, place: impl Fn(&Path) -> PathBuf) -> Self {
        match text.strip_prefix(SCRIPTED) {
            Some(script) => Self::Scripted(place(Path::new(script))),
            None => Self::Gguf(place(Path::new(text))),
        }
    }

    /// Whether more than one thread will compute, so that libgomp has to be told how to wait.
    pub(crate) fn uses_threads(&self, section: &ModelSection) -> bool {
        matches!(self, Self::Gguf(_)) && section.threads.get() != 1
    }

    /// What the model is. No weights are loaded for it.
    pub(crate) fn card(
        &self,
        section: &ModelSection,
        snapshots: Option<SnapshotOptions>,
    ) -> Outcome<ModelCard> {
        match self {
            Self::Scripted(_) => Ok(self.load(section, None, None)?.card().clone()),
            Self::Gguf(path) => {
                let options = EngineOptions { snapshots, ..options(path, section) };
                LlamaModel::describe(&options, on_progress()).map_err(Failure::usage)
            }
        }
    }

    /// Loads the model.
    pub(crate) fn load(
        &self,
        section: &ModelSection,
        sampled_log: Option<PathBuf>,
        snapshots: Option<SnapshotOptions>,
    ) -> Outcome<Box<dyn Model>> {
        self.load_for(section, 1, sampled_log, snapshots)
    }

    /// Loads the model for so many generations at once; a script makes one at a time all the same.
    pub(crate) fn load_for(
        &self,
        section: &ModelSection,
        sequences: u16,
        sampled_log: Option<PathBuf>,
        snapshots: Option<SnapshotOptions>,
    ) -> Outcome<Box<dyn Model>> {
        match self {
            Self::Scripted(path) => {
                let script = Script::read(path).map_err(Failure::usage)?;
                Ok(Box::new(ScriptedModel::new(script)))
            }
            Self::Gguf(path) => {
                let options = EngineOptions { sampled_log, snapshots, sequences, ..options(path, section) };
                let model = LlamaModel::load(options, on_progress()).map_err(Failure::usage)?;
                Ok(Box::new(model))
            }
        }
    }
}

/// How the board file wants a GGUF set up.
fn options(path: &Path, section: &ModelSection) -> EngineOptions {
    EngineOptions {
        context_tokens: NonZeroU32::new(section.context_tokens_max.get()),
        threads: u16::try_from(section.threads.get()).ok().and_then(NonZeroU16::new),
        cores_free: machine::cores_free(),
        memory_mb_max: NonZeroU32::new(section.memory_mb_max.get()),
        family: section.family.clone(),
        ..EngineOptions::new(path)
    }
}

/// Shows how far a load is.
fn on_progress() -> OnProgress {
    let mut screen = Screen::new();
    Box::new(move |progress| match progress {
        LoadProgress::Digest(read, all) if read < all => {
            screen.progress(&format!("checking the model, {read} of {all} bytes"));
        }
        LoadProgress::Weights(share) if share < 1.0 => {
            screen.progress(&format!("loading the model, {:.0} %", share * 100.0));
        }
        LoadProgress::Digest(..) | LoadProgress::Weights(_) => screen.progress_ends(),
    })
}

/// Checks the name in `model.family`.
pub(crate) fn check_family(file: &BoardFile<World, Device, Network>) -> Outcome<()> {
    match &file.board.model.family {
        Some(name) if Family::by_name(name).is_none() => Err(Failure::usage(file.wrong(
            "model.family",
            format!("there is no family `{}`; known are {}", name.escape_debug(), Family::names()),
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_told_by_their_prefix_and_paths_start_where_they_should() {
        let below = |path: &Path| Path::new("board").join(path);
        assert_eq!(Choice::parse("scripted:a.toml", below), Choice::Scripted("board/a.toml".into()));
        assert_eq!(Choice::parse("a.gguf", below), Choice::Gguf("board/a.gguf".into()));
        assert_eq!(Choice::parse("/a.gguf", below), Choice::Gguf("/a.gguf".into()));
    }
}
