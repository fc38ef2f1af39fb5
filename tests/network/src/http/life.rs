//! A whole agent under one seed, with an HTTP server: requests are lost, answered with nonsense and acted
//! on late, and the power goes at seeded points, for a short time, a long one, or one that nobody knows.
//!
//! Only the server's own time is real. The agent's clock moves where it waits, and in outages.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{fs, sync::Arc};

use everstep_board_linux::clock::{SystemClock, TrustRtc};
use everstep_tool::{BoxFuture, Clock, Grant, Terms, Tool, Toolbox};
use everstep_tools_network::{BoardSide, HostSection, NetworkSection, Vault, assemble};
use peer_tests::{
    Agent, Around, Ended, NoActuators,
    agent::{BOOTS_MAX, CUTS_MAX},
    oracle::Violation,
};
use serde_json::{Value, json};
use system_tests::harness::Chance;
use tempfile::TempDir;

use super::{
    oracle::check,
    server::{Fate, KEY_VALID_MS, Server},
};

/// The certificate that the server's leads to, beside the board file.
const CA: &str = "ca.pem";
/// One endpoint of each class; the path is the tool's name.
const BOARD: &str = r#"
[http.set_light]
summary = "Set the light."
method = "PUT"
url = "AT/set_light"
private = true
class = "safe"
parameters = [{ name = "percent", kind = "integer", min = 0, max = 100, in = "body" }]
answer_ms_max = 120

[http.order]
summary = "Order a part."
method = "POST"
url = "AT/order"
private = true
class = "keyed"
key_valid_s = 600
parameters = [{ name = "part", kind = "integer", min = 0, max = 9, in = "body" }]
answer_ms_max = 120

[http.pulse]
summary = "Send a pulse."
method = "POST"
url = "AT/pulse"
private = true
class = "never"
parameters = [{ name = "doses", kind = "integer", min = 1, max = 3, in = "body" }]
answer_ms_max = 120

[http.set_valve]
summary = "Set the valve."
method = "PUT"
url = "AT/set_valve"
private = true
class = "read_back"
settle_ms = 500
probe = { endpoint = "read_valve", expect = "{percent}" }
parameters = [{ name = "percent", kind = "integer", min = 0, max = 100, in = "body" }]
answer_ms_max = 120

[http.read_valve]
summary = "Read the valve."
url = "AT/read_valve"
private = true
keep = "/percent"
answer_ms_max = 120
"#;

/// What a life was like.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// What is counted in every kind of life.
    pub of_records: peer_tests::Story,
    /// Outages longer than a key is valid.
    pub long_outages: u32,
    /// Outages of unknown length.
    pub unknown_outages: u32,
    /// Keys that came back after the server had forgotten them.
    pub forgotten: usize,
    /// Lives with TLS.
    pub over_tls: usize,
    /// What the server did in them.
    pub acts_over_tls: usize,
}

impl Story {
    /// Adds what another life was like.
    pub fn add(&mut self, other: &Self) {
        self.of_records.add(&other.of_records);
        self.long_outages += other.long_outages;
        self.unknown_outages += other.unknown_outages;
        self.forgotten += other.forgotten;
        self.over_tls += other.over_tls;
        self.acts_over_tls += other.acts_over_tls;
    }
}

struct Life {
    agent: Agent,
    server: Arc<Server>,
    /// The board's folder, and whether it speaks TLS.
    folder: TempDir,
    over_tls: bool,
    /// Another one after each outage of unknown length.
    timeline: [u8; 16],
    story: Story,
}

/// Lives one life under `seed` with `server`, which is made a new one first.
///
/// # Errors
///
/// The promise that did not hold.
///
/// # Panics
///
/// If there is no folder for it.
pub fn live(seed: u64, server: &Arc<Server>) -> Result<Story, Violation> {
    server.reset();
    let mut chance = Chance::new(seed);
    let over_tls = chance.percent(50);
    let mut agent = Agent::new(seed, chance, call);
    // What decides is how long a key is valid.
    agent.rerun_s_max = 86_400;
    agent.approved_percent = 70;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(CA), server.authority().pem()).unwrap();
    let (server, story) = (Arc::clone(server), Story::default());
    let mut life = Life { agent, server, folder, over_tls, timeline: [1; 16], story };
    life.story.over_tls = usize::from(over_tls);
    for _ in 0..BOOTS_MAX {
        life.story.of_records.boots += 1;
        match life.boot()? {
            Ended::Rested => return life.end(),
            Ended::FlashCut => life.story.of_records.flash_cuts += 1,
            Ended::RequestCut => life.story.of_records.request_cuts += 1,
        }
        life.outage();
    }
    Err(Violation(format!("no end after {BOOTS_MAX} boots")))
}

/// Few values, so that the same call is asked for again.
fn call(chance: &mut Chance) -> (&'static str, Value) {
    match chance.below(10) {
        0 => ("set_light", json!({"percent": chance.below(4) * 30})),
        1..4 => ("order", json!({"part": chance.below(4)})),
        4..7 => ("set_valve", json!({"percent": 1 + chance.below(99)})),
        7 => ("read_valve", json!({})),
        _ => ("pulse", json!({"doses": 1 + chance.below(2)})),
    }
}

/// What the server does with one request.
fn fate(chance: &mut Chance, may_cut: bool) -> Fate {
    let fate = match chance.below(100) {
        0..7 => Fate::Stall,
        7..12 => Fate::DropBefore,
        12..19 => Fate::DropAfter,
        19..23 => Fate::Hang,
        23..30 => Fate::ActLate,
        30..33 => Fate::Refuse(422),
        33..38 => Fate::Refuse(*chance.one_of(&[408, 409, 429, 500, 503])),
        38..42 => Fate::Fail(*chance.one_of(&[409, 429, 500, 502])),
        42..46 => Fate::Torn,
        46..49 => Fate::Short,
        49..54 => Fate::CutBefore,
        54..60 => Fate::CutAfter,
        60..66 => Fate::CutActLate,
        _ => Fate::Well,
    };
    if fate.cuts() && !may_cut { Fate::Well } else { fate }
}

impl Life {
    /// One start of the process, until it rests or the power goes.
    fn boot(&mut self) -> Result<Ended, Violation> {
        let cuts = self.story.of_records.flash_cuts + self.story.of_records.request_cuts;
        let may_cut = cuts < CUTS_MAX;
        if may_cut && self.agent.chance.percent(50) {
            self.agent.aim();
        }
        let mut fates = |count: u32| (0..count).map(|_| fate(&mut self.agent.chance, may_cut)).collect();
        let (write, read) = (fates(6), fates(4));
        self.server.fates(write, read);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Violation(error.to_string()))?;
        let ended = runtime.block_on(self.powered());
        // The process is gone, and with it its connections.
        drop(runtime);
        self.agent.power_on();
        ended
    }

    /// The power is away: for a moment, for longer than a key is valid, or for nobody knows how long. A
    /// request that is on its way does not take longer than a key is valid.
    fn outage(&mut self) {
        match self.agent.chance.below(10) {
            0..3 => {
                self.story.long_outages += 1;
                self.server.settle();
                self.server.pass_ms(KEY_VALID_MS + 1_000);
            }
            3 => {
                self.story.unknown_outages += 1;
                self.server.settle();
                self.server.pass_ms(KEY_VALID_MS + 1_000);
                self.timeline =
                    self.agent.chance.draw().to_le_bytes().repeat(2).try_into().unwrap_or([0; 16]);
            }
            _ => self.server.pass_ms(3_000),
        }
    }

    async fn powered(&mut self) -> Result<Ended, Violation> {
        // Only certificates are told the time: how long an outage was is known without it, or not at all.
        let clock: Arc<dyn Clock> = Arc::new(ServerClock::new(&self.server, false));
        let tools = self.toolbox();
        let around = Around { tools, actuators: Arc::new(NoActuators), clock, timeline: self.timeline };
        tokio::select! {
            ended = self.agent.work(around) => ended,
            () = self.server.cut() => Ok(Ended::RequestCut),
        }
    }

    /// The tools of the board, all granted. What comes from outside makes none of them wait for an operator:
    /// only an equal call behind one that may have run does.
    fn toolbox(&self) -> Toolbox {
        let at = self.server.at(self.over_tls);
        let mut section: NetworkSection = toml::from_str(&BOARD.replace("AT", &at)).unwrap();
        if let Some(host) = at.strip_prefix("https://") {
            let trusted = HostSection { ca: Some(CA.into()), ..HostSection::default() };
            section.host.insert(host.to_owned(), trusted);
        }
        let board = BoardSide {
            vault: Arc::new(Vault::default()),
            clock: Arc::new(ServerClock::new(&self.server, self.over_tls)),
            trusted_s: None,
            folder: self.folder.path().to_owned(),
            bind_child: |_| {},
        };
        let tools = assemble(&section, &board).unwrap_or_else(|(key, message)| panic!("{key}: {message}"));
        let grant = |tool: &Arc<dyn Tool>| {
            let terms = Terms { sensitive: Some(false), ..Terms::default() };
            Grant { tool: tool.spec().name.clone(), terms }
        };
        let grants: Vec<Grant> = tools.iter().map(grant).collect();
        Toolbox::new(tools, &grants).unwrap()
    }

    fn end(mut self) -> Result<Story, Violation> {
        self.server.settle();
        self.story.of_records.approvals = self.agent.approvals;
        self.story.forgotten += self.server.forgotten();
        check(&self.agent.records()?, &self.server.acts(), &mut self.story)?;
        if self.over_tls {
            self.story.acts_over_tls = self.story.of_records.acts;
        }
        Ok(self.story)
    }
}

/// A clock that moves where the agent waits. Who waits for a device to settle waits for the server to say
/// that it has.
struct ServerClock {
    server: Arc<Server>,
    /// What time it was where the server's time is 0, if anybody knows.
    began_s: Option<u64>,
}

impl ServerClock {
    fn new(server: &Arc<Server>, is_set: bool) -> Self {
        // Certificates are valid by what time it really is.
        let now_s = || SystemClock::new(TrustRtc::Yes).unwrap().unix_s();
        Self { server: Arc::clone(server), began_s: is_set.then(now_s).flatten() }
    }
}

impl Clock for ServerClock {
    fn now_ms(&self) -> u64 {
        self.server.now_ms()
    }

    fn unix_s(&self) -> Option<u64> {
        self.began_s.map(|began_s| began_s + self.now_ms() / 1_000)
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        let server = Arc::clone(&self.server);
        Box::pin(async move {
            let waiting = Arc::clone(&server);
            // A server that is gone fails the test elsewhere.
            let _ = tokio::task::spawn_blocking(move || waiting.settle()).await;
            server.pass_ms(board_ms);
        })
    }

    fn limit(&self, _board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}
