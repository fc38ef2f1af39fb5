//! How a generation begins: prompt and kept reply as tokens, under their constraint.
//!
//! Leaves out evaluating them.

use everstep_core::TokenId;
use everstep_model::{Constraint, Message, ModelEvent, Request, ToolDefinition};

use super::{Generation, Phase, saturated};
use crate::{
    draft::Source,
    evaluator::Evaluator,
    sequence::SequenceId,
    vocabulary::Vocabulary,
    workshop::{Stop, Workshop, failed},
};

/// Most tokens of thought in front of a reply.
const THOUGHT_TOKENS_MAX: usize = 1024;

/// Tokens of thought in a reply of at most `tokens_max`: half of it is left for what the thought is for.
fn thought_tokens_max(tokens_max: u32) -> usize {
    (tokens_max as usize / 2).min(THOUGHT_TOKENS_MAX)
}

impl Generation {
    /// Prepares `request`; `choose` picks a sequence by its prompt and the length of that one's head. May
    /// take as long as a grammar takes to compile.
    pub(crate) fn begin(
        shop: &mut Workshop<'_>,
        request: Box<Request>,
        choose: impl FnOnce(&Evaluator<'_>, &[TokenId], usize) -> SequenceId,
    ) -> Result<Self, Stop> {
        let temperature = request.sampling.temperature;
        if !temperature.is_finite() || temperature < 0.0 || request.sampling.top_p.is_nan() {
            return Err(Stop::Failed("the sampling temperature or top_p is no usable number".to_owned()));
        }
        let (grammar, free) = match request.constraint {
            Constraint::Calls => {
                check_markup(&shop.vocabulary, &request.tools)?;
                let thought_tokens_max = thought_tokens_max(request.tokens_max);
                (Some(shop.grammars.grammar(&request.tools, thought_tokens_max).map_err(failed)?), None)
            }
            Constraint::Off => (None, Some(shop.vocabulary.free_tokens())),
        };
        let pieces = shop.template.render(&request.messages, &request.tools).map_err(failed)?;
        let mut tokens = shop.vocabulary.encode(&pieces).map_err(failed)?;
        let prompt_tokens = tokens.len();
        let head = pieces.get(..head_pieces(&request.messages)).unwrap_or_default();
        let head_tokens = shop.vocabulary.encode(head).map_err(failed)?.len();
        let needed = prompt_tokens.saturating_add(request.tokens_max as usize);
        if needed > shop.evaluator.tokens_max() {
            return Err(Stop::Event(Box::new(ModelEvent::ContextFull {
                activity: request.activity,
                tokens: saturated(needed),
                tokens_max: saturated(shop.evaluator.tokens_max()),
            })));
        }
        tokens.extend_from_slice(&request.generated);
        let mut generation = Self {
            sequence: choose(&shop.evaluator, &tokens, head_tokens),
            phase: Phase::Begun,
            accepted: request.generated.len(),
            sent: request.generated.len(),
            request,
            grammar,
            free,
            tokens,
            prompt_tokens,
            head_tokens,
            held_since_us: 0,
            guessed_from: Source::default(),
        };
        generation.feed_generated(shop)?;
        Ok(generation)
    }

    /// Takes the tokens that were on flash through the constraint.
    fn feed_generated(&mut self, shop: &Workshop<'_>) -> Result<(), Stop> {
        let generated = &self.request.generated;
        let refused = |at: usize, why: &str| {
            let reason = format!("the kept tokens are refused at token {at}: {why}");
            Stop::Event(Box::new(ModelEvent::PrefixRefused { activity: self.request.activity, reason }))
        };
        for (at, &token) in generated.iter().enumerate() {
            let allowed = match (&mut self.grammar, &self.free) {
                _ if token as usize >= shop.vocabulary.len() => false,
                _ if shop.vocabulary.ends_reply(token) => false,
                (Some(grammar), _) => {
                    grammar.allowed_count(&[token]).map_err(|error| refused(at, &error.to_string()))? == 1
                }
                (None, Some(free)) => free.is_allowed(token),
                (None, None) => true,
            };
            if !allowed {
                return Err(refused(at, "the constraint does not allow it"));
            }
            if let Some(grammar) = &mut self.grammar {
                grammar.accept(token).map_err(|error| refused(at, &error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// Pieces of a prompt before the text of the first message that is not the system's.
fn head_pieces(messages: &[Message]) -> usize {
    let system = messages.iter().take_while(|message| matches!(message, Message::System(_))).count();
    // Each message is a piece of markup and one of its own; the markup before the next one is the head's.
    system.saturating_mul(2).saturating_add(1)
}

/// Refuses tools whose texts would become markup in the prompt.
pub(crate) fn check_markup(vocabulary: &Vocabulary, tools: &[ToolDefinition]) -> Result<(), Stop> {
    for tool in tools {
        if let Some((text, markup)) = vocabulary.markup_in(tool) {
            return Err(failed(crate::GrammarError::Markup {
                tool: tool.name.clone(),
                text: text.chars().take(60).collect(),
                markup: markup.to_owned(),
            }));
        }
    }
    Ok(())
}
