//! What the driver needs to know of one agent, beside its limits.

use everstep_core::{Digest, Limits};
use everstep_model::{Constraint, Sampling};

/// One agent as its board file describes it.
#[derive(Clone, Debug)]
pub struct AgentConfig {
    /// Name of the agent.
    pub name: String,
    /// Instructions the model reads before the task.
    pub system: String,
    /// Limits of a run.
    pub limits: Limits,
    /// How tokens are drawn.
    pub sampling: Sampling,
    /// Whether calls are held to their schemas while they are sampled.
    pub constraint: Constraint,
    /// Tokens in one journaled run, and most that a cut may lose.
    pub run_tokens_max: u32,
    /// How flash and memory are spent.
    pub budget: Budget,
    /// What `drive` does while a call waits for an operator.
    pub approvals: Approvals,
}

/// What [`Driver::drive`](crate::Driver::drive) does while a call waits for an operator.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Approvals {
    /// Comes back, so that the process can end; the next start goes on.
    #[default]
    Return,
    /// Waits for a command, until the question's time is over.
    Wait,
}

/// How flash is spent.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Records after which a snapshot is taken, so that a boot reads few.
    pub snapshot_records: u32,
    /// Bytes of the largest snapshot. The region must hold two of them.
    pub snapshot_bytes_max: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { snapshot_records: 256, snapshot_bytes_max: 64 * 1024 }
    }
}

impl Budget {
    /// What the journal must keep room for.
    pub(crate) fn journal(self) -> everstep_journal::Budget {
        everstep_journal::Budget {
            snapshot_bytes_max: self.snapshot_bytes_max,
            reserve_bytes: crate::store::RESERVE_BYTES,
        }
    }
}

impl AgentConfig {
    /// Digest of everything here that a run's course depends on.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new();
        for part in [self.name.as_bytes(), self.system.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.update(&self.sampling.temperature.to_le_bytes());
        hasher.update(&self.sampling.top_p.to_le_bytes());
        hasher.update(&[u8::from(self.constraint == Constraint::Calls)]);
        first_half(hasher.finalize().as_bytes())
    }
}

/// The first 16 bytes of a BLAKE3.
pub(crate) fn first_half(digest: &[u8; 32]) -> Digest {
    digest.first_chunk().copied().unwrap_or_default()
}
