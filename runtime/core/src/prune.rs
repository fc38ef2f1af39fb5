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

/// Newest steps that stay as they are: what the model is about to act on. Of fewer than twice as many it
/// is the newer half, and at least the newest one.
const STEPS_KEPT: usize = 4;

/// Part of a conversation that a pruning makes room of, if it can.
const ROOM_PART: usize = 4;

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
    /// when those give too little.
    ///
    /// Half of what there is goes at once, and more where that makes no room for several steps. A prompt
    /// that is changed near its beginning is evaluated anew from there; room for one more step would
    /// bring that about at every step. Work is bounded by the square of the turns.
    pub(crate) fn pruning(&self, unknown: &[Call]) -> Option<(u32, Prune)> {
        let replies = self.turns.iter().enumerate().filter(|(_, turn)| is_reply(turn));
        let replies: Vec<usize> = replies.map(|(at, _)| at).collect();
        let kept = (replies.len() / 2).clamp(1, STEPS_KEPT);
        let older = replies.len().checked_sub(kept)?;
        // Where the newest steps begin.
        let kept_at = *replies.get(older)?;
        let long = self.turns.iter().take(kept_at).enumerate().filter(|(_, turn)| is_long(turn));
        let results: Vec<usize> = long.map(|(at, _)| at.saturating_add(1)).collect();
        // Each is where the turns that stay begin.
        let steps = replies.get(1..=older)?;

        let room = bytes(self.turns.get(1..)?).div_ceil(ROOM_PART);
        let results = newer_half(&results).iter().map(|through| (*through, Prune::Results));
        let steps = newer_half(steps).iter().map(|through| (*through, Prune::Steps));
        let mut most = (0, None);
        for (through, what) in results.chain(steps) {
            let through = u32::try_from(through).ok()?;
            let saved = self.saved(through, what, unknown).unwrap_or(0);
            if saved >= room {
                return Some((through, what));
            }
            if saved > most.0 {
                most = (saved, Some((through, what)));
            }
        }
        most.1
    }

    /// Leaves out what a record says. The same generation is asked again, with another prompt: its
    /// attempt goes on, because the model read nothing of the one before, and tokens that are on flash
    /// stay the beginning of the reply, because none is sampled twice.
    ///
    /// Refuses what does not make the conversation shorter, so that no journal prunes for ever.
    pub(crate) fn prune(&mut self, through: u32, what: Prune, unknown: &[Call]) -> Option<()> {
        self.saved(through, what, unknown)?;
        let kept = self.turns.split_off(usize::try_from(through).ok()?);
        match what {
            Prune::Results => self.turns.iter_mut().for_each(shrink),
            Prune::Steps => {
                self.turns.truncate(1);
                self.turns.push(Turn::Notice(notice(self.left_out(&kept), unknown)));
            }
        }
        self.turns.extend(kept);
        Some(())
    }

    /// Bytes by which a pruning makes the turns shorter. `None` where it does not fit them, or makes them
    /// no shorter.
    fn saved(&self, through: u32, what: Prune, unknown: &[Call]) -> Option<usize> {
        let (pruned, kept) = self.turns.split_at_checked(usize::try_from(through).ok()?)?;
        let (_task, pruned) = pruned.split_first()?;
        let saved = match what {
            Prune::Results => pruned.iter().filter_map(saved_by_stub).fold(0, usize::saturating_add),
            // A result never stays without its reply.
            Prune::Steps if kept.first().is_some_and(is_reply) => {
                bytes(pruned).saturating_sub(notice(self.left_out(kept), unknown).len())
            }
            Prune::Steps => 0,
        };
        (saved > 0).then_some(saved)
    }

    /// Steps that are no longer told where only `kept` is, those of earlier prunings included.
    fn left_out(&self, kept: &[Turn]) -> u32 {
        let replies = kept.iter().filter(|turn| is_reply(turn)).count();
        // The reply under way is no turn yet.
        let said = self.step.0.saturating_sub(1);
        said.saturating_sub(u32::try_from(replies).unwrap_or(u32::MAX))
    }
}

fn is_reply(turn: &Turn) -> bool {
    matches!(turn, Turn::Reply { .. })
}

fn is_long(turn: &Turn) -> bool {
    matches!(turn, Turn::Result(text) if text.len() > STUB_BYTES_MAX)
}

/// From the middle one to the last, of which there may be none.
fn newer_half<T>(all: &[T]) -> &[T] {
    all.get(all.len().div_ceil(2).saturating_sub(1)..).unwrap_or_default()
}

fn stub_of(turn: &Turn) -> Option<String> {
    match turn {
        Turn::Result(text) => stub(text),
        Turn::Task(_) | Turn::Reply { .. } | Turn::Notice(_) => None,
    }
}

fn saved_by_stub(turn: &Turn) -> Option<usize> {
    let stub = stub_of(turn)?;
    bytes(core::slice::from_ref(turn)).checked_sub(stub.len())
}

fn shrink(turn: &mut Turn) {
    if let Some(stub) = stub_of(turn) {
        *turn = Turn::Result(stub);
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
            text.extend(["; ", call.tool.as_str(), " may have run"]);
        }
    }
    if !named.is_empty() {
        text.push_str("; check before deciding");
    }
    text
}

#[cfg(test)]
mod tests;
