//! What the agent makes of time, against the world's own: no clock of the agent is believed here.

use std::ops::RangeInclusive;

use everstep_core::{Class, Kind, Limits, Record, Then};

use super::oracle::{Violation, violated};

/// When a record was decided, in milliseconds of true time. It is known to the millisecond, but for
/// the one that a cut kept from being heard.
pub(super) type When = RangeInclusive<u64>;

/// A wall clock that counts seconds hides this much, and a boot begins before its record.
const COUNTED_TOO_MUCH_MS: u64 = 2_000;

/// Checks every decision that depends on an age: outages are counted for no less than they were, and
/// nothing too old acts.
pub(super) fn check_ages(records: &[Record], whens: &[When], limits: &Limits) -> Result<(), Violation> {
    let mut ages = Ages::default();
    for (record, when) in records.iter().zip(whens) {
        ages.take(&record.kind, when, limits)?;
        ages.newest = Some(when.clone());
    }
    Ok(())
}

/// What the decisions so far mean for the next one.
#[derive(Default)]
struct Ages {
    newest: Option<When>,
    /// The call under way: its class, and when its intent was decided.
    call: Option<(Class, When)>,
    asked: Option<Class>,
    /// A reply has begun or waits to be performed.
    replying: bool,
    /// Milliseconds without the process since it began, at least.
    outage_ms: u64,
}

impl Ages {
    fn take(&mut self, kind: &Kind, when: &When, limits: &Limits) -> Result<(), Violation> {
        match kind {
            Kind::Booted { away_ms, lost, .. } => {
                let before = self.newest.clone().unwrap_or(when.clone());
                let (least_ms, most_ms) =
                    (when.start().saturating_sub(*before.end()), when.end().saturating_sub(*before.start()));
                if let Some(away_ms) = away_ms
                    && !(least_ms..=most_ms + COUNTED_TOO_MUCH_MS).contains(away_ms)
                {
                    let what = format!("an outage of {least_ms} to {most_ms} ms was counted as {away_ms} ms");
                    return violated("P2", what);
                }
                if self.replying {
                    self.outage_ms += least_ms;
                }
                self.runs_again(*lost, when, limits)?;
            }
            Kind::Generated { .. } => self.replying = true,
            Kind::Attempt { number: 1, .. } | Kind::Discarded { .. } | Kind::GenerationFailed { .. } => {
                (self.replying, self.outage_ms) = (false, 0);
            }
            // Put anew behind an outage, the same question lets nothing act that it didn't before.
            Kind::ApprovalAsked { .. } if self.asked.is_some() => {}
            Kind::ApprovalAsked { call, .. } => {
                self.acts(call.class, limits)?;
                self.asked = Some(call.class);
            }
            Kind::ApprovalRefused { .. } => self.asked = None,
            Kind::Called(call) => {
                self.acts(call.class, limits)?;
                self.call = Some((call.class, when.clone()));
            }
            // The operator's word counts, whatever the time: it is about a question of now.
            Kind::ApprovalGiven => self.call = self.asked.take().map(|class| (class, when.clone())),
            Kind::Ended { then, .. } | Kind::Settled { then, .. } => {
                self.runs_again(Some(*then), when, limits)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What was decided before a long outage does not act behind it.
    fn acts(&self, class: Class, limits: &Limits) -> Result<(), Violation> {
        if class != Class::Observe && self.outage_ms > u64::from(limits.rerun_s_max) * 1_000 {
            return violated("P2", format!("a call acts that was decided {} ms before", self.outage_ms));
        }
        Ok(())
    }

    /// A call runs again only while it is young.
    fn runs_again(&self, then: Option<Then>, when: &When, limits: &Limits) -> Result<(), Violation> {
        let (Some(Then::RunAgain), Some((class, since))) = (then, &self.call) else { return Ok(()) };
        let age_ms = when.start().saturating_sub(*since.end());
        let key_valid_s = match class {
            Class::Keyed { key_valid_s } => *key_valid_s,
            _ => u32::MAX,
        };
        let age_ms_max = u64::from(limits.rerun_s_max.min(key_valid_s)) * 1_000;
        if age_ms > age_ms_max {
            return violated(
                "P2",
                format!("a {class:?} call of {age_ms} ms runs again, {age_ms_max} at most"),
            );
        }
        Ok(())
    }
}
