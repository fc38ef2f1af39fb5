//! The `Model` trait: plain messages in, plain messages out.

use std::{future::Future, pin::Pin};

use everstep_core::{ActivityId, GenerationId, TokenId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Memory;

/// The next event of a model, as a boxed future.
pub type NextEvent<'a> = Pin<Box<dyn Future<Output = ModelEvent> + Send + 'a>>;

/// A model that works elsewhere: on a thread, in another process; on one generation at a time, or on
/// several.
///
/// Messages are plain data, so that the engine can move to a child process or serve several agents
/// without a change for its callers.
pub trait Model: Send {
    /// What the model is, for the digests of a run and for people.
    fn card(&self) -> &ModelCard;

    /// Checks before a run that every call of `tools` can be held to its schema. May take as long as a
    /// grammar takes to compile; the result is kept for the run.
    ///
    /// # Errors
    ///
    /// [`ToolsRefused`] names the tool and the keyword. A run with these tools must not start.
    fn check_tools(&mut self, tools: &[ToolDefinition]) -> Result<(), ToolsRefused> {
        let _ = tools;
        Ok(())
    }

    /// Generations it works on at once; what is submitted beyond them waits, or is refused.
    fn generations_max(&self) -> usize {
        1
    }

    /// Starts a generation. Of those before, fewer than [`Model::generations_max`] must be under way. Every
    /// event carries its activity, which no other one under way may have; a late event of a cancelled one
    /// can be told by that.
    fn submit(&mut self, request: Request);

    /// Tells that `tokens` tokens of the generation are durable. The model samples at most
    /// `run_tokens_max` beyond that.
    fn accepted(&mut self, activity: ActivityId, tokens: usize);

    /// Ends a generation early. No event is owed for it afterwards.
    fn cancel(&mut self, activity: ActivityId);

    /// Waits for the next event. Dropping the future loses none.
    fn next_event(&mut self) -> NextEvent<'_>;

    /// The text of `tokens`, for showing them. Bytes that are no UTF-8 become U+FFFD.
    fn text(&self, tokens: &[TokenId]) -> String;

    /// Reads the finished text of a generation. `tools` are those it was offered: forms that write
    /// strings without quotes are read by their schemas.
    fn parse(&self, text: &str, tools: &[ToolDefinition]) -> Reply;
}

/// What a model is.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Name, for people.
    pub name: String,
    /// Family the chat form follows (`hermes`, `scripted`).
    pub family: String,
    /// How the family was found.
    pub family_from: FamilyFrom,
    /// What the chat template can't do and how it is done instead, a line each.
    pub workarounds: Vec<String>,
    /// BLAKE3 of the model's file, or of the script.
    pub digest: [u8; 32],
    /// BLAKE3 of the chat template.
    pub template_digest: [u8; 32],
    /// Tokens of context this instance was set up with.
    pub context_tokens: u32,
    /// Tokens of context it was trained for, where known.
    pub context_trained: Option<u32>,
    /// Parameters, where known.
    pub parameters: Option<u64>,
    /// Bytes of the file, where there is one.
    pub file_bytes: Option<u64>,
    /// Quantization or other description of the weights.
    pub quantization: String,
    /// Threads that compute, where they are known.
    pub threads: Option<u16>,
    /// The memory it takes, where there is an engine that takes any.
    pub memory: Option<Memory>,
}

/// How a model's family was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyFrom {
    /// The model's file tells it.
    Detected,
    /// The operator named it.
    Chosen,
    /// Nothing tells it: the generic form is used, which the model may never have seen.
    Assumed,
}

/// One generation to be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The activity every event of this generation carries.
    pub activity: ActivityId,
    /// Which generation of the agent this is; goes into the draws.
    pub generation: GenerationId,
    /// How often this generation was started over; goes into the draws.
    pub redo: u32,
    /// Seed of the run; goes into the draws.
    pub seed: u64,
    /// What was said so far, the system text first.
    pub messages: Vec<Message>,
    /// The tools the model may call, in the order it sees them.
    pub tools: Vec<ToolDefinition>,
    /// Tokens of this generation that are on flash already: they are fed back through the
    /// constraint and never sampled again.
    pub generated: Vec<TokenId>,
    /// Tokens this generation may have in all.
    pub tokens_max: u32,
    /// Most tokens in one `Tokens` event, and most that may be sampled beyond `accepted`.
    pub run_tokens_max: u32,
    /// Whether calls are held to the tools' schemas while they are sampled.
    pub constraint: Constraint,
    /// How tokens are drawn.
    pub sampling: Sampling,
}

/// Whether calls are forced into their grammar.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Constraint {
    /// Every call is held to its tool's schema, token by token.
    Calls,
    /// Free text; calls are checked only after parsing. For evaluation.
    Off,
}

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 takes the most likely token.
    pub temperature: f32,
    /// Share of probability kept before a draw, 0 to 1; 1 keeps all.
    pub top_p: f32,
}

/// One message of the conversation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// Instructions from the board file.
    System(String),
    /// The task, or a notice of the runtime.
    User(String),
    /// A finished reply of the model: the very tokens, and their text.
    Assistant {
        /// Tokens as sampled, without the token that ended the reply. Where none are known, as in a
        /// case for `eval`, the text is tokenised.
        tokens: Vec<TokenId>,
        /// Their text.
        text: String,
    },
    /// What came of the model's call.
    Tool(String),
}

/// A tool as the model sees it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ToolDefinition {
    /// Name it is called by.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// JSON Schema of the arguments.
    pub arguments: Value,
}

/// Why a model can't be held to the schemas of its tools.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct ToolsRefused {
    /// Which tool, which keyword, where.
    pub reason: String,
}

/// What a model reports.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum ModelEvent {
    /// Part of the prompt is evaluated.
    Progress {
        /// Whose prompt.
        activity: ActivityId,
        /// Tokens evaluated so far, those taken from the cache included.
        evaluated: u32,
        /// Tokens the cache served, which needed no evaluation.
        cached: u32,
        /// Tokens of the whole prompt.
        total: u32,
    },
    /// What became of a snapshot of the KV cache. May come at any time, whatever is under way.
    Snapshot(SnapshotFact),
    /// A run of sampled tokens, in order, right behind those before it.
    Tokens {
        /// Whose tokens.
        activity: ActivityId,
        /// At least one, unless the reply ended exactly at the run before.
        tokens: Vec<TokenId>,
        /// Set with the last run: the text of the whole reply.
        end: Option<String>,
    },
    /// The constraint doesn't accept the tokens that were on flash.
    PrefixRefused {
        /// Whose tokens.
        activity: ActivityId,
        /// Why.
        reason: String,
    },
    /// The prompt and the reply don't fit the context.
    ContextFull {
        /// Whose prompt.
        activity: ActivityId,
        /// Tokens needed.
        tokens: u32,
        /// Tokens there are.
        tokens_max: u32,
    },
    /// The generation ended without a reply: a stuck grammar, a mask error, no end in sight.
    Failed {
        /// Whose generation.
        activity: ActivityId,
        /// Why.
        reason: String,
    },
    /// The engine is gone; nothing more will come.
    Gone {
        /// Why.
        reason: String,
    },
}

/// What became of a snapshot of the KV cache, which spares the next process an evaluation.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum SnapshotFact {
    /// The prompt goes on behind it.
    Restored {
        /// Its file's name.
        file: String,
        /// Tokens of it that begin the prompt.
        tokens: u32,
        /// Tokens it holds.
        of: u32,
    },
    /// It does not serve; the prompt is evaluated, or an older one is tried.
    Refused {
        /// Its file's name; empty where the folder itself can't be read.
        file: String,
        /// Why.
        reason: String,
    },
    /// It is on the medium.
    Written {
        /// Tokens it holds.
        tokens: u32,
        /// Bytes of the file.
        bytes: u64,
        /// How long the medium took.
        took_ms: u64,
    },
    /// One was due, and there is none.
    NotWritten {
        /// Why.
        reason: String,
    },
}

/// A parsed reply.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The final answer.
    Answer(String),
    /// A call of a tool.
    Call {
        /// Name as the model wrote it.
        tool: String,
        /// Arguments as the model wrote them.
        arguments: Value,
    },
    /// Something that is neither; the text says what is wrong, in words the model can act on.
    Malformed(String),
}
