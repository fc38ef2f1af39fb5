//! A model that is never asked: a run can be stopped where its model is missing.

use std::future;

use everstep_core::{ActivityId, Digests, TokenId};
use everstep_model::{FamilyFrom, Model, ModelCard, NextEvent, Reply, Request, ToolDefinition};

/// Says nothing, and shows the digests that the run began with.
#[derive(Debug)]
pub(crate) struct IdleModel {
    card: ModelCard,
}

impl IdleModel {
    /// Stands in for the model that a run with `digests` began with.
    pub(crate) fn of(digests: &Digests) -> Self {
        let card = ModelCard {
            name: "idle".into(),
            family: "scripted".into(),
            family_from: FamilyFrom::Chosen,
            workarounds: Vec::new(),
            digest: widened(digests.model),
            template_digest: widened(digests.template),
            context_tokens: 0,
            context_trained: None,
            parameters: None,
            file_bytes: None,
            quantization: "none".into(),
            threads: None,
            memory: None,
        };
        Self { card }
    }
}

/// A run keeps the first half of a digest; the other half is not known any more.
fn widened(half: [u8; 16]) -> [u8; 32] {
    let mut whole = [0; 32];
    whole.iter_mut().zip(half).for_each(|(to, from)| *to = from);
    whole
}

impl Model for IdleModel {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn submit(&mut self, _request: Request) {}

    fn accepted(&mut self, _activity: ActivityId, _tokens: usize) {}

    fn cancel(&mut self, _activity: ActivityId) {}

    fn next_event(&mut self) -> NextEvent<'_> {
        Box::pin(future::pending())
    }

    fn text(&self, _tokens: &[TokenId]) -> String {
        String::new()
    }

    fn parse(&self, text: &str, _tools: &[ToolDefinition]) -> Reply {
        Reply::Malformed(text.into())
    }
}
