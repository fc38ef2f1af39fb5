use super::*;
use crate::{
    event::{Effect, Event, Move},
    limits::Limits,
    rehearsal::{Rehearsal, wait_call},
    state::Phase,
};

fn sleeping(wait_ms: u64) -> Rehearsal {
    let mut board = Rehearsal::started(Limits::default());
    board.reply();
    board.moved(Move::Call(wait_call(wait_ms)));
    board
}

fn left_ms(board: &Rehearsal) -> u64 {
    match board.agent.effect() {
        Effect::Sleep { left_ms, .. } => left_ms,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_known_gap_counts_as_elapsed_and_not_as_powered() {
    let mut board = Rehearsal::started(Limits::default());
    board.wait_ms(2_000);
    board.attempt();
    board.boot(Some(30_000));
    board.wait_ms(500);
    board.attempt();
    let state = board.agent.state();
    assert_eq!(state.timeline.elapsed_ms, 2_000 + 30_000 + 500);
    assert_eq!(board.run().used.powered_ms, 2_500);
    // The first record began the line after a gap of unknown length.
    assert_eq!(state.timeline.gaps, 1);
}

#[test]
fn an_unknown_gap_cuts_the_line() {
    let mut board = Rehearsal::started(Limits::default());
    let mark = board.agent.state().timeline.mark();
    board.wait_ms(2_000);
    board.attempt();
    let timeline = board.agent.state().timeline;
    assert_eq!(timeline.age_ms(mark, board.now.mono_ms + 250), Some(2_250));
    board.boot(None);
    let timeline = board.agent.state().timeline;
    assert_eq!(timeline.age_ms(mark, board.now.mono_ms), None);
    assert_eq!(timeline.elapsed_ms, 2_000);
    assert_eq!(timeline.age_ms(timeline.mark(), board.now.mono_ms + 3), Some(3));
}

#[test]
fn a_record_of_another_boot_without_a_boot_record_is_a_gap_of_unknown_length() {
    // An agent at rest keeps no record of a boot that moved nothing.
    let mut board = Rehearsal::at_rest(Limits::default());
    board.event(crate::rehearsal::task("first"));
    let activity = board.activity();
    board.event(Event::StopAsked { reason: "enough".into() });
    assert_ne!(board.activity(), activity);
    let set = Event::SafeSet { activity: board.activity(), changed: [].into(), failed: [].into() };
    board.event(set);
    board.event(Event::EndReady(board.activity()));
    let mark = board.agent.state().timeline.mark();
    board.now.boot += 3;
    board.event(crate::rehearsal::task("second"));
    assert_eq!(board.agent.state().timeline.age_ms(mark, board.now.mono_ms), None);
    assert_eq!(board.run().used.powered_ms, 0);
}

#[test]
fn a_clock_that_steps_back_takes_no_time_away() {
    let mut board = Rehearsal::started(Limits::default());
    board.now.mono_ms = 0;
    board.attempt();
    assert_eq!(board.agent.state().timeline.elapsed_ms, 0);
    assert_eq!(board.run().used.powered_ms, 0);
}

#[test]
fn a_wait_goes_on_over_a_boot_with_what_is_left() {
    let mut board = sleeping(60_000);
    assert_eq!(left_ms(&board), 60_000);
    let activity = board.activity();
    board.boot(Some(25_000));
    assert_eq!(left_ms(&board), 35_000);
    assert_ne!(board.activity(), activity);
    board.boot(Some(40_000));
    assert_eq!(left_ms(&board), 0, "the wait passed while the power was off");
    board.event(Event::Woke(board.activity()));
    assert_eq!(board.told(), ["waited 60 seconds", "notice: restarted"]);
}

#[test]
fn a_wait_is_waited_in_full_after_a_gap_of_unknown_length() {
    let mut board = sleeping(60_000);
    board.boot(None);
    assert_eq!(left_ms(&board), 60_000);
    assert!(matches!(board.phase(), Phase::Sleeping { .. }));
}

#[test]
fn the_longest_wait_does_not_overflow() {
    let mut board = sleeping(u64::MAX);
    assert_eq!(left_ms(&board), u64::MAX);
    board.boot(Some(u64::MAX));
    board.boot(Some(u64::MAX));
    assert_eq!(left_ms(&board), 0);
}

#[test]
fn gaps_that_can_no_longer_be_counted_are_refused() {
    let mut timeline = Timeline { gaps: u32::MAX, boot: 1, ..Timeline::default() };
    let away = |away_ms| Record {
        at: Moment { boot: 2, mono_ms: 0, clock: None },
        kind: Kind::Booted { away_ms, aborted: false, changed: [].into(), lost: None },
    };
    assert_eq!(timeline.pass(&away(Some(1))), Some(0));
    assert_eq!(timeline.pass(&away(None)), None);
}
