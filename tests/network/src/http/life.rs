//! A whole agent under one seed, with an HTTP server: requests are lost, answered with nonsense and acted
//! on late, and the power goes at seeded points, for a short time, a long one, or one that nobody knows.
//!
//! Only the server's own time is real. The agent's clock moves where it waits, and in outages.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{fmt::Write as _, ops::Range, sync::Arc};

use everstep_board_sim::{CutModel, PowerCut, SimFlash, SimFlashError};
use everstep_core::{End, Limits, Record, Verdict};
use everstep_driver::{
    Actuators, AgentConfig, Approvals, BootError, Budget, Change, DriveError, Driver, Parts, Pause,
    SharedFlash, Silent, StoreError,
};
use everstep_journal::{BUFFER_BYTES, Entry, Journal};
use everstep_model::{Constraint, Sampling, Script, ScriptedModel};
use everstep_tool::{BoxFuture, Clock, Grant, Terms, Tool, Toolbox};
use everstep_tools_network::{BoardSide, NetworkSection, Vault, assemble};
use peer_tests::oracle::Violation;
use serde_json::{Value, json};
use system_tests::harness::Chance;
use tokio::sync::mpsc;

use super::{
    oracle::check,
    server::{Fate, KEY_VALID_MS, Server},
};

const SECTOR_BYTES: u32 = 4_096;
const BOARD_REGION: Range<u32> = 0..8 * SECTOR_BYTES;
const AGENT_REGION: Range<u32> = BOARD_REGION.end..BOARD_REGION.end + 120 * SECTOR_BYTES;
const SECTORS: usize = 128;
/// Boots one life may take; more means that it makes no progress.
const BOOTS_MAX: u32 = 60;
/// Answers that a script holds.
const ANSWERS: usize = 20;
/// Cuts of one life.
const CUTS_MAX: u32 = 4;

/// One endpoint of each class; the path is the tool's name.
const BOARD: &str = r#"
[http.set_light]
summary = "Set the light."
method = "PUT"
url = "http://127.0.0.1:PORT/set_light"
private = true
class = "safe"
parameters = [{ name = "percent", kind = "integer", min = 0, max = 100, in = "body" }]
answer_ms_max = 120

[http.order]
summary = "Order a part."
method = "POST"
url = "http://127.0.0.1:PORT/order"
private = true
class = "keyed"
key_valid_s = 600
parameters = [{ name = "part", kind = "integer", min = 0, max = 9, in = "body" }]
answer_ms_max = 120

[http.pulse]
summary = "Send a pulse."
method = "POST"
url = "http://127.0.0.1:PORT/pulse"
private = true
class = "never"
parameters = [{ name = "doses", kind = "integer", min = 1, max = 3, in = "body" }]
answer_ms_max = 120

[http.set_valve]
summary = "Set the valve."
method = "PUT"
url = "http://127.0.0.1:PORT/set_valve"
private = true
class = "read_back"
settle_ms = 500
probe = { endpoint = "read_valve", expect = "{percent}" }
parameters = [{ name = "percent", kind = "integer", min = 0, max = 100, in = "body" }]
answer_ms_max = 120

[http.read_valve]
summary = "Read the valve."
url = "http://127.0.0.1:PORT/read_valve"
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
}

impl Story {
    /// Adds what another life was like.
    pub fn add(&mut self, other: &Self) {
        self.of_records.add(&other.of_records);
        self.long_outages += other.long_outages;
        self.unknown_outages += other.unknown_outages;
        self.forgotten += other.forgotten;
    }
}

/// How a boot ended.
enum Ended {
    Rested,
    FlashCut,
    RequestCut,
}

struct Life {
    seed: u64,
    chance: Chance,
    flash: SharedFlash<SimFlash>,
    server: Arc<Server>,
    /// Another one after each outage of unknown length.
    timeline: [u8; 16],
    script: String,
    story: Story,
    has_begun: bool,
}

/// Lives one life under `seed` with `server`, which is made a new one first.
///
/// # Errors
///
/// The promise that did not hold.
pub fn live(seed: u64, server: &Arc<Server>) -> Result<Story, Violation> {
    server.reset();
    let mut chance = Chance::new(seed);
    let mut life = Life {
        seed,
        flash: SharedFlash::new(SimFlash::new(SECTORS)),
        server: Arc::clone(server),
        timeline: [1; 16],
        script: script(&mut chance),
        chance,
        story: Story::default(),
        has_begun: false,
    };
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

/// Replies in order: calls, and an answer behind them.
fn script(chance: &mut Chance) -> String {
    let mut script = String::new();
    for _ in 0..4 + chance.below(4) {
        let (tool, arguments) = call(chance);
        // Writing to a string can't fail.
        let _ = writeln!(script, "[[reply]]\ncall = \"{tool}\"\narguments = '{arguments}'");
    }
    // A result that comes late has the model asked again.
    script.push_str(&"[[reply]]\nsay = \"Done.\"\n".repeat(ANSWERS));
    script
}

/// Few values, so that the same call is asked for again.
fn call(chance: &mut Chance) -> (&'static str, Value) {
    match chance.below(10) {
        0..2 => ("set_light", json!({"percent": chance.below(4) * 30})),
        2..5 => ("order", json!({"part": chance.below(4)})),
        5..7 => ("set_valve", json!({"percent": 1 + chance.below(99)})),
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
        if may_cut && self.chance.percent(50) {
            self.flash.lock().cut_power(PowerCut {
                operation: self.chance.below(60),
                bytes: usize::try_from(self.chance.below(260)).unwrap_or(0),
                model: *self.chance.one_of(&CutModel::ALL),
                seed: self.chance.draw(),
            });
        }
        let mut fates = |count: u32| (0..count).map(|_| fate(&mut self.chance, may_cut)).collect();
        let (write, read) = (fates(6), fates(4));
        self.server.fates(write, read);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Violation(error.to_string()))?;
        let ended = runtime.block_on(self.powered());
        // The process is gone, and with it its connections.
        drop(runtime);
        self.flash.lock().power_on();
        ended
    }

    /// The power is away: for a moment, for longer than a key is valid, or for nobody knows how long. A
    /// request that is on its way does not take longer than a key is valid.
    fn outage(&mut self) {
        match self.chance.below(10) {
            0..3 => {
                self.story.long_outages += 1;
                self.server.settle();
                self.server.pass_ms(KEY_VALID_MS + 1_000);
            }
            3 => {
                self.story.unknown_outages += 1;
                self.server.settle();
                self.server.pass_ms(KEY_VALID_MS + 1_000);
                self.timeline = self.chance.draw().to_le_bytes().repeat(2).try_into().unwrap_or([0; 16]);
            }
            _ => self.server.pass_ms(3_000),
        }
    }

    async fn powered(&mut self) -> Result<Ended, Violation> {
        let script = Script::parse("life", &self.script)
            .map_err(|error| Violation(format!("{error}: {}", self.script)))?;
        let clock: Arc<dyn Clock> = Arc::new(ServerClock(Arc::clone(&self.server)));
        let (_commands, receiver) = mpsc::channel(1);
        let boot = everstep_driver::boot(Parts {
            flash: self.flash.clone(),
            board_region: BOARD_REGION,
            agent_region: AGENT_REGION,
            config: config(),
            model: Box::new(ScriptedModel::new(script)),
            tools: Arc::new(toolbox(self.server.port(), &clock)),
            actuators: Arc::new(Nothing),
            heartbeat: None,
            clock,
            timeline: self.timeline,
            entropy: [2; 16],
            observer: Box::new(Silent),
            commands: receiver,
            aborted: false,
            change: Change::Refuse,
        });
        let server = Arc::clone(&self.server);
        let booted = tokio::select! {
            booted = boot => booted,
            () = server.cut() => return Ok(Ended::RequestCut),
        };
        match booted {
            Ok(driver) => self.drive(driver, &server).await,
            Err(BootError::Store(error) | BootError::Drive(DriveError::Store(error))) => cut(&error),
            Err(error) => Err(Violation(error.to_string())),
        }
    }

    async fn drive(&mut self, mut driver: Driver<SimFlash>, server: &Server) -> Result<Ended, Violation> {
        if driver.agent().run().is_none() {
            if self.has_begun && driver.agent().state().runs.0 > 0 {
                return Ok(Ended::Rested);
            }
            self.has_begun = true;
            match driver.start("do it".into(), None, self.seed) {
                Ok(()) => {}
                Err(DriveError::Store(error)) => return cut(&error),
                Err(error) => return Err(Violation(error.to_string())),
            }
        }
        loop {
            let pause = tokio::select! {
                pause = driver.drive() => pause,
                () = server.cut() => return Ok(Ended::RequestCut),
            };
            let approved = match pause {
                Ok(Pause::AtRest(last)) => match last.map(|last| last.how) {
                    Some(End::Done) => return Ok(Ended::Rested),
                    how => return Err(Violation(format!("the run ended as {how:?}"))),
                },
                Ok(Pause::NeedsApproval { call, .. }) => {
                    self.story.of_records.approvals += 1;
                    let yes = self.chance.percent(70);
                    let verdict = if yes { Verdict::Approve } else { Verdict::Refuse("not now".into()) };
                    driver.approval(call.id, verdict)
                }
                Err(error) => Err(error),
            };
            match approved {
                Ok(()) => {}
                Err(DriveError::Store(error)) => return cut(&error),
                Err(error) => return Err(Violation(error.to_string())),
            }
        }
    }

    fn end(mut self) -> Result<Story, Violation> {
        self.server.settle();
        let records = records(&self.flash)?;
        self.story.forgotten += self.server.forgotten();
        check(&records, &self.server.acts(), &mut self.story)?;
        Ok(self.story)
    }
}

fn cut(error: &StoreError<SimFlashError>) -> Result<Ended, Violation> {
    if error.flash() == Some(&SimFlashError::PowerLoss) {
        Ok(Ended::FlashCut)
    } else {
        Err(Violation(error.to_string()))
    }
}

/// The tools of the board, all granted. What comes from outside makes none of them wait for an operator:
/// only an equal call behind one that may have run does.
fn toolbox(port: u16, clock: &Arc<dyn Clock>) -> Toolbox {
    let section: NetworkSection = toml::from_str(&BOARD.replace("PORT", &port.to_string())).unwrap();
    let board = BoardSide {
        vault: Arc::new(Vault::default()),
        clock: Arc::clone(clock),
        trusted_s: None,
        folder: "".into(),
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

fn config() -> AgentConfig {
    AgentConfig {
        name: "life".into(),
        system: "You live.".into(),
        // A script repeats itself, and a server that misbehaves makes many errors.
        limits: Limits {
            tries_max: 5,
            // What decides is how long a key is valid.
            rerun_s_max: 86_400,
            repeats_max: 1_000,
            alternations_max: 1_000,
            errors_max: 1_000,
            ..Limits::default()
        },
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
        constraint: Constraint::Calls,
        run_tokens_max: 256,
        // Every record stays to be read at the end.
        budget: Budget { snapshot_records: 1_000_000, snapshot_bytes_max: 64 * 1024 },
        approvals: Approvals::Return,
    }
}

/// Every record on flash, in order.
fn records(flash: &SharedFlash<SimFlash>) -> Result<Vec<Record>, Violation> {
    let copy = SharedFlash::new(flash.lock().clone());
    let (mut records, mut buffer) = (Vec::new(), vec![0; BUFFER_BYTES]);
    let visit = |entry: Entry<'_>| match entry {
        Entry::Record { bytes, .. } => Record::decode(bytes).map(|record| records.push(record)),
        Entry::Snapshot { .. } => Ok(()),
    };
    let region = copy.region(AGENT_REGION);
    Journal::recover(copy, region, everstep_journal::Budget::default(), &mut buffer, visit)
        .map_err(|error| Violation(format!("recovery: {error}")))?;
    Ok(records)
}

/// Nothing moves on this board.
struct Nothing;

impl Actuators for Nothing {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        Box::pin(async { (Vec::new(), Vec::new()) })
    }
}

/// A clock that moves where the agent waits. Who waits for a device to settle waits for the server to say
/// that it has.
struct ServerClock(Arc<Server>);

impl Clock for ServerClock {
    fn now_ms(&self) -> u64 {
        self.0.now_ms()
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        let server = Arc::clone(&self.0);
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
