use super::*;
use crate::{
    event::{Event, Move},
    limits::Limits,
    record::Kind,
    rehearsal::{Rehearsal, done, lost, new_call},
    words::{Outcome, Settlement},
};

const OBSERVE: Class = Class::Observe;
const SAFE: Class = Class::Safe;
const KEYED: Class = Class::Keyed { key_valid_s: 60 };
const READ_BACK: Class = Class::ReadBack { settle_ms: 250 };
const NEVER: Class = Class::Never;

fn limits() -> Limits {
    Limits { tries_max: 3, rerun_s_max: 600, ..Limits::default() }
}

/// What follows when a try is lost while the process lives, `after_ms` behind the intent.
fn lost_after(class: Class, after_ms: u64) -> Then {
    let mut board = Rehearsal::calling(limits(), class);
    board.wait_ms(after_ms);
    match board.ended(lost()) {
        Kind::Ended { then, .. } => then,
        other => panic!("{other:?}"),
    }
}

/// What follows when the process is cut 40 s behind the intent and was away for `away_ms`.
fn cut_for(class: Class, away_ms: Option<u64>) -> Then {
    let mut board = Rehearsal::calling(limits(), class);
    board.wait_ms(40_000);
    // A record of something else shows how far time got.
    board.event(Event::ChangeAccepted(board.run().digests));
    match board.boot(away_ms) {
        Kind::Booted { lost: Some(then), .. } => then,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lost_try_is_followed_by_what_its_class_allows() {
    for (class, then) in [
        (OBSERVE, Then::RunAgain),
        (SAFE, Then::RunAgain),
        (KEYED, Then::RunAgain),
        (READ_BACK, Then::Probe),
        (NEVER, Then::Unknown),
    ] {
        assert_eq!(lost_after(class, 1_000), then, "{class:?}");
    }
}

#[test]
fn nothing_runs_again_beyond_its_age() {
    for (class, age_ms, then) in [
        (OBSERVE, 600_000, Then::RunAgain),
        (OBSERVE, 600_001, Then::Unknown),
        (SAFE, 600_000, Then::RunAgain),
        (SAFE, 600_001, Then::Unknown),
        (KEYED, 60_000, Then::RunAgain),
        (KEYED, 60_001, Then::Unknown),
        (Class::Keyed { key_valid_s: u32::MAX }, 600_000, Then::RunAgain),
        (Class::Keyed { key_valid_s: u32::MAX }, 600_001, Then::Unknown),
        (READ_BACK, 600_001, Then::Probe),
    ] {
        assert_eq!(lost_after(class, age_ms), then, "{class:?} {age_ms}");
    }
}

#[test]
fn a_cut_counts_the_time_before_and_the_time_away() {
    for (class, away_ms, then) in [
        (OBSERVE, 560_000, Then::RunAgain),
        (OBSERVE, 560_001, Then::Unknown),
        (SAFE, 560_000, Then::RunAgain),
        (SAFE, 560_001, Then::Unknown),
        (KEYED, 20_000, Then::RunAgain),
        (KEYED, 20_001, Then::Unknown),
        (READ_BACK, 560_001, Then::Probe),
        (NEVER, 0, Then::Unknown),
        (SAFE, u64::MAX, Then::Unknown),
    ] {
        assert_eq!(cut_for(class, Some(away_ms)), then, "{class:?} {away_ms}");
    }
}

#[test]
fn nothing_of_unknown_age_runs_again() {
    for (class, then) in [
        (OBSERVE, Then::Unknown),
        (SAFE, Then::Unknown),
        (KEYED, Then::Unknown),
        (READ_BACK, Then::Probe),
        (NEVER, Then::Unknown),
    ] {
        assert_eq!(cut_for(class, None), then, "{class:?}");
    }
}

#[test]
fn an_unknown_gap_before_a_known_one_is_not_forgotten() {
    // The probe outlives the gap, so that the age is asked for after it.
    let mut board = Rehearsal::calling(limits(), READ_BACK);
    board.boot(None);
    board.boot(Some(0));
    assert!(matches!(board.phase(), Phase::Probing(_)));
    let activity = board.activity();
    let kind = board.event(Event::Probed { activity, found: Settlement::NotDone });
    assert_eq!(kind, Kind::Settled { found: Settlement::NotDone, then: Then::Tell });
    assert_eq!(board.told()[0], "error: dose did not run");
}

#[test]
fn tries_are_bounded_over_losses_and_cuts() {
    for class in [OBSERVE, SAFE, KEYED] {
        let mut board = Rehearsal::calling(limits(), class);
        let again = Kind::Ended { outcome: lost(), then: Then::RunAgain };
        assert_eq!(board.ended(lost()), again, "{class:?}");
        assert!(matches!(board.boot(Some(10)), Kind::Booted { lost: Some(Then::RunAgain), .. }));
        assert!(matches!(board.phase(), Phase::Calling(pending) if pending.tries == 3));
        assert_eq!(board.ended(lost()), Kind::Ended { outcome: lost(), then: Then::Unknown }, "{class:?}");
        let told = board.told();
        let expected = match class {
            Class::Observe => "error: dose gave no result",
            _ => "unknown: dose may have run; check before deciding",
        };
        assert_eq!(told[0], expected);
        assert_eq!(board.agent.state().unknown.len(), usize::from(!is_repeatable(class)));
        board.assert_replays();
    }
}

#[test]
fn a_call_that_ran_again_is_the_same_call() {
    let mut board = Rehearsal::calling(limits(), KEYED);
    let Phase::Calling(first) = board.phase().clone() else { panic!() };
    let activity = board.activity();
    board.ended(lost());
    let Phase::Calling(second) = board.phase() else { panic!() };
    assert_eq!(second.call, first.call);
    assert_eq!(second.since, first.since);
    assert_ne!(board.activity(), activity, "a new try is a new activity");
    assert_eq!(board.run().used.calls, 1);
}

#[test]
fn a_probe_settles_a_lost_call() {
    let probed = |found: Settlement| {
        let mut board = Rehearsal::calling(limits(), READ_BACK);
        board.ended(lost());
        let activity = board.activity();
        assert!(
            matches!(board.agent.effect(), crate::Effect::Probe { settle_ms: 250, .. }),
            "the device settles first"
        );
        board.event(Event::Probed { activity, found });
        board
    };
    let ran = probed(Settlement::Done("counter 8".into()));
    assert_eq!(ran.told(), ["counter 8"]);
    assert_eq!(ran.agent.state().unknown.len(), 0);

    let not_run = probed(Settlement::NotDone);
    assert!(matches!(not_run.phase(), Phase::Calling(pending) if pending.tries == 2));

    let unclear = probed(Settlement::CantTell("bus is down".into()));
    assert_eq!(unclear.told(), ["unknown: dose may have run; check before deciding"]);
    assert_eq!(unclear.agent.state().unknown.len(), 1);
}

#[test]
fn a_probe_that_finds_nothing_done_stops_at_the_last_try() {
    let mut board = Rehearsal::calling(limits(), READ_BACK);
    for tries in 1..=3 {
        assert!(matches!(board.phase(), Phase::Calling(pending) if pending.tries == tries));
        board.ended(lost());
        let activity = board.activity();
        board.event(Event::Probed { activity, found: Settlement::NotDone });
    }
    assert_eq!(board.told(), ["error: dose did not run"]);
}

#[test]
fn a_probe_goes_on_over_a_boot() {
    let mut board = Rehearsal::calling(limits(), READ_BACK);
    board.ended(lost());
    let activity = board.activity();
    assert!(matches!(board.boot(Some(5)), Kind::Booted { lost: None, .. }));
    assert!(matches!(board.phase(), Phase::Probing(_)));
    assert_ne!(board.activity(), activity, "the new process asks the device itself");
}

#[test]
fn an_earlier_try_that_returns_while_the_next_waits_settles_the_call() {
    // The driver holds the second try back until the device has returned the first.
    for class in [SAFE, KEYED] {
        let mut board = Rehearsal::calling(limits(), class);
        board.ended(lost());
        let call = board.agent.state().calls;
        let kind = board.event(Event::CallEndedLate { call, outcome: done("dosed") });
        assert_eq!(kind, Kind::Ended { outcome: done("dosed"), then: Then::Tell });
        assert_eq!(board.told(), ["dosed"]);
    }
}

#[test]
fn an_earlier_try_that_may_have_run_after_the_probe_is_asked_about_again() {
    let mut board = Rehearsal::calling(limits(), READ_BACK);
    board.ended(lost());
    let activity = board.activity();
    board.event(Event::Probed { activity, found: Settlement::NotDone });
    assert!(matches!(board.phase(), Phase::Calling(_)));
    let call = board.agent.state().calls;
    let kind = board.event(Event::CallEndedLate { call, outcome: lost() });
    assert_eq!(kind, Kind::Ended { outcome: lost(), then: Then::Probe });
}

#[test]
fn a_late_result_during_a_probe_is_the_answer() {
    let mut board = Rehearsal::calling(limits(), READ_BACK);
    board.ended(lost());
    let call = board.agent.state().calls;
    let kind = board.event(Event::CallEndedLate { call, outcome: done("counter 8") });
    assert_eq!(kind, Kind::Settled { found: Settlement::Done("counter 8".into()), then: Then::Tell });

    // That an earlier try certainly did not run says nothing the next one has to wait for.
    let mut board = Rehearsal::calling(limits(), SAFE);
    board.ended(lost());
    let call = board.agent.state().calls;
    let outcome = Outcome::NotStarted("cancelled".into());
    assert!(matches!(board.event(Event::CallEndedLate { call, outcome }), Kind::EndedLate { .. }));
    assert!(matches!(board.phase(), Phase::Calling(pending) if pending.tries == 2));
}

#[test]
fn a_late_word_of_a_later_try_leaves_the_call_unknown() {
    // The second try waits for its turn, the operator stops the run, and the try says that it never began.
    let late = |class, outcome: Outcome| {
        let mut board = Rehearsal::calling(limits(), class);
        board.ended(lost());
        board.event(Event::StopAsked { reason: "enough".into() });
        assert_eq!(board.agent.state().unknown.len(), 1);
        let call = board.agent.state().calls;
        board.event(Event::CallEndedLate { call, outcome });
        board.assert_replays();
        board.agent.state().unknown.len()
    };
    let cancelled = || Outcome::NotStarted("the call was cancelled before it began".into());
    assert_eq!(late(KEYED, cancelled()), 1, "the first try may have run");
    assert_eq!(late(KEYED, done("paid")), 0);
    // Its only try tells of the whole call.
    assert_eq!(late(NEVER, cancelled()), 0);
}

#[test]
fn a_record_never_makes_a_class_do_what_it_rules_out() {
    for (class, then) in [
        (NEVER, Then::RunAgain),
        (NEVER, Then::Probe),
        (KEYED, Then::Probe),
        (SAFE, Then::Probe),
        (OBSERVE, Then::Probe),
    ] {
        let mut board = Rehearsal::calling(limits(), class);
        let kind = Kind::Ended { outcome: lost(), then };
        let record = crate::Record { at: board.now, kind };
        assert!(board.agent.apply(&record).is_err(), "{class:?} {then:?}");
    }
}

/// What becomes of a reply that asks for a call of `class` when the power goes before it is performed.
fn decided_before(class: Class, away_ms: Option<u64>) -> Kind {
    let mut board = Rehearsal::started(limits());
    board.reply();
    board.boot(away_ms);
    board.moved(Move::Call(new_call(class)))
}

#[test]
fn nothing_decided_before_a_long_outage_acts_after_it() {
    for class in [SAFE, KEYED, READ_BACK, NEVER] {
        for away_ms in [Some(600_001), None] {
            let kind = decided_before(class, away_ms);
            assert!(matches!(&kind, Kind::Refused { reason } if reason.contains("outage")), "{kind:?}");
        }
        assert!(matches!(decided_before(class, Some(600_000)), Kind::Called(_)), "{class:?}");
    }
    // A look is always welcome.
    assert!(matches!(decided_before(OBSERVE, None), Kind::Called(_)));
}

#[test]
fn outages_add_up_for_a_reply_that_had_begun_and_count_for_no_other() {
    // Half of the reply was on flash at the first outage, all of it at the second.
    let mut board = Rehearsal::started(limits());
    board.attempt();
    board.generate(&[1], None);
    board.boot(Some(400_000));
    board.attempt();
    board.generate(&[2], Some("a reply"));
    board.boot(Some(400_000));
    assert!(matches!(board.moved(Move::Call(new_call(SAFE))), Kind::Refused { .. }));

    // The next reply is asked for after that, and no token of it was there at the third.
    board.boot(None);
    assert!(matches!(board.call(SAFE), Kind::Called(_)));
}

#[test]
fn a_later_try_that_did_not_start_says_nothing_of_the_lost_one() {
    let refused = || Outcome::NotStarted("the device refuses".into());
    for (class, then) in [(KEYED, Then::Unknown), (SAFE, Then::Unknown), (OBSERVE, Then::Tell)] {
        let mut board = Rehearsal::calling(limits(), class);
        board.ended(lost());
        assert!(
            matches!(board.ended(refused()), Kind::Ended { then: found, .. } if found == then),
            "{class:?}"
        );
        let told = &board.told()[0];
        assert_eq!(
            told.starts_with("unknown: dose may have run"),
            then == Then::Unknown,
            "{class:?}: {told}"
        );
        assert_eq!(board.agent.state().unknown.len(), usize::from(class == KEYED), "{class:?}");

        let mut board = Rehearsal::calling(limits(), class);
        assert!(matches!(board.ended(refused()), Kind::Ended { then: Then::Tell, .. }), "{class:?}");
    }
}
