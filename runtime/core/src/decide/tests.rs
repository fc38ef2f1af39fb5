use alloc::{string::String, vec, vec::Vec};

use super::*;
use crate::{
    agent::Agent,
    event::{Effect, Verdict},
    limits::Limits,
    record::{Digests, End, Record},
    rehearsal::{Rehearsal, done, lost, new_call, task, wait_call},
    words::{Class, StepId},
};

mod guards;
mod limits;
mod sizes;

/// A board in every phase of a run, by name.
fn phases() -> Vec<(&'static str, Rehearsal)> {
    let started = || Rehearsal::started(Limits::default());
    let mut boards = vec![("due", started())];

    let mut board = started();
    board.attempt();
    board.generate(&[1, 2, 3], None);
    boards.push(("generating", board));

    let mut board = started();
    board.reply();
    boards.push(("deciding", board));

    for class in [Class::Safe, Class::Never] {
        boards.push(("calling", Rehearsal::calling(Limits::default(), class)));
    }

    let mut board = Rehearsal::calling(Limits::default(), Class::ReadBack { settle_ms: 5 });
    board.ended(lost());
    boards.push(("probing", board));

    let mut board = started();
    board.reply();
    board.moved(Move::Call(wait_call(1_000)));
    boards.push(("sleeping", board));

    let mut board = Rehearsal::calling(Limits::default(), Class::Never);
    board.ended(lost());
    board.call(Class::Never);
    boards.push(("asking", board));

    let mut board = started();
    board.event(Event::StopAsked { reason: "first".into() });
    boards.push(("setting_safe", board));

    let mut board = started();
    board.reply();
    board.moved(Move::Answer);
    boards.push(("ending", board));
    boards
}

/// Carries a run out from its safe states to its end.
fn finish(board: &mut Rehearsal) -> End {
    assert!(matches!(board.phase(), Phase::SettingSafe { .. }), "{:?}", board.phase());
    assert!(matches!(board.agent.effect(), Effect::SetSafe(_)));
    let set = Event::SafeSet { activity: board.activity(), changed: vec!["off".into()], failed: vec![] };
    board.event(set);
    assert!(matches!(board.agent.effect(), Effect::Finish { .. }));
    board.event(Event::EndReady(board.activity()));
    assert_eq!(board.agent.effect(), Effect::AwaitTask);
    board.assert_replays();
    board.agent.state().last.clone().unwrap().how
}

#[test]
fn a_stop_in_any_phase_sets_the_safe_states_and_ends_the_run() {
    for (name, mut board) in phases() {
        let stop = || Event::StopAsked { reason: "enough".into() };
        if board.phase().is_last() {
            assert_eq!(board.try_event(stop()), Err(DecideError::NothingDue), "{name}");
            continue;
        }
        let activity = board.activity();
        board.event(stop());
        assert_ne!(board.activity(), activity, "{name}: what was under way is cancelled");
        assert_eq!(finish(&mut board), End::Stopped("enough".into()), "{name}");
    }
}

#[test]
fn a_stop_remembers_the_call_it_gave_up() {
    for (class, unknown) in [
        (Class::Observe, 0),
        (Class::Safe, 0),
        (Class::Keyed { key_valid_s: 5 }, 1),
        (Class::ReadBack { settle_ms: 5 }, 1),
        (Class::Never, 1),
    ] {
        let mut board = Rehearsal::calling(Limits::default(), class);
        board.event(Event::StopAsked { reason: "enough".into() });
        assert_eq!(board.agent.state().unknown.len(), unknown, "{class:?}");
        finish(&mut board);

        // The next run asks before it does the same again.
        board.event(task("again"));
        let kind = board.call(class);
        assert_eq!(matches!(kind, Kind::ApprovalAsked { .. }), unknown == 1, "{class:?}");
    }
}

#[test]
fn a_full_journal_never_restarts_an_end() {
    for (name, mut board) in phases() {
        let full = || Event::JournalFull { bytes: 10, bytes_max: 5 };
        if board.phase().is_last() {
            assert_eq!(board.try_event(full()), Err(DecideError::NothingDue), "{name}");
        } else {
            board.event(full());
            assert_eq!(finish(&mut board), End::Limit(LimitName::JournalBytes), "{name}");
        }
    }
}

#[test]
fn events_of_an_activity_that_is_over_are_stale() {
    for (name, mut board) in phases() {
        let now = board.activity();
        for activity in [ActivityId(now.0 - 1), ActivityId(now.0 + 1), ActivityId(0)] {
            let text = || String::from("late");
            for event in [
                Event::AttemptReady(activity),
                Event::Generated { activity, tokens: vec![1], end: None },
                Event::Generated { activity, tokens: vec![1], end: Some(text()) },
                Event::PrefixRefused { activity, reason: text() },
                Event::GenerationFailed { activity, reason: text() },
                Event::ContextFull { activity, tokens: 2, tokens_max: 1 },
                Event::Moved { activity, what: Move::Answer },
                Event::Moved { activity, what: Move::Call(new_call(Class::Never)) },
                Event::CallEnded { activity, outcome: done("late") },
                Event::Probed { activity, found: Settlement::NotDone },
                Event::Woke(activity),
                Event::SafeSet { activity, changed: vec![], failed: vec![] },
                Event::EndReady(activity),
            ] {
                assert_eq!(board.try_event(event.clone()), Err(DecideError::Stale), "{name} {event:?}");
            }
        }
    }
}

#[test]
fn more_tokens_keep_the_activity_and_everything_else_ends_it() {
    let mut board = Rehearsal::started(Limits::default());
    let due = board.activity();
    board.attempt();
    let generating = board.activity();
    assert_ne!(generating, due);
    board.generate(&[1], None);
    board.event(Event::ChangeAccepted(Digests::default()));
    assert_eq!(board.activity(), generating);
    let again = Event::AttemptReady(generating);
    assert_eq!(board.try_event(again), Err(DecideError::Stale), "an attempt is recorded once");
    board.generate(&[2], Some("reply"));
    assert_ne!(board.activity(), generating);
}

#[test]
fn one_task_at_a_time() {
    for (name, mut board) in phases() {
        let refused = board.try_event(task("another"));
        let run = board.run().id;
        assert_eq!(refused, Err(DecideError::Unfinished { run, task: "cool the room".into() }), "{name}");
    }
}

#[test]
fn a_task_id_never_starts_twice_in_a_row() {
    let mut board = Rehearsal::at_rest(Limits::default());
    let start = |task_id: Option<&str>| Event::TaskArrived {
        task: "cool".into(),
        task_id: task_id.map(Into::into),
        seed: 1,
        digests: Digests::default(),
    };
    for (id, fresh) in [
        (Some("a"), true),
        (Some("a"), false),
        (Some("b"), true),
        (None, true),
        (None, true),
        (Some("b"), true),
    ] {
        let taken = board.try_event(start(id));
        if fresh {
            assert!(matches!(taken, Ok(Kind::Started { .. })), "{id:?} {taken:?}");
            board.event(Event::StopAsked { reason: "done".into() });
            finish(&mut board);
        } else {
            assert_eq!(taken, Err(DecideError::AlreadyFinished));
        }
    }
    assert_eq!(board.agent.state().runs, RunId(5));
}

#[test]
fn at_rest_only_a_task_and_late_results_count() {
    let mut board = Rehearsal::at_rest(Limits::default());
    for event in [
        Event::TimePassed,
        Event::StopAsked { reason: "stop".into() },
        Event::Booted { away_ms: None, aborted: false, changed: vec![] },
    ] {
        assert_eq!(board.try_event(event), Err(DecideError::NothingDue));
    }
    assert_eq!(board.try_event(Event::AttemptReady(board.activity())), Err(DecideError::Stale));
    let bogus = Event::CallEndedLate { call: CallId(9), outcome: done("what?") };
    assert_eq!(board.try_event(bogus), Err(DecideError::Stale), "no such call was ever made");
}

#[test]
fn an_answer_ends_the_run_well() {
    let mut board = Rehearsal::started(Limits::default());
    board.call(Class::Observe);
    board.ended(done("22 C"));
    board.attempt();
    board.generate(&[5], Some("It is 22 C."));
    board.moved(Move::Answer);
    board.event(Event::EndReady(board.activity()));
    let last = board.agent.state().last.clone().unwrap();
    assert_eq!((last.how, last.answer.as_deref()), (End::Done, Some("It is 22 C.")));
    assert_eq!((last.steps, last.used.calls, last.used.tokens), (StepId(2), 1, 3));
    assert_eq!(last.task, "cool the room");
    board.assert_replays();
}

#[test]
fn an_end_is_recorded_as_it_was_settled() {
    let (_, mut board) = phases().pop().unwrap();
    let kind = Kind::Finished { how: End::Failed("another".into()) };
    assert!(board.agent.apply(&Record { at: board.now, kind }).is_err());
}

#[test]
fn an_approval_counts_once_and_for_the_very_call() {
    let asking = || phases().into_iter().find(|(name, _)| *name == "asking").unwrap().1;
    let approve = |call| Event::Approval { call, verdict: Verdict::Approve };

    let mut board = asking();
    let asked = board.agent.state().calls;
    let Phase::Asking { reason, .. } = board.phase() else { panic!() };
    assert_eq!(reason, "call 1 was the same and may have run");
    for other in [CallId(asked.0 - 1), CallId(asked.0 + 1)] {
        assert_eq!(board.try_event(approve(other)), Err(DecideError::Stale));
    }
    assert_eq!(board.event(approve(asked)), Kind::ApprovalGiven);
    assert!(matches!(board.phase(), Phase::Calling(pending) if pending.call.id == asked));
    assert_eq!(board.try_event(approve(asked)), Err(DecideError::Stale));
    assert_eq!(board.agent.state().unknown.len(), 0, "the operator took responsibility for the first");

    // It is lost again: the approval is spent.
    board.ended(lost());
    assert!(matches!(board.call(Class::Never), Kind::ApprovalAsked { .. }));

    let mut board = asking();
    let verdict = Verdict::Refuse("not now".into());
    board.event(Event::Approval { call: board.agent.state().calls, verdict });
    assert_eq!(board.told(), ["refused: not now"]);
    assert!(matches!(board.call(Class::Never), Kind::ApprovalAsked { .. }), "it is still unknown");
    assert_eq!(board.run().used.calls, 1, "what was not approved was not performed");
}

#[test]
fn an_approval_waits_over_boots() {
    let mut board = phases().into_iter().find(|(name, _)| *name == "asking").unwrap().1;
    board.boot(Some(5));
    board.boot(Some(5));
    let call = board.agent.state().calls;
    assert!(matches!(board.agent.effect(), Effect::AwaitApproval { call: asked, .. } if asked.id == call));
    board.event(Event::Approval { call, verdict: Verdict::Approve });
    // The intent is the approval: a cut right behind it leaves the outcome unknown.
    assert!(matches!(board.boot(Some(5)), Kind::Booted { lost: Some(Then::Unknown), .. }));
    board.assert_replays();
}

#[test]
fn a_refused_prefix_is_discarded_and_a_prefix_of_nothing_is_a_failure() {
    let mut board = Rehearsal::started(Limits { generation_failures_max: 3, ..Limits::default() });
    let refuse =
        |board: &Rehearsal| Event::PrefixRefused { activity: board.activity(), reason: "grammar".into() };
    board.attempt();
    board.generate(&[1, 2], None);
    let event = refuse(&board);
    assert!(matches!(board.event(event), Kind::Discarded { .. }));
    let Phase::Generating(generation) = board.phase() else { panic!() };
    assert_eq!((generation.redo, generation.tokens.len()), (1, 0));
    assert_eq!(board.run().used.tokens, 2, "sampled is sampled");

    // A model that refuses without end runs into a limit.
    for _ in 0..3 {
        board.attempt();
        let event = refuse(&board);
        assert!(matches!(board.event(event), Kind::GenerationFailed { .. }));
    }
    assert!(matches!(
        board.attempt(),
        Kind::LimitReached { limit: LimitName::GenerationFailures, used: 3, max: 3 }
    ));
}

#[test]
fn a_run_of_no_tokens_is_no_progress() {
    let mut board = Rehearsal::started(Limits::default());
    board.attempt();
    let activity = board.activity();
    let nothing = Event::Generated { activity, tokens: vec![], end: None };
    assert_eq!(board.try_event(nothing), Err(DecideError::NothingDue));
    let end = Event::Generated { activity, tokens: vec![], end: Some("the end".into()) };
    assert!(matches!(board.event(end), Kind::Generated { .. }), "the last token may be on flash already");
}

#[test]
fn every_phase_names_its_one_effect() {
    let effects = [
        "begin_attempt",
        "generate",
        "decide",
        "call_tool",
        "call_tool",
        "probe",
        "sleep",
        "await_approval",
        "set_safe",
        "finish",
    ];
    for ((name, mut board), expected) in phases().into_iter().zip(effects) {
        let effect = board.agent.effect();
        assert_eq!((effect.name(), effect.activity()), (expected, Some(board.activity())), "{name}");
        // A new process starts what is under way itself: what the old one did counts for nothing.
        let activity = board.activity();
        board.boot(Some(5));
        assert_ne!(board.agent.effect().activity(), Some(activity), "{name}");
    }
    let board = Rehearsal::at_rest(Limits::default());
    assert_eq!((board.agent.effect(), Effect::AwaitTask.activity()), (Effect::AwaitTask, None));
}

#[test]
fn decide_changes_nothing() {
    for (name, board) in phases() {
        let before: Agent = board.agent.clone();
        let _ = board.agent.decide(board.now, Event::StopAsked { reason: "stop".into() });
        let _ = board.agent.decide(board.now, Event::AttemptReady(board.activity()));
        assert_eq!(board.agent.state(), before.state(), "{name}");
    }
}
