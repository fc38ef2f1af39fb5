//! What a case's replies were worth.

use crate::{
    case::{Case, Want},
    runner::{End, MadeCall, Played},
};

/// What a case's replies were worth; `None` where a case doesn't ask it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Judgement {
    /// Every reply was an answer or a call that its tool's schema accepts. `None` for a case that was
    /// not played to its end.
    pub valid: Option<bool>,
    /// The right tools were called, in order and no others. For cases that want calls.
    pub right_tool: Option<bool>,
    /// The right tools with the right arguments, in valid calls. For cases that want calls.
    pub exact: Option<bool>,
    /// At least one call was made. For cases that want calls.
    pub acted: Option<bool>,
    /// The model answered, and made no call. For cases that want none.
    pub abstained: Option<bool>,
}

impl Judgement {
    /// Whether the case came out as wanted.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.exact == Some(true) || self.abstained == Some(true)
    }
}

/// Judges what came of a case. One that could not be played counts as wrong.
#[must_use]
pub fn judge(case: &Case, played: &Played) -> Judgement {
    let calls = &played.calls;
    let valid = match &played.end {
        End::Refused(_) | End::TooLong { .. } => None,
        End::Malformed { .. } | End::Failed(_) => Some(false),
        End::Called | End::Answered(_) => Some(calls.iter().all(is_valid)),
    };
    match &case.want {
        Want::NoCall => Judgement {
            valid,
            right_tool: None,
            exact: None,
            acted: None,
            abstained: Some(calls.is_empty() && matches!(played.end, End::Answered(_))),
        },
        Want::Calls(wanted) => {
            let is_whole = calls.len() == wanted.len() && played.end == End::Called;
            let mut pairs = wanted.iter().zip(calls);
            let right_tool = is_whole && pairs.clone().all(|(wanted, made)| wanted.name == made.name);
            let exact =
                right_tool && pairs.all(|(wanted, made)| is_valid(made) && wanted.accepts(&made.arguments));
            Judgement {
                valid,
                right_tool: Some(right_tool),
                exact: Some(exact),
                acted: Some(!calls.is_empty()),
                abstained: None,
            }
        }
    }
}

fn is_valid(call: &MadeCall) -> bool {
    call.fault.is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Timing;

    #[expect(clippy::needless_pass_by_value, reason = "reads well with json!")]
    fn case(expect: Value) -> Case {
        let key = if expect == json!(true) { "expect_none" } else { "expect" };
        let tool = |name| json!({"type": "function", "function": {"name": name}});
        let line = json!({"id": "a", "request": "x", "tools": [tool("read"), tool("set")], key: expect});
        Case::parse(&line.to_string()).unwrap()
    }

    fn wants_call() -> Case {
        case(json!([{"name": "set", "arguments": {"x": [1]}}]))
    }

    fn made(name: &str, x: i64) -> MadeCall {
        MadeCall { name: name.to_owned(), arguments: json!({"x": x}), fault: None }
    }

    fn played(calls: &[MadeCall], end: End) -> Played {
        Played { end, calls: calls.to_vec(), timing: Timing::default() }
    }

    fn answered() -> End {
        End::Answered("no".to_owned())
    }

    /// valid, right tool, exact, acted
    fn judged(case: &Case, played: &Played) -> (Option<bool>, bool, bool, bool) {
        let Judgement { valid, right_tool, exact, acted, abstained } = judge(case, played);
        assert_eq!(abstained, None);
        (valid, right_tool.unwrap(), exact.unwrap(), acted.unwrap())
    }

    #[test]
    fn exact_needs_tool_arguments_and_schema() {
        let case = wants_call();
        let called = |call: MadeCall| played(&[call], End::Called);
        assert_eq!(judged(&case, &called(made("set", 1))), (Some(true), true, true, true));
        assert_eq!(judged(&case, &called(made("set", 2))), (Some(true), true, false, true));
        assert_eq!(judged(&case, &called(made("read", 1))), (Some(true), false, false, true));
        let faulty = MadeCall { fault: Some("too much".to_owned()), ..made("set", 1) };
        assert_eq!(judged(&case, &called(faulty)), (Some(false), true, false, true));
    }

    #[test]
    fn calls_count_in_order_and_none_too_many_or_too_few() {
        let wanted = json!([{"name": "read", "arguments": {}}, {"name": "set", "arguments": {"x": [1]}}]);
        let case = case(wanted);
        let read = || MadeCall { arguments: json!({}), ..made("read", 0) };
        let whole = played(&[read(), made("set", 1)], End::Called);
        assert_eq!(judged(&case, &whole), (Some(true), true, true, true));
        for calls in [&[made("set", 1), read()][..], &[read(), made("set", 1), made("set", 1)], &[read()]] {
            assert_eq!(judged(&case, &played(calls, End::Called)), (Some(true), false, false, true));
        }
        let short = played(&[read()], answered());
        assert_eq!(judged(&case, &short), (Some(true), false, false, true));
    }

    #[test]
    fn case_without_a_call_did_not_act() {
        let case = wants_call();
        let bad = End::Malformed { text: "<".to_owned(), why: "no".to_owned() };
        let long = End::TooLong { tokens: 9, tokens_max: 8 };
        for (end, valid) in [
            (answered(), Some(true)),
            (bad, Some(false)),
            (End::Failed("stuck".to_owned()), Some(false)),
            (End::Refused("not".to_owned()), None),
            (long, None),
        ] {
            assert_eq!(judged(&case, &played(&[], end)), (valid, false, false, false));
        }
    }

    #[test]
    fn only_an_answer_abstains() {
        let case = case(json!(true));
        let judged = |calls: &[MadeCall], end: End| judge(&case, &played(calls, end));
        let right = judged(&[], answered());
        assert!(right.is_right());
        assert_eq!((right.abstained, right.exact, right.acted), (Some(true), None, None));
        let bad = End::Malformed { text: String::new(), why: "empty".to_owned() };
        for (calls, end) in [
            (&[made("set", 1)][..], End::Called),
            (&[], bad),
            (&[], End::Failed("stuck".to_owned())),
            (&[], End::Refused("not".to_owned())),
        ] {
            let wrong = judged(calls, end);
            assert_eq!(wrong.abstained, Some(false));
            assert!(!wrong.is_right());
        }
    }
}
