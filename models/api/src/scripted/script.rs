//! The script's file: TOML, replies in order and replies by what was observed.
//!
//! Leaves out any state: which reply comes next is counted from the messages each time.

use std::{fs, io, path::Path};

use everstep_core::steps_left_out;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Family, Message};

/// Replies in order, and replies that an observation asks for.
///
/// ```toml
/// name = "door rehearsal"           # optional; for people
/// context_tokens_max = 4096         # optional; a prompt's tokens are its bytes here
///
/// [[reply]]                         # replies without `when` are said in this order
/// call = "read_room"                # a tool call, written in the Hermes form
///
/// [[reply]]
/// call = "compare"
/// arguments = '{"value": -4.2, "operator": "<=", "limit": -18}'    # JSON; `{}` when left out
///
/// [[reply]]                         # said instead, whenever its text was observed
/// when = "door open"
/// times_max = 3                     # optional; how often
/// call = "alert"
/// arguments = '{"text": "the cold room door is open"}'
///
/// [[reply]]
/// say = "The cold room is at -18.6 C."    # text as it stands, a malformed call too
///
/// [[reply]]
/// fail = "the engine is out of memory"    # the generation fails
/// ```
///
/// A reply with `when` is said when something observed since the model's last reply (a tool's
/// result, the task, a notice) contains its text; the first such reply in the file wins. Otherwise the
/// next reply in order is said. A script that is asked beyond its last reply fails the generation.
///
/// Where a context was full and earlier steps are left out, they count as replies in order, and results
/// that were shortened are seen as they are now.
#[derive(Clone, Debug)]
pub struct Script {
    name: String,
    context_tokens: u32,
    digest: [u8; 32],
    ordered: Vec<Line>,
    rules: Vec<Rule>,
}

/// Why a script can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file can't be read; check its path.
    #[error("script {path} can't be read")]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is longer than a script may be.
    #[error("script {path} has {bytes} bytes; at most {SCRIPT_BYTES_MAX} are read")]
    TooBig {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// The text is no TOML of the form above; the message names line and column.
    #[error("script {path} is not valid: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        reason: String,
    },
    /// One reply makes no sense.
    #[error("script {path}, reply {number}: {reason}")]
    Reply {
        /// The file.
        path: String,
        /// Which reply, from 1.
        number: usize,
        /// What is wrong and what to write.
        reason: String,
    },
}

/// What one reply does.
#[derive(Clone, Debug)]
pub(super) enum Line {
    Say(String),
    Fail(String),
}

#[derive(Clone, Debug)]
struct Rule {
    when: String,
    times_max: usize,
    line: Line,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    context_tokens_max: Option<u32>,
    #[serde(default)]
    reply: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    when: Option<String>,
    times_max: Option<usize>,
    say: Option<String>,
    call: Option<String>,
    arguments: Option<String>,
    fail: Option<String>,
}

/// Longest script that is read.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

impl Script {
    /// Reads the script at `path`.
    ///
    /// # Errors
    ///
    /// Each variant of [`ScriptError`] names the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let shown = path.display().to_string();
        let failed = |source| ScriptError::Read { path: shown.clone(), source };
        let bytes = fs::metadata(path).map_err(failed)?.len();
        if bytes > SCRIPT_BYTES_MAX {
            return Err(ScriptError::TooBig { path: shown, bytes });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        Self::parse(&shown, &text)
    }

    /// Reads a script's text; `origin` names it in errors.
    ///
    /// # Errors
    ///
    /// [`ScriptError::Syntax`] and [`ScriptError::Reply`].
    pub fn parse(origin: &str, text: &str) -> Result<Self, ScriptError> {
        let file: File = toml::from_str(text).map_err(|error| ScriptError::Syntax {
            path: origin.to_owned(),
            // The first lines show the place; the rest of a long message helps nobody.
            reason: error.to_string().trim().replace('\n', " "),
        })?;
        let mut script = Self {
            name: file.name.unwrap_or_else(|| origin.to_owned()),
            context_tokens: file.context_tokens_max.unwrap_or(u32::MAX),
            digest: *blake3::hash(text.as_bytes()).as_bytes(),
            ordered: Vec::new(),
            rules: Vec::new(),
        };
        for (index, entry) in file.reply.into_iter().enumerate() {
            script.add(entry).map_err(|reason| ScriptError::Reply {
                path: origin.to_owned(),
                number: index.saturating_add(1),
                reason,
            })?;
        }
        Ok(script)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn context_tokens(&self) -> u32 {
        self.context_tokens
    }

    pub(super) const fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What the script says after `messages`. Walks them from the start, so that the answer depends on
    /// nothing else.
    pub(super) fn reply_to(&self, messages: &[Message]) -> Result<&Line, String> {
        let mut said = Said { ordered: 0, by_rule: vec![0; self.rules.len()] };
        let mut observed: Vec<&str> = Vec::new();
        for message in messages {
            match message {
                Message::System(_) => {}
                Message::User(text) if steps_left_out(text).is_some() => {
                    let steps = steps_left_out(text).and_then(|steps| usize::try_from(steps).ok());
                    said.ordered = said.ordered.saturating_add(steps.unwrap_or_default());
                }
                Message::User(text) | Message::Tool(text) => observed.push(text),
                Message::Assistant { .. } => {
                    // Beyond the script's end there is nothing left to count.
                    let _ = self.pick(&observed, &mut said);
                    observed.clear();
                }
            }
        }
        self.pick(&observed, &mut said).ok_or_else(|| {
            format!("the script has no further reply: all {} in order are said", self.ordered.len())
        })
    }

    fn pick(&self, observed: &[&str], said: &mut Said) -> Option<&Line> {
        for (rule, times) in self.rules.iter().zip(&mut said.by_rule) {
            if *times < rule.times_max && observed.iter().any(|text| text.contains(&rule.when)) {
                *times = times.saturating_add(1);
                return Some(&rule.line);
            }
        }
        let line = self.ordered.get(said.ordered)?;
        said.ordered = said.ordered.saturating_add(1);
        Some(line)
    }

    fn add(&mut self, entry: Entry) -> Result<(), String> {
        if entry.arguments.is_some() && entry.call.is_none() {
            return Err("`arguments` belongs to `call`; name the tool".to_owned());
        }
        let line = match (entry.say, entry.call, entry.fail) {
            (Some(text), None, None) => Line::Say(text),
            (None, Some(tool), None) => Line::Say(write_call(&tool, entry.arguments.as_deref())?),
            (None, None, Some(reason)) => Line::Fail(reason),
            _ => return Err("write exactly one of `say`, `call` and `fail`".to_owned()),
        };
        match (entry.when, entry.times_max) {
            (Some(when), _) if when.is_empty() => {
                return Err("`when` is empty; name a text to look for, or leave it out".to_owned());
            }
            (Some(when), times) => {
                self.rules.push(Rule { when, times_max: times.unwrap_or(usize::MAX), line });
            }
            (None, Some(_)) => return Err("`times_max` needs `when`".to_owned()),
            (None, None) => self.ordered.push(line),
        }
        Ok(())
    }
}

/// How much of the script was said.
struct Said {
    ordered: usize,
    by_rule: Vec<usize>,
}

fn write_call(tool: &str, arguments: Option<&str>) -> Result<String, String> {
    let arguments = arguments.unwrap_or("{}");
    serde_json::from_str::<Map<String, Value>>(arguments)
        .map_err(|error| format!("`arguments` is no JSON object: {error}"))?;
    let family = Family::by_name(super::FORM).ok_or("the form of calls is not built in")?;
    Ok(family.write_call(tool, arguments))
}
