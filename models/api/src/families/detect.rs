//! How the family of a model is told from its file.
//!
//! Leaves out models that were renamed or whose template was taken away: for them there is
//! `model.family`.

/// What a model's file says about itself.
#[derive(Clone, Copy)]
pub struct Traits<'t> {
    /// The chat template.
    pub template: &'t str,
    /// The architecture, as in `general.architecture`.
    pub architecture: &'t str,
    /// Whether a text is one token of the vocabulary.
    pub has_token: &'t dyn Fn(&str) -> bool,
}

/// What tells the models of a family. All of it must fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    /// Texts that the template holds, every one of them.
    pub(super) template: &'static [&'static str],
    /// A text that the template doesn't hold.
    pub(super) lacks: Option<&'static str>,
    /// Begins of the architecture's name, any of them; none where it says nothing.
    pub(super) architectures: &'static [&'static str],
    /// A token of the vocabulary, or a text of the template.
    pub(super) mark: Option<&'static str>,
}

impl Signs {
    /// Fits every model.
    pub(super) const ANY: Self = Self { template: &[], lacks: None, architectures: &[], mark: None };

    pub(super) fn fit(&self, traits: &Traits<'_>) -> bool {
        let has = |text: &str| traits.template.contains(text);
        let has_mark = |mark| has(mark) || (traits.has_token)(mark);
        let is_of = |name: &&str| traits.architecture.starts_with(*name);
        self.template.iter().all(|text| has(text))
            && !self.lacks.is_some_and(has)
            && (self.architectures.is_empty() || self.architectures.iter().any(is_of))
            && self.mark.is_none_or(has_mark)
    }
}
