use alloc::{format, string::String, vec, vec::Vec};

use super::*;
use crate::{
    Agent,
    event::{Event, Move},
    limits::{LimitName, Limits},
    record::{Kind, Record},
    rehearsal::{Rehearsal, done, lost, new_call},
    state::Phase,
    words::Class,
};

/// A run of which `steps` steps are over, with results of `result_bytes`, and whose next reply is asked
/// for.
fn long_run(steps: usize, result_bytes: usize) -> Rehearsal {
    let mut board = Rehearsal::started(Limits { result_bytes_max: 2_048, ..Limits::default() });
    board.attempt();
    for _ in 0..steps {
        one_more(&mut board, result_bytes);
    }
    board
}

/// One more step, up to the next reply; returns what ended it.
fn one_more(board: &mut Rehearsal, result_bytes: usize) -> Kind {
    let step = board.run().step.0;
    let reply = format!("reply {step}, in which the room is looked at again");
    board.generate(&[1, 2], Some(&reply));
    board.moved(Move::Call(new_call(Class::Observe)));
    let ended = board.ended(done(&format!("{step:->result_bytes$}")));
    board.attempt();
    ended
}

fn full(board: &mut Rehearsal) -> Kind {
    board.event(Event::ContextFull { activity: board.activity(), tokens: 900, tokens_max: 700 })
}

const OVER: Kind = Kind::LimitReached { limit: LimitName::Context, used: 900, max: 700 };

/// What the first letters of each turn are, in order.
fn shape(board: &Rehearsal) -> Vec<String> {
    let turns = board.run().turns.iter().map(|turn| match turn {
        Turn::Task(_) => "task".into(),
        Turn::Reply { text, .. } => text.split(',').next().unwrap().into(),
        Turn::Result(text) if text.ends_with("left out]") => "stub".into(),
        Turn::Result(_) => "result".into(),
        Turn::Notice(text) => text.clone(),
    });
    turns.collect()
}

#[test]
fn older_results_shrink_by_halves_and_newest_steps_stay() {
    let mut board = long_run(11, 500);
    let before = board.run().turns.clone();
    // Seven steps are older; four of their results are half of them, rounded up.
    assert_eq!(full(&mut board), Kind::Pruned { through: 9, what: Prune::Results });
    let stub = format!("{} [452 bytes left out]", "-".repeat(48));
    for (at, turn) in board.run().turns.iter().enumerate() {
        let is_stub = [2, 4, 6, 8].contains(&at);
        let expected = if is_stub { Turn::Result(stub.clone()) } else { before[at].clone() };
        assert_eq!(*turn, expected, "{at}");
    }
    // Two more would be half of the rest, and all three make room for a quarter.
    assert_eq!(full(&mut board), Kind::Pruned { through: 15, what: Prune::Results });
    assert_eq!(board.run().turns[15..], before[15..]);
    assert_eq!(
        shape(&board)[2..15],
        [
            "stub", "reply 2", "stub", "reply 3", "stub", "reply 4", "stub", "reply 5", "stub", "reply 6",
            "stub", "reply 7", "stub"
        ]
    );
    board.assert_replays();
}

#[test]
fn results_that_give_too_little_stay_while_steps_go() {
    // One long result among many short ones.
    let mut board = long_run(11, 20);
    let Kind::Ended { .. } = one_more(&mut board, 300) else { panic!("no result") };
    for _ in 0..4 {
        one_more(&mut board, 20);
    }
    assert!(matches!(full(&mut board), Kind::Pruned { what: Prune::Steps, .. }));
    let long = |turn: &&Turn| matches!(turn, Turn::Result(text) if text.len() == 300);
    assert_eq!(board.run().turns.iter().filter(long).count(), 1);
}

#[test]
fn older_steps_go_by_halves_when_their_results_are_short_and_the_notice_counts_all() {
    let mut board = long_run(12, 20);
    let newest = ["reply 9", "result", "reply 10", "result", "reply 11", "result", "reply 12", "result"];
    assert_eq!(full(&mut board), Kind::Pruned { through: 9, what: Prune::Steps });
    let told = "notice: 4 earlier steps are left out";
    let kept =
        ["task", told, "reply 5", "result", "reply 6", "result", "reply 7", "result", "reply 8", "result"];
    assert_eq!(shape(&board), [&kept[..], &newest].concat());
    // The notice of the pruning before is replaced, and counts on. Two steps, the half, are no quarter.
    assert_eq!(full(&mut board), Kind::Pruned { through: 8, what: Prune::Steps });
    assert_eq!(
        shape(&board),
        [&["task", "notice: 7 earlier steps are left out", "reply 8", "result"][..], &newest].concat()
    );
    // Of five steps the newer two stay, of three and of two the newest one.
    for (through, left_out) in [(6, 9), (4, 10), (4, 11)] {
        assert_eq!(full(&mut board), Kind::Pruned { through, what: Prune::Steps });
        assert_eq!(shape(&board)[1], format!("notice: {left_out} earlier steps are left out"));
    }
    assert_eq!(shape(&board)[2..], ["reply 12", "result"]);
    assert_eq!(full(&mut board), OVER);
    board.assert_replays();
}

#[test]
fn one_step_left_out_is_told_as_one() {
    let mut board = long_run(2, 40);
    full(&mut board);
    assert_eq!(shape(&board), ["task", "notice: 1 earlier step is left out", "reply 2", "result"]);
}

#[test]
fn context_that_stays_full_ends_the_run_after_ever_shorter_conversations() {
    for steps in 0..40 {
        let mut board = long_run(steps, 300);
        let mut prunings = 0;
        loop {
            let before = bytes(&board.run().turns);
            match full(&mut board) {
                Kind::Pruned { .. } => assert!(bytes(&board.run().turns) < before),
                kind => break assert_eq!(kind, OVER),
            }
            prunings += 1;
        }
        assert_eq!(prunings > 0, steps > 1, "{steps} steps");
        assert!(prunings <= 12, "{steps} steps took {prunings} prunings");
        assert!(matches!(board.phase(), Phase::SettingSafe { .. }));
        board.assert_replays();
    }
}

#[test]
fn pruned_generation_is_asked_again_and_keeps_what_is_on_flash() {
    let mut board = long_run(6, 500);
    board.generate(&[7, 8], None);
    board.boot(Some(0));
    // Only a context that became smaller does not hold what it held.
    board.attempt();
    let before = (board.phase().clone(), board.activity());
    assert!(matches!(full(&mut board), Kind::Pruned { .. }));
    assert_eq!(*board.phase(), before.0);
    assert!(board.activity() > before.1, "the model would not be asked again");
    let Phase::Generating(generation) = board.phase() else { panic!("{:?}", board.phase()) };
    assert_eq!(generation.tokens, [7, 8]);
    board.generate(&[9], Some("whole"));
    assert_eq!(board.run().turns.last(), Some(&Turn::Reply { tokens: vec![7, 8, 9], text: "whole".into() }));
    board.assert_replays();
}

#[test]
fn call_that_may_have_run_is_not_forgotten_with_its_step() {
    let mut board = Rehearsal::calling(Limits::default(), Class::Never);
    board.ended(lost());
    for _ in 0..2 {
        board.call(Class::Observe);
        board.ended(done(&"-".repeat(70)));
    }
    board.attempt();
    // One of the two older steps would be the half, but is shorter than what is said in its place.
    assert_eq!(full(&mut board), Kind::Pruned { through: 5, what: Prune::Steps });
    let told = "notice: 2 earlier steps are left out; dose may have run; check before deciding";
    assert_eq!(board.run().turns[1], Turn::Notice(told.into()));
    assert_eq!(steps_left_out(told), Some(2));
    board.assert_replays();
}

#[test]
fn steps_shorter_than_the_notice_about_them_stay() {
    let limits = Limits { repeats_max: 9, ..Limits::default() };
    let mut board = Rehearsal::calling(limits, Class::Observe);
    board.ended(done("x"));
    for _ in 0..4 {
        board.call(Class::Observe);
        board.ended(done("x"));
    }
    board.attempt();
    assert_eq!(full(&mut board), OVER);
    let turns = &board.run().turns;
    assert_eq!(turns.len(), 1 + 2 * 5);
}

#[test]
fn record_that_does_not_fit_is_refused() {
    let results = |through| Kind::Pruned { through, what: Prune::Results };
    let steps = |through| Kind::Pruned { through, what: Prune::Steps };
    let refused = |board: &Rehearsal, kind: Kind| {
        let mut agent: Agent = board.agent.clone();
        agent.apply(&Record { at: board.now, kind }).is_err()
    };
    let board = long_run(6, 500);
    assert!(!refused(&board, results(3)) && !refused(&board, steps(3)));
    // The task, less than a step, a step without its result, everything, more than there is.
    for kind in [results(0), results(1), results(2), results(14), results(u32::MAX)] {
        assert!(refused(&board, kind.clone()), "{kind:?}");
    }
    for through in [0, 1, 2, 4, 13, 14, u32::MAX] {
        assert!(refused(&board, steps(through)), "{through}");
    }
    // Nothing gets shorter.
    assert!(refused(&long_run(6, 20), results(13)));
    let mut tiny = Rehearsal::calling(Limits::default(), Class::Observe);
    tiny.ended(done("x"));
    tiny.call(Class::Observe);
    tiny.ended(done("x"));
    tiny.attempt();
    assert!(refused(&tiny, steps(3)));
    // The model is not being asked.
    let mut idle = board;
    idle.generate(&[1], Some("whole"));
    assert!(refused(&idle, results(3)));
    idle.boot(Some(0));
    assert!(refused(&idle, results(3)));
    let mut due = long_run(6, 500);
    due.boot(Some(0));
    assert!(refused(&due, results(3)));
}

#[test]
fn number_of_steps_left_out_is_read_back() {
    for left_out in [1, 2, 4_000_000_000] {
        assert_eq!(steps_left_out(&notice(left_out, &[])), Some(left_out));
    }
    for other in ["notice: restarted", "notice: 3 pumps", "3 earlier steps are left out", "notice: ", ""] {
        assert_eq!(steps_left_out(other), None, "{other}");
    }
    assert_eq!(steps_left_out("notice: 99999999999 earlier steps are left out"), None);
}
