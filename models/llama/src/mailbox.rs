//! What the engine's thread is told: commands in, requests kept in order until one can be begun.
//!
//! Leaves out the generations under way: what is said about them is handed on.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvError, SyncSender, TryRecvError},
};

use everstep_core::ActivityId;
use everstep_model::{Request, ToolDefinition};

/// A message to the engine's thread.
pub(crate) enum Command {
    Submit(Box<Request>),
    Accepted { activity: ActivityId, tokens: usize },
    Cancel(ActivityId),
    CheckTools { tools: Vec<ToolDefinition>, answer: SyncSender<Result<(), String>> },
}

/// The receiving end, with the requests that wait.
pub(crate) struct Mailbox {
    commands: Receiver<Command>,
    waiting: VecDeque<Box<Request>>,
}

/// What the mailbox does not settle by itself.
pub(crate) enum News {
    /// So many tokens of a generation are durable.
    Accepted {
        activity: ActivityId,
        tokens: usize,
    },
    /// A generation that was begun is not wanted any more.
    Cancel(ActivityId),
    CheckTools {
        tools: Vec<ToolDefinition>,
        answer: SyncSender<Result<(), String>>,
    },
    /// More requests came than may wait.
    TooMany(Box<Request>),
}

/// The handle is gone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Closed;

/// Requests that wait while others are worked on.
pub(crate) const REQUESTS_WAITING_MAX: usize = 64;

impl Mailbox {
    pub(crate) const fn new(commands: Receiver<Command>) -> Self {
        Self { commands, waiting: VecDeque::new() }
    }

    /// Whether a request waits to be begun.
    pub(crate) fn has_request(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The request that has waited longest.
    pub(crate) fn request(&mut self) -> Option<Box<Request>> {
        self.waiting.pop_front()
    }

    /// Takes what has come in up to the next news, without waiting.
    pub(crate) fn look(&mut self) -> Result<Option<News>, Closed> {
        loop {
            let news = match self.commands.try_recv() {
                Ok(command) => self.take(command),
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => return Err(Closed),
            };
            if news.is_some() {
                return Ok(news);
            }
        }
    }

    /// Waits for one message; not every one is news.
    pub(crate) fn wait(&mut self) -> Result<Option<News>, Closed> {
        let command = self.commands.recv().map_err(|RecvError| Closed)?;
        Ok(self.take(command))
    }

    fn take(&mut self, command: Command) -> Option<News> {
        match command {
            Command::Accepted { activity, tokens } => Some(News::Accepted { activity, tokens }),
            Command::CheckTools { tools, answer } => Some(News::CheckTools { tools, answer }),
            Command::Submit(request) if self.waiting.len() >= REQUESTS_WAITING_MAX => {
                Some(News::TooMany(request))
            }
            Command::Submit(request) => {
                self.waiting.push_back(request);
                None
            }
            Command::Cancel(activity) => {
                let waiting = self.waiting.len();
                self.waiting.retain(|request| request.activity != activity);
                (self.waiting.len() == waiting).then_some(News::Cancel(activity))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};

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

    fn mailbox() -> (SyncSender<Command>, Mailbox) {
        let (sender, receiver) = sync_channel(99);
        (sender, Mailbox::new(receiver))
    }

    fn next(mailbox: &mut Mailbox) -> Option<u64> {
        mailbox.request().map(|request| request.activity.0)
    }

    #[test]
    fn requests_wait_in_order_unless_cancelled() {
        let (sender, mut mailbox) = mailbox();
        for activity in 1..=4 {
            sender.send(request(activity)).unwrap();
        }
        sender.send(Command::Cancel(ActivityId(2))).unwrap();
        assert!(matches!(mailbox.look(), Ok(None)));
        // A cancel of one that was begun is news, and leaves those that wait.
        assert_eq!(next(&mut mailbox), Some(1));
        sender.send(Command::Cancel(ActivityId(1))).unwrap();
        assert!(matches!(mailbox.look(), Ok(Some(News::Cancel(ActivityId(1))))));
        assert!(mailbox.has_request());
        assert_eq!((next(&mut mailbox), next(&mut mailbox), next(&mut mailbox)), (Some(3), Some(4), None));
        assert!(!mailbox.has_request());
        drop(sender);
        assert!(matches!(mailbox.look(), Err(Closed)));
        assert!(matches!(mailbox.wait(), Err(Closed)));
    }

    #[test]
    fn news_come_one_by_one_and_requests_beyond_the_limit_come_back() {
        let (sender, mut mailbox) = mailbox();
        for activity in 0..=REQUESTS_WAITING_MAX as u64 {
            sender.send(request(activity)).unwrap();
        }
        sender.send(Command::Accepted { activity: ActivityId(7), tokens: 3 }).unwrap();
        let Ok(Some(News::TooMany(request))) = mailbox.look() else { panic!("the last one is one too many") };
        assert_eq!(request.activity.0, REQUESTS_WAITING_MAX as u64);
        assert!(matches!(mailbox.wait(), Ok(Some(News::Accepted { activity: ActivityId(7), tokens: 3 }))));
        assert!(matches!(mailbox.look(), Ok(None)));
    }
}
