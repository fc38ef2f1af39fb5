//! Asks the constraint itself which texts a schema takes, with the vocabulary of a model file and nothing
//! else of it.
//!
//! The schema is checked, compiled and fed as the arguments of a call are while one is generated: token
//! by token, between the marks of a call. Leaves out which texts it ought to take: `everstep eval` has
//! that.

use std::{fs::File, io::BufReader, path::Path, sync::Arc};

use everstep_core::TokenId;
use everstep_model::{HERMES, ThoughtBegin};
use llama_cpp_2::model::{LlamaModel as Weights, params::LlamaModelParams};
use serde_json::Value;

use crate::{
    GrammarError,
    engine::backend,
    gguf::Gguf,
    grammar::{ConstraintError, Grammar, Grammars},
    options::{LoadError, LoadFailure},
    template::Piece,
    vocabulary::Vocabulary,
};

/// Compiles schemas over the vocabulary of a model.
pub struct SchemaProbe {
    vocabulary: Vocabulary,
    grammars: Grammars,
}

/// The grammar of one schema.
pub struct SchemaTaker<'p> {
    vocabulary: &'p Vocabulary,
    grammar: Grammar,
}

impl SchemaProbe {
    /// Reads the vocabulary of the model at `path`; its weights are left alone.
    ///
    /// # Errors
    ///
    /// [`LoadError`] names the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        Self::read(path).map_err(|reason| LoadError { path: path.to_owned(), reason })
    }

    fn read(path: &Path) -> Result<Self, LoadFailure> {
        let file = File::open(path).map_err(LoadFailure::File)?;
        let bytes = file.metadata().map_err(LoadFailure::File)?.len();
        let gguf = Gguf::read(BufReader::new(&file), bytes).map_err(LoadFailure::Gguf)?;
        let parameters = LlamaModelParams::default().with_vocab_only(true);
        let weights = Weights::load_from_file(backend(false)?, path, &parameters)
            .map_err(|_| LoadFailure::Refused { architecture: gguf.architecture().to_owned() })?;
        let vocabulary = Vocabulary::new(Arc::new(weights), HERMES).map_err(LoadFailure::Vocabulary)?;
        let grammars = Grammars::new(&vocabulary, HERMES, ThoughtBegin::Never)
            .map_err(|error| LoadFailure::Constraint(error.to_string()))?;
        Ok(Self { vocabulary, grammars })
    }

    /// Compiles a schema of any type.
    ///
    /// # Errors
    ///
    /// [`GrammarError`], exactly where a tool with such arguments would be refused.
    pub fn compile(&self, schema: &Value) -> Result<SchemaTaker<'_>, GrammarError> {
        Ok(SchemaTaker { vocabulary: &self.vocabulary, grammar: self.grammars.schema_grammar(schema)? })
    }
}

impl SchemaTaker<'_> {
    /// Whether the call whose arguments are `text` could be generated.
    ///
    /// # Errors
    ///
    /// Where the constraint fails, as it would end a generation; it says why.
    pub fn takes(&self, text: &str) -> Result<bool, String> {
        let tokens = self.tokens(text).map_err(|error| error.to_string())?;
        feed(self.grammar.clone(), &tokens).map_err(|error| error.to_string())
    }

    fn tokens(&self, text: &str) -> Result<Vec<TokenId>, impl std::error::Error> {
        let (head, tail) = Grammars::schema_call(HERMES);
        let content = [head.as_str(), text, tail.as_str()].concat();
        self.vocabulary.encode(&[
            Piece::Markup(HERMES.call_open.to_owned()),
            Piece::Content(content.into()),
            Piece::Markup(HERMES.call_close.to_owned()),
        ])
    }
}

/// Whether the grammar takes every token, and has come to its end then.
fn feed(mut grammar: Grammar, tokens: &[TokenId]) -> Result<bool, ConstraintError> {
    for &token in tokens {
        if grammar.is_complete()? || grammar.allowed_count(&[token])? == 0 {
            return Ok(false);
        }
        grammar.accept(token)?;
    }
    Ok(grammar.is_complete()? || grammar.may_end()?)
}
