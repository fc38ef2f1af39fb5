//! The tools one agent may use: granted by name, checked before a run, and every call before it runs.
//!
//! Leaves out approvals, and what becomes of a call once it is checked.

mod refusal;
mod schema;

use std::{collections::BTreeMap, sync::Arc};

use everstep_core::{ARGUMENTS_BYTES_MAX, Class, TOOL_BYTES_MAX, ToolRules};
use jsonschema::Validator;
use serde_json::Value;

use crate::{Grant, Terms, Tool, ToolSpec, Trust};

pub use refusal::Refusal;
pub use schema::{SCHEMA_BYTES_MAX, SCHEMA_DEPTH_MAX};

/// Tools one agent may be granted: a small model reads them all before each reply.
pub const TOOLS_MAX: usize = 64;
/// Bytes of a tool's summary.
pub const SUMMARY_BYTES_MAX: usize = 256;
/// Longest `run_ms_max` a tool may ask for: 10 minutes.
pub const RUN_MS_LIMIT: u32 = 600_000;

/// The tools of one agent, in the order of its grants.
pub struct Toolbox {
    granted: Vec<Entry>,
    definitions: Vec<Definition>,
    /// Tools that exist on this board and are not granted.
    others: Vec<String>,
    digest: [u8; 32],
    /// Calls a day that all tools of one device or host may make together.
    budgets: BTreeMap<String, u32>,
}

struct Entry {
    tool: Arc<dyn Tool>,
    /// What the tool promises, within the terms of its grant.
    spec: ToolSpec,
    terms: Terms,
    validator: Validator,
}

/// A tool as the model is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Name it is called by.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// JSON schema of its arguments.
    pub arguments: Value,
}

/// A call that may be recorded as an intent.
#[derive(Clone)]
pub struct Checked {
    /// The tool.
    pub tool: Arc<dyn Tool>,
    /// The arguments as compact JSON in the schema's key order, so that equal calls are equal text.
    pub arguments: String,
    /// The same arguments as a value.
    pub value: Value,
    /// Set for a durable wait: the board's milliseconds to sleep instead of calling `run`.
    pub wait_ms: Option<u64>,
}

/// Why a start is refused. Each names the tool and what to change.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ToolboxError {
    /// A grant names no tool of this board.
    #[error("there is no tool `{name}`: this board has {}", .tools.join(", "))]
    NoSuchTool {
        /// The grant.
        name: String,
        /// The tools there are.
        tools: Vec<String>,
    },
    /// A grant is listed twice.
    #[error("tool `{name}` is granted twice")]
    GrantedTwice {
        /// The grant.
        name: String,
    },
    /// Two tools share a name.
    #[error("two tools are called `{name}`")]
    SameName {
        /// The name.
        name: String,
    },
    /// More grants than an agent may have.
    #[error("{count} tools are granted, at most {TOOLS_MAX} may be")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// A tool's name, summary or time limit is not within its limits.
    #[error("tool `{name}`: {what}")]
    Spec {
        /// The tool.
        name: String,
        /// What is wrong, and what is allowed.
        what: String,
    },
    /// A grant limits an argument in a way that makes no sense.
    #[error("tool `{name}`: argument `{argument}`: {what}")]
    Limit {
        /// The tool.
        name: String,
        /// The argument.
        argument: String,
        /// What is wrong, and what there is.
        what: String,
    },
    /// A schema has a keyword that can't be enforced, so that calls could not be held to it.
    #[error("tool `{name}`: schema keyword `{keyword}` at {place} can't be enforced")]
    Keyword {
        /// The tool.
        name: String,
        /// The keyword.
        keyword: String,
        /// Where it stands, as a JSON pointer.
        place: String,
    },
    /// A schema is not written as JSON Schema asks, or too large.
    #[error("tool `{name}`: schema: {what}")]
    Schema {
        /// The tool.
        name: String,
        /// What is wrong.
        what: String,
    },
}

impl Toolbox {
    /// Takes every tool of the board and what is granted to the agent, by name or with terms. Nothing else
    /// may be called.
    ///
    /// # Errors
    ///
    /// See [`ToolboxError`]; all tools are looked at, granted or not.
    pub fn new<'a, G>(tools: Vec<Arc<dyn Tool>>, grants: &'a [G]) -> Result<Self, ToolboxError>
    where
        &'a G: Into<Grant>,
    {
        let grants: Vec<Grant> = grants.iter().map(Into::into).collect();
        let mut by_name = BTreeMap::new();
        for tool in tools {
            let name = tool.spec().name.clone();
            check_spec(tool.spec())?;
            if by_name.insert(name.clone(), tool).is_some() {
                return Err(ToolboxError::SameName { name });
            }
        }
        if grants.len() > TOOLS_MAX {
            return Err(ToolboxError::TooMany { count: grants.len() });
        }
        let names: Vec<String> = by_name.keys().cloned().collect();
        let mut granted = Vec::with_capacity(grants.len());
        for (index, Grant { tool: name, terms }) in grants.iter().enumerate() {
            if grants.iter().take(index).any(|earlier| earlier.tool == *name) {
                return Err(ToolboxError::GrantedTwice { name: name.clone() });
            }
            let Some(tool) = by_name.remove(name) else {
                return Err(ToolboxError::NoSuchTool { name: name.clone(), tools: names });
            };
            // As it is, and as it is granted.
            schema::compile(tool.spec())?;
            let spec = terms.narrow(tool.spec().clone()).map_err(|(argument, what)| ToolboxError::Limit {
                name: name.clone(),
                argument,
                what,
            })?;
            let validator = schema::compile(&spec)?;
            granted.push(Entry { tool, spec, terms: terms.clone(), validator });
        }
        let definitions = granted.iter().map(|entry| Definition::of(&entry.spec)).collect();
        let digest = digest(granted.iter().map(|entry| &entry.spec));
        let others = by_name.into_keys().collect();
        Ok(Self { granted, definitions, others, digest, budgets: BTreeMap::new() })
    }

    /// The same, with calls a day that all tools of one device or host may make together, by its name.
    #[must_use]
    pub fn with_budgets(self, budgets: BTreeMap<String, u32>) -> Self {
        Self { budgets, ..self }
    }

    /// The granted tools as the model is told of them, in the order of the grants.
    #[must_use]
    pub fn definitions(&self) -> &[Definition] {
        &self.definitions
    }

    /// What the granted tools promise, within their grants, in the order of the grants.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.granted.iter().map(|entry| &entry.spec)
    }

    /// What decisions about calls depend on.
    #[must_use]
    pub fn rules(&self) -> ToolRules {
        ToolRules::new(
            self.granted.iter().map(|entry| entry.terms.rule(&entry.spec, &self.budgets)).collect(),
        )
    }

    /// The terms under which a tool is granted.
    #[must_use]
    pub fn terms(&self, name: &str) -> Option<&Terms> {
        self.entry(name).map(|entry| &entry.terms)
    }

    /// BLAKE3 over everything a run relies on: names, summaries, schemas, classes and trust, in the
    /// order of the grants.
    #[must_use]
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// A granted tool.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.entry(name).map(|entry| &entry.tool)
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.granted.iter().find(|entry| entry.spec.name == name)
    }

    /// Checks a call that a model asks for: known, granted, within its limits, valid by its schema.
    ///
    /// # Errors
    ///
    /// [`Refusal`], whose text a small model can act on.
    pub fn check(&self, name: &str, arguments: &Value) -> Result<Checked, Refusal> {
        let Some(Entry { tool, spec, validator, .. }) = self.entry(name) else {
            return Err(self.not_granted(name));
        };
        let schema = &spec.arguments;
        let invalid = |what| Refusal::Invalid { tool: name.to_owned(), what };
        if !arguments.is_object() {
            return Err(invalid(format!(
                "the arguments must be an object, got {}",
                refusal::shown(arguments)
            )));
        }
        if let Err(error) = validator.validate(arguments) {
            return Err(invalid(refusal::explain(&error)));
        }
        let value = schema::canonical(arguments, schema);
        let text = value.to_string();
        if text.len() > ARGUMENTS_BYTES_MAX {
            return Err(Refusal::TooLong { tool: name.to_owned(), bytes: text.len() });
        }
        let wait_ms = tool.wait_ms(&value);
        Ok(Checked { tool: Arc::clone(tool), arguments: text, value, wait_ms })
    }

    fn not_granted(&self, name: &str) -> Refusal {
        if self.others.iter().any(|other| other == name) {
            return Refusal::NotGranted { tool: name.to_owned() };
        }
        let names = self.specs().map(|spec| spec.name.clone()).collect();
        Refusal::NoSuchTool { tool: refusal::shorten(name), tools: names }
    }
}

impl Definition {
    fn of(spec: &ToolSpec) -> Self {
        Self { name: spec.name.clone(), summary: spec.summary.clone(), arguments: spec.arguments.clone() }
    }
}

fn check_spec(spec: &ToolSpec) -> Result<(), ToolboxError> {
    let ToolSpec { name, summary, run_ms_max, .. } = spec;
    let letters = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    let what = if name.is_empty() || name.len() > TOOL_BYTES_MAX || !letters {
        format!("a name has 1 to {TOOL_BYTES_MAX} of a-z, 0-9 and _")
    } else if summary.is_empty() || summary.len() > SUMMARY_BYTES_MAX || summary.contains(char::is_control) {
        format!("a summary is one line of 1 to {SUMMARY_BYTES_MAX} bytes")
    } else if !(1..=RUN_MS_LIMIT).contains(run_ms_max) {
        format!("run_ms_max is {run_ms_max}, it must be 1 to {RUN_MS_LIMIT}")
    } else {
        return Ok(());
    };
    Err(ToolboxError::Spec { name: refusal::shorten(name), what })
}

fn digest<'a>(specs: impl Iterator<Item = &'a ToolSpec>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        // With its length, so that no two lists of texts run into the same bytes.
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for spec in specs {
        let class = match spec.class {
            Class::Keyed { key_valid_s } => format!("keyed {key_valid_s}"),
            Class::ReadBack { settle_ms } => format!("read_back {settle_ms}"),
            class @ (Class::Observe | Class::Safe | Class::Never) => class.name().to_owned(),
        };
        let trust = match spec.trust {
            Trust::Inside => "inside",
            Trust::Outside => "outside",
        };
        for text in [&spec.name, &spec.summary, &spec.arguments.to_string(), &class, trust] {
            add(text);
        }
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
