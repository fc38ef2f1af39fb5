use llama_cpp_2::model::params::LlamaModelParams;

use super::*;
use crate::{
    batch::Purpose,
    tiny::{self, Tiny},
};

const ONE: SequenceId = SequenceId(0);
const CONTEXT: NonZeroU32 = NonZeroU32::new(256).unwrap();

fn weights() -> Weights {
    let (_folder, path) = tiny::write(Tiny::default());
    let backend = crate::engine::backend(false).unwrap();
    Weights::load_from_file(backend, path, &LlamaModelParams::default()).unwrap()
}

fn evaluator(weights: &Weights) -> Evaluator<'_> {
    with_sequences(weights, 1)
}

fn with_sequences(weights: &Weights, sequences: u16) -> Evaluator<'_> {
    Evaluator::new(crate::engine::backend(false).unwrap(), weights, CONTEXT, sequences, 1).unwrap()
}

#[test]
fn what_llama_cpp_would_abort_on_is_refused_before() {
    let weights = weights();
    let mut evaluator = evaluator(&weights);
    assert_eq!(evaluator.scores(ONE, evaluator.len(ONE)).err(), Some(EvaluateError::NoScores));
    let unknown = EvaluateError::Unknown { token: 9999, tokens: usize::try_from(weights.n_vocab()).unwrap() };
    assert_eq!(evaluate(&mut evaluator, ONE, &[1, 9999]), Err(unknown));
    assert_eq!(evaluate(&mut evaluator, ONE, &[]), Ok(()));
    // More than a chunk is not taken at once.
    for filled in [64, 128, 192, 256] {
        evaluate(&mut evaluator, ONE, &[65; 1000]).unwrap();
        assert_eq!(evaluator.len(ONE), filled);
    }
    let full = EvaluateError::Full { tokens: 257, tokens_max: 256 };
    assert_eq!(evaluate(&mut evaluator, ONE, &[65]), Err(full));
    // What there was still counts.
    assert!(evaluator.has_scores(ONE, evaluator.len(ONE)));
}

#[test]
fn only_what_begins_the_next_tokens_is_kept() {
    let weights = weights();
    let mut evaluator = evaluator(&weights);
    evaluate(&mut evaluator, ONE, &[1, 2, 3]).unwrap();
    // The very same tokens: one is left, for only evaluating gives scores.
    assert_eq!(evaluator.begin(ONE, &[1, 2, 3]), Ok(2));
    assert_eq!(evaluator.scores(ONE, evaluator.len(ONE)).err(), Some(EvaluateError::NoScores));

    evaluator.forget_all();
    evaluate(&mut evaluator, ONE, &[1, 2, 3]).unwrap();
    assert_eq!(evaluator.begin(ONE, &[1, 2, 9, 9]), Ok(2));
    assert_eq!(evaluator.len(ONE), 2);
    // And scores are those of a fresh start.
    evaluate(&mut evaluator, ONE, &[9, 9]).unwrap();
    assert_scores_of_fresh_start(&mut evaluator, &[1, 2, 9, 9]);

    // What goes on where the cache ends is kept as a whole.
    assert_eq!(evaluator.begin(ONE, &[1, 2, 9, 9, 5]), Ok(4));
    assert_eq!(evaluator.begin(ONE, &[7, 2]), Ok(0));
    assert_eq!(evaluator.len(ONE), 0);
}

/// Compares the scores now with those of `tokens` evaluated anew, chunk for chunk.
fn assert_scores_of_fresh_start(evaluator: &mut Evaluator<'_>, tokens: &[TokenId]) {
    let warm = evaluator.scores(ONE, evaluator.len(ONE)).unwrap().to_vec();
    evaluator.forget_all();
    evaluate_up_to(evaluator, ONE, tokens);
    let cold = evaluator.scores(ONE, evaluator.len(ONE)).unwrap();
    let apart = warm.iter().zip(cold).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let spread = cold.iter().fold(f32::MIN, |a, b| a.max(*b)) - cold.iter().fold(f32::MAX, |a, b| a.min(*b));
    assert!(apart < spread * 1e-2, "{apart} apart of {spread}");
}

fn wren() -> Weights {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf");
    let backend = crate::engine::backend(false).unwrap();
    Weights::load_from_file(backend, path, &LlamaModelParams::default()).unwrap()
}

#[test]
fn recurrent_model_goes_back_to_the_nearest_boundary() {
    let weights = wren();
    let mut evaluator = evaluator(&weights);
    assert!(!evaluator.cuttable);
    let said: Vec<TokenId> = (300..420).collect();
    evaluator.mark(ONE, 40, 100);
    evaluate_up_to(&mut evaluator, ONE, &said);

    // The reply is drawn again: only the prompt's last token is evaluated.
    let mut redo = said[..100].to_vec();
    assert_eq!(evaluator.begin(ONE, &redo), Ok(99));
    evaluate_up_to(&mut evaluator, ONE, &redo);
    assert_scores_of_fresh_start(&mut evaluator, &redo);

    // Another task behind the same head, twice: the head's boundary stays.
    evaluate_up_to(&mut evaluator, ONE, &said);
    for other in [500, 600] {
        redo.splice(70.., other..other + 30);
        assert_eq!(evaluator.begin(ONE, &redo), Ok(40));
        evaluate_up_to(&mut evaluator, ONE, &redo);
        assert_scores_of_fresh_start(&mut evaluator, &redo);
    }

    // Before the head there is no place to go back to.
    redo[39] = 7;
    assert_eq!(evaluator.begin(ONE, &redo), Ok(0));
    evaluate_up_to(&mut evaluator, ONE, &redo);
    assert_scores_of_fresh_start(&mut evaluator, &redo);
}

#[test]
fn boundary_of_tokens_that_were_given_up_is_no_place_to_go_back_to() {
    let weights = wren();
    let mut evaluator = evaluator(&weights);
    let said: Vec<TokenId> = (300..420).collect();
    evaluator.mark(ONE, 40, 100);
    evaluate_up_to(&mut evaluator, ONE, &said);
    // Longer, and other behind the head: what was kept before token 100 is of the old ones.
    let mut other: Vec<TokenId> = (300..450).collect();
    other.splice(60..110, 700..750);
    evaluator.mark(ONE, 40, 140);
    assert_eq!(evaluator.begin(ONE, &other), Ok(40));
    evaluate_up_to(&mut evaluator, ONE, &other);
    assert_eq!(evaluator.begin(ONE, &other[..120]), Ok(40));
    evaluate_up_to(&mut evaluator, ONE, &other[..120]);
    assert_scores_of_fresh_start(&mut evaluator, &other[..120]);
}

#[test]
fn state_that_is_not_put_back_costs_the_context_and_no_more() {
    let weights = wren();
    let mut evaluator = evaluator(&weights);
    let said: Vec<TokenId> = (300..420).collect();
    evaluator.mark(ONE, 40, 100);
    evaluate_up_to(&mut evaluator, ONE, &said);
    let state = State::take(&evaluator.context, ONE, Part::Recurrent, BOUNDARY_BYTES_MAX).unwrap();
    let short = state.bytes()[..state.bytes().len() / 2].to_vec();
    evaluator.sequence_mut(ONE).boundaries.push(Boundary { tokens: 110, state: State::verified(short) });
    assert_eq!(evaluator.begin(ONE, &said[..115]), Ok(0));
    evaluate_up_to(&mut evaluator, ONE, &said[..115]);
    assert_scores_of_fresh_start(&mut evaluator, &said[..115]);
    // A state of another place is noticed, too.
    evaluate_up_to(&mut evaluator, ONE, &said);
    evaluator.sequence_mut(ONE).boundaries.push(Boundary { tokens: 110, state });
    assert_eq!(evaluator.begin(ONE, &said[..115]), Ok(0));
}

/// Evaluates the begin of `tokens` that goes at once.
fn evaluate(evaluator: &mut Evaluator<'_>, id: SequenceId, tokens: &[TokenId]) -> Result<(), EvaluateError> {
    let want = want(evaluator, id, tokens, usize::MAX);
    evaluator.evaluate(&[want])
}

fn want(evaluator: &Evaluator<'_>, id: SequenceId, tokens: &[TokenId], known: usize) -> Want {
    let tokens = tokens.iter().copied().take(evaluator.room(id)).collect();
    Want { sequence: id, start: evaluator.len(id), tokens, known, purpose: Purpose::Prompt }
}

fn evaluate_up_to(evaluator: &mut Evaluator<'_>, id: SequenceId, tokens: &[TokenId]) {
    while evaluator.len(id) < tokens.len() {
        evaluate(evaluator, id, &tokens[evaluator.len(id)..]).unwrap();
    }
}

/// Compares scores of a sequence with those of the same tokens in a context of their own.
fn assert_scores_as_alone(evaluator: &Evaluator<'_>, weights: &Weights, id: SequenceId, tokens: &[TokenId]) {
    let shared = evaluator.scores(id, tokens.len()).unwrap();
    let mut alone = super::tests::evaluator(weights);
    evaluate_up_to(&mut alone, ONE, tokens);
    let alone = alone.scores(ONE, tokens.len()).unwrap();
    let apart = shared.iter().zip(alone).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let spread =
        alone.iter().fold(f32::MIN, |a, b| a.max(*b)) - alone.iter().fold(f32::MAX, |a, b| a.min(*b));
    assert!(apart < spread * 1e-2, "{apart} apart of {spread}");
}

#[test]
fn guesses_have_scores_each_and_are_cut_at_no_cost() {
    let weights = weights();
    let mut evaluator = evaluator(&weights);
    let said: Vec<TokenId> = (1..90).collect();
    evaluate_up_to(&mut evaluator, ONE, &said[..80]);
    assert!(evaluator.may_guess(ONE));
    let guesses = want(&evaluator, ONE, &said[80..], 82);
    evaluator.evaluate(&[guesses]).unwrap();
    assert!(!evaluator.has_scores(ONE, 81) && !evaluator.has_scores(ONE, 90));
    for known in 82..=89 {
        assert_scores_as_alone(&evaluator, &weights, ONE, &said[..known]);
    }
    evaluator.cut(ONE, 84).unwrap();
    assert_eq!(evaluator.tokens(ONE), &said[..84]);
    assert!(evaluator.has_scores(ONE, 84) && !evaluator.has_scores(ONE, 85));
    evaluate(&mut evaluator, ONE, &[7, 7]).unwrap();
    assert_scores_as_alone(&evaluator, &weights, ONE, &[&said[..84], &[7, 7]].concat());
}

#[test]
fn sequences_in_one_batch_score_as_each_alone() {
    for weights in [weights(), wren()] {
        let mut evaluator = with_sequences(&weights, 3);
        let said: [Vec<TokenId>; 3] = [(1..60).collect(), (30..70).collect(), (70..200).collect()];
        let ids: Vec<SequenceId> = evaluator.sequences().collect();
        // A long one beside two that come token by token.
        while ids.iter().zip(&said).any(|(&id, said)| evaluator.len(id) < said.len()) {
            let next = |id: SequenceId, most: usize| {
                let said = &said[id.0][evaluator.len(id)..];
                want(&evaluator, id, &said[..most.min(said.len())], usize::MAX)
            };
            let wants = [next(ids[0], 2), next(ids[1], 1), next(ids[2], 40)];
            let done = wants.each_ref().map(|want| want.tokens.len() + want.start);
            evaluator.evaluate(&wants).unwrap();
            for (id, want) in wants.iter().enumerate().filter(|(_, want)| !want.tokens.is_empty()) {
                assert_scores_as_alone(&evaluator, &weights, want.sequence, &said[id][..done[id]]);
            }
        }
    }
}

#[test]
fn what_another_sequence_begins_with_is_shared_and_stays_with_both() {
    for (weights, kept) in [(weights(), 70), (wren(), 40)] {
        let mut evaluator = with_sequences(&weights, 3);
        let ids: Vec<SequenceId> = evaluator.sequences().collect();
        let first: Vec<TokenId> = (100..220).collect();
        evaluator.mark(ids[0], 40, 100);
        evaluate_up_to(&mut evaluator, ids[0], &first);
        let mut second = first.clone();
        second.splice(70.., 10..40);
        evaluator.mark(ids[1], 40, second.len());
        assert_eq!(evaluator.begin(ids[1], &second), Ok(kept));
        evaluate_up_to(&mut evaluator, ids[1], &second);
        assert_scores_as_alone(&evaluator, &weights, ids[1], &second);
        // The head goes on from the second to a third, while the first is cut and goes another way.
        let third = [&first[..40], &[5, 6, 7, 8]].concat();
        evaluator.mark(ids[2], 40, third.len());
        assert_eq!(evaluator.begin(ids[2], &third), Ok(40));
        let mut other = first.clone();
        other.splice(50.., 50..90);
        let own = evaluator.usable(ids[0], &other);
        assert_eq!(evaluator.begin(ids[0], &other), Ok(own.max(40)));
        evaluate_up_to(&mut evaluator, ids[2], &third);
        assert_scores_as_alone(&evaluator, &weights, ids[2], &third);
        evaluate_up_to(&mut evaluator, ids[0], &other);
        assert_scores_as_alone(&evaluator, &weights, ids[0], &other);
        // And the second goes on where it was.
        second.push(9);
        assert_eq!(evaluator.begin(ids[1], &second), Ok(second.len() - 1));
        evaluate_up_to(&mut evaluator, ids[1], &second);
        assert_scores_as_alone(&evaluator, &weights, ids[1], &second);
    }
}

#[test]
fn every_sequence_has_the_whole_context_at_once() {
    for weights in [weights(), wren()] {
        let mut evaluator = with_sequences(&weights, 8);
        assert_eq!(evaluator.tokens_max(), 256);
        let said: Vec<TokenId> = (0..256).collect();
        let ids: Vec<SequenceId> = evaluator.sequences().collect();
        for &id in &ids {
            // Different from the first token on, so that nothing is shared.
            let shift = u32::try_from(id.0).unwrap();
            let own: Vec<TokenId> = said.iter().map(|token| (token + shift) % 256).collect();
            evaluate_up_to(&mut evaluator, id, &own);
            let full = EvaluateError::Full { tokens: 257, tokens_max: 256 };
            assert_eq!(evaluate(&mut evaluator, id, &[1]), Err(full));
        }
        assert!(ids.iter().all(|&id| evaluator.len(id) == 256));
    }
}

#[test]
fn batch_that_is_too_large_is_refused_before() {
    let weights = weights();
    let mut evaluator = with_sequences(&weights, 2);
    let wants: Vec<Want> =
        evaluator.sequences().map(|id| want(&evaluator, id, &[1; 40], usize::MAX)).collect();
    assert_eq!(evaluator.evaluate(&wants), Err(EvaluateError::Batch { tokens: 80 }));
}
