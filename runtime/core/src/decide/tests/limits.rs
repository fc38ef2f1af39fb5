//! Limits that end a run.

use super::*;

fn assert_ends(board: &mut Rehearsal, kind: &Kind, limit: LimitName, used: u64, max: u64) {
    assert_eq!(*kind, Kind::LimitReached { limit, used, max });
    assert_eq!(finish(board), End::Limit(limit));
}

#[test]
fn steps_end_a_run() {
    let mut board = Rehearsal::started(Limits { steps_max: 3, ..Limits::default() });
    for _ in 0..3 {
        board.reply();
        board.moved(Move::Refused("error: no such tool".into()));
    }
    let kind = board.attempt();
    assert_ends(&mut board, &kind, LimitName::Steps, 3, 3);
}

#[test]
fn tokens_end_a_run() {
    let limits = Limits { tokens_max: 10, reply_tokens_max: 8, ..Limits::default() };
    let mut board = Rehearsal::started(limits);
    board.attempt();
    board.generate(&[0; 4], Some("reply"));
    board.moved(Move::Refused("error".into()));
    board.attempt();
    let tokens_max = |board: &Rehearsal| match board.agent.effect() {
        Effect::Generate { tokens_max, .. } => tokens_max,
        other => panic!("{other:?}"),
    };
    assert_eq!(tokens_max(&board), 6, "six of ten are left");
    board.generate(&[0; 5], None);
    assert_eq!(tokens_max(&board), 6, "those on flash count as part of the reply");
    board.generate(&[0; 1], Some("reply"));
    board.moved(Move::Refused("error".into()));
    let kind = board.attempt();
    assert_ends(&mut board, &kind, LimitName::Tokens, 10, 10);
}

#[test]
fn a_model_that_keeps_to_no_limit_fails_its_generation() {
    let limits = Limits { tokens_max: 1_000, reply_tokens_max: 200, ..Limits::default() };
    let failed = |already: usize, tokens: usize, end: Option<usize>| {
        let mut board = Rehearsal::started(limits);
        board.attempt();
        if already > 0 {
            board.generate(&vec![0; already], None);
        }
        let end = end.map(|bytes| "r".repeat(bytes));
        let kind = board.generate(&vec![0; tokens], end.as_deref());
        matches!(kind, Kind::GenerationFailed { .. })
    };
    assert!(!failed(0, RUN_TOKENS_LIMIT, None));
    assert!(failed(0, RUN_TOKENS_LIMIT + 1, None));
    assert!(!failed(100, 100, Some(9)));
    assert!(failed(100, 101, Some(9)));
    assert!(!failed(0, 1, Some(REPLY_BYTES_MAX)));
    assert!(failed(0, 1, Some(REPLY_BYTES_MAX + 1)));
}

#[test]
fn calls_end_a_run() {
    let mut board = Rehearsal::started(Limits { calls_max: 2, ..Limits::default() });
    for _ in 0..2 {
        board.call(Class::Observe);
        board.ended(done("ok"));
    }
    let kind = board.call(Class::Observe);
    assert_ends(&mut board, &kind, LimitName::Calls, 2, 2);
}

#[test]
fn generation_failures_end_a_run_and_a_reply_forgives_them() {
    let mut board = Rehearsal::started(Limits { generation_failures_max: 2, ..Limits::default() });
    let fail = |board: &mut Rehearsal| {
        board.attempt();
        let event = Event::GenerationFailed { activity: board.activity(), reason: "engine".into() };
        board.event(event);
    };
    fail(&mut board);
    board.reply();
    board.moved(Move::Refused("error".into()));
    fail(&mut board);
    fail(&mut board);
    let kind = board.attempt();
    assert_ends(&mut board, &kind, LimitName::GenerationFailures, 2, 2);
}

#[test]
fn a_task_that_does_not_fit_the_context_ends_its_run_at_once() {
    let mut board = Rehearsal::started(Limits::default());
    board.attempt();
    let event = Event::ContextFull { activity: board.activity(), tokens: 5_000, tokens_max: 4_096 };
    let kind = board.event(event);
    assert_ends(&mut board, &kind, LimitName::Context, 5_000, 4_096);
}

#[test]
fn a_full_journal_ends_a_run() {
    let mut board = Rehearsal::started(Limits::default());
    let kind = board.event(Event::JournalFull { bytes: 9, bytes_max: 8 });
    assert_ends(&mut board, &kind, LimitName::JournalBytes, 9, 8);
}

#[test]
fn powered_seconds_end_a_run_and_time_away_does_not_count() {
    let limits = Limits { powered_s_max: 100, ..Limits::default() };
    let mut board = Rehearsal::started(limits);
    board.wait_ms(60_000);
    board.attempt();
    board.boot(Some(1_000_000));
    board.boot(None);
    board.wait_ms(39_999);
    assert_eq!(board.try_event(Event::TimePassed), Err(DecideError::NothingDue));
    board.wait_ms(1);
    let kind = board.event(Event::TimePassed);
    assert_ends(&mut board, &kind, LimitName::PoweredSeconds, 100, 100);

    // Between a reply and the next attempt it is the attempt that meets the limit.
    let mut board = Rehearsal::started(limits);
    board.wait_ms(100_000);
    assert!(matches!(board.attempt(), Kind::LimitReached { limit: LimitName::PoweredSeconds, .. }));
    board.wait_ms(100_000);
    assert_eq!(board.try_event(Event::TimePassed), Err(DecideError::NothingDue), "it ends already");
}

#[test]
fn time_runs_out_in_every_phase_of_a_run() {
    for (name, mut board) in phases() {
        let ends_already = board.phase().is_last();
        board.wait_ms(u64::from(u32::MAX) * 1_000);
        let passed = board.try_event(Event::TimePassed);
        if ends_already {
            assert_eq!(passed, Err(DecideError::NothingDue), "{name}");
        } else {
            assert_eq!(finish(&mut board), End::Limit(LimitName::PoweredSeconds), "{name}");
        }
    }
}

#[test]
fn another_boots_clock_is_no_powered_time() {
    let mut board = Rehearsal::started(Limits { powered_s_max: 100, ..Limits::default() });
    board.now.boot += 1;
    board.now.mono_ms = 10_000_000;
    assert_eq!(board.try_event(Event::TimePassed), Err(DecideError::NothingDue));
}
