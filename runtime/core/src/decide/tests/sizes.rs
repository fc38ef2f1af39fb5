//! The largest record of each kind: whatever is reported, it fits its frame.

use alloc::format;

use super::*;
use crate::{
    limits::{CHANGE_BYTES_MAX, CHANGES_MAX, RECORD_BYTES_MAX},
    words::{GenerationId, Moment},
};

const FAR: Moment = Moment { boot: u32::MAX, mono_ms: u64::MAX, clock: Some(u64::MAX) };

/// Sizes of the records seen, by kind.
#[derive(Default)]
struct Sizes(Vec<(&'static str, usize)>);

impl Sizes {
    fn keep(&mut self, kind: Kind) {
        let name = kind.name();
        self.0.push((name, Record { at: FAR, kind }.encode().len()));
    }
}

/// Longer than anything is allowed to be, in characters of three bytes.
fn long() -> String {
    "❄".repeat(20_000)
}

fn many() -> Vec<String> {
    vec![long(); 1_000]
}

fn exact(bytes: usize) -> String {
    "x".repeat(bytes)
}

fn loosest() -> Limits {
    Limits {
        result_bytes_max: u32::MAX,
        reply_tokens_max: u32::MAX,
        tokens_max: u32::MAX,
        ..Limits::default()
    }
}

fn generating() -> Rehearsal {
    let mut board = Rehearsal::started(loosest());
    board.attempt();
    board
}

/// Call numbers are near their end, so that they take the most bytes.
fn deciding() -> Rehearsal {
    let mut board = generating();
    board.generate(&[1], Some("reply"));
    board.agent.state.calls = CallId(u32::MAX - 1);
    board
}

fn longest_call() -> NewCall {
    NewCall {
        tool: exact(TOOL_BYTES_MAX),
        arguments: exact(ARGUMENTS_BYTES_MAX),
        class: Class::Keyed { key_valid_s: u32::MAX },
        baseline: Some(long()),
        wait_ms: Some(u64::MAX),
    }
}

fn start_and_end(sizes: &mut Sizes) {
    let mut board = Rehearsal::at_rest(loosest());
    board.agent.state.runs = RunId(u32::MAX - 1);
    sizes.keep(board.event(Event::TaskArrived {
        task: exact(TASK_BYTES_MAX),
        task_id: Some(exact(TASK_ID_BYTES_MAX)),
        seed: u64::MAX,
        digests: Digests::default(),
    }));
    for (_, mut board) in phases() {
        board.agent.limits = loosest();
        sizes.keep(board.event(Event::Booted { away_ms: Some(u64::MAX), aborted: true, changed: many() }));
    }
    let mut board = generating();
    sizes.keep(board.event(Event::StopAsked { reason: long() }));
    sizes.keep(board.event(Event::SafeSet { activity: board.activity(), changed: many(), failed: many() }));
    sizes.keep(board.event(Event::EndReady(board.activity())));
    sizes.keep(generating().event(Event::JournalFull { bytes: u64::MAX, bytes_max: u64::MAX }));
    sizes.keep(generating().event(Event::ChangeAccepted(Digests::default())));
}

fn replies(sizes: &mut Sizes) {
    sizes.keep(Kind::Attempt { generation: GenerationId(u32::MAX), number: u32::MAX });
    for (tokens, bytes) in [(RUN_TOKENS_LIMIT, REPLY_BYTES_MAX), (RUN_TOKENS_LIMIT + 1, 9), (100_000, 90_000)]
    {
        let mut board = generating();
        let (activity, tokens) = (board.activity(), vec![u32::MAX; tokens]);
        sizes.keep(board.event(Event::Generated { activity, tokens, end: Some(exact(bytes)) }));
    }
    let mut board = generating();
    board.generate(&[1], None);
    let activity = board.activity();
    sizes.keep(board.event(Event::PrefixRefused { activity, reason: long() }));
    sizes.keep(generating().event(Event::GenerationFailed { activity, reason: long() }));
    sizes.keep(Kind::Answered);
    sizes.keep(deciding().moved(Move::Refused(long())));
}

fn calls(sizes: &mut Sizes) {
    sizes.keep(deciding().moved(Move::Call(longest_call())));
    let mut board = deciding();
    board.agent.state.unknown_overflowed = true;
    sizes.keep(board.moved(Move::Call(longest_call())));
    let verdict = Verdict::Refuse(long());
    sizes.keep(board.event(Event::Approval { call: CallId(u32::MAX), verdict }));
    sizes.keep(Kind::ApprovalGiven);
    sizes.keep(Kind::Slept);
    for outcome in [Outcome::Done(long()), Outcome::NotStarted(long()), Outcome::MayHaveRun(long())] {
        let mut board = Rehearsal::calling(loosest(), Class::Never);
        let call = board.agent.state().calls;
        sizes.keep(board.ended(outcome.clone()));
        sizes.keep(board.event(Event::CallEndedLate { call, outcome }));
    }
    for found in [Settlement::Done(long()), Settlement::NotDone, Settlement::CantTell(long())] {
        let mut board = Rehearsal::calling(loosest(), Class::ReadBack { settle_ms: 1 });
        board.ended(lost());
        sizes.keep(board.event(Event::Probed { activity: board.activity(), found }));
    }
}

#[test]
fn the_largest_record_of_each_kind_fits() {
    let mut sizes = Sizes::default();
    start_and_end(&mut sizes);
    replies(&mut sizes);
    calls(&mut sizes);
    let Sizes(mut sizes) = sizes;
    sizes.sort_unstable_by_key(|(name, bytes)| (*name, core::cmp::Reverse(*bytes)));
    sizes.dedup_by_key(|(name, _)| *name);
    assert_eq!(sizes.len(), 21, "kinds looked at: {sizes:?}");
    for (name, bytes) in &sizes {
        std::println!("{name} {bytes}");
        assert!(*bytes <= RECORD_BYTES_MAX, "{name} takes {bytes} bytes");
    }
}

#[test]
fn a_call_too_long_for_its_record_does_not_run() {
    for (what, new) in [
        ("tool name", NewCall { tool: exact(TOOL_BYTES_MAX + 1), ..longest_call() }),
        ("arguments", NewCall { arguments: exact(ARGUMENTS_BYTES_MAX + 1), ..longest_call() }),
    ] {
        let mut board = deciding();
        assert!(matches!(board.moved(Move::Call(new)), Kind::Refused { .. }));
        assert!(board.told()[0].starts_with(&format!("error: {what} of ")), "{:?}", board.told());
    }
}

#[test]
fn what_is_too_long_for_a_start_is_refused_before_anything_is_written() {
    let start = |task: usize, task_id: usize| {
        let mut board = Rehearsal::at_rest(Limits::default());
        board.try_event(Event::TaskArrived {
            task: exact(task),
            task_id: Some(exact(task_id)),
            seed: 1,
            digests: Digests::default(),
        })
    };
    assert!(start(TASK_BYTES_MAX, TASK_ID_BYTES_MAX).is_ok());
    assert_eq!(start(TASK_BYTES_MAX + 1, 1), Err(DecideError::TaskTooLong { bytes: TASK_BYTES_MAX + 1 }));
    let bytes = TASK_ID_BYTES_MAX + 1;
    assert_eq!(start(1, bytes), Err(DecideError::TaskIdTooLong { bytes }));
}

#[test]
fn results_are_cut_to_the_agents_limit_visibly() {
    let limits = Limits { result_bytes_max: 100, ..Limits::default() };
    let mut board = Rehearsal::calling(limits, Class::Observe);
    board.ended(Outcome::Done(exact(100)));
    assert_eq!(board.told(), [exact(100)]);
    board.call(Class::Observe);
    board.ended(Outcome::Done(exact(101)));
    let told = board.told();
    assert_eq!(told[0].len(), 100);
    assert!(told[0].ends_with(" [cut: 101 bytes]"), "{told:?}");
}

#[test]
fn lists_are_cut_in_records_and_in_notices() {
    let mut board = Rehearsal::started(Limits::default());
    for boot in 0..5 {
        let changed = (0..100).map(|n| format!("actuator {boot}.{n} {}", exact(200))).collect();
        board.now.boot += 1;
        let kind = board.event(Event::Booted { away_ms: None, aborted: false, changed });
        let Kind::Booted { changed, .. } = kind else { panic!() };
        assert_eq!(changed.len(), CHANGES_MAX);
        assert_eq!(changed[CHANGES_MAX - 1], "and 85 more");
        assert!(changed.iter().all(|change| change.len() <= CHANGE_BYTES_MAX));
    }
    board.reply();
    board.moved(Move::Refused("error".into()));
    let told = board.told();
    assert_eq!(told.len(), 2, "five boots are one notice");
    assert!(told[1].len() <= 32 + CHANGES_MAX * (CHANGE_BYTES_MAX + 2), "{}", told[1].len());
}
