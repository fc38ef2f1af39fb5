//! Several generations at once: each says what it would say alone.

use std::collections::HashSet;

use super::*;
use crate::LoadFailure;

fn wren_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf")
}

/// A model for so many generations at once; without a path the tiny one.
fn load_for(sequences: u16, path: Option<PathBuf>) -> (LlamaModel, Option<TempDir>) {
    let (folder, path) = if let Some(path) = path {
        (None, path)
    } else {
        let (folder, path) = tiny::write(Tiny::default());
        (Some(folder), path)
    };
    let mut options = EngineOptions::new(path);
    options.sequences = sequences;
    options.context_tokens = std::num::NonZeroU32::new(1024);
    (LlamaModel::load(options, Box::new(|_| {})).unwrap(), folder)
}

/// Different prompts behind the same head, free and held to calls, greedy and not.
fn requests(count: u64) -> Vec<Request> {
    let numbered = (1..=count).map(|number| {
        let mut request =
            request(&format!("{}read the fan {number}", "cool the air, ".repeat(number.try_into().unwrap())));
        request.activity = ActivityId(number);
        request.seed = number;
        request.tokens_max = 48;
        request.constraint = if number % 3 == 0 { Constraint::Off } else { Constraint::Calls };
        request.sampling.temperature = if number % 2 == 0 { 0.0 } else { 1.0 };
        request
    });
    numbered.collect()
}

/// What came of several generations.
#[derive(Default)]
struct Heard {
    outcomes: HashMap<u64, Outcome>,
    over: HashSet<u64>,
    /// In the order their first event came.
    order: Vec<u64>,
}

impl Heard {
    /// Takes one event; tokens of those in `unheard` are not acknowledged.
    async fn next(&mut self, model: &mut LlamaModel, unheard: &[u64]) {
        let event = model.next_event().await;
        let activity = match &event {
            ModelEvent::Progress { activity, .. }
            | ModelEvent::Tokens { activity, .. }
            | ModelEvent::PrefixRefused { activity, .. }
            | ModelEvent::Failed { activity, .. } => *activity,
            other => panic!("unexpected {other:?}"),
        };
        assert!(!self.over.contains(&activity.0), "{activity:?} goes on behind its end: {event:?}");
        if !self.outcomes.contains_key(&activity.0) {
            self.order.push(activity.0);
        }
        let empty = Outcome { tokens: Vec::new(), end: Ok(String::new()), cached: 0, evaluated: 0 };
        let outcome = self.outcomes.entry(activity.0).or_insert(empty);
        let end = match event {
            ModelEvent::Progress { cached, evaluated, .. } => {
                (outcome.cached, outcome.evaluated) = (cached, evaluated);
                return;
            }
            ModelEvent::Tokens { tokens, end, .. } => {
                outcome.tokens.extend(tokens);
                let Some(text) = end else {
                    if !unheard.contains(&activity.0) {
                        model.accepted(activity, outcome.tokens.len());
                    }
                    return;
                };
                Ok(text)
            }
            ModelEvent::PrefixRefused { reason, .. } => Err(format!("refused: {reason}")),
            ModelEvent::Failed { reason, .. } => Err(reason),
            _ => return,
        };
        outcome.end = end;
        self.over.insert(activity.0);
    }

    async fn until_over(&mut self, model: &mut LlamaModel, activities: &[u64], unheard: &[u64]) {
        while !activities.iter().all(|activity| self.over.contains(activity)) {
            self.next(model, unheard).await;
        }
    }

    fn assert_as_alone(&self, activity: u64, alone: &Outcome) {
        let heard = &self.outcomes[&activity];
        assert_eq!((&heard.tokens, &heard.end), (&alone.tokens, &alone.end), "generation {activity}");
    }
}

async fn each_alone(path: Option<PathBuf>, requests: &[Request]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    let (mut model, _folder) = load_for(1, path);
    for request in requests {
        outcomes.push(generate(&mut model, request.clone()).await);
    }
    outcomes
}

#[tokio::test(flavor = "current_thread")]
async fn generations_at_once_reply_as_each_alone_and_share_their_head() {
    for path in [None, Some(wren_path())] {
        let requests = requests(12);
        let alone = each_alone(path.clone(), &requests).await;
        // Behind the first, each is served the head alone, or more.
        let shared = alone.iter().skip(1).map(|outcome| outcome.cached).min().unwrap();
        assert!(shared > 20);
        for sequences in [2, 4, 8] {
            let (mut model, _folder) = load_for(sequences, path.clone());
            assert_eq!(model.generations_max(), usize::from(sequences));
            for request in &requests {
                model.submit(request.clone());
            }
            let mut heard = Heard::default();
            heard.until_over(&mut model, &(1..=12).collect::<Vec<_>>(), &[]).await;
            for (activity, alone) in (1..).zip(&alone) {
                heard.assert_as_alone(activity, alone);
                let cached = heard.outcomes[&activity].cached;
                assert!(
                    activity == 1 || cached >= shared,
                    "{activity}: {cached} of {shared} with {sequences}"
                );
            }
            // Those that had to wait were begun in order.
            let order: Vec<u64> = heard.order.iter().copied().skip(usize::from(sequences)).collect();
            assert_eq!(order, (u64::from(sequences) + 1..=12).collect::<Vec<_>>());
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn cancelled_refused_and_waiting_ones_leave_the_others_as_they_are() {
    for path in [None, Some(wren_path())] {
        let mut requests = requests(5);
        requests[1].run_tokens_max = 4;
        let alone = each_alone(path.clone(), &requests).await;
        requests[3].generated = vec![100_000];
        let (mut model, _folder) = load_for(4, path);
        let mut heard = Heard::default();
        for request in &requests {
            model.submit(request.clone());
        }
        // The first one goes in the middle of its reply, or of its prompt.
        while heard.outcomes.get(&1).is_none_or(|outcome| outcome.tokens.is_empty())
            && !heard.over.contains(&1)
        {
            heard.next(&mut model, &[2]).await;
        }
        model.cancel(ActivityId(1));
        heard.until_over(&mut model, &[3, 4, 5], &[2]).await;
        assert!(heard.outcomes[&4].end.as_ref().is_err_and(|why| why.starts_with("refused")));
        let alone_of = |activity: u64| &alone[usize::try_from(activity).unwrap() - 1];
        for activity in [3, 5] {
            heard.assert_as_alone(activity, alone_of(activity));
        }
        // The second has come as far as it may.
        while heard.outcomes.get(&2).is_none_or(|outcome| outcome.tokens.len() < 4) {
            heard.next(&mut model, &[2]).await;
        }
        assert!(heard.outcomes[&2].tokens.len() == 4 && !heard.over.contains(&2));
        // While it waits, tools are checked and others served.
        model.check_tools(&tools()).unwrap();
        let mut later = requests[4].clone();
        later.activity = ActivityId(6);
        model.submit(later);
        heard.until_over(&mut model, &[6], &[2]).await;
        heard.assert_as_alone(6, &alone[4]);
        model.accepted(ActivityId(2), 4);
        heard.until_over(&mut model, &[2], &[]).await;
        heard.assert_as_alone(2, &alone[1]);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn agents_come_back_to_what_their_own_steps_evaluated() {
    for path in [None, Some(wren_path())] {
        let mut agents = requests(3);
        let (mut model, _folder) = load_for(3, path);
        let mut known = HashMap::new();
        for step in 0..3_u64 {
            let mut heard = Heard::default();
            for agent in &mut agents {
                agent.activity = ActivityId(agent.activity.0 + 10);
                model.submit(agent.clone());
            }
            let activities: Vec<u64> = agents.iter().map(|agent| agent.activity.0).collect();
            heard.until_over(&mut model, &activities, &[]).await;
            for agent in &mut agents {
                let outcome = &heard.outcomes[&agent.activity.0];
                let before = known.insert(agent.seed, outcome.evaluated).unwrap_or_default();
                assert!(outcome.cached >= before, "step {step}: {} of {before}", outcome.cached);
                let said = Message::Assistant { tokens: outcome.tokens.clone(), text: String::new() };
                agent.messages.extend([said, Message::Tool("done".to_owned())]);
            }
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn requests_beyond_those_that_may_wait_are_refused() {
    let (mut model, _folder) = load_for(1, None);
    let mut first = requests(1).remove(0);
    first.run_tokens_max = 1;
    model.submit(first.clone());
    let mut heard = Heard::default();
    while heard.outcomes.is_empty() {
        heard.next(&mut model, &[1]).await;
    }
    for number in 2..=71 {
        model.submit(Request { activity: ActivityId(number), tokens_max: 2, ..first.clone() });
    }
    heard.until_over(&mut model, &(66..=71).collect::<Vec<_>>(), &[1]).await;
    for number in 66..=71 {
        let why = heard.outcomes[&number].end.clone().unwrap_err();
        assert!(why.contains("64 requests wait already"), "{why}");
    }
    model.cancel(ActivityId(1));
    heard.until_over(&mut model, &(2..=65).collect::<Vec<_>>(), &[]).await;
}

#[test]
fn numbers_of_sequences_that_can_t_be_are_refused() {
    let (_folder, path) = tiny::write(Tiny::default());
    for sequences in [0, 9] {
        let options = EngineOptions { sequences, ..EngineOptions::new(&path) };
        let failed = LlamaModel::load(options, Box::new(|_| {})).err().map(|error| error.reason);
        assert!(matches!(failed, Some(LoadFailure::Sequences { asked }) if asked == sequences));
    }
    let mut options = EngineOptions { sequences: 2, ..EngineOptions::new(&path) };
    let folder = path.with_file_name("kv");
    options.snapshots = Some(crate::SnapshotOptions { folder, bytes_max: 1, bytes_per_hour_max: 1 });
    let failed = LlamaModel::load(options, Box::new(|_| {})).err().map(|error| error.reason);
    assert!(matches!(failed, Some(LoadFailure::SnapshotsOfSeveral)));
}
