//! The interface to a language model, and a scripted model for rehearsals and tests.
//!
//! Leaves out how tokens come about: `everstep-model-llama` knows llama.cpp, nobody else does.

mod families;
mod memory;
mod model;
mod scripted;

/// The numbers that requests and events carry.
pub use everstep_core::{ActivityId, GenerationId, TokenId};
pub use families::{
    Body, CALL_ID, FAMILIES, Family, GENERIC, HERMES, JsonForm, ParameterForm, THOUGHT_CLOSE, THOUGHT_OPEN,
    TextKind, Thought, ThoughtBegin, Traits, Values,
};
pub use memory::Memory;
pub use model::{
    Constraint, FamilyFrom, Message, Model, ModelCard, ModelEvent, NextEvent, Reply, Request, Sampling,
    SnapshotFact, ToolDefinition, ToolsRefused,
};
pub use scripted::{Script, ScriptError, ScriptedModel};
