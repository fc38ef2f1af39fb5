//! Language models through llama.cpp: the one crate that knows it.
//!
//! [`LlamaModel`] loads a GGUF on a thread of its own, renders the model's own chat template, holds
//! calls to their tools' schemas token by token, and goes on with a generation where a cut left it.
//! Several generations go on at once in one batch. What was evaluated outlives the process in snapshots.

mod abort;
mod batch;
mod boundaries;
mod draft;
mod draws;
mod engine;
mod evaluator;
mod generation;
mod gguf;
mod grammar;
mod mailbox;
mod memory;
mod model;
mod openmp;
mod options;
mod sampled_log;
mod schema;
mod schema_probe;
mod sequence;
mod serve;
mod snapshot;
mod snapshots;
mod source;
mod speech;
mod state;
mod store;
mod template;
#[cfg(test)]
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the numbers are tiny")]
mod tiny;
mod vocabulary;
mod workshop;

pub use abort::{install_abort_marker, take_abort_marker};
pub use draft::{DraftCounts, Drafting};
pub use gguf::GgufError;
pub use grammar::GrammarError;
pub use model::LlamaModel;
pub use openmp::exec_with_passive_openmp;
pub use options::{
    CONTEXT_TOKENS_DEFAULT_MAX, EngineOptions, LoadError, LoadFailure, LoadProgress, OnProgress,
    SEQUENCES_MAX, SnapshotOptions,
};
pub use schema::SchemaError;
pub use schema_probe::{SchemaProbe, SchemaTaker};
pub use template::TemplateError;
pub use vocabulary::VocabularyError;
