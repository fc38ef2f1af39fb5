use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::{
    agent::Agent,
    event::{Event, Verdict},
    ledger::ToolUse,
    limits::Limits,
    record::{Kind, Record},
    words::{Class, Moment, Outcome, Settlement},
};

fn call(id: u32, class: Class) -> Call {
    Call {
        id: CallId(id),
        tool: "dose".into(),
        arguments: "{}".into(),
        class,
        baseline: Some("7".into()),
        wait_ms: Some(9),
    }
}

fn ledger() -> Ledger {
    let mark = Mark { elapsed_ms: 40, gaps: 1 };
    let used = ToolUse {
        tool: "dose".into(),
        run_calls: 2,
        day_calls: 3,
        day_since: mark,
        last: mark,
        commanded: Some("{}".into()),
    };
    let mut ledger = Ledger::default();
    ledger.tools.push(used);
    (ledger.tainted, ledger.asked) = (Some("news".into()), Some(mark));
    ledger.warn();
    ledger.came_of(&["dose", "{}", "done"], true);
    ledger
}

/// A state for each phase, with every list filled.
fn states() -> Vec<State> {
    let pending = Pending {
        call: call(3, Class::ReadBack { settle_ms: 250 }),
        tries: 2,
        since: Mark { elapsed_ms: 9, gaps: 1 },
    };
    let generation = Generation {
        id: GenerationId(4),
        redo: 1,
        attempts: 2,
        attempt: Attempt::Begun,
        tokens: vec![1, u32::MAX],
    };
    let end = End::Failed("aborts".into());
    let phases = vec![
        Phase::Generating(generation),
        Phase::Deciding { text: "reply".into() },
        Phase::Calling(pending.clone()),
        Phase::Probing(pending),
        Phase::Sleeping { call: call(3, Class::Observe), until: Mark { elapsed_ms: 99, gaps: 1 } },
        Phase::Asking { call: call(3, Class::Never), reason: "again".into() },
        Phase::SettingSafe { end: end.clone() },
        Phase::Ending { end: end.clone() },
    ];
    let used = Used { tokens: 5, calls: 2, powered_ms: 7_000 };
    let state = |phase| State {
        timeline: Timeline { boot: 2, mono_ms: 8, clock: Some(1_900_000_000), elapsed_ms: 50, gaps: 1 },
        activity: ActivityId(12),
        runs: RunId(2),
        calls: CallId(3),
        generations: GenerationId(4),
        run: Some(Run {
            id: RunId(2),
            task_id: Some("job".into()),
            seed: 7,
            digests: Digests { spec: [1; 16], model: [2; 16], tools: [3; 16], template: [4; 16] },
            step: StepId(2),
            turns: vec![
                Turn::Task("cool".into()),
                Turn::Reply { tokens: vec![1, 300], text: "reply".into() },
                Turn::Result("22 C".into()),
                Turn::Notice("notice: restarted".into()),
            ],
            notices: vec![Notice::Restarted { changed: vec!["fan off".into()] }, Notice::Late("late".into())],
            phase,
            used,
            aborts: 1,
            generation_failures: 1,
            outage_ms: Some(0),
        }),
        last: Some(Finished {
            run: RunId(1),
            task_id: None,
            task: "look".into(),
            how: End::Done,
            answer: Some("22 C".into()),
            steps: StepId(1),
            used,
        }),
        unknown: vec![call(1, Class::Never)],
        unknown_overflowed: true,
        ledger: ledger(),
    };
    phases.into_iter().map(state).chain([State::default()]).collect()
}

#[test]
fn snapshots_of_every_phase_come_back_whole() {
    for state in states() {
        let bytes = state.encode();
        assert_eq!(State::decode(&bytes).as_ref(), Ok(&state));
        let leftover = [&bytes[..], &[0]].concat();
        assert_eq!(State::decode(&leftover), Err(DecodeError::Leftover { bytes: 1 }));
        for length in 1..bytes.len() {
            assert_eq!(State::decode(&bytes[..length]), Err(DecodeError::Malformed));
        }
        let mut foreign = bytes;
        foreign[0] = SNAPSHOT_VERSION + 1;
        let expected = DecodeError::Version { found: SNAPSHOT_VERSION + 1, newest: SNAPSHOT_VERSION };
        assert_eq!(Agent::from_snapshot(&foreign, Limits::default()).err(), Some(expected));
    }
}

/// Never edit: boards in the field hold snapshots of this form.
const GOLDEN_1: &str = concat!(
    "0102080180e6fe890732010c020304010201036a6f6207010101010101010101010101010101010202020202",
    "0202020202020202020202030303030303030303030303030303030404040404040404040404040404040402",
    "040004636f6f6c010201ac02057265706c7902043232204303116e6f746963653a2072657374617274656402",
    "00010766616e206f666601046c61746500040102010201ffffffff0f0502d83601010100010100046c6f6f6b0001",
    "0432322043010502d836010104646f7365027b7d04010137010901",
);

#[test]
fn a_snapshot_keeps_its_golden_bytes() {
    let golden = concat!(
        "0202080180e6fe890732010c020304010201036a6f6207010101010101010101010101010101010202020202",
        "0202020202020202020202030303030303030303030303030303030404040404040404040404040404040402",
        "040004636f6f6c010201ac02057265706c7902043232204303116e6f746963653a2072657374617274656402",
        "00010766616e206f666601046c61746500040102010201ffffffff0f0502d83601010100010100046c6f6f6b",
        "00010432322043010502d836010104646f7365027b7d0401013701090101046e6577730104646f7365020328",
        "01280101027b7d01280101f3bc9ff0070101",
    );
    assert_eq!(crate::rehearsal::hex(&states()[0].encode()), golden);
}

#[test]
fn a_snapshot_of_version_1_opens_with_nothing_counted() {
    let mut state = states().remove(0);
    state.ledger = Ledger::default();
    let digits: Vec<u32> = GOLDEN_1.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect();
    assert_eq!(State::decode(&bytes).as_ref(), Ok(&state));
    // Nothing may follow, as ever.
    let leftover = [&bytes[..], &[0]].concat();
    assert!(State::decode(&leftover).is_err());
    for length in 1..bytes.len() {
        assert!(State::decode(&bytes[..length]).is_err(), "{length} bytes");
    }
}

/// Feeds every event to a state that no agent made: counters at their ends, wrong numbers, any
/// phase. Whatever is decided must be refused or applied, never panic.
fn shake(state: &State) {
    let mut agent = Agent::from_snapshot(&state.encode(), Limits::default()).unwrap();
    agent.limits = Limits { steps_max: u32::MAX, calls_max: u32::MAX, tries_max: u32::MAX, ..agent.limits };
    for boot in [0, agent.state.timeline.boot] {
        for mono_ms in [0, u64::MAX] {
            let now = Moment { boot, mono_ms, clock: None };
            for event in every_event(agent.state.activity, agent.state.calls) {
                let mut agent = agent.clone();
                if let Ok(kind) = agent.decide(now, event) {
                    let _ = agent.apply(&Record { at: now, kind });
                    let _ = agent.effect();
                }
            }
        }
    }
}

fn every_event(activity: ActivityId, call: CallId) -> Vec<Event> {
    use crate::rehearsal::{new_call, task};
    let outcomes =
        [Outcome::Done("ok".into()), Outcome::NotStarted("no".into()), Outcome::MayHaveRun("lost".into())];
    let mut events = vec![
        task("cool"),
        Event::Booted { away_ms: Some(u64::MAX), aborted: true, changed: vec!["off".into()] },
        Event::Booted { away_ms: None, aborted: false, changed: vec![] },
        Event::AttemptReady(activity),
        Event::Generated { activity, tokens: vec![1], end: None },
        Event::Generated { activity, tokens: vec![1], end: Some("reply".into()) },
        Event::PrefixRefused { activity, reason: "grammar".into() },
        Event::GenerationFailed { activity, reason: "engine".into() },
        Event::ContextFull { activity, tokens: u32::MAX, tokens_max: 1 },
        Event::Moved { activity, what: crate::Move::Answer },
        Event::Moved { activity, what: crate::Move::Refused("no tool".into()) },
        Event::Moved { activity, what: crate::Move::Call(new_call(Class::Never)) },
        Event::Probed { activity, found: Settlement::NotDone },
        Event::Woke(activity),
        Event::Approval { call, verdict: Verdict::Approve },
        Event::Approval { call, verdict: Verdict::Refuse("no".into()) },
        Event::AskAgain(activity),
        Event::Rested { away_ms: Some(u64::MAX) },
        Event::StopAsked { reason: "stop".into() },
        Event::SafeSet { activity, changed: vec![], failed: vec![] },
        Event::EndReady(activity),
        Event::ChangeAccepted(Digests::default()),
        Event::TimePassed,
        Event::JournalFull { bytes: u64::MAX, bytes_max: 0 },
    ];
    for outcome in outcomes {
        events.push(Event::CallEnded { activity, outcome: outcome.clone() });
        events.push(Event::CallEndedLate { call, outcome });
    }
    events
}

#[test]
fn counters_at_their_end_never_panic() {
    for mut state in states() {
        shake(&state);
        state.timeline.gaps = u32::MAX;
        state.timeline.elapsed_ms = u64::MAX;
        shake(&state);
        state.activity = ActivityId(u64::MAX - 1);
        (state.runs, state.calls, state.generations) =
            (RunId(u32::MAX), CallId(u32::MAX), GenerationId(u32::MAX));
        if let Some(run) = &mut state.run {
            run.step = StepId(u32::MAX);
            (run.aborts, run.generation_failures) = (u32::MAX, u32::MAX);
            run.used = Used { tokens: u32::MAX, calls: u32::MAX, powered_ms: u64::MAX };
            match &mut run.phase {
                Phase::Generating(generation) => {
                    (generation.redo, generation.attempts) = (u32::MAX, u32::MAX);
                }
                Phase::Calling(pending) | Phase::Probing(pending) => {
                    (pending.tries, pending.since.elapsed_ms) = (u32::MAX, 0);
                }
                _ => {}
            }
        }
        shake(&state);
        state.activity = ActivityId(u64::MAX);
        shake(&state);
    }
}

#[test]
fn no_two_calls_share_a_number() {
    let mut state = states().remove(1);
    state.calls = CallId(u32::MAX);
    let limits = Limits { calls_max: u32::MAX, ..Limits::default() };
    let agent = Agent { state, limits, rules: crate::ToolRules::default() };
    let what = crate::Move::Call(crate::rehearsal::new_call(Class::Never));
    let event = Event::Moved { activity: agent.state.activity, what };
    let kind = agent.decide(Moment { boot: 2, mono_ms: 8, clock: None }, event).unwrap();
    assert!(matches!(kind, Kind::LimitReached { .. }), "{kind:?}");

    let record = Record {
        at: Moment { boot: 2, mono_ms: 8, clock: None },
        kind: Kind::Called(call(u32::MAX, Class::Never)),
    };
    assert!(agent.clone().apply(&record).is_err(), "a repeated number follows nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn arbitrary_snapshots_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(version) = bytes.first_mut() {
            *version = SNAPSHOT_VERSION;
        }
        if let Ok(state) = State::decode(&bytes) {
            shake(&state);
        }
    }

    #[test]
    fn damaged_snapshots_never_panic(index in 0..9_usize, at: u16, to: u8) {
        let mut bytes = states()[index].encode();
        let at = usize::from(at) % bytes.len();
        bytes[at] = to;
        if let Ok(state) = State::decode(&bytes) {
            shake(&state);
        }
    }
}
