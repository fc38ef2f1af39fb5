//! What the engine's thread is told: commands in, and what they mean for the generation under way.
//!
//! Leaves out the generation itself.

use std::sync::mpsc::{Receiver, RecvError, SyncSender, TryRecvError};

use everstep_core::ActivityId;
use everstep_model::{Request, ToolDefinition};

/// A message to the engine's thread.
pub(crate) enum Command {
    Submit(Box<Request>),
    Accepted { activity: ActivityId, tokens: usize },
    Cancel(ActivityId),
    CheckTools { tools: Vec<ToolDefinition>, answer: SyncSender<Result<(), String>> },
}

/// The receiving end, with the request that came while another was worked on.
pub(crate) struct Mailbox {
    commands: Receiver<Command>,
    next: Option<Box<Request>>,
}

/// What the thread does when it has nothing to do.
pub(crate) enum Job {
    Generate(Box<Request>),
    CheckTools { tools: Vec<ToolDefinition>, answer: SyncSender<Result<(), String>> },
}

/// Why a generation ends before its reply does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Interrupt {
    /// Cancelled, or another one was submitted.
    Cancelled,
    /// The handle is gone.
    Closed,
}

/// What is known of the generation under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) activity: ActivityId,
    /// Tokens that are durable.
    pub(crate) accepted: usize,
}

impl Mailbox {
    pub(crate) const fn new(commands: Receiver<Command>) -> Self {
        Self { commands, next: None }
    }

    /// Waits for the next thing to do; `None` once the handle is gone.
    pub(crate) fn job(&mut self) -> Option<Job> {
        if let Some(request) = self.next.take() {
            return Some(Job::Generate(request));
        }
        loop {
            match self.commands.recv() {
                Ok(Command::Submit(request)) => return Some(Job::Generate(request)),
                Ok(Command::CheckTools { tools, answer }) => return Some(Job::CheckTools { tools, answer }),
                // Late words about a generation that is over.
                Ok(Command::Accepted { .. } | Command::Cancel(_)) => {}
                Err(RecvError) => return None,
            }
        }
    }

    /// Takes what has come in, without waiting.
    pub(crate) fn look(&mut self, watch: &mut Watch) -> Result<(), Interrupt> {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.take(command, watch)?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Interrupt::Closed),
            }
        }
    }

    /// Waits for one message.
    pub(crate) fn wait(&mut self, watch: &mut Watch) -> Result<(), Interrupt> {
        let command = self.commands.recv().map_err(|RecvError| Interrupt::Closed)?;
        self.take(command, watch)
    }

    fn take(&mut self, command: Command, watch: &mut Watch) -> Result<(), Interrupt> {
        match command {
            Command::Accepted { activity, tokens } if activity == watch.activity => {
                watch.accepted = watch.accepted.max(tokens);
                Ok(())
            }
            Command::Cancel(activity) if activity == watch.activity => Err(Interrupt::Cancelled),
            Command::Accepted { .. } => Ok(()),
            // Until that next request is begun, only its own cancel can mean it.
            Command::Cancel(activity) => {
                self.next.take_if(|request| request.activity == activity);
                Ok(())
            }
            Command::Submit(request) => {
                self.next = Some(request);
                Err(Interrupt::Cancelled)
            }
            Command::CheckTools { answer, .. } => {
                let _ = answer.try_send(Err("the model is at work; check tools before a run".to_owned()));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use everstep_core::GenerationId;
    use everstep_model::{Constraint, Sampling};

    use super::*;

    fn request(activity: u64) -> Command {
        Command::Submit(Box::new(Request {
            activity: ActivityId(activity),
            generation: GenerationId(1),
            redo: 0,
            seed: 0,
            messages: Vec::new(),
            tools: Vec::new(),
            generated: Vec::new(),
            tokens_max: 1,
            run_tokens_max: 1,
            constraint: Constraint::Off,
            sampling: Sampling { temperature: 0.0, top_p: 1.0 },
        }))
    }

    fn next(mailbox: &mut Mailbox) -> Option<u64> {
        match mailbox.job() {
            Some(Job::Generate(request)) => Some(request.activity.0),
            _ => None,
        }
    }

    #[test]
    fn only_words_about_the_watched_generation_count() {
        let (sender, receiver) = sync_channel(9);
        let mut mailbox = Mailbox::new(receiver);
        let mut watch = Watch { activity: ActivityId(2), accepted: 4 };
        sender.send(Command::Accepted { activity: ActivityId(1), tokens: 99 }).unwrap();
        sender.send(Command::Cancel(ActivityId(1))).unwrap();
        sender.send(Command::Accepted { activity: ActivityId(2), tokens: 3 }).unwrap();
        assert_eq!(mailbox.look(&mut watch), Ok(()));
        assert_eq!(watch.accepted, 4);
        sender.send(Command::Accepted { activity: ActivityId(2), tokens: 7 }).unwrap();
        assert_eq!(mailbox.wait(&mut watch), Ok(()));
        assert_eq!(watch.accepted, 7);
        sender.send(Command::Cancel(ActivityId(2))).unwrap();
        assert_eq!(mailbox.look(&mut watch), Err(Interrupt::Cancelled));
        drop(sender);
        assert_eq!(mailbox.look(&mut watch), Err(Interrupt::Closed));
        assert_eq!(mailbox.wait(&mut watch), Err(Interrupt::Closed));
    }

    #[test]
    fn request_that_comes_during_another_is_next_unless_cancelled() {
        let (sender, receiver) = sync_channel(9);
        let mut mailbox = Mailbox::new(receiver);
        let mut watch = Watch { activity: ActivityId(1), accepted: 0 };
        sender.send(request(2)).unwrap();
        assert_eq!(mailbox.look(&mut watch), Err(Interrupt::Cancelled));
        assert_eq!(next(&mut mailbox), Some(2));
        // A cancel that comes right behind its request, before it is begun.
        sender.send(request(3)).unwrap();
        sender.send(Command::Cancel(ActivityId(3))).unwrap();
        sender.send(request(4)).unwrap();
        watch.activity = ActivityId(2);
        assert_eq!(mailbox.look(&mut watch), Err(Interrupt::Cancelled));
        assert_eq!(next(&mut mailbox), Some(3));
        watch.activity = ActivityId(3);
        assert_eq!(mailbox.look(&mut watch), Err(Interrupt::Cancelled));
        assert_eq!(next(&mut mailbox), Some(4));
        drop(sender);
        assert_eq!(next(&mut mailbox), None);
    }
}
