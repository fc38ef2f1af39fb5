//! How the model is spoken to: its family, its vocabulary, its template and the constraint of its calls.
//!
//! Needs the vocabulary alone, and with a large one takes as long as the weights: it is made ready beside
//! the context. Reading the vocabulary first, to begin while the weights are read, was measured and is not
//! worth it: llama.cpp then reads it twice, 1.5 s and 48 MB with 152 k tokens.

use std::sync::Arc;

use everstep_model::{Family, FamilyFrom, GENERIC, Traits};
use llama_cpp_2::model::LlamaModel as Weights;

use crate::{
    gguf::Gguf,
    grammar::Grammars,
    options::LoadFailure,
    source::{Source, TEMPLATE_KEY},
    template::Template,
    vocabulary::Vocabulary,
};

/// Everything but the constraint, which costs most where the vocabulary is large.
pub(crate) struct Speech {
    pub(crate) family: &'static Family,
    pub(crate) family_from: FamilyFrom,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) template: Template,
}

impl Speech {
    /// Reads what `model` says of itself; `chosen` is the family the operator named.
    pub(crate) fn new(
        source: &Source,
        model: Arc<Weights>,
        chosen: Option<&'static Family>,
    ) -> Result<Self, LoadFailure> {
        let template_source = source.gguf.text(TEMPLATE_KEY).ok_or(LoadFailure::NoTemplate)?;
        let (family, family_from) = family_of(&source.gguf, &model, template_source, chosen);
        let (bos, eos) = (token_text(&model, true), token_text(&model, false));
        let template = Template::new(template_source, family, bos, eos)
            .map_err(|error| LoadFailure::Template { family: family.name, error })?;
        let vocabulary = Vocabulary::new(model, family).map_err(LoadFailure::Vocabulary)?;
        Ok(Self { family, family_from, vocabulary, template })
    }

    /// The compiler of the constraint.
    pub(crate) fn grammars(&self) -> Result<Grammars, LoadFailure> {
        Grammars::new(&self.vocabulary, self.family, self.template.thought())
            .map_err(|error| LoadFailure::Constraint(error.to_string()))
    }
}

/// The family of that name.
pub(crate) fn known_family(name: &str) -> Result<&'static Family, LoadFailure> {
    Family::by_name(name).ok_or_else(|| LoadFailure::UnknownFamily { name: name.to_owned() })
}

/// The model's family, and how it was found.
fn family_of(
    gguf: &Gguf,
    weights: &Weights,
    template: &str,
    chosen: Option<&'static Family>,
) -> (&'static Family, FamilyFrom) {
    let has_token = |text: &str| weights.vocab().tokenize(text.as_bytes(), false, true).len() == 1;
    let traits = Traits { template, architecture: gguf.architecture(), has_token: &has_token };
    match (chosen, Family::detect(&traits)) {
        (Some(chosen), _) => (chosen, FamilyFrom::Chosen),
        (None, found) if found.name == GENERIC.name => (found, FamilyFrom::Assumed),
        (None, found) => (found, FamilyFrom::Detected),
    }
}

/// The text of the token that begins (or ends) a text, for templates that write it.
fn token_text(weights: &Weights, begins: bool) -> String {
    let vocab = weights.vocab();
    let token = if begins { vocab.bos() } else { vocab.eos() };
    if token.0 < 0 {
        return String::new();
    }
    String::from_utf8_lossy(&vocab.token_to_piece(token, true, None)).into_owned()
}
