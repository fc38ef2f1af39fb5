//! Pruning: what of a conversation is left out when it no longer fits the model's context.
//!
//! The rule is for `decide`, carrying it out for `apply`, which follows the record alone. Leaves out
//! what fits: only the model knows its tokens.

use alloc::{string::String, vec::Vec};

use crate::{
    record::Prune,
    state::{Run, Turn},
    text::{STUB_BYTES_MAX, stub},
    words::Call,
};

/// Newest steps that are never pruned: what the model is about to act on.
const STEPS_KEPT: usize = 4;

/// What a notice about steps that are left out begins with.
const NOTICE_BEGIN: &str = "notice: ";
/// What follows the number of one step, and of several.
const NOTICE_END: [&str; 2] = [" earlier step is left out", " earlier steps are left out"];

/// How many steps `notice` says are left out, if it is about that. Whoever counts replies in a
/// conversation adds them.
#[must_use]
pub fn steps_left_out(notice: &str) -> Option<u32> {
    let rest = notice.strip_prefix(NOTICE_BEGIN)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, rest) = rest.split_at(digits);
    NOTICE_END.iter().any(|end| rest.starts_with(end)).then(|| count.parse().ok()).flatten()
}

impl Run {
    /// What to leave out next, if anything is left to be left out: older results first, older steps
    /// when those are all short.
    ///
    /// Half of what there is goes at once. A prompt that is changed near its beginning is evaluated
    /// anew from there; room for one more step would bring that about at every step.
    pub(crate) fn pruning(&self, unknown: &[Call]) -> Option<(u32, Prune)> {
        let replies = self.turns.iter().enumerate().filter(|(_, turn)| matches!(turn, Turn::Reply { .. }));
        let replies: Vec<usize> = replies.map(|(at, _)| at).collect();
        let older = replies.len().checked_sub(STEPS_KEPT)?;
        // Where the newest steps begin.
        let kept_at = *replies.get(older)?;

        let long = self.turns.iter().take(kept_at).enumerate().filter(|(_, turn)| is_long(turn));
        let long: Vec<usize> = long.map(|(at, _)| at).collect();
        if let Some(newest) = long.len().div_ceil(2).checked_sub(1).and_then(|index| long.get(index)) {
            return Some((u32::try_from(newest + 1).ok()?, Prune::Results));
        }
        // A few tiny steps may be shorter than the notice about them; then more of them go.
        (older.div_ceil(2).max(1)..=older).find_map(|count| {
            let through = u32::try_from(*replies.get(count)?).ok()?;
            self.pruned(through, Prune::Steps, unknown)?;
            Some((through, Prune::Steps))
        })
    }

    /// Leaves out what a record says. The same generation is asked again, with another prompt: its
    /// attempt goes on, because the model read nothing of the one before, and tokens that are on flash
    /// stay the beginning of the reply, because none is sampled twice.
    ///
    /// Refuses what does not make the conversation shorter, so that no journal prunes for ever.
    pub(crate) fn prune(&mut self, through: u32, what: Prune, unknown: &[Call]) -> Option<()> {
        self.turns = self.pruned(through, what, unknown)?;
        Some(())
    }

    /// The turns after pruning. `None` where that does not fit them, or does not make them shorter.
    fn pruned(&self, through: u32, what: Prune, unknown: &[Call]) -> Option<Vec<Turn>> {
        let (pruned, kept) = self.turns.split_at_checked(usize::try_from(through).ok()?)?;
        let (task, pruned) = pruned.split_first()?;
        let mut turns = Vec::with_capacity(self.turns.len());
        turns.push(task.clone());
        match what {
            Prune::Results => turns.extend(pruned.iter().map(shrunk)),
            Prune::Steps => {
                // A result never stays without its reply.
                let Some(Turn::Reply { .. }) = kept.first() else { return None };
                let replies = kept.iter().filter(|turn| matches!(turn, Turn::Reply { .. })).count();
                // The reply under way is of no use to the count: it is no turn yet.
                let said = self.step.0.saturating_sub(1);
                let left_out = said.saturating_sub(u32::try_from(replies).ok()?);
                turns.push(Turn::Notice(notice(left_out, unknown)));
            }
        }
        turns.extend_from_slice(kept);
        (bytes(&turns) < bytes(&self.turns)).then_some(turns)
    }
}

fn is_long(turn: &Turn) -> bool {
    matches!(turn, Turn::Result(text) if text.len() > STUB_BYTES_MAX)
}

fn shrunk(turn: &Turn) -> Turn {
    match turn {
        Turn::Result(text) => Turn::Result(stub(text).unwrap_or_else(|| text.clone())),
        other => other.clone(),
    }
}

/// Bytes of text in `turns`.
fn bytes(turns: &[Turn]) -> usize {
    let bytes = turns.iter().map(|turn| match turn {
        Turn::Task(text) | Turn::Reply { text, .. } | Turn::Result(text) | Turn::Notice(text) => text.len(),
    });
    bytes.fold(0, usize::saturating_add)
}

/// What the model reads instead of `left_out` steps.
///
/// Notices of the steps go with them: a restart is over, and a late result was told. That a call may
/// have run must not be forgotten, though: an equal one is held back for an operator, but one that
/// differs a little is the model's own decision. So each that is still unknown is named again.
fn notice(left_out: u32, unknown: &[Call]) -> String {
    let [one, several] = NOTICE_END;
    let end = if left_out == 1 { one } else { several };
    let mut text = alloc::format!("{NOTICE_BEGIN}{left_out}{end}");
    let mut named: Vec<&str> = Vec::new();
    for call in unknown {
        if !named.contains(&call.tool.as_str()) {
            named.push(&call.tool);
            text.push_str(&alloc::format!("; {} may have run", call.tool));
        }
    }
    if !named.is_empty() {
        text.push_str("; check before deciding");
    }
    text
}

#[cfg(test)]
mod tests;
