//! When a snapshot is taken and when one serves: read once, by the first prompt; written behind a reply,
//! on a thread of its own.
//!
//! Leaves out its form (`snapshot`) and its files (`store`).

use std::{
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread::{self, JoinHandle},
};

use everstep_core::TokenId;
use everstep_model::{ModelEvent, SnapshotFact, ToolDefinition};
use tokio::sync::mpsc::UnboundedSender;

use crate::{
    evaluator::{EvaluateError, Evaluator},
    sequence::SequenceId,
    snapshot::{Identity, Refusal, Snapshot},
    store::Store,
};

/// The snapshots of one agent.
pub(crate) struct Snapshots {
    store: Store,
    /// What this engine's snapshots belong to; the tools come with a request.
    identity: Identity,
    pace: Pace,
    writer: Writer,
    events: UnboundedSender<ModelEvent>,
    /// Whether the first prompt has looked for one.
    looked: bool,
    /// What the newest snapshot holds.
    newest: Vec<TokenId>,
    /// What was said last about not writing, so that it is said once.
    told: Option<String>,
}

/// Tokens that a snapshot would save beyond the newest one; fewer are sooner evaluated than written.
pub(crate) const GROWTH_TOKENS_MIN: usize = 128;

impl Snapshots {
    pub(crate) fn new(
        store: Store,
        identity: Identity,
        bytes_per_hour_max: u64,
        events: UnboundedSender<ModelEvent>,
    ) -> std::io::Result<Self> {
        let pace = Pace::new(bytes_per_hour_max, store.bytes()?, now_us());
        let writer = Writer::start(store.clone(), events.clone())?;
        let (newest, told) = (Vec::new(), None);
        Ok(Self { store, identity, pace, writer, events, looked: false, newest, told })
    }

    /// Lets the newest snapshot that serves `prompt` fill a sequence that holds nothing yet, and
    /// says what came of it. Only the first prompt of an engine looks.
    pub(crate) fn restore(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        sequence: SequenceId,
        prompt: &[TokenId],
        tools: &[ToolDefinition],
    ) -> Result<Vec<SnapshotFact>, EvaluateError> {
        let mut facts = Vec::new();
        if std::mem::replace(&mut self.looked, true) || evaluator.len(sequence) > 0 {
            return Ok(facts);
        }
        let identity = self.identity_with(tools);
        let names = match self.store.names() {
            Ok(names) => names,
            Err(error) => {
                let reason = Refusal::Read(error).to_string();
                facts.push(SnapshotFact::Refused { file: String::new(), reason });
                return Ok(facts);
            }
        };
        for file in names {
            let read = self.store.read(&file).and_then(|bytes| Snapshot::decode(&bytes, &identity));
            let refusal = match read {
                Err(refusal) => refusal,
                Ok(snapshot) => {
                    let held = snapshot.tokens.clone();
                    let tokens = if evaluator.restore(sequence, snapshot)? {
                        Some(evaluator.begin(sequence, prompt)?)
                    } else {
                        None
                    };
                    match tokens {
                        Some(tokens) if tokens > 0 => {
                            let (tokens, of) = (saturated(tokens), saturated(held.len()));
                            facts.push(SnapshotFact::Restored { file, tokens, of });
                            self.newest = held;
                            return Ok(facts);
                        }
                        Some(_) => Refusal::Apart { tokens: held.len() },
                        None => Refusal::State,
                    }
                }
            };
            facts.push(SnapshotFact::Refused { file, reason: refusal.to_string() });
        }
        Ok(facts)
    }

    /// Has a snapshot written of what the sequence holds, where that saves enough and may be.
    pub(crate) fn take(&mut self, evaluator: &Evaluator<'_>, sequence: SequenceId, tools: &[ToolDefinition]) {
        let tokens = evaluator.tokens(sequence);
        let known = self.newest.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        if tokens.len().saturating_sub(known) < GROWTH_TOKENS_MIN || self.writer.is_busy() {
            return;
        }
        let bytes_max = self.store.bytes_max();
        let Some(snapshot) = evaluator.snapshot(sequence, usize::try_from(bytes_max).unwrap_or(usize::MAX))
        else {
            self.tell(format!("the state has none that fits {bytes_max} bytes and can be restored"));
            return;
        };
        let head = snapshot.encode(&self.identity_with(tools));
        let bytes = (head.len() as u64).saturating_add(snapshot.state.bytes().len() as u64);
        if bytes > bytes_max {
            self.tell(format!("it would have {bytes} bytes; at most {bytes_max} may be written"));
        } else if !self.pace.allows(bytes, now_us()) {
            self.tell("what may be written in an hour is used up".to_owned());
        } else {
            self.newest.clone_from(&snapshot.tokens);
            self.writer.write(Job { head, snapshot, bytes });
        }
    }

    fn identity_with(&self, tools: &[ToolDefinition]) -> Identity {
        let mut hasher = blake3::Hasher::new();
        for tool in tools {
            for text in [&tool.name, &tool.summary, &tool.arguments.to_string()] {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        Identity { tools: *hasher.finalize().as_bytes(), ..self.identity.clone() }
    }

    /// Says why none is written, once.
    fn tell(&mut self, reason: String) {
        if self.told.as_ref() != Some(&reason) {
            let fact = SnapshotFact::NotWritten { reason: reason.clone() };
            let _ = self.events.send(ModelEvent::Snapshot(fact));
            self.told = Some(reason);
        }
    }
}

/// Bytes that may be written, filled up evenly over an hour.
#[derive(Debug)]
struct Pace {
    bytes_per_hour_max: u64,
    bytes: u64,
    at_us: i64,
}

const HOUR_US: u128 = 3_600_000_000;

impl Pace {
    /// What lies there may have been written just now, by a process that was cut.
    fn new(bytes_per_hour_max: u64, written: u64, at_us: i64) -> Self {
        Self { bytes_per_hour_max, bytes: bytes_per_hour_max.saturating_sub(written), at_us }
    }

    /// Takes `bytes` of what may be written, if there are as many.
    fn allows(&mut self, bytes: u64, now_us: i64) -> bool {
        let passed_us = u128::try_from(now_us.saturating_sub(self.at_us)).unwrap_or(0);
        let more = u128::from(self.bytes_per_hour_max).saturating_mul(passed_us) / HOUR_US;
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        if more > 0 {
            self.bytes = self.bytes.saturating_add(more).min(self.bytes_per_hour_max);
            // Only the time that was paid out is over; what is too short for a byte still counts.
            let paid_us = u128::from(more).saturating_mul(HOUR_US) / u128::from(self.bytes_per_hour_max);
            self.at_us = self.at_us.saturating_add(i64::try_from(paid_us).unwrap_or(i64::MAX));
        }
        let left = self.bytes.checked_sub(bytes);
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }
}

struct Job {
    head: Vec<u8>,
    snapshot: Snapshot,
    bytes: u64,
}

/// The thread that waits for the medium.
struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// Taken while a job is worked on, so that at most one lies in memory.
    busy: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Writer {
    fn start(store: Store, events: UnboundedSender<ModelEvent>) -> std::io::Result<Self> {
        let (jobs, todo) = sync_channel::<Job>(1);
        let busy = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let done = std::sync::Arc::clone(&busy);
        let thread = thread::Builder::new().name("everstep-kv".to_owned()).spawn(move || {
            for Job { head, snapshot, bytes } in todo {
                let begin_us = now_us();
                let fact = match store.write(&[&head, snapshot.state.bytes()]) {
                    Ok(()) => SnapshotFact::Written {
                        tokens: saturated(snapshot.tokens.len()),
                        bytes,
                        took_ms: u64::try_from((now_us() - begin_us) / 1_000).unwrap_or(0),
                    },
                    Err(error) => SnapshotFact::NotWritten { reason: error.to_string() },
                };
                done.store(false, std::sync::atomic::Ordering::Release);
                let _ = events.send(ModelEvent::Snapshot(fact));
            }
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread), busy })
    }

    fn is_busy(&self) -> bool {
        self.busy.load(std::sync::atomic::Ordering::Acquire)
    }

    fn write(&self, job: Job) {
        self.busy.store(true, std::sync::atomic::Ordering::Release);
        if let Some(jobs) = &self.jobs
            && let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = jobs.try_send(job)
        {
            self.busy.store(false, std::sync::atomic::Ordering::Release);
        }
    }
}

impl Drop for Writer {
    /// Waits until what was begun is on the medium.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// llama.cpp's own clock; it only decides how much is written.
fn now_us() -> i64 {
    llama_cpp_2::ggml_time_us()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_written_in_an_hour_than_may_be() {
        let mut pace = Pace::new(1_000, 300, 0);
        assert!(!pace.allows(701, 0));
        assert!(pace.allows(700, 0));
        assert!(!pace.allows(1, 1_000_000));
        // Half an hour fills up half, and looking in between loses nothing.
        for second in 0..=1_800 {
            let _ = pace.allows(2_000, second * 1_000_000);
        }
        assert!(!pace.allows(501, 1_800_000_000));
        assert!(pace.allows(490, 1_800_000_000));
        // Never more than an hour's worth, and a clock that goes back gives nothing.
        assert!(!pace.allows(1_001, 99 * 3_600_000_000));
        assert!(pace.allows(1_000, 99 * 3_600_000_000));
        assert!(!pace.allows(500, 0));
    }
}
