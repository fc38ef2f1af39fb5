//! What a broker's subscriptions brought: the newest message of each, and how the connection is.
//!
//! One task per broker holds the connection (`session`). It begins at the first call that needs it, ends
//! with the tools, and is the only one that writes here.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{
    broker::Broker,
    packet::{Qos, Received},
    session, topic,
};

/// The subscriptions of one broker.
pub(super) struct Watch {
    broker: Arc<Broker>,
    shared: Arc<Watched>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the task and the tools share.
pub(super) struct Watched {
    pub(super) filters: Vec<(String, Qos)>,
    pub(super) state: watch::Sender<State>,
    /// A call waits for the connection.
    pub(super) wanted: Notify,
}

/// How things are.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) line: Line,
    /// When listening began.
    pub(super) since: Option<Instant>,
    /// In the order of the filters.
    pub(super) slots: Vec<Slot>,
}

/// The connection.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Line {
    /// Not there yet.
    #[default]
    New,
    /// Lost, or never made.
    Down(String),
    /// Made; what the broker kept is coming in.
    CatchingUp,
    /// What comes in is new.
    Up,
}

/// One subscription.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// The newest message.
    pub(super) newest: Option<Arc<Message>>,
    /// The newest that was not retained: an event.
    pub(super) event: Option<Arc<Message>>,
    /// Events so far.
    pub(super) events: u64,
    /// Events that came in while the board was away, and that no call has seen.
    pub(super) unseen: u64,
    /// Why the broker refuses the subscription.
    pub(super) refused: Option<String>,
}

/// A message, with its end left out where it is long.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    pub(super) is_whole: bool,
    pub(super) origin: Origin,
    pub(super) at: Instant,
}

/// Why a message came when it did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    /// Just published.
    Live,
    /// The broker retains it for whoever subscribes; how old it is, nobody tells.
    Retained,
    /// The broker kept it while the board was away.
    Kept,
}

impl Watch {
    pub(super) fn new(broker: &Arc<Broker>, filters: Vec<(String, Qos)>) -> Self {
        let slots = filters.iter().map(|_| Slot::default()).collect();
        let state = watch::Sender::new(State { slots, ..State::default() });
        let shared = Arc::new(Watched { filters, state, wanted: Notify::new() });
        Self { broker: Arc::clone(broker), shared, task: Mutex::default() }
    }

    /// Begins to listen, where nobody does yet. Must be called within a runtime.
    pub(super) fn begin(&self) -> watch::Receiver<State> {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // A runtime that ended took its tasks with it.
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            let (broker, shared) = (Arc::clone(&self.broker), Arc::clone(&self.shared));
            *task = Some(tokio::spawn(session::keep(broker, shared)));
        }
        self.shared.wanted.notify_one();
        self.shared.state.subscribe()
    }

    /// Marks what came in while the board was away as seen, and tells how much it was.
    pub(super) fn see(&self, index: usize) -> u64 {
        let mut unseen = 0;
        self.shared.state.send_if_modified(|state| {
            if let Some(slot) = state.slots.get_mut(index) {
                unseen = std::mem::take(&mut slot.unseen);
            }
            false
        });
        unseen
    }

    pub(super) fn broker(&self) -> &Broker {
        &self.broker
    }

    pub(super) fn filter(&self, index: usize) -> &str {
        self.shared.filters.get(index).map_or("", |(filter, _)| filter)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl Watched {
    /// Takes a message into every subscription that it comes through.
    pub(super) fn take(&self, received: &Received, is_whole: bool, is_catching_up: bool) {
        let origin = match (received.retained, is_catching_up) {
            (true, _) => Origin::Retained,
            (false, true) => Origin::Kept,
            (false, false) => Origin::Live,
        };
        let message = Arc::new(Message {
            topic: received.topic.clone(),
            payload: received.payload.to_vec(),
            is_whole,
            origin,
            at: Instant::now(),
        });
        self.state.send_if_modified(|state| {
            let mut is_taken = false;
            for (slot, (filter, _)) in state.slots.iter_mut().zip(&self.filters) {
                // A session that was kept may bring what the board file asked for before.
                if topic::matches(&message.topic, filter) {
                    slot.take(&message);
                    is_taken = true;
                }
            }
            is_taken
        });
    }

    pub(super) fn set(&self, line: Line) {
        self.state.send_modify(|state| {
            state.since = state.since.or_else(|| (line == Line::Up).then(Instant::now));
            state.line = line;
        });
    }

    /// Takes the broker's answer to the subscriptions.
    pub(super) fn refuse(&self, refused: Vec<Option<String>>) {
        self.state.send_modify(|state| {
            for (slot, refused) in state.slots.iter_mut().zip(refused) {
                slot.refused = refused;
            }
        });
    }
}

impl Slot {
    fn take(&mut self, message: &Arc<Message>) {
        self.newest = Some(Arc::clone(message));
        if message.origin == Origin::Retained {
            return;
        }
        self.event = Some(Arc::clone(message));
        self.events += 1;
        if message.origin == Origin::Kept {
            self.unseen += 1;
        }
    }
}
