//! Seeded walks over everything that can be reported, whatever the phase.
//!
//! Each walk is one `u64`. `EVERSTEP_SEEDS=N` walks N of them.

use alloc::{format, string::String, vec, vec::Vec};

use crate::{
    decide::DecideError,
    event::{Effect, Event, Move, NewCall, Verdict},
    limits::Limits,
    record::{Digests, End, Kind, Then},
    rehearsal::Rehearsal,
    rules::{ToolRule, ToolRules},
    state::Turn,
    words::{ActivityId, CallId, Class, Moment, Outcome, Settlement},
};

const SEEDS: u64 = 200;
const EVENTS: u32 = 400;

/// A small generator of our own, so that a seed means the same on every machine.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap();
        choices[index].clone()
    }

    fn text(&mut self) -> String {
        let bytes = self.pick(&[0, 3, 20, 255, 256, 257, 3_000]);
        "é".repeat(bytes / 2)
    }

    fn outcome(&mut self) -> Outcome {
        let text = self.text();
        self.pick(&[
            Outcome::Done(text.clone()),
            Outcome::NotStarted(text.clone()),
            Outcome::MayHaveRun(text),
        ])
    }

    fn class(&mut self) -> Class {
        self.pick(&[
            Class::Observe,
            Class::Safe,
            Class::Keyed { key_valid_s: 5 },
            Class::ReadBack { settle_ms: 50 },
            Class::Never,
        ])
    }

    /// Any event; mostly of the activity under way.
    fn event(&mut self, board: &Rehearsal) -> Event {
        let mut activity = board.activity();
        if self.one_in(12) {
            activity = ActivityId(activity.0.saturating_sub(1 + self.below(3)));
        }
        let calls = u64::from(board.agent.state().calls.0);
        let near = calls.saturating_sub(self.below(3));
        let call = CallId(u32::try_from(near).unwrap());
        let (text, outcome) = (self.text(), self.outcome());
        let tokens = vec![u32::MAX; usize::try_from(self.below(20)).unwrap()];
        let verdict = if self.one_in(2) { Verdict::Approve } else { Verdict::Refuse(text.clone()) };
        match self.below(22) {
            0 => Event::TaskArrived { task: text, task_id: None, seed: 1, digests: Digests::default() },
            1 => Event::GenerationFailed { activity, reason: text },
            2..=4 => Event::AttemptReady(activity),
            5..=7 => {
                let end = self.one_in(2).then(|| text.chars().take(2_000).collect());
                Event::Generated { activity, tokens, end }
            }
            8 => Event::PrefixRefused { activity, reason: text },
            9 => Event::Moved { activity, what: self.pick(&[Move::Answer, Move::Refused(text)]) },
            10..=12 => Event::Moved { activity, what: Move::Call(self.call()) },
            13 | 14 => Event::CallEnded { activity, outcome },
            15 => Event::CallEndedLate { call, outcome },
            16 => self.pick(&[
                Event::Probed { activity, found: Settlement::Done(text.clone()) },
                Event::Probed { activity, found: Settlement::NotDone },
                Event::Probed { activity, found: Settlement::CantTell(text) },
            ]),
            17 => Event::Woke(activity),
            18 => Event::Approval { call, verdict },
            20 => Event::AskAgain(activity),
            19 => self.pick(&[
                Event::SafeSet { activity, changed: vec![text], failed: vec![] },
                Event::EndReady(activity),
            ]),
            _ if board.agent.run().is_none() => Event::Rested { away_ms: self.pick(&[None, Some(9)]) },
            _ if self.one_in(4) => self.rare(activity, text),
            _ => Event::TimePassed,
        }
    }

    fn rare(&mut self, activity: ActivityId, text: String) -> Event {
        match self.below(4) {
            0 => Event::StopAsked { reason: text },
            1 => Event::ContextFull { activity, tokens: 9, tokens_max: 8 },
            2 => Event::JournalFull { bytes: 9, bytes_max: 8 },
            _ => Event::ChangeAccepted(Digests::default()),
        }
    }

    fn call(&mut self) -> NewCall {
        let class = self.class();
        NewCall {
            tool: class.name().into(),
            arguments: self.pick(&["1".into(), "2".into(), "x".repeat(2_000)]),
            class,
            baseline: None,
            wait_ms: (class == Class::Observe && self.one_in(2)).then_some(3_000),
        }
    }
}

/// Limits of this walk: sometimes close, so that each is met.
fn limits(draws: &mut Draws) -> Limits {
    Limits {
        steps_max: draws.pick(&[3, 60]),
        tokens_max: draws.pick(&[40, 2_000]),
        calls_max: draws.pick(&[2, 40]),
        powered_s_max: draws.pick(&[60, 3_000]),
        result_bytes_max: 200,
        rerun_s_max: 20,
        generation_failures_max: 6,
        approval_s_max: draws.pick(&[1, 3_000]),
        repeats_max: draws.pick(&[2, 5]),
        // One is any two results that differ.
        alternations_max: draws.pick(&[1, 4, 4, 4]),
        errors_max: draws.pick(&[3, 8]),
        ..Limits::default()
    }
}

/// Tools are called like their class: reads come from outside, doses are sensitive and few.
fn rules(draws: &mut Draws) -> ToolRules {
    let outside = draws.one_in(2);
    let rule = |class: Class| ToolRule {
        tool: class.name().into(),
        outside: outside && class == Class::Observe,
        sensitive: class == Class::Safe,
        calls_per_run_max: (class == Class::Never).then_some(3),
        calls_per_day_max: (class == Class::Never).then_some(5),
        shared: None,
    };
    ToolRules::new([Class::Observe, Class::Safe, Class::Never].map(rule).into())
}

/// Tries of one call so far, as an outside world would count them.
#[derive(Default)]
struct World {
    call: Option<CallId>,
    tries: u32,
}

impl World {
    /// Checks that what is started may be started.
    fn sees(&mut self, board: &Rehearsal) {
        let Effect::CallTool { pending, .. } = board.agent.effect() else { return };
        if self.call != Some(pending.call.id) {
            assert!(self.call < Some(pending.call.id), "an older call runs again");
            *self = Self { call: Some(pending.call.id), tries: 0 };
        }
        self.tries += 1;
        assert_eq!(self.tries, pending.tries);
        assert!(self.tries == 1 || pending.call.class != Class::Never, "a call ran twice");
        assert!(self.tries <= board.agent.limits().tries_max);
    }
}

/// What has to hold in every state.
fn check(board: &Rehearsal, before: ActivityId, turns: &[Turn], kind: &Kind) {
    let state = board.agent.state();
    assert!(state.activity >= before);
    assert!(state.unknown.len() <= crate::UNKNOWN_MAX);
    if let Kind::Called(call) = kind {
        let tainted = state.ledger.tainted.is_some();
        assert!(!tainted || call.class != Class::Safe, "a sensitive call ran in a tainted run");
        let outside = board.agent.rules.get(&call.tool).is_some_and(|rule| rule.outside);
        assert!(!outside || tainted, "text from outside without a taint");
        let equal = state.unknown.iter().any(|unknown| unknown.equals(call));
        let repeatable = matches!(call.class, Class::Observe | Class::Safe);
        assert!(repeatable || !equal, "an equal call ran without approval");
    }
    let Some(run) = board.agent.run() else { return };
    let limits = board.agent.limits();
    if let Some(used) = state.ledger.tool(Class::Never.name()) {
        assert!(used.run_calls <= 3 && used.day_calls <= 5, "{used:?} is over its budget");
    }
    assert!(run.used.tokens <= limits.tokens_max);
    assert!(run.used.calls <= limits.calls_max);
    assert!(run.step.0 <= limits.steps_max + 1);
    if let Kind::Pruned { .. } = kind {
        check_pruned(turns, &run.turns);
    }
    if let Kind::Booted { lost: Some(then), away_ms: None, .. } = kind {
        assert_ne!(*then, Then::RunAgain, "something of unknown age runs again");
    }
}

/// Pruning leaves the task and the newest steps as they were, and is shorter.
fn check_pruned(before: &[Turn], after: &[Turn]) {
    assert_eq!(before.first(), after.first());
    let replies = before.iter().enumerate().filter(|(_, turn)| matches!(turn, Turn::Reply { .. }));
    let replies: Vec<usize> = replies.map(|(at, _)| at).collect();
    let newest = (replies.len() / 2).clamp(1, 4);
    let newest = &before[replies[replies.len() - newest]..];
    assert!(after.ends_with(newest), "{before:?} became {after:?}");
    let bytes = |turns: &[Turn]| turns.iter().map(|turn| format!("{turn:?}").len()).sum::<usize>();
    assert!(bytes(after) < bytes(before), "{before:?} became {after:?}");
}

/// One event: a boot, what the effect under way ends in, or anything at all.
fn report(draws: &mut Draws, board: &mut Rehearsal) -> Event {
    board.wait_ms(draws.pick(&[0, 1, 40, 900, 6_000]));
    if draws.one_in(25) {
        board.now = Moment { boot: board.now.boot + 1, mono_ms: 100, clock: None };
        return Event::Booted {
            away_ms: draws.pick(&[None, Some(0), Some(3_000), Some(u64::MAX)]),
            aborted: draws.one_in(3),
            changed: vec![draws.text()],
        };
    }
    if board.agent.run().is_some() && draws.one_in(3) { answer(draws, board) } else { draws.event(board) }
}

/// Walks, checks each state, and returns the records' names, with those of phases and ends.
fn walk(seed: u64) -> Vec<&'static str> {
    let mut draws = Draws(seed);
    let mut board = Rehearsal::at_rest(limits(&mut draws));
    board.agent = board.agent.with_rules(rules(&mut draws));
    let mut world = World::default();
    let mut met = Vec::new();
    for _ in 0..EVENTS {
        let before = board.activity();
        let event = report(&mut draws, &mut board);
        let turns = match (&event, board.agent.run()) {
            (Event::ContextFull { .. }, Some(run)) => run.turns.clone(),
            _ => Vec::new(),
        };
        match board.try_event(event) {
            Ok(kind) => {
                check(&board, before, &turns, &kind);
                if board.activity() != before {
                    world.sees(&board);
                }
                met.push(kind.name());
                met.extend(board.agent.run().map(|run| run.phase.name()));
                if let Kind::Finished { how } = &kind {
                    met.push(end_name(how));
                }
            }
            Err(DecideError::Unexpected { .. }) => {}
            Err(_) => assert_eq!(board.activity(), before),
        }
    }
    board.assert_replays();
    finish(&mut draws, &mut board, seed);
    met
}

const fn end_name(how: &End) -> &'static str {
    match how {
        End::Done => "done",
        End::Failed(_) => "failed",
        End::Stopped(_) => "stopped",
        End::Limit(limit) => limit.key(),
    }
}

/// From wherever the walk led, a world that answers brings the run to its end within its limits.
fn finish(draws: &mut Draws, board: &mut Rehearsal, seed: u64) {
    let limits = *board.agent.limits();
    // A step is an attempt, tokens, a decision, tries, probes and failures of the model; its result is
    // shortened once and it is left out once.
    // A call may be asked about, asked again, and taint the run first.
    let per_step = 13 + 2 * limits.tries_max + 2 * limits.generation_failures_max;
    let mut events = 0;
    while let Some(run) = board.agent.run() {
        assert!(events < per_step * (limits.steps_max + 4), "seed {seed} does not end: {:?}", run.phase);
        events += 1;
        let event = answer(draws, board);
        board.event(event);
    }
    board.assert_replays();
}

fn answer(draws: &mut Draws, board: &Rehearsal) -> Event {
    match board.agent.effect() {
        Effect::AwaitTask => unreachable!(),
        Effect::BeginAttempt(activity) => Event::AttemptReady(activity),
        Effect::Generate { activity, generation, .. } => {
            let failed = Event::GenerationFailed { activity, reason: "engine".into() };
            let refused = Event::PrefixRefused { activity, reason: "grammar".into() };
            let whole = Event::Generated { activity, tokens: vec![1], end: Some("reply".into()) };
            // A model with a context: short conversations always fit it.
            if board.run().turns.len() > 5 && draws.one_in(4) {
                return Event::ContextFull { activity, tokens: 9, tokens_max: 8 };
            }
            if generation.tokens.is_empty() {
                draws.pick(&[failed, refused, whole.clone(), whole])
            } else {
                draws.pick(&[refused, whole])
            }
        }
        // A model that never answers: the limits have to end it.
        Effect::Decide { activity, .. } => Event::Moved { activity, what: Move::Call(draws.call()) },
        Effect::CallTool { activity, .. } => Event::CallEnded { activity, outcome: draws.outcome() },
        Effect::Probe { activity, .. } => Event::Probed { activity, found: Settlement::NotDone },
        Effect::Sleep { activity, .. } => Event::Woke(activity),
        // An approval may come too late; nobody's word is needed to refuse.
        Effect::AwaitApproval { call, .. } => Event::Approval {
            call: call.id,
            verdict: if board.question_is_open() && draws.one_in(2) {
                Verdict::Approve
            } else {
                Verdict::Refuse("no".into())
            },
        },
        Effect::AskAgain(activity) => Event::AskAgain(activity),
        Effect::SetSafe(activity) => Event::SafeSet { activity, changed: vec![], failed: vec![] },
        Effect::Finish { activity, .. } => Event::EndReady(activity),
    }
}

#[test]
fn any_event_in_any_phase_is_refused_or_applied_and_every_run_can_end() {
    let seeds = std::env::var("EVERSTEP_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    for seed in 0..seeds {
        let walked = std::panic::catch_unwind(|| walk(seed));
        assert!(walked.is_ok(), "seed {seed}");
    }
}

/// The walks prove nothing about what they never meet.
#[test]
fn walks_meet_every_record_phase_and_end() {
    let mut met: Vec<_> = (0..SEEDS).flat_map(walk).collect();
    met.sort_unstable();
    met.dedup();
    // 25 kinds, 8 phases, 4 ends of which one is any of 10 limits.
    assert_eq!(met.len(), 25 + 8 + 3 + 10, "{met:?}");
}
