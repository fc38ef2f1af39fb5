//! What does a step cost without the model? Time, bytes and operations of flash, beside the floor:
//! the same records appended to a plain file, each synced.
//!
//! `cargo bench --workspace --bench step`, or `make bench`.

use std::{
    fs::File,
    io::Write,
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{self},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use everstep_board_linux::flash::FileFlash;
use everstep_board_sim::SimFlash;
use everstep_core::{Class, End, Kind, Limits, Outcome};
use everstep_driver::{
    Actuators, AgentConfig, Budget, Change, Flash, Observer, Parts, Pause, Report, SharedFlash,
};
use everstep_model::{Constraint, Sampling, Script, ScriptedModel};
use everstep_tool::{BoxFuture, Clock, Context as Try, Tool, ToolCall, ToolSpec, Toolbox, Trust};
use serde_json::{Value, json};

const STEPS: u32 = 300;
const SECTOR_BYTES: u32 = 4_096;
const BOARD_REGION: Range<u32> = 0..8 * SECTOR_BYTES;
const AGENT_REGION: Range<u32> = 8 * SECTOR_BYTES..136 * SECTOR_BYTES;
const FLASH_BYTES: u32 = 136 * SECTOR_BYTES;

/// One row of the table.
struct Row {
    name: &'static str,
    took: Duration,
    records: usize,
    record_bytes: usize,
    programmed_bytes: Option<u64>,
    programs: Option<u64>,
}

#[expect(clippy::print_stdout, reason = "the table is this program's result")]
fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let ram = SharedFlash::new(SimFlash::<4, 4096>::new((FLASH_BYTES / SECTOR_BYTES) as usize));
    let file = FileFlash::open_or_create(&folder.path().join("flash.img"), FLASH_BYTES)?;
    let (in_ram, _) = agent("agent, flash in memory", ram)?;
    let (on_file, records) = agent("agent, flash in a file", SharedFlash::buffered(file))?;
    let floor = plain_file(&folder.path().join("plain.log"), &records)?;
    let rows = [in_ram, on_file, floor];
    println!("{STEPS} steps, each one call of an instant tool by a scripted model\n");
    println!(
        "{:<26} {:>10} {:>14} {:>16} {:>15}",
        "", "us / step", "records / step", "bytes / step", "programs / step"
    );
    for row in &rows {
        let per_step = |count: u64| format!("{:.1}", a_step(count));
        println!(
            "{:<26} {:>10.1} {:>14} {:>16} {:>15}",
            row.name,
            row.took.as_secs_f64() * 1e6 / f64::from(STEPS),
            per_step(row.records as u64),
            row.programmed_bytes.map_or(per_step(row.record_bytes as u64), per_step),
            row.programs.map_or("-".into(), per_step),
        );
    }
    let [in_ram, on_file, floor] = &rows;
    let ratio = on_file.took.as_secs_f64() / floor.took.as_secs_f64();
    println!("\non a file, a step takes {ratio:.2} times its records appended and synced one by one");
    println!("payload {:.1} bytes a step", a_step(in_ram.record_bytes as u64));
    write(&rows, ratio)
}

#[expect(clippy::cast_precision_loss, reason = "counts of one bench are small")]
fn a_step(count: u64) -> f64 {
    count as f64 / f64::from(STEPS)
}

/// Works a script of [`STEPS`] calls; returns the bytes of every record, too.
fn agent<F: Flash>(name: &'static str, flash: SharedFlash<F>) -> Result<(Row, Vec<usize>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (sizes, received) = mpsc::channel();
    let (_commands, commands) = tokio::sync::mpsc::channel(1);
    let call = "[[reply]]\ncall = \"look\"\n".repeat(STEPS as usize - 1);
    let script = Script::parse(
        "bench",
        &format!("context_tokens_max = 10000000\n{call}[[reply]]\nsay = \"Done.\"\n"),
    )?;
    let look: Arc<dyn Tool> = Arc::new(Look::new());
    runtime.block_on(async {
        let mut driver = everstep_driver::boot(Parts {
            flash,
            board_region: BOARD_REGION,
            agent_region: AGENT_REGION,
            config: config(),
            model: Box::new(ScriptedModel::new(script)),
            tools: Arc::new(Toolbox::new(vec![look], &["look".to_owned()])?),
            actuators: Arc::new(NoActuators),
            heartbeat: None,
            clock: Arc::new(Uptime::new()),
            timeline: [1; 16],
            entropy: [2; 16],
            observer: Box::new(Sizes(Mutex::new(sizes))),
            commands,
            aborted: false,
            change: Change::Refuse,
        })
        .await?;
        let before = driver.store().stats();
        let began = now();
        driver.start("look around".into(), None, 1)?;
        let pause = driver.drive().await?;
        let took = began.elapsed();
        let Pause::AtRest(Some(last)) = pause else { anyhow::bail!("the run did not end") };
        ensure!(last.how == End::Done, "the run ended with {:?}", last.how);
        let after = driver.store().stats();
        drop(driver);
        let sizes: Vec<usize> = received.iter().collect();
        let row = Row {
            name,
            took,
            records: sizes.len(),
            record_bytes: sizes.iter().sum(),
            programmed_bytes: Some(after.programmed_bytes - before.programmed_bytes),
            programs: Some(after.programs - before.programs),
        };
        Ok((row, sizes))
    })
}

/// The floor: as many bytes, appended and synced one record at a time.
fn plain_file(path: &Path, records: &[usize]) -> Result<Row> {
    let mut file = File::create(path)?;
    file.set_len(u64::from(FLASH_BYTES))?;
    file.sync_all()?;
    let bytes = vec![0xA5; records.iter().copied().max().unwrap_or(0)];
    let began = now();
    for record in records {
        file.write_all(bytes.get(..*record).context("a record")?)?;
        file.sync_data()?;
    }
    Ok(Row {
        name: "plain file, synced",
        took: began.elapsed(),
        records: records.len(),
        record_bytes: records.iter().sum(),
        programmed_bytes: None,
        programs: None,
    })
}

fn write(rows: &[Row], ratio: f64) -> Result<()> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "steps": STEPS,
                "took_us": u64::try_from(row.took.as_micros()).unwrap_or(u64::MAX),
                "records": row.records,
                "record_bytes": row.record_bytes,
                "programmed_bytes": row.programmed_bytes,
                "programs": row.programs,
            })
        })
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&folder)?;
    let report = json!({"rows": rows, "file_to_floor": ratio});
    std::fs::write(folder.join("step.json"), format!("{report:#}\n"))?;
    Ok(())
}

fn config() -> AgentConfig {
    AgentConfig {
        name: "bench".into(),
        system: "Look around.".into(),
        limits: Limits { steps_max: 2 * STEPS, calls_max: 2 * STEPS, ..Limits::default() },
        sampling: Sampling { temperature: 0.0, top_p: 1.0 },
        constraint: Constraint::Calls,
        run_tokens_max: 16,
        // A scripted token is a byte, so that a snapshot is larger than with a model; without it only
        // events are measured.
        budget: Budget { snapshot_records: u32::MAX, ..Budget::default() },
        approvals: everstep_driver::Approvals::Return,
    }
}

/// A tool that answers at once.
struct Look(ToolSpec);

impl Look {
    fn new() -> Self {
        Self(ToolSpec {
            name: "look".into(),
            summary: "look at the room".into(),
            arguments: json!({"type": "object", "properties": {}, "additionalProperties": false}),
            class: Class::Observe,
            trust: Trust::Inside,
            device: None,
            run_ms_max: 1_000,
        })
    }
}

impl Tool for Look {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn run<'a>(&'a self, _call: &'a ToolCall, _cx: &'a Try) -> BoxFuture<'a, Outcome> {
        Box::pin(async {
            Outcome::Done("air -4.2 C, ice 2 mm, door closed, compressor off, fan 0 percent".into())
        })
    }
}

struct NoActuators;

impl Actuators for NoActuators {
    fn boot(&self) -> BoxFuture<'static, Vec<String>> {
        Box::pin(async { Vec::new() })
    }

    fn set_safe(&self) -> BoxFuture<'static, (Vec<String>, Vec<String>)> {
        Box::pin(async { (Vec::new(), Vec::new()) })
    }
}

struct Sizes(Mutex<mpsc::Sender<usize>>);

impl Observer for Sizes {
    fn report(&mut self, report: Report<'_>) {
        if let Report::Recorded { bytes, record, .. } = report
            && !matches!(record.kind, Kind::Started { .. } | Kind::Finished { .. })
            && let Ok(sizes) = self.0.lock()
        {
            // The receiver lives as long as the measurement.
            let _ = sizes.send(bytes);
        }
    }
}

struct Uptime(Instant);

impl Uptime {
    fn new() -> Self {
        Self(now())
    }
}

impl Clock for Uptime {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn unix_s(&self) -> Option<u64> {
        None
    }

    fn sleep(&self, board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(board_ms)))
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
fn now() -> Instant {
    Instant::now()
}
