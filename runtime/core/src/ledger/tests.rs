use alloc::format;

use super::*;
use crate::words::CallId;

fn call(tool: &str, class: Class, arguments: &str) -> Call {
    Call {
        id: CallId(1),
        tool: tool.into(),
        arguments: arguments.into(),
        class,
        baseline: None,
        wait_ms: None,
    }
}

fn at(elapsed_ms: u64) -> Timeline {
    Timeline { elapsed_ms, ..Timeline::default() }
}

fn limits(repeats_max: u32, alternations_max: u32, errors_max: u32) -> Limits {
    Limits { repeats_max, alternations_max, errors_max, ..Limits::default() }
}

#[test]
fn days_are_counted_from_their_first_call() {
    let mut ledger = Ledger::default();
    let dose = call("dose", Class::Never, "{}");
    for elapsed_ms in [1_000, 2_000, DAY_MS + 999] {
        ledger.called(&dose, &at(elapsed_ms));
    }
    assert_eq!(ledger.day_calls("dose", DAY_MS + 999), 3);
    assert_eq!(ledger.day_calls("dose", DAY_MS + 1_000), 0, "a day after the first");
    ledger.called(&dose, &at(DAY_MS + 5_000));
    assert_eq!(ledger.day_calls("dose", 2 * DAY_MS + 4_999), 1);
    let used = ledger.tool("dose").unwrap();
    assert_eq!((used.run_calls, used.last.elapsed_ms), (4, DAY_MS + 5_000));
    ledger.start();
    let used = ledger.tool("dose").unwrap();
    assert_eq!((used.run_calls, used.day_calls), (0, 1), "a run begins anew, a day does not");
}

#[test]
fn tools_beyond_the_list_share_one_count() {
    let mut ledger = Ledger::default();
    for index in 0..TOOLS_COUNTED_MAX + 3 {
        ledger.called(&call(&format!("tool_{index}"), Class::Safe, "{}"), &at(0));
    }
    assert_eq!(ledger.tools.len(), TOOLS_COUNTED_MAX + 1);
    assert_eq!(ledger.tool("tool_0").unwrap().run_calls, 1);
    assert_eq!(ledger.tool("tool_65").unwrap().run_calls, 3);
    assert_eq!(ledger.tool("never_called").unwrap().run_calls, 3, "it may have been one of those");
}

#[test]
fn only_what_is_known_to_hold_counts_as_commanded() {
    let mut ledger = Ledger::default();
    let commanded = |ledger: &Ledger| ledger.tool("set_fan").and_then(|used| used.commanded.clone());
    let fan = call("set_fan", Class::Safe, r#"{"percent":40}"#);
    ledger.commanded(&fan);
    assert_eq!(commanded(&ledger).as_deref(), Some(r#"{"percent":40}"#));
    ledger.doubted(&call("set_fan", Class::Safe, r#"{"percent":0}"#));
    assert_eq!(commanded(&ledger), None, "it may stand at either");
    ledger.commanded(&fan);
    ledger.commanded(&call("set_fan", Class::Safe, &"x".repeat(COMMAND_BYTES_MAX + 1)));
    assert_eq!(commanded(&ledger), None, "too long to be remembered, and no longer what it was");
    ledger.commanded(&fan);
    ledger.made_safe();
    assert_eq!(commanded(&ledger), None);
    ledger.commanded(&call("read_fan", Class::Observe, "{}"));
    assert!(ledger.tool("read_fan").is_none());
}

#[test]
fn circles_of_one_and_two_are_found() {
    let limits = limits(3, 2, 9);
    let found = |results: &[&str]| {
        let mut ledger = Ledger::default();
        for result in results {
            ledger.came_of(&["read", "{}", result], false);
        }
        ledger.runaway(&limits).map(|runaway| (runaway.limit, runaway.count))
    };
    assert_eq!(found(&["1", "1"]), None);
    assert_eq!(found(&["2", "1", "1", "1"]), Some((LimitName::Repeats, 3)));
    assert_eq!(found(&["1", "1", "2", "1", "1"]), None);
    assert_eq!(found(&["1", "2", "1"]), None);
    assert_eq!(found(&["0", "1", "2", "1", "2"]), Some((LimitName::Alternations, 2)));
    assert_eq!(found(&["1", "2", "1", "2", "3"]), None, "it found a way out");
    assert_eq!(found(&["1", "2", "3", "1", "2", "3"]), None);
}

#[test]
fn where_one_part_ends_is_part_of_a_result() {
    let mut ledger = Ledger::default();
    for parts in [["a", "b"], ["ab", ""], ["", "ab"]] {
        ledger.came_of(&parts, false);
    }
    assert_eq!(ledger.repetitions(1), 1);
}

#[test]
fn errors_in_a_row_are_a_storm_whatever_they_are() {
    let limits = limits(90, 90, 3);
    let mut ledger = Ledger::default();
    let fail = |ledger: &mut Ledger, text: &str| ledger.came_of(&["set", text], true);
    fail(&mut ledger, "a");
    fail(&mut ledger, "b");
    ledger.came_of(&["read"], false);
    for text in ["a", "b"] {
        fail(&mut ledger, text);
        assert_eq!(ledger.runaway(&limits), None);
    }
    fail(&mut ledger, "c");
    assert_eq!(ledger.runaway(&limits), Some(Runaway { limit: LimitName::Errors, count: 3, max: 3 }));
    ledger.warn();
    assert_eq!(ledger.runaway(&limits), None, "it gets its chance");
}

#[test]
fn waiting_makes_looking_again_no_circle() {
    let limits = limits(2, 2, 9);
    let mut ledger = Ledger::default();
    for _ in 0..9 {
        ledger.came_of(&["read", "-18"], false);
        assert_eq!(ledger.runaway(&limits), None);
        ledger.waited();
    }
}

#[test]
fn the_list_of_results_has_an_end() {
    let mut ledger = Ledger::default();
    for _ in 0..3 * RECENT_MAX {
        ledger.came_of(&["read", "-18"], false);
    }
    assert_eq!(ledger.recent.len(), RECENT_MAX);
    assert_eq!(ledger.repetitions(1) as usize, RECENT_MAX);
}
