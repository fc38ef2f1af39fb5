//! Where everything is that is compared: `setup.sh` has put the peers there.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// The folders of one comparison.
pub(crate) struct Files {
    root: PathBuf,
}

/// A model all engines run.
#[derive(Clone, Debug)]
pub(crate) struct ModelFile {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
}

impl Files {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let files = Self { root };
        for needed in [files.everstep(), files.llama("llama-server"), files.llama("llama-bench")] {
            ensure!(needed.is_file(), "{} is missing; `make bench-engine` makes it", needed.display());
        }
        for model in files.models() {
            ensure!(
                model.path.is_file(),
                "{} is missing; `make bench-engine` makes it",
                model.path.display()
            );
        }
        Ok(files)
    }

    pub(crate) fn models(&self) -> [ModelFile; 2] {
        let wren = ModelFile { name: "wren", path: self.root.join("models/wren/wren.gguf") };
        [wren, self.large()]
    }

    /// The geometry of Qwen2.5-0.5B, which makes the one call it knows.
    pub(crate) fn large(&self) -> ModelFile {
        ModelFile { name: "qwen2.5-0.5b geometry", path: self.peers().join("qwen.gguf") }
    }

    pub(crate) fn everstep(&self) -> PathBuf {
        self.root.join("target/release/everstep")
    }

    /// A program of llama.cpp.
    pub(crate) fn llama(&self, program: &str) -> PathBuf {
        self.peers().join("llama.cpp/bin").join(program)
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.peers().join("venv/bin/python")
    }

    /// The agent in `LangGraph`.
    pub(crate) fn graph(&self) -> PathBuf {
        self.root.join("benches/peers/graph.py")
    }

    /// llama.cpp's libraries, for llama-cpp-python.
    pub(crate) fn libraries(&self) -> PathBuf {
        self.peers().join("llama.cpp/bin")
    }

    pub(crate) fn report(&self) -> PathBuf {
        self.root.join("target/bench/engine.json")
    }

    fn peers(&self) -> PathBuf {
        self.root.join("target/peers")
    }
}
