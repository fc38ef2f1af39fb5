//! Guesses change how much is evaluated at once, and nothing of the reply.

use super::*;
use crate::{DraftCounts, Drafting, tiny::Habit};

/// Requests of all kinds.
fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for seed in 0..24 {
        for (constraint, temperature) in [
            (Constraint::Off, 0.0),
            (Constraint::Off, 1.0),
            (Constraint::Calls, 0.0),
            (Constraint::Calls, 1.0),
        ] {
            let mut request = request(&format!("{}air {seed} and the fan, ", "cool ".repeat(seed)));
            request.seed = seed as u64;
            request.constraint = constraint;
            request.sampling.temperature = temperature;
            request.tokens_max = 96;
            requests.push(request);
        }
    }
    requests
}

fn load_with(drafting: Drafting, seed: u64, habit: Habit) -> Loaded {
    let (folder, path) = tiny::write(Tiny { seed, habit, ..Tiny::default() });
    let log = folder.path().join("sampled");
    let mut options = EngineOptions::new(path);
    options.sampled_log = Some(log.clone());
    options.drafting = drafting;
    let model = LlamaModel::load(options, Box::new(|_| {})).unwrap();
    Loaded { model, log, _folder: folder }
}

#[tokio::test(flavor = "current_thread")]
async fn drafted_reply_is_the_reply_without_drafts() {
    let mut accepted_of = HashMap::new();
    for (seed, habit) in (1..=4).zip([Habit::Random, Habit::Rounds].into_iter().cycle()) {
        let mut drafting = load_with(Drafting::Lookup, seed, habit);
        let mut plain = load_with(Drafting::Off, seed, habit);
        for request in requests() {
            let drafted = generate(&mut drafting.model, request.clone()).await;
            let alone = generate(&mut plain.model, request.clone()).await;
            assert_eq!((&drafted.tokens, &drafted.end), (&alone.tokens, &alone.end), "{request:?}");
        }
        assert_eq!(plain.model.draft_counts(), DraftCounts::default());
        let DraftCounts { drafted, accepted } = drafting.model.draft_counts();
        eprintln!("{accepted} of {drafted} guessed tokens");
        assert!(drafted > accepted && accepted > 0);
        accepted_of.insert(habit == Habit::Rounds, accepted);
    }
    // Wrong guesses were undone often, and right ones carried most of a reply.
    assert!(accepted_of[&true] > 2000, "{accepted_of:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn drafted_reply_goes_on_after_a_cut_and_samples_none_again() {
    let mut drafting = load_with(Drafting::Lookup, 1, Habit::Rounds);
    let mut plain = load_with(Drafting::Off, 1, Habit::Rounds);
    for mut base in requests().into_iter().skip(4).take(4) {
        base.tokens_max = 48;
        let whole = generate(&mut plain.model, base.clone()).await;
        for cut in 0..=whole.tokens.len() {
            fs::write(&drafting.log, "").unwrap();
            let mut request = base.clone();
            request.generated = whole.tokens[..cut].to_vec();
            let resumed = generate(&mut drafting.model, request).await;
            assert_eq!((&resumed.tokens, &resumed.end), (&whole.tokens, &whole.end), "cut at {cut}");
            let counts = counts(&drafting.log);
            for position in 0..whole.tokens.len() {
                let times = counts.get(&(1, position)).copied().unwrap_or_default();
                assert_eq!(times, usize::from(position >= cut), "position {position}, cut at {cut}");
            }
        }
    }
    assert!(drafting.model.draft_counts().accepted > 500);
}

#[tokio::test(flavor = "current_thread")]
async fn text_without_another_choice_is_evaluated_ahead_whatever_its_tokens() {
    let mut drafting = load_with(Drafting::Lookup, 1, Habit::Random);
    let mut plain = load_with(Drafting::Off, 1, Habit::Random);
    for seed in 0..8 {
        // Both begin with `fa`; `fan` is a token of its own, so which tokens come is the model's to say.
        let word = json!({"type": "object", "properties": {"word": {"enum": ["fan", "fat"]}},
            "required": ["word"], "additionalProperties": false});
        let mut request = request("go");
        (request.tools, request.seed) = (vec![tool("which", word)], seed);
        // As much as a reply has, or the end of a run may come just there.
        request.run_tokens_max = request.tokens_max;
        request.generated = super::calls::open_call(&drafting.model, 3);
        let drafted = generate(&mut drafting.model, request.clone()).await;
        let alone = generate(&mut plain.model, request).await;
        assert_eq!((&drafted.tokens, &drafted.end), (&alone.tokens, &alone.end), "seed {seed}");
    }
    // One guess a reply; nothing stood before that could be looked up. These weights never cut it so, and
    // each guess was undone.
    assert_eq!(drafting.model.draft_counts(), DraftCounts { drafted: 8, accepted: 0 });
}

#[tokio::test(flavor = "current_thread")]
async fn recurrent_model_never_drafts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf");
    let mut model = LlamaModel::load(EngineOptions::new(path), Box::new(|_| {})).unwrap();
    let mut request = request("Set the fan to 30 percent and log that the fan is at 30 percent");
    request.sampling.temperature = 0.0;
    generate(&mut model, request).await;
    assert_eq!(model.draft_counts(), DraftCounts::default());
}
