//! A whole agent under one seed, with real devices: they misbehave, and the power goes, at seeded points.
//!
//! Only a peer's own time is real. The agent's clock stands still but where it waits, and it waits for
//! the devices to have settled, so that no machine is too slow for a life.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use everstep_tool::{BoxFuture, Clock, Toolbox};
use serde_json::{Value, json};
use system_tests::harness::Chance;

use crate::{
    agent::{Agent, Around, BOOTS_MAX, CUTS_MAX, Ended},
    field::Field,
    oracle::{Violation, check},
    tools::Tools,
};

impl Story {
    /// Adds what another life was like.
    pub fn add(&mut self, other: &Self) {
        self.boots += other.boots;
        self.flash_cuts += other.flash_cuts;
        self.request_cuts += other.request_cuts;
        self.intents += other.intents;
        self.acts += other.acts;
        self.pulses += other.pulses;
        self.lost += other.lost;
        self.settled += other.settled;
        self.reruns += other.reruns;
        self.approvals += other.approvals;
    }
}

/// What the agent lives with: devices of one kind, and what can be asked of them.
pub struct Ways {
    /// Its board file's devices, with `AT` for where the peer is.
    pub board: &'static str,
    /// Starts the devices.
    pub field: fn() -> Arc<dyn Field>,
    /// What may become of a request.
    pub fates: fn(&mut Chance) -> Value,
    /// For how many writes, and how many reads, of one boot that is drawn.
    pub drawn: (u64, u64),
    /// The next call: a tool and its arguments.
    pub call: fn(&mut Chance) -> (&'static str, Value),
}

/// What a life was like.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Starts of the process.
    pub boots: u32,
    /// Cuts of the power between two operations of the flash, or within one.
    pub flash_cuts: u32,
    /// Cuts while a request was with the peer.
    pub request_cuts: u32,
    /// Intents on flash.
    pub intents: usize,
    /// Everything the peer did.
    pub acts: usize,
    /// Pulses among it.
    pub pulses: usize,
    /// Times an outcome was lost.
    pub lost: usize,
    /// Times the device settled it.
    pub settled: usize,
    /// Calls that ran again.
    pub reruns: usize,
    /// Calls that needed an operator.
    pub approvals: u32,
}

struct Life<'a> {
    ways: &'a Ways,
    agent: Agent,
    field: Arc<dyn Field>,
    now_ms: Arc<AtomicU64>,
    story: Story,
}

/// Lives one life under `seed` with `field`, which is made new first.
///
/// # Errors
///
/// The promise that did not hold.
pub fn live(seed: u64, ways: &Ways, field: &Arc<dyn Field>) -> Result<Story, Violation> {
    field.reset();
    let mut life = Life {
        ways,
        agent: Agent::new(seed, Chance::new(seed), ways.call),
        field: Arc::clone(field),
        now_ms: Arc::default(),
        story: Story::default(),
    };
    for _ in 0..BOOTS_MAX {
        life.story.boots += 1;
        match life.boot()? {
            Ended::Rested => {
                life.field.settle();
                return life.end();
            }
            Ended::FlashCut => life.story.flash_cuts += 1,
            Ended::RequestCut => life.story.request_cuts += 1,
        }
    }
    Err(Violation(format!("no end after {BOOTS_MAX} boots")))
}

impl Life<'_> {
    /// One start of the process, until it rests or the power goes.
    fn boot(&mut self) -> Result<Ended, Violation> {
        let may_cut = self.story.flash_cuts + self.story.request_cuts < CUTS_MAX;
        if may_cut && self.agent.chance.percent(60) {
            self.agent.aim();
        }
        let mut fates = |count: u64| -> Vec<Value> {
            let mut next = || {
                let fate = (self.ways.fates)(&mut self.agent.chance);
                let cuts =
                    fate.get("fate").and_then(Value::as_str).is_some_and(|fate| fate.starts_with("cut"));
                if cuts && !may_cut { json!({"fate": "well"}) } else { fate }
            };
            (0..count).map(|_| next()).collect()
        };
        // A cut while it only reads changes nothing, and is rarer.
        let (write, read) = (fates(self.ways.drawn.0), fates(self.ways.drawn.1));
        self.field.fates(&write, &read);
        let runtime = self.field.runtime();
        let ended = runtime.block_on(self.powered());
        // The process is gone, and with it its connections. Its threads end with their requests: what they
        // still do is what a process does in its last moment.
        self.field.drop_process();
        drop(runtime);
        self.agent.power_on();
        ended
    }

    async fn powered(&mut self) -> Result<Ended, Violation> {
        let Tools { tools, actuators } = Tools::from(self.field.parts(self.ways.board));
        let grants: Vec<String> = tools.keys().cloned().collect();
        let tools = Toolbox::new(tools.into_values().collect(), &grants)
            .map_err(|error| Violation(error.to_string()))?;
        let clock = FieldClock { field: Arc::clone(&self.field), now_ms: Arc::clone(&self.now_ms) };
        let around =
            Around { tools, actuators: Arc::new(actuators), clock: Arc::new(clock), timeline: [1; 16] };
        tokio::select! {
            ended = self.agent.work(around) => ended,
            () = self.field.cut() => Ok(Ended::RequestCut),
            () = self.field.pass_time() => unreachable!("time goes on"),
        }
    }

    fn end(mut self) -> Result<Story, Violation> {
        self.story.approvals = self.agent.approvals;
        check(&self.agent.records()?, &self.field.log(), &mut self.story)?;
        Ok(self.story)
    }
}

/// A clock that stands still. Who waits for a device to settle waits for the devices to say that they have.
struct FieldClock {
    field: Arc<dyn Field>,
    now_ms: Arc<AtomicU64>,
}

impl Clock for FieldClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        let (field, now_ms) = (Arc::clone(&self.field), Arc::clone(&self.now_ms));
        Box::pin(async move {
            // A peer that is gone fails the test elsewhere.
            let _ = tokio::task::spawn_blocking(move || field.settle()).await;
            now_ms.fetch_add(board_ms, Ordering::SeqCst);
        })
    }

    fn limit(&self, _board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
