//! The interface to a language model, and a scripted model for rehearsals and tests.
//!
//! Leaves out how tokens come about: `everstep-model-llama` knows llama.cpp, nobody else does.

mod model;

pub use model::{
    Constraint, Message, Model, ModelCard, ModelEvent, NextEvent, Reply, Request, Sampling, ToolDefinition,
};
