use alloc::{vec, vec::Vec};

use super::*;
use crate::{
    decide::DecideError,
    event::{Effect, Event, Move, Verdict},
    limits::{LimitName, Limits},
    rehearsal::{Rehearsal, done, lost, new_call, task},
    words::Moment,
};

/// Makes `count` calls whose outcome stays unknown, each with arguments of its own.
fn lose_calls(board: &mut Rehearsal, count: usize) {
    for n in 0..count {
        board.reply();
        let new = crate::NewCall { arguments: alloc::format!("{n}"), ..new_call(Class::Never) };
        let kind = board.moved(Move::Call(new));
        assert!(matches!(kind, Kind::Called(_)), "{kind:?}");
        board.ended(lost());
    }
}

#[test]
fn an_equal_call_needs_approval_while_one_is_unknown() {
    for class in [Class::Never, Class::Keyed { key_valid_s: 1 }, Class::ReadBack { settle_ms: 1 }] {
        let mut board = Rehearsal::calling(Limits::default(), class);
        board.wait_ms(1_000_000);
        board.ended(lost());
        if let Class::ReadBack { .. } = class {
            let found = Settlement::CantTell("bus is down".into());
            board.event(Event::Probed { activity: board.activity(), found });
        }
        assert_eq!(board.told(), ["unknown: dose may have run; check before deciding"]);

        board.reply();
        let other = crate::NewCall { arguments: r#"{"pulses":2}"#.into(), ..new_call(class) };
        assert!(matches!(board.moved(Move::Call(other)), Kind::Called(_)), "{class:?}");
        board.ended(done("dosed"));
        let kind = board.call(class);
        assert!(matches!(kind, Kind::ApprovalAsked { .. }), "{class:?} {kind:?}");
        board.assert_replays();
    }
}

#[test]
fn what_is_unknown_outlives_its_run() {
    let mut board = Rehearsal::calling(Limits::default(), Class::Never);
    board.boot(None);
    assert_eq!(board.told(), ["unknown: dose may have run; check before deciding", "notice: restarted"]);
    board.reply();
    board.moved(Move::Answer);
    board.event(Event::EndReady(board.activity()));
    board.event(task("again"));
    assert!(matches!(board.call(Class::Never), Kind::ApprovalAsked { .. }));
}

#[test]
fn a_late_result_clears_what_was_unknown_and_is_told() {
    for (outcome, notice, clears) in [
        (done("dosed 1 pulse"), Some("notice: dose returned late: dosed 1 pulse"), true),
        (
            Outcome::NotStarted("pump off".into()),
            Some("notice: dose returned late: it did not run: pump off"),
            true,
        ),
        (lost(), None, false),
    ] {
        let mut board = Rehearsal::calling(Limits::default(), Class::Never);
        let call = board.agent.state().calls;
        board.ended(lost());
        let activity = board.activity();
        board.event(Event::CallEndedLate { call, outcome });
        assert_eq!(board.activity(), activity, "what is under way goes on");
        board.reply();
        board.moved(Move::Refused("error: no such tool".into()));
        let told = board.told();
        assert_eq!(told.get(1).map(String::as_str), notice);
        let kind = board.call(Class::Never);
        assert_eq!(matches!(kind, Kind::Called(_)), clears, "{kind:?}");
        board.assert_replays();
    }
}

#[test]
fn a_late_result_at_rest_clears_what_was_unknown() {
    let mut board = Rehearsal::calling(Limits::default(), Class::Never);
    let call = board.agent.state().calls;
    board.ended(lost());
    board.reply();
    board.moved(Move::Answer);
    board.event(Event::EndReady(board.activity()));
    board.event(Event::CallEndedLate { call, outcome: done("dosed") });
    assert_eq!(board.agent.state().unknown, []);
    board.event(task("again"));
    assert!(matches!(board.call(Class::Never), Kind::Called(_)));
}

#[test]
fn a_late_result_of_another_call_clears_nothing() {
    let mut board = Rehearsal::calling(Limits::default(), Class::Never);
    let call = board.agent.state().calls;
    board.ended(lost());
    board.call(Class::Observe);
    board.ended(done("22 C"));
    let other = CallId(call.0 + 1);
    board.event(Event::CallEndedLate { call: other, outcome: done("22 C") });
    assert_eq!(board.agent.state().unknown.len(), 1);
    assert_eq!(board.run().notices, []);
}

#[test]
fn more_unknown_calls_than_are_remembered_fail_closed() {
    let mut board = Rehearsal::started(Limits { errors_max: 100, ..Limits::default() });
    lose_calls(&mut board, UNKNOWN_MAX);
    assert!(!board.agent.state().unknown_overflowed);
    lose_calls_beyond(&mut board);
    assert!(board.agent.state().unknown_overflowed);
    assert_eq!(board.agent.state().unknown.len(), UNKNOWN_MAX);

    // A call nobody has made before: it could be the one that was forgotten.
    for class in [Class::Never, Class::Keyed { key_valid_s: 9 }, Class::ReadBack { settle_ms: 9 }] {
        let kind = board.call(class);
        assert!(matches!(kind, Kind::ApprovalAsked { .. }), "{class:?} {kind:?}");
        let call = board.agent.state().calls;
        board.event(Event::Approval { call, verdict: Verdict::Approve });
        board.ended(done("dosed"));
    }
    for class in [Class::Observe, Class::Safe] {
        assert!(matches!(board.call(class), Kind::Called(_)), "{class:?}");
        board.ended(done("ok"));
    }
    board.assert_replays();
}

fn lose_calls_beyond(board: &mut Rehearsal) {
    board.reply();
    let new = crate::NewCall { arguments: "beyond".into(), ..new_call(Class::Never) };
    assert!(matches!(board.moved(Move::Call(new)), Kind::Called(_)));
    board.ended(lost());
}

#[test]
fn three_aborts_without_progress_end_the_run() {
    let mut board = Rehearsal::started(Limits::default());
    for _ in 0..ABORTS_MAX - 1 {
        board.attempt();
        board.boot_with(Some(5), true, &[]);
        assert!(matches!(board.agent.effect(), Effect::BeginAttempt(_)));
    }
    board.attempt();
    board.boot_with(Some(5), true, &[]);
    let Phase::SettingSafe { end: End::Failed(reason) } = board.phase() else {
        panic!("{:?}", board.phase())
    };
    assert_eq!(reason, "the process aborted 3 times at this step");
    board.assert_replays();
}

#[test]
fn progress_forgives_aborts() {
    // A token on flash is progress, and so is a result.
    for progress in [
        (|board| {
            board.attempt();
            board.generate(&[1], None);
        }) as fn(&mut Rehearsal),
        |board| {
            board.call(Class::Observe);
            board.boot_with(None, true, &[]);
        },
    ] {
        let mut board = Rehearsal::started(Limits::default());
        for _ in 0..4 {
            board.boot_with(Some(5), true, &[]);
            board.boot_with(Some(5), true, &[]);
            progress(&mut board);
            assert_eq!(board.run().aborts, 0);
        }
        assert!(!board.phase().is_last());
    }
}

#[test]
fn innocent_cuts_do_not_count() {
    let mut board = Rehearsal::started(Limits::default());
    for _ in 0..50 {
        board.attempt();
        board.boot(Some(5));
    }
    assert_eq!(board.run().aborts, 0);
    assert!(matches!(board.attempt(), Kind::Attempt { number: 51, .. }));
}

#[test]
fn aborts_give_up_the_call_they_hit() {
    let limits = Limits { tries_max: 9, ..Limits::default() };
    let mut board = Rehearsal::calling(limits, Class::Keyed { key_valid_s: 60 });
    for _ in 0..ABORTS_MAX {
        board.boot_with(Some(5), true, &[]);
    }
    assert!(matches!(board.phase(), Phase::SettingSafe { .. }));
    assert_eq!(board.agent.state().unknown.len(), 1);
}

#[test]
fn boots_are_told_once_with_the_next_result() {
    let mut board = Rehearsal::started(Limits::default());
    board.boot_with(Some(5), false, &["compressor set to off"]);
    board.boot_with(None, false, &[]);
    board.boot_with(Some(5), false, &["compressor set to off", "fan set to 0 percent"]);
    assert_eq!(board.told(), ["cool the room"], "nothing before there is a result");
    board.call(Class::Observe);
    board.ended(done("22 C"));
    let notice = "notice: restarted; compressor set to off; fan set to 0 percent";
    assert_eq!(board.told(), ["22 C", notice]);
    board.call(Class::Observe);
    board.ended(done("22 C"));
    assert_eq!(board.told(), ["22 C"], "once");
    board.assert_replays();
}

#[test]
fn a_boot_in_the_middle_of_a_reply_keeps_its_tokens() {
    let mut board = Rehearsal::started(Limits::default());
    board.attempt();
    board.generate(&[1, 2, 3], None);
    board.boot(Some(5));
    assert!(matches!(board.attempt(), Kind::Attempt { number: 2, .. }));
    let Phase::Generating(generation) = board.phase() else { panic!() };
    assert_eq!((generation.tokens.as_slice(), generation.redo), (&[1, 2, 3][..], 0));
    board.generate(&[4], Some("reply"));
    let Some(Turn::Reply { tokens, .. }) = board.run().turns.last() else { panic!() };
    assert_eq!(tokens, &[1, 2, 3, 4]);
    assert_eq!(board.run().used.tokens, 4);
}

#[test]
fn a_run_with_something_to_tell_goes_on_after_its_answer() {
    let mut board = Rehearsal::started(Limits::default());
    board.boot_with(Some(5), false, &["compressor set to off"]);
    board.reply();
    board.moved(Move::Answer);
    assert_eq!(board.told(), ["notice: restarted; compressor set to off"]);
    board.reply();
    board.moved(Move::Answer);
    assert!(matches!(board.phase(), Phase::Ending { end: End::Done }));
    board.assert_replays();
}

#[test]
fn a_lost_call_is_told_before_the_restart() {
    let mut board = Rehearsal::calling(Limits::default(), Class::Never);
    board.boot_with(Some(5), false, &["fan set to 0 percent"]);
    let unknown = "unknown: dose may have run; check before deciding";
    assert_eq!(board.told(), [unknown, "notice: restarted; fan set to 0 percent"]);
}

#[test]
fn what_can_not_follow_is_refused() {
    let at = Moment { boot: 1, mono_ms: 6_000, clock: None };
    let call = |id| Call {
        id: CallId(id),
        tool: "dose".into(),
        arguments: "{}".into(),
        class: Class::Never,
        baseline: None,
        wait_ms: None,
    };
    let started = |run| Kind::Started {
        run: RunId(run),
        task: "cool".into(),
        task_id: None,
        seed: 1,
        digests: Digests::default(),
    };
    let attempt = |generation, number| Kind::Attempt { generation: crate::GenerationId(generation), number };
    let booted = |lost| Kind::Booted { away_ms: None, aborted: false, changed: vec![], lost };
    let generated = Kind::Generated { tokens: vec![1], end: None };

    let at_rest = || Rehearsal::at_rest(Limits::default());
    let due = || Rehearsal::started(Limits::default());
    let deciding = || {
        let mut board = due();
        board.reply();
        board
    };
    let calling = || Rehearsal::calling(Limits::default(), Class::Never);
    let ending = || {
        let mut board = deciding();
        board.moved(Move::Answer);
        board
    };
    let limit = Kind::LimitReached { limit: LimitName::Steps, used: 1, max: 1 };
    let wrong: Vec<(Rehearsal, Kind)> = vec![
        (at_rest(), started(0)),
        (at_rest(), started(2)),
        (at_rest(), booted(None)),
        (at_rest(), Kind::ChangeAccepted { digests: Digests::default() }),
        (at_rest(), Kind::Finished { how: End::Done }),
        (due(), started(2)),
        (due(), attempt(1, 2)),
        (due(), attempt(2, 1)),
        (due(), generated.clone()),
        (due(), booted(Some(Then::Tell))),
        (deciding(), generated),
        (deciding(), Kind::Called(call(2))),
        (deciding(), Kind::Called(call(0))),
        (deciding(), Kind::ApprovalAsked { call: call(2), reason: "why".into() }),
        (deciding(), Kind::ApprovalGiven),
        (deciding(), Kind::Slept),
        (deciding(), Kind::Finished { how: End::Done }),
        (calling(), booted(None)),
        (calling(), booted(Some(Then::Tell))),
        (calling(), booted(Some(Then::RunAgain))),
        (calling(), Kind::Called(call(2))),
        (calling(), Kind::Answered),
        (ending(), Kind::Finished { how: End::Limit(LimitName::Steps) }),
        (ending(), Kind::StopAsked { reason: "stop".into() }),
        (ending(), limit),
        (ending(), Kind::SafeSet { changed: vec![], failed: vec![] }),
    ];
    for (mut board, kind) in wrong {
        let name = kind.name();
        let phase = board.agent.run().map_or("at rest", |run| run.phase.name());
        let refused = board.agent.apply(&Record { at, kind: kind.clone() });
        assert_eq!(refused, Err(OutOfPlace { kind: name, phase }), "{kind:?}");
    }
}

#[test]
fn an_accepted_change_is_what_the_run_goes_on_with() {
    let mut board = Rehearsal::started(Limits::default());
    let digests = Digests { model: [9; 16], ..Digests::default() };
    board.event(Event::ChangeAccepted(digests));
    assert_eq!(board.run().digests, digests);
    let unexpected = Event::Woke(board.activity());
    let expected = DecideError::Unexpected { event: "woke", phase: "generating" };
    assert_eq!(board.try_event(unexpected), Err(expected));
}
