//! A whole agent under one seed that publishes: connections break, the broker is killed, and the power
//! goes, at seeded points.
//!
//! The agent's clock stands still but where it waits. Only what a broker never answers takes real time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use everstep_tool::{BoxFuture, Clock, Toolbox};
use peer_tests::{
    Agent, Around, Ended, NoActuators,
    agent::{BOOTS_MAX, CUTS_MAX},
    oracle::Violation,
};
use serde_json::{Value, json};
use system_tests::harness::Chance;

use super::{
    broker::Broker,
    oracle::{Story, check},
    peer::{Peer, Seen},
    proxy::{Fate, Proxy},
    tools::Board,
};

fn fate(chance: &mut Chance) -> Fate {
    match chance.below(100) {
        0..7 => Fate::DropBefore,
        7..12 => Fate::DropInside,
        12..21 => Fate::DropAfter,
        21..26 => Fate::DropRelease,
        26..30 => Fate::Stall,
        30..34 => Fate::KillBefore,
        34..40 => Fate::KillAfter,
        40..46 => Fate::CutBefore,
        46..54 => Fate::CutAfter,
        _ => Fate::Well,
    }
}

/// What a mode's topic shows before anybody set one.
const NO_MODE: &str = "0";

/// Where the mode that `set_mode` sets is shown.
pub(super) fn mode_topic(seed: u64) -> String {
    format!("{seed}/mode")
}

/// What lives share: a broker, and what stands in front of it.
pub struct Stage {
    /// The broker.
    pub broker: Arc<Broker>,
    /// What stands in front of it.
    pub proxy: Proxy,
    /// Somebody else, who counts.
    pub peer: Peer,
}

impl Stage {
    /// A new one.
    pub async fn new() -> Self {
        let broker = Arc::new(Broker::open());
        let proxy = Proxy::new(&broker);
        let peer = Peer::new(&broker, "counter", "#").await;
        Self { broker, proxy, peer }
    }

    /// Has a topic show something from now on, and the counter listening.
    fn show(&self, topic: &str, what: &str) -> Result<(), Violation> {
        block_on(async {
            self.peer.publish(topic, what, true).await;
            self.peer.until(topic).await;
        })
    }

    /// Messages of the board to `topic` that the counter got; those that must come are waited for.
    pub(super) fn delivered(&self, topic: &str, at_least: usize) -> Result<usize, Violation> {
        let of_board = |seen: &Seen| !seen.retained && seen.payload != NO_MODE;
        block_on(self.peer.count_to(topic, of_board, at_least))
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Violation> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| Violation(error.to_string()))?.block_on(work))
}

struct Life<'a> {
    stage: &'a Stage,
    seed: u64,
    over_tls: bool,
    version: &'static str,
    agent: Agent,
    now_ms: Arc<AtomicU64>,
    story: Story,
}

/// Lives one life under `seed`.
///
/// # Errors
///
/// The promise that did not hold.
pub fn live(seed: u64, stage: &Stage) -> Result<Story, Violation> {
    let mut chance = Chance::new(seed);
    let version = if chance.percent(50) { "5" } else { "3.1.1" };
    let over_tls = chance.percent(50);
    let mut agent = Agent::new(seed, chance, call);
    // What comes from outside taints, and then every message is asked for.
    agent.approved_percent = 85;
    let (now_ms, story) = (Arc::default(), Story::default());
    let mut life = Life { stage, seed, over_tls, version, agent, now_ms, story };
    life.story.over_tls = usize::from(over_tls);
    stage.show(&mode_topic(seed), NO_MODE)?;
    let starts = stage.broker.count(" running");
    for _ in 0..BOOTS_MAX {
        life.story.of_records.boots += 1;
        match life.boot()? {
            Ended::Rested => {
                life.story.of_records.approvals = life.agent.approvals;
                life.story.broker_kills = stage.broker.count(" running") - starts;
                check(&life.agent.records()?, seed, stage, &mut life.story)?;
                return Ok(life.story);
            }
            Ended::FlashCut => life.story.of_records.flash_cuts += 1,
            Ended::RequestCut => life.story.of_records.request_cuts += 1,
        }
    }
    Err(Violation(format!("no end after {BOOTS_MAX} boots")))
}

/// Few values, so that the same call is asked for again.
fn call(chance: &mut Chance) -> (&'static str, Value) {
    let tool = match chance.below(10) {
        0..4 => "pulse",
        4..6 => "ring",
        6..8 => "set_mode",
        _ => "set_level",
    };
    (tool, json!({"n": 1 + chance.below(3)}))
}

impl Life<'_> {
    fn network(&self) -> String {
        let parameter = r#"parameters = [{ name = "n", kind = "integer", min = 1, max = 9 }]"#;
        let (at, tls_at) = (self.stage.proxy.at(), self.stage.proxy.tls_at());
        let at = if self.over_tls { format!("mqtts://{tls_at}") } else { format!("mqtt://{at}") };
        let tool = |name: &str, more: &str| {
            format!(
                "[mqtt.site.publish.{name}]\nsummary = \"s\"\ntopic = \"{}/{name}/{{n}}\"\n{parameter}\n\
                 answer_ms_max = 900\n{more}\n",
                self.seed
            )
        };
        let head = format!(
            "[host.\"{tls_at}\"]\nca = \"ca.pem\"\n\
             [mqtt.site]\nbroker = \"{at}\"\nprivate = true\nclient_id = \"life{}\"\nversion = \"{}\"\n",
            self.seed, self.version
        );
        let pulse = tool("pulse", "qos = 2");
        let ring = tool("ring", "qos = 1\nclass = \"never\"");
        let level = tool("set_level", "retain = true\nclass = \"safe\"");
        let topic = mode_topic(self.seed);
        let mode = format!(
            "[mqtt.site.publish.set_mode]\nsummary = \"s\"\ntopic = \"{topic}\"\npayload = \"{{n}}\"\n{parameter}\n\
             retain = true\nclass = \"read_back\"\nsettle_ms = 100\n\
             probe = {{ latest = \"mode\", expect = \"{{n}}\" }}\nanswer_ms_max = 900\n\
             [mqtt.site.latest.mode]\nsummary = \"s\"\nfilter = \"{topic}\"\nanswer_ms_max = 900\n"
        );
        [head, pulse, ring, level, mode].concat()
    }

    /// One start of the process, until it rests or the power goes.
    fn boot(&mut self) -> Result<Ended, Violation> {
        let may_cut = self.story.of_records.flash_cuts + self.story.of_records.request_cuts < CUTS_MAX;
        if may_cut && self.agent.chance.percent(50) {
            self.agent.aim();
        }
        let mut next = || match fate(&mut self.agent.chance) {
            Fate::CutBefore | Fate::CutAfter if !may_cut => Fate::Well,
            fate => fate,
        };
        let fates: Vec<Fate> = (0..6).map(|_| next()).collect();
        self.stage.proxy.fates(&fates);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Violation(error.to_string()))?;
        let ended = runtime.block_on(self.powered());
        // The process is gone, and with it its connections.
        drop(runtime);
        self.agent.power_on();
        ended
    }

    async fn powered(&mut self) -> Result<Ended, Violation> {
        let board = Board::default().with_file("ca.pem", self.stage.proxy.authority().pem());
        let tools = board.tools(&self.network());
        let grants: Vec<String> = tools.keys().cloned().collect();
        let tools = Toolbox::new(tools.into_values().collect(), &grants);
        let tools = tools.map_err(|error| Violation(error.to_string()))?;
        let clock = Arc::new(StillClock(Arc::clone(&self.now_ms)));
        let around = Around { tools, actuators: Arc::new(NoActuators), clock, timeline: [1; 16] };
        tokio::select! {
            ended = self.agent.work(around) => ended,
            () = self.stage.proxy.cut() => Ok(Ended::RequestCut),
        }
    }
}

/// A clock that stands still but where somebody waits for it.
struct StillClock(Arc<AtomicU64>);

impl Clock for StillClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        self.0.fetch_add(board_ms, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }

    fn limit(&self, _board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
