//! The constraint: a reply is text without a call, or exactly one call that fits its tool's schema.
//!
//! Drives llguidance's matcher itself. Every error of it is handed on, so that a caller ends the
//! generation; none of them ever means more freedom. Leaves out which token the model prefers.

mod parameters;
mod source;
mod thought;

use everstep_core::TokenId;
use everstep_model::{Body, Family, ThoughtBegin, ToolDefinition};
use llguidance::{
    Matcher, ParserFactory,
    api::{ParserLimits, StopReason, TopLevelGrammar},
    earley::SlicedBiasComputer,
};
use serde_json::Value;
use toktrie::{InferenceCapabilities, SimpleVob, TokEnv};

use self::{
    source::{Marks, Source, json_rule},
    thought::Watch,
};
use crate::{
    schema::{self, SchemaError},
    vocabulary::Vocabulary,
};

/// Compiles grammars, and keeps the last ones: the tools of a run do not change.
pub(crate) struct Grammars {
    factory: ParserFactory,
    environment: TokEnv,
    family: &'static Family,
    thought: ThoughtBegin,
    marks: Marks,
    /// The one that was asked for last is the last.
    kept: Vec<(Vec<ToolDefinition>, Matcher)>,
}

/// A grammar on its way through one reply.
#[derive(Clone)]
pub(crate) struct Grammar {
    matcher: Matcher,
    thought: Option<Watch>,
}

/// Why the calls of a tool list can't be enforced.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum GrammarError {
    /// A tool's schema asks for what no grammar can hold.
    #[error("tool `{tool}`")]
    Schema {
        /// The tool.
        tool: String,
        /// What and where.
        #[source]
        source: SchemaError,
    },
    /// llguidance refuses a tool's schema.
    #[error("tool `{tool}`: its schema can't be enforced: {reason}")]
    Refused {
        /// The tool.
        tool: String,
        /// What llguidance says.
        reason: String,
    },
    /// Two tools share a name.
    #[error("tool `{tool}` is there twice")]
    Twice {
        /// The tool.
        tool: String,
    },
    /// A text of the tool would be markup in the prompt.
    #[error("tool `{tool}`: its text {text:?} holds the model's markup {markup:?}")]
    Markup {
        /// The tool.
        tool: String,
        /// The text, cut to a line.
        text: String,
        /// The markup in it.
        markup: String,
    },
    /// With this tool, the tools are more than one grammar is built for.
    #[error(
        "tool `{tool}`: with its schema the tools have {bytes} bytes of schemas; at most {SCHEMAS_BYTES_MAX} go into one grammar"
    )]
    TooMuch {
        /// The first tool that is too much.
        tool: String,
        /// Bytes of the schemas up to it.
        bytes: usize,
    },
    /// All tools together are too much, or the engine failed.
    #[error("the tools' grammar can't be built: {reason}")]
    Build {
        /// What llguidance says.
        reason: String,
    },
}

/// Why a generation can't go on under its grammar.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the constraint failed: {0}")]
pub(crate) struct ConstraintError(String);

/// Grammars that are kept: one for each generation at once.
const GRAMMARS_MAX: usize = crate::SEQUENCES_MAX as usize;
/// Most tools a grammar is built for.
const TOOLS_MAX: usize = 128;
/// Most bytes of schemas, annotations aside, that go into one grammar.
const SCHEMAS_BYTES_MAX: usize = 512 * 1024;
/// Ways a text may go on that the parser keeps at once. llguidance's own limit, a tenth of it, ends
/// generations under schemas that compile: one with some hundred properties that may be left out.
const ROW_ITEMS_MAX: usize = 20_000;
/// Tokens from which on a vocabulary gets fewer slices.
const LARGE_VOCABULARY_TOKENS: usize = 65_536;
/// The insides of strings that need no escapes, short ones and longer ones: two of llguidance's own.
const STRING_SLICES: [&str; 2] = [r#"[^"\\\x00-\x1F\x7F]{1,10}"#, r#"[^"\\\x00-\x1F\x7F]{1,30}"#];
/// The one tool of a grammar for a schema alone.
const SCHEMA_TOOL: &str = "value";
/// Stands for its arguments where only what is around them is asked for.
const PLACE: &str = "\u{0}";

impl Grammars {
    /// Sets up the compiler for a vocabulary. Costs a walk over it.
    pub(crate) fn new(
        vocabulary: &Vocabulary,
        family: &'static Family,
        thought: ThoughtBegin,
    ) -> Result<Self, GrammarError> {
        let control_token = |text: &str| vocabulary.control_token(text);
        Self::with_environment(&vocabulary.token_environment(), family, thought, control_token)
    }

    /// `control_token` tells the token of a mark that plain text never becomes.
    fn with_environment(
        environment: &TokEnv,
        family: &'static Family,
        thought: ThoughtBegin,
        control_token: impl Fn(&str) -> Option<TokenId>,
    ) -> Result<Self, GrammarError> {
        let slices = slices_of(environment.tok_trie().vocab_size());
        let mut factory = ParserFactory::new(environment, InferenceCapabilities::default(), &slices)
            .map_err(|error| GrammarError::Build { reason: error.to_string() })?;
        factory.quiet();
        *factory.limits_mut() = ParserLimits {
            verbose_errors: false,
            max_items_in_row: ROW_ITEMS_MAX,
            ..ParserLimits::default()
        };
        let marks = Marks::new(family, control_token);
        Ok(Self { factory, environment: environment.clone(), family, thought, marks, kept: Vec::new() })
    }

    /// The grammar for `tools`, at its begin. Thought is brought to its end after `thought_tokens_max`
    /// tokens.
    pub(crate) fn grammar(
        &mut self,
        tools: &[ToolDefinition],
        thought_tokens_max: usize,
    ) -> Result<Grammar, GrammarError> {
        let known = self.kept.iter().position(|(known, _)| known == tools);
        let newest = match known {
            Some(at) => self.kept.remove(at),
            None => (tools.to_vec(), self.compile(tools)?),
        };
        if self.kept.len() >= GRAMMARS_MAX {
            self.kept.remove(0);
        }
        let matcher = newest.1.clone();
        self.kept.push(newest);
        let thought =
            Watch::new(self.thought, self.family, thought_tokens_max, &self.environment, &self.marks);
        Ok(Grammar { matcher, thought })
    }

    fn compile(&self, tools: &[ToolDefinition]) -> Result<Matcher, GrammarError> {
        if tools.len() > TOOLS_MAX {
            let reason = format!("{} tools; at most {TOOLS_MAX} go into one", tools.len());
            return Err(GrammarError::Build { reason });
        }
        let mut schemas = Vec::with_capacity(tools.len());
        let mut bytes = 0_usize;
        for (number, tool) in tools.iter().enumerate() {
            let name = || tool.name.clone();
            if tools.iter().take(number).any(|other| other.name == tool.name) {
                return Err(GrammarError::Twice { tool: name() });
            }
            let checked = schema::check(&tool.arguments)
                .map_err(|source| GrammarError::Schema { tool: name(), source })?;
            bytes = bytes.saturating_add(checked.to_string().len());
            if bytes > SCHEMAS_BYTES_MAX {
                return Err(GrammarError::TooMuch { tool: name(), bytes });
            }
            self.try_alone(&tool.name, &checked)?;
            schemas.push((tool.name.as_str(), checked));
        }
        let mut source = Source::new(self.family, self.thought, &self.marks);
        for (tool, schema) in schemas {
            source
                .tool(tool, &schema)
                .map_err(|source| GrammarError::Schema { tool: tool.to_owned(), source })?;
        }
        self.matcher(&source.whole()).map_err(|reason| GrammarError::Build { reason })
    }

    /// The grammar for calls of one tool whose arguments are of any type: what schemas are measured with.
    /// Such a call is spelled as [`Grammars::schema_call`] says.
    pub(crate) fn schema_grammar(&self, schema: &Value) -> Result<Grammar, GrammarError> {
        let refused = |source| GrammarError::Schema { tool: SCHEMA_TOOL.to_owned(), source };
        let checked = schema::check_any(schema).map_err(refused)?;
        self.try_alone(SCHEMA_TOOL, &checked)?;
        let mut source = Source::new(self.family, ThoughtBegin::Never, &self.marks);
        source.tool(SCHEMA_TOOL, &checked).map_err(refused)?;
        let matcher = self.matcher(&source.whole()).map_err(|reason| GrammarError::Build { reason })?;
        Ok(Grammar { matcher, thought: None })
    }

    /// What stands around the arguments in a call of a [`Grammars::schema_grammar`], marks aside.
    pub(crate) fn schema_call(family: &Family) -> (String, String) {
        let call = family.write_call(SCHEMA_TOOL, PLACE);
        let inner = call.strip_prefix(family.call_open).and_then(|call| call.strip_suffix(family.call_close));
        let (head, tail) = inner.and_then(|inner| inner.split_once(PLACE)).unwrap_or_default();
        (head.to_owned(), tail.to_owned())
    }

    /// Compiles a tool's schema by itself and takes the first step in it, so that a refusal names the tool:
    /// some limits of llguidance only show once tokens are asked for.
    fn try_alone(&self, tool: &str, checked: &Value) -> Result<(), GrammarError> {
        let refused = |reason| GrammarError::Refused { tool: tool.to_owned(), reason };
        let source = match self.family.body {
            Body::Json(_) => format!("start: {}\n", json_rule(checked)),
            Body::Parameters(_) => {
                let mut alone = Source::new(self.family, ThoughtBegin::Never, &self.marks);
                let tool = tool.to_owned();
                alone.tool(&tool, checked).map_err(|source| GrammarError::Schema { tool, source })?;
                alone.only_tool()
            }
        };
        let matcher = self.matcher(&source).map_err(refused)?;
        let mut grammar = Grammar { matcher, thought: None };
        grammar.mask().map(drop).map_err(|ConstraintError(reason)| refused(reason))
    }

    fn matcher(&self, source: &str) -> Result<Matcher, String> {
        let parser = self.factory.create_parser(TopLevelGrammar::from_lark(source.to_owned()));
        let mut matcher = Matcher::new(parser);
        if let Some(reason) = matcher.get_error() {
            return Err(one_line(&reason));
        }
        match matcher.grammar_warnings().first() {
            Some(warning) => Err(one_line(warning)),
            None => Ok(matcher),
        }
    }
}

impl Grammar {
    /// Moves past `token`.
    pub(crate) fn accept(&mut self, token: TokenId) -> Result<(), ConstraintError> {
        self.matcher.consume_token(token).map_err(|error| failure(&error))?;
        if let Some(thought) = &mut self.thought {
            thought.take(token);
        }
        Ok(())
    }

    /// How many of `tokens` may follow, at most all. Changes nothing.
    pub(crate) fn allowed_count(&mut self, tokens: &[TokenId]) -> Result<usize, ConstraintError> {
        self.matcher.validate_tokens(tokens).map_err(|error| failure(&error))
    }

    /// Every token that may come next.
    pub(crate) fn mask(&mut self) -> Result<SimpleVob, ConstraintError> {
        let mask = self.matcher.compute_mask().map_err(|error| failure(&error))?;
        if mask.is_zero() { Err(ConstraintError("no token may come next".to_owned())) } else { Ok(mask) }
    }

    /// Whether the reply may end here.
    pub(crate) fn may_end(&mut self) -> Result<bool, ConstraintError> {
        self.matcher.is_accepting().map_err(|error| failure(&error))
    }

    /// Whether the reply is complete, so that nothing may follow.
    pub(crate) fn is_complete(&mut self) -> Result<bool, ConstraintError> {
        match self.matcher.stop_reason() {
            StopReason::NotStopped => Ok(false),
            StopReason::NoExtension | StopReason::NoExtensionBias | StopReason::EndOfSentence => Ok(true),
            reason => Err(ConstraintError(self.matcher.get_error().unwrap_or_else(|| reason.to_string()))),
        }
    }

    /// Tokens that must come next, so that the model need not be asked.
    pub(crate) fn forced(&mut self) -> Result<Vec<TokenId>, ConstraintError> {
        if let Some(end) = self.thought.as_ref().and_then(Watch::end) {
            return Ok(end);
        }
        let forced = self.matcher.compute_ff_tokens();
        match self.matcher.get_error() {
            Some(reason) => Err(ConstraintError(one_line(&reason))),
            None => Ok(forced),
        }
    }

    /// Tokens of text that must come next, where the model decides how it is cut into tokens: the likely
    /// ones. Empty where [`Grammar::forced`] is not.
    pub(crate) fn likely(&mut self) -> Result<Vec<TokenId>, ConstraintError> {
        let text = self.matcher.compute_ff_bytes();
        if let Some(reason) = self.matcher.get_error() {
            return Err(ConstraintError(one_line(&reason)));
        }
        let environment = self.matcher.tok_env().map_err(|error| failure(&error))?;
        Ok(if environment.tokenize_is_canonical() { environment.tokenize_bytes(&text) } else { Vec::new() })
    }
}

/// Kinds of text whose tokens are looked up as a whole where a grammar takes any text of the kind.
///
/// Each costs time and memory by the size of the vocabulary: with 152 k tokens, all that llguidance has for
/// JSON take 1.2 s and 42 MB. Those for short and for longer strings are what finds masks fast; the others
/// save little beside them, so large vocabularies do without.
fn slices_of(tokens: usize) -> Vec<String> {
    if tokens < LARGE_VOCABULARY_TOKENS {
        return SlicedBiasComputer::general_slices();
    }
    STRING_SLICES.iter().map(|&slice| slice.to_owned()).collect()
}

fn failure(error: &impl ToString) -> ConstraintError {
    ConstraintError(one_line(&error.to_string()))
}

/// The first line of a report, cut to a length that fits a log.
fn one_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(300).collect()
}

#[cfg(test)]
mod tests;
