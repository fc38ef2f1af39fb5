//! Set-up for the tests: an agent whose every record goes through its bytes, as on a board.

use alloc::{string::String, vec::Vec};

use crate::{
    agent::Agent,
    decide::DecideError,
    event::{Event, Move, NewCall},
    limits::{Limits, RECORD_BYTES_MAX},
    record::{Digests, Kind, Record},
    state::{Phase, Run, State, Turn},
    words::{ActivityId, Class, Moment, Outcome},
};

/// An agent, and what its flash would hold.
pub(crate) struct Rehearsal {
    pub(crate) agent: Agent,
    pub(crate) records: Vec<Record>,
    pub(crate) now: Moment,
}

impl Rehearsal {
    /// An agent at rest on a board's first boot.
    pub(crate) fn at_rest(limits: Limits) -> Self {
        let now = Moment { boot: 1, mono_ms: 5_000, clock: None };
        Self { agent: Agent::new(limits), records: Vec::new(), now }
    }

    /// An agent with a task.
    pub(crate) fn started(limits: Limits) -> Self {
        let mut this = Self::at_rest(limits);
        this.event(task("cool the room"));
        this
    }

    /// An agent with a call of `class` under way.
    pub(crate) fn calling(limits: Limits, class: Class) -> Self {
        let mut this = Self::started(limits);
        this.call(class);
        this
    }

    /// Decides, records, applies. The record survives its bytes, fits its frame, and so does the
    /// state it leads to.
    pub(crate) fn try_event(&mut self, event: Event) -> Result<Kind, DecideError> {
        let kind = self.agent.decide(self.now, event)?;
        let record = Record { at: self.now, kind: kind.clone() };
        let bytes = record.encode();
        assert!(bytes.len() <= RECORD_BYTES_MAX, "{} takes {} bytes", kind.name(), bytes.len());
        assert_eq!(Record::decode(&bytes), Ok(record.clone()));
        self.agent.apply(&record).unwrap();
        self.records.push(record);
        Ok(kind)
    }

    /// [`Self::try_event`], where the event has to be taken.
    #[track_caller]
    pub(crate) fn event(&mut self, event: Event) -> Kind {
        self.try_event(event).unwrap()
    }

    /// Asserts that replaying all records gives the state, and so does a snapshot.
    pub(crate) fn assert_replays(&self) {
        let mut replayed = Agent::new(*self.agent.limits());
        for record in &self.records {
            replayed.apply(record).unwrap();
        }
        assert_eq!(replayed.state(), self.agent.state());
        assert_eq!(State::decode(&self.agent.state().encode()).as_ref(), Ok(self.agent.state()));
    }

    /// Time goes on.
    pub(crate) fn wait_ms(&mut self, ms: u64) {
        self.now.mono_ms += ms;
    }

    /// The process starts again; the new boot's clock begins at 100 ms.
    pub(crate) fn boot(&mut self, away_ms: Option<u64>) -> Kind {
        self.boot_with(away_ms, false, &[])
    }

    pub(crate) fn boot_with(&mut self, away_ms: Option<u64>, aborted: bool, changed: &[&str]) -> Kind {
        self.now = Moment { boot: self.now.boot + 1, mono_ms: 100, clock: None };
        let changed = changed.iter().map(|&text| text.into()).collect();
        self.event(Event::Booted { away_ms, aborted, changed })
    }

    pub(crate) fn activity(&self) -> ActivityId {
        self.agent.state().activity
    }

    #[track_caller]
    pub(crate) fn run(&self) -> &Run {
        self.agent.run().unwrap()
    }

    #[track_caller]
    pub(crate) fn phase(&self) -> &Phase {
        &self.run().phase
    }

    /// Begins an attempt, or meets a limit.
    #[track_caller]
    pub(crate) fn attempt(&mut self) -> Kind {
        self.event(Event::AttemptReady(self.activity()))
    }

    #[track_caller]
    pub(crate) fn generate(&mut self, tokens: &[u32], end: Option<&str>) -> Kind {
        let activity = self.activity();
        self.event(Event::Generated { activity, tokens: tokens.into(), end: end.map(Into::into) })
    }

    /// The model replies; the reply is on flash.
    #[track_caller]
    pub(crate) fn reply(&mut self) {
        let kind = self.attempt();
        assert!(matches!(kind, Kind::Attempt { .. }), "{kind:?}");
        self.generate(&[1, 2], Some("a reply"));
    }

    #[track_caller]
    pub(crate) fn moved(&mut self, what: Move) -> Kind {
        self.event(Event::Moved { activity: self.activity(), what })
    }

    /// The model asks for a call of `class`.
    #[track_caller]
    pub(crate) fn call(&mut self, class: Class) -> Kind {
        self.reply();
        self.moved(Move::Call(new_call(class)))
    }

    /// Whether an approval would still count.
    pub(crate) fn question_is_open(&self) -> bool {
        let Phase::Asking { call, .. } = self.phase() else { return false };
        let approve = Event::Approval { call: call.id, verdict: crate::Verdict::Approve };
        self.agent.decide(self.now, approve).is_ok()
    }

    #[track_caller]
    pub(crate) fn ended(&mut self, outcome: Outcome) -> Kind {
        self.event(Event::CallEnded { activity: self.activity(), outcome })
    }

    /// What the model was told behind its newest reply.
    pub(crate) fn told(&self) -> Vec<String> {
        let turns = &self.run().turns;
        let from = turns.iter().rposition(|turn| matches!(turn, Turn::Reply { .. })).map_or(0, |at| at + 1);
        turns[from..]
            .iter()
            .map(|turn| match turn {
                Turn::Task(text) | Turn::Result(text) | Turn::Notice(text) => text.clone(),
                Turn::Reply { .. } => unreachable!(),
            })
            .collect()
    }
}

pub(crate) fn task(task: &str) -> Event {
    Event::TaskArrived { task: task.into(), task_id: None, seed: 7, digests: Digests::default() }
}

pub(crate) fn new_call(class: Class) -> NewCall {
    NewCall { tool: "dose".into(), arguments: r#"{"pulses":1}"#.into(), class, baseline: None, wait_ms: None }
}

pub(crate) fn wait_call(wait_ms: u64) -> NewCall {
    NewCall {
        tool: "wait".into(),
        arguments: "{}".into(),
        class: Class::Observe,
        baseline: None,
        wait_ms: Some(wait_ms),
    }
}

pub(crate) fn lost() -> Outcome {
    Outcome::MayHaveRun("no answer".into())
}

pub(crate) fn done(text: &str) -> Outcome {
    Outcome::Done(text.into())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
