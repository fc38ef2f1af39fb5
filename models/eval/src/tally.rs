//! Counts what came of cases. Leaves out how a table looks.

use std::time::Duration;

use crate::{
    judge::Judgement,
    runner::{End, Played, Timing},
};

/// Counts of a group of cases.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Cases, those that could not be played included.
    pub cases: u64,
    /// Of the cases played to their end: every reply valid.
    pub valid: Share,
    /// Of the calls tried: those that would run. A reply that is neither call nor answer was a try.
    pub calls_valid: Share,
    /// Of the cases that want calls: the right tools.
    pub right_tool: Share,
    /// Of the cases that want calls: the right calls.
    pub exact: Share,
    /// Of the cases that want calls: any call at all.
    pub acted: Share,
    /// Of the cases that want no call: an answer.
    pub abstained: Share,
    /// Cases with a tool whose schema can't be enforced.
    pub refused: u64,
    /// Cases that do not fit the context.
    pub too_long: u64,
    /// Cases in which a generation failed.
    pub failed: u64,
    /// What all replies took.
    pub timing: Timing,
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Share {
    /// Those that are.
    pub part: u64,
    /// All that were asked.
    pub whole: u64,
}

impl Share {
    /// In percent, where any was asked.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of cases are small")]
    pub fn percent(self) -> Option<f64> {
        (self.whole > 0).then(|| self.part as f64 * 100.0 / self.whole as f64)
    }

    pub(crate) fn count(&mut self, judged: Option<bool>) {
        if let Some(is) = judged {
            self.whole = self.whole.saturating_add(1);
            self.part = self.part.saturating_add(u64::from(is));
        }
    }
}

impl Tally {
    /// Counts one case.
    pub fn count(&mut self, judgement: Judgement, played: &Played) {
        self.cases = self.cases.saturating_add(1);
        self.valid.count(judgement.valid);
        for call in &played.calls {
            self.calls_valid.count(Some(call.fault.is_none()));
        }
        self.calls_valid.count(matches!(played.end, End::Malformed { .. }).then_some(false));
        self.right_tool.count(judgement.right_tool);
        self.exact.count(judgement.exact);
        self.acted.count(judgement.acted);
        self.abstained.count(judgement.abstained);
        let counter = match played.end {
            End::Refused(_) => Some(&mut self.refused),
            End::TooLong { .. } => Some(&mut self.too_long),
            End::Failed(_) => Some(&mut self.failed),
            End::Called | End::Answered(_) | End::Malformed { .. } => None,
        };
        if let Some(counter) = counter {
            *counter = counter.saturating_add(1);
        }
        let (sum, one) = (&mut self.timing, &played.timing);
        sum.prompt_tokens = sum.prompt_tokens.saturating_add(one.prompt_tokens);
        sum.cached_tokens = sum.cached_tokens.saturating_add(one.cached_tokens);
        sum.prompt = sum.prompt.saturating_add(one.prompt);
        sum.reply_tokens = sum.reply_tokens.saturating_add(one.reply_tokens);
        sum.reply = sum.reply.saturating_add(one.reply);
    }
}

impl Timing {
    /// Prompt tokens evaluated a second, where any was.
    #[must_use]
    pub fn prompt_tokens_per_s(&self) -> Option<f64> {
        rate(self.prompt_tokens, self.prompt)
    }

    /// Tokens of replies a second, where any was.
    #[must_use]
    pub fn reply_tokens_per_s(&self) -> Option<f64> {
        rate(self.reply_tokens, self.reply)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tokens are small")]
fn rate(tokens: u64, time: Duration) -> Option<f64> {
    (tokens > 0 && !time.is_zero()).then(|| tokens as f64 / time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::MadeCall;

    fn played(end: End) -> Played {
        let timing = Timing {
            prompt_tokens: 30,
            cached_tokens: 5,
            prompt: Duration::from_millis(10),
            reply_tokens: 4,
            reply: Duration::from_millis(2),
        };
        Played { end, calls: Vec::new(), timing }
    }

    #[test]
    fn each_share_counts_only_what_was_asked() {
        let mut tally = Tally::default();
        let act = |exact: bool, valid| Judgement {
            valid,
            right_tool: Some(exact),
            exact: Some(exact),
            acted: Some(true),
            abstained: None,
        };
        let rest = Judgement {
            valid: Some(true),
            right_tool: None,
            exact: None,
            acted: None,
            abstained: Some(false),
        };
        tally.count(act(true, Some(true)), &played(End::Called));
        tally.count(act(false, Some(false)), &played(End::Failed(String::new())));
        tally.count(act(false, None), &played(End::Refused(String::new())));
        tally.count(act(false, None), &played(End::TooLong { tokens: 2, tokens_max: 1 }));
        tally.count(rest, &played(End::Called));
        let share = |part, whole| Share { part, whole };
        assert_eq!((tally.cases, tally.valid, tally.exact), (5, share(2, 3), share(1, 4)));
        assert_eq!((tally.right_tool, tally.acted, tally.abstained), (share(1, 4), share(4, 4), share(0, 1)));
        assert_eq!((tally.refused, tally.too_long, tally.failed), (1, 1, 1));
        assert_eq!((tally.timing.prompt_tokens, tally.timing.cached_tokens), (150, 25));
        assert_eq!(tally.timing.prompt_tokens_per_s(), Some(3_000.0));
        assert_eq!(tally.timing.reply_tokens_per_s(), Some(2_000.0));
    }

    #[test]
    fn calls_are_counted_one_by_one_and_malformed_ones_too() {
        let call = |fault: Option<&str>| MadeCall {
            name: "set".to_owned(),
            arguments: Value::Null,
            fault: fault.map(str::to_owned),
        };
        let mut tally = Tally::default();
        let rest =
            Judgement { valid: None, right_tool: None, exact: None, acted: None, abstained: Some(false) };
        let bad = End::Malformed { text: String::new(), why: String::new() };
        tally.count(rest, &Played { calls: vec![call(None), call(Some("x"))], ..played(End::Called) });
        tally.count(rest, &Played { calls: vec![call(None)], ..played(bad) });
        tally.count(rest, &played(End::Answered(String::new())));
        assert_eq!(tally.calls_valid, Share { part: 2, whole: 4 });
    }

    #[test]
    fn nothing_asked_is_no_percentage() {
        assert_eq!(Share::default().percent(), None);
        assert_eq!(Share { part: 1, whole: 4 }.percent(), Some(25.0));
        assert_eq!(Timing::default().prompt_tokens_per_s(), None);
    }
}
