//! One run of everything that is measured, on engines of its own.
//!
//! Leaves out what the numbers of several runs come to: `report` has that.

use std::{fs, path::PathBuf, time::Duration};

use everstep_board_linux::{clock::uptime, config::ModelSection, machine};
use everstep_eval::{Ask, Runner, Settings, Timing};
use everstep_model::{Constraint, Message, ModelCard, ToolDefinition};
use everstep_model_llama::SnapshotOptions;

use super::failure;
use crate::{
    exit::{Failure, Outcome},
    model::Choice,
};

/// What the model is told and may call.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) system: String,
    pub(super) tools: Vec<ToolDefinition>,
}

/// How runs are made.
#[derive(Debug)]
pub(super) struct Series {
    choice: Choice,
    section: ModelSection,
    subject: Subject,
    reply_tokens: u32,
    scratch: Scratch,
}

/// What one run came to.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) card: ModelCard,
    /// Of each load.
    pub(super) loads: [Duration; 2],
    /// A long prompt and one token, with nothing kept.
    pub(super) cold: Timing,
    /// The next step and one token.
    pub(super) warm: Timing,
    /// The same in a new engine, where it found a snapshot.
    pub(super) again: Option<Timing>,
    /// Replies drawn freely.
    pub(super) free: Timing,
    /// Replies held to the tools' schemas.
    pub(super) constrained: Timing,
    /// Tokens of those that were forced, and all of them.
    pub(super) forced: (u64, u64),
    pub(super) resident_bytes: Option<u64>,
}

/// Short tasks, for replies.
const TASKS: &[&str] = &["Set the fan to 30 percent.", "Log that the air is cold.", "Read the room."];
/// A sentence of the long task, and how often it stands there: some hundred tokens.
const SENTENCE: &str = "Read the air, set the fan to 30 percent and log that the door was open. ";
const SENTENCES: usize = 24;
/// Bytes of a snapshot; larger ones are not written, and one measurement is missing then.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 30;

impl Series {
    pub(super) fn new(
        choice: Choice,
        section: ModelSection,
        subject: Subject,
        reply_tokens: u32,
    ) -> Outcome<Self> {
        Ok(Self { choice, section, subject, reply_tokens, scratch: Scratch::new()? })
    }

    /// Measures everything once.
    pub(super) async fn run(&self) -> Outcome<Sample> {
        self.scratch.empty()?;
        let (mut runner, first_load) = self.load()?;
        let cold = self.time(&mut runner, vec![], Constraint::Calls, 1).await?;
        let warm = self.time(&mut runner, self.step(), Constraint::Calls, 1).await?;
        let (mut free, mut constrained) = (Timing::default(), Timing::default());
        for task in TASKS {
            let replies = self.replies(&mut runner, task, Constraint::Off).await?;
            add(&mut free, replies);
        }
        let before = self.scratch.tokens()?;
        for task in TASKS {
            let replies = self.replies(&mut runner, task, Constraint::Calls).await?;
            add(&mut constrained, replies);
        }
        let after = self.scratch.tokens()?;
        let forced = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
        // A whole reply to the long task leaves a snapshot, which is on the medium once the engine is gone.
        self.time(&mut runner, vec![], Constraint::Calls, self.reply_tokens).await?;
        let resident_bytes = machine::memory_resident_bytes();
        let card = runner.model().card().clone();
        drop(runner);

        let (mut runner, second_load) = self.load()?;
        let again = self.time(&mut runner, self.step(), Constraint::Calls, 1).await?;
        let again = (again.cached_tokens > 0).then_some(again);
        let loads = [first_load, second_load];
        Ok(Sample { card, loads, cold, warm, again, free, constrained, forced, resident_bytes })
    }

    fn load(&self) -> Outcome<(Runner, Duration)> {
        let snapshots = SnapshotOptions {
            folder: self.scratch.snapshots(),
            bytes_max: SNAPSHOT_BYTES_MAX,
            bytes_per_hour_max: SNAPSHOT_BYTES_MAX,
        };
        let begun = uptime();
        let model = self.choice.load(&self.section, Some(self.scratch.log()), Some(snapshots))?;
        let took = uptime().saturating_sub(begun);
        let settings = Settings { constraint: Constraint::Calls, reply_tokens_max: self.reply_tokens };
        Ok((Runner::new(model, settings, Box::new(uptime)), took))
    }

    /// Times the long task with `more` said behind it.
    async fn time(
        &self,
        runner: &mut Runner,
        more: Vec<Message>,
        constraint: Constraint,
        reply_tokens_max: u32,
    ) -> Outcome<Timing> {
        let mut messages = self.begin(&SENTENCE.repeat(SENTENCES));
        messages.extend(more);
        self.ask(runner, messages, Settings { constraint, reply_tokens_max }).await
    }

    async fn replies(&self, runner: &mut Runner, task: &str, constraint: Constraint) -> Outcome<Timing> {
        let settings = Settings { constraint, reply_tokens_max: self.reply_tokens };
        self.ask(runner, self.begin(task), settings).await
    }

    async fn ask(&self, runner: &mut Runner, messages: Vec<Message>, settings: Settings) -> Outcome<Timing> {
        let ask = Ask { messages, tools: self.subject.tools.clone(), settings };
        runner.time(&ask).await.map_err(failure)
    }

    fn begin(&self, task: &str) -> Vec<Message> {
        vec![Message::System(self.subject.system.clone()), Message::User(task.to_owned())]
    }

    /// What is said behind the long task when the next step of it begins.
    #[expect(clippy::unused_self, reason = "reads as a part of what is asked")]
    fn step(&self) -> Vec<Message> {
        let said = Message::Assistant { tokens: Vec::new(), text: "I look at the room.".to_owned() };
        vec![said, Message::Tool("air -17.5 C, door closed".to_owned())]
    }
}

fn add(sum: &mut Timing, timing: Timing) {
    sum.prompt_tokens = sum.prompt_tokens.saturating_add(timing.prompt_tokens);
    sum.cached_tokens = sum.cached_tokens.saturating_add(timing.cached_tokens);
    sum.prompt = sum.prompt.saturating_add(timing.prompt);
    sum.reply_tokens = sum.reply_tokens.saturating_add(timing.reply_tokens);
    sum.reply = sum.reply.saturating_add(timing.reply);
}

/// A folder for snapshots and the log of tokens; it goes with the series.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("everstep-bench-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| {
            let what = format!("folder {} can't be made: set TMPDIR to another place", folder.display());
            Failure::failed(anyhow::Error::new(error).context(what))
        })?;
        Ok(Self(folder))
    }

    fn snapshots(&self) -> PathBuf {
        self.0.join("kv")
    }

    fn log(&self) -> PathBuf {
        self.0.join("sampled.log")
    }

    /// Lets the next run find nothing.
    fn empty(&self) -> Outcome<()> {
        if self.snapshots().exists() {
            fs::remove_dir_all(self.snapshots()).map_err(Failure::failed)?;
        }
        if self.log().exists() {
            fs::remove_file(self.log()).map_err(Failure::failed)?;
        }
        Ok(())
    }

    /// Tokens in the log: forced ones, and those beside the ends of replies.
    fn tokens(&self) -> Outcome<(u64, u64)> {
        Ok(count(&fs::read_to_string(self.log()).map_err(Failure::failed)?))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Forced tokens of a log, and all but the ends.
fn count(log: &str) -> (u64, u64) {
    let kinds = log.lines().filter_map(|line| line.rsplit(' ').next());
    kinds.fold((0, 0), |(forced, all), kind| match kind {
        "forced" => (forced + 1, all + 1),
        "end" => (forced, all),
        _ => (forced, all + 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_replies_are_no_tokens_of_them() {
        let log = "0 0 17 sampled\n0 1 18 forced\n0 2 2 end\n0 0 5 forced\n";
        assert_eq!(count(log), (2, 3));
        assert_eq!(count(""), (0, 0));
    }
}
