//! One run: from a fresh room to the answer, over as many processes as the kills make of it.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::Path,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use super::{
    Options, Programs,
    aim::{PHASES, Phase},
    oracle,
    process::{Next, Process},
    tokens::{OnFlash, Sampled},
    world::WorldProcess,
};
use crate::harness::Chance;

/// Kills that are dealt out while the model is still loading come after at most this long.
const BOOT_KILL_MS_MAX: u64 = 60;
/// Chances for a kill that are let pass, at most, so that kills fall anywhere in a run.
const SKIPS_MAX: u64 = 9;
/// Processes one run may take; more means that it makes no progress.
const PROCESSES_MAX: usize = 200;
/// Exit code of a run that waits for an operator.
const EXIT_NEEDS_APPROVAL: i32 = 5;

/// What came of one run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Seed of the run.
    pub seed: u64,
    /// Whether the task was finished and the room is as it was asked for.
    pub finished: bool,
    /// Replies of the model.
    pub steps: u64,
    /// Kills, all phases.
    pub kills: usize,
    /// Kills by the phase they were aimed at and took effect in.
    pub kills_by_phase: BTreeMap<&'static str, usize>,
    /// Calls by class.
    pub calls: BTreeMap<String, u64>,
    /// Approvals given by the rehearsal in the operator's place.
    pub approvals: usize,
    /// Changes of the world beyond the one each intent allows, by the world's log.
    pub effects_doubled: usize,
    /// Changes of the world that no intent explains.
    pub effects_unmatched: usize,
    /// Air temperature at the end, by the world.
    pub room_c: f64,
    /// Positions on flash that were sampled again. Must be 0.
    pub tokens_regenerated: u64,
    /// Positions that were sampled, never shown, and lost to a kill.
    pub tokens_lost_unseen: u64,
    /// Prompt tokens evaluated again after kills.
    pub prompt_tokens_reevaluated: u64,
    /// Bytes the journal programmed.
    pub journal_bytes: u64,
    /// Sectors erased.
    pub erases: u64,
    /// The tools called, in order.
    pub tools: Vec<String>,
    /// The model's answer.
    pub answer: String,
    /// The room at the end, as the check of the end state saw it.
    pub room: Value,
}

impl Summary {
    /// Whether the run is what the promises say.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.finished
            && self.effects_doubled == 0
            && self.effects_unmatched == 0
            && self.tokens_regenerated == 0
    }
}

/// One run under way.
struct Course<'a> {
    options: &'a Options,
    programs: &'a Programs,
    folder: &'a Path,
    world: WorldProcess,
    chance: Chance,
    summary: Summary,
    /// Kills still to come.
    aims: VecDeque<Phase>,
    /// Every record, as events and journal told: a snapshot takes old ones out of the journal.
    records: BTreeMap<u64, Value>,
    sampled: Sampled,
    /// Whether the prompt under evaluation was evaluated by an earlier process.
    restarted: bool,
}

/// How a process ended.
enum Ended {
    Killed,
    Exited(i32),
}

/// Works the task once in `folder`, which is emptied first.
pub(crate) fn run(
    options: &Options,
    programs: &Programs,
    seed: u64,
    number: usize,
    folder: &Path,
) -> Result<Summary> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    let world = WorldProcess::start(&programs.world, &options.world, folder)?;
    let phases = if options.phases.is_empty() { PHASES.to_vec() } else { options.phases.clone() };
    // Runs go on in the list where the one before stopped, so that many runs reach every phase.
    let aims = phases.iter().copied().cycle().skip(number * options.kills).take(options.kills);
    let mut course = Course {
        options,
        programs,
        folder,
        world,
        chance: Chance::new(seed),
        summary: Summary { seed, ..Summary::default() },
        aims: aims.collect::<VecDeque<_>>(),
        records: BTreeMap::new(),
        sampled: Sampled::default(),
        restarted: false,
    };
    course.work()?;
    course.finish()
}

impl Course<'_> {
    fn work(&mut self) -> Result<()> {
        for start in 0..PROCESSES_MAX {
            let before = OnFlash::of(self.records.values());
            let ended = self.process(start == 0)?;
            self.count_sampled(&before)?;
            match ended {
                Ended::Killed => {
                    self.summary.kills += 1;
                    self.restarted = true;
                }
                Ended::Exited(0) => return Ok(()),
                Ended::Exited(EXIT_NEEDS_APPROVAL) => self.approve()?,
                // A run that failed is over, too; the summary says so.
                Ended::Exited(1 | 4) => return Ok(()),
                Ended::Exited(code) => bail!("everstep run ended with exit code {code}"),
            }
        }
        bail!("no end after {PROCESSES_MAX} processes");
    }

    fn process(&mut self, first: bool) -> Result<Ended> {
        let mut arguments: Vec<String> = vec!["run".into()];
        if first {
            arguments.extend([self.options.task.clone(), "--seed".into(), self.summary.seed.to_string()]);
        }
        arguments.push("--events".into());
        arguments.extend(self.place());
        arguments.extend(self.options.model.iter().flat_map(|model| ["--model".into(), model.clone()]));
        let log = self.folder.join("run.log");
        let process = Process::start(&self.programs.everstep, &arguments, self.options.quiet, &log)?;
        let armed = self.aims.front().copied();
        if armed == Some(Phase::InCall) {
            self.world.slow_down(&mut self.chance)?;
        }
        // Not every chance is taken, so that kills fall on different steps.
        let mut skips = self.chance.below(SKIPS_MAX);
        let boot_kill =
            (armed == Some(Phase::Boot)).then(|| Duration::from_millis(self.chance.below(BOOT_KILL_MS_MAX)));
        loop {
            match process.next(boot_kill) {
                Next::Event(event) => {
                    self.note(&event);
                    if boot_kill.is_some() {
                        return self.kill(process, Phase::Boot);
                    }
                    let Some(aim) = armed else { continue };
                    if !aim.begins(&event) {
                        continue;
                    }
                    if skips > 0 && aim != Phase::End && aim != Phase::Snapshot {
                        skips -= 1;
                        continue;
                    }
                    if aim == Phase::InCall && WorldProcess::is_off_line(&event) {
                        continue;
                    }
                    return self.kill(process, aim);
                }
                Next::Silence if boot_kill.is_some() => return self.kill(process, Phase::Boot),
                Next::Silence => bail!("everstep run says nothing any more"),
                Next::Closed => break,
            }
        }
        let status = process.end()?;
        Ok(Ended::Exited(status.code().unwrap_or(-1)))
    }

    fn kill(&mut self, process: Process, aim: Phase) -> Result<Ended> {
        for event in process.kill()? {
            self.note(&event);
        }
        self.aims.pop_front();
        *self.summary.kills_by_phase.entry(aim.name()).or_default() += 1;
        if !self.options.quiet {
            eprintln!("\n    ⚡ killed (SIGKILL) in phase {}\n", aim.name());
        }
        Ok(Ended::Killed)
    }

    fn place(&self) -> [String; 4] {
        let text = |path: &Path| path.display().to_string();
        ["--board".into(), text(&self.options.board), "--state-dir".into(), text(self.folder)]
    }

    /// Keeps what an event tells of tokens, calls and flash.
    fn note(&mut self, event: &Value) {
        let number = |key: &str| event.get(key).and_then(Value::as_u64);
        match event.get("event").and_then(Value::as_str) {
            Some("recorded") => {}
            Some("evaluating") => {
                let over = number("evaluated") == number("total");
                if self.restarted && over {
                    let again = number("total").unwrap_or(0).saturating_sub(number("cached").unwrap_or(0));
                    self.summary.prompt_tokens_reevaluated += again;
                    self.restarted = false;
                }
                return;
            }
            _ => return,
        }
        self.keep(event);
        if event.get("kind").and_then(Value::as_str) == Some("called") {
            let class = event.get("class").map(class_name).unwrap_or_default();
            *self.summary.calls.entry(class).or_default() += 1;
            self.summary.tools.extend(event.get("tool").and_then(Value::as_str).map(Into::into));
        }
    }

    /// Reads what was sampled since the last look, and compares it with what was on flash `before`.
    fn count_sampled(&mut self, before: &OnFlash) -> Result<()> {
        let path = self.folder.join("sampled.log");
        let log = fs::read_to_string(&path).unwrap_or_default();
        ensure!(self.sampled.read(&log, before), "{}: a line is no sampled position", path.display());
        // A record may have reached flash without the news of it reaching us.
        self.read_journal()
    }

    fn keep(&mut self, record: &Value) {
        if let Some(sequence) = record.get("sequence").and_then(Value::as_u64) {
            self.records.insert(sequence, record.clone());
        }
    }

    /// Approves the call that waits, in the operator's place.
    fn approve(&mut self) -> Result<()> {
        let status = self.everstep_json("status")?;
        let call = status
            .pointer("/run/call")
            .and_then(Value::as_u64)
            .with_context(|| format!("no call waits for approval: {status}"))?;
        let mut command = Command::new(&self.programs.everstep);
        let output = command.args(["approve", &call.to_string()]).args(self.place()).output()?;
        if !output.status.success() {
            bail!("everstep approve {call}: {}", String::from_utf8_lossy(&output.stderr));
        }
        self.summary.approvals += 1;
        Ok(())
    }

    fn everstep_json(&self, command: &str) -> Result<Value> {
        let output =
            Command::new(&self.programs.everstep).args([command, "--json"]).args(self.place()).output()?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!("everstep {command} --json: {}", String::from_utf8_lossy(&output.stderr))
        })
    }

    fn finish(mut self) -> Result<Summary> {
        self.read_journal()?;
        let status = self.everstep_json("status")?;
        let last = status.get("last").cloned().unwrap_or_default();
        self.summary.steps = last.get("steps").and_then(Value::as_u64).unwrap_or(0);
        self.summary.answer = last.get("answer").and_then(Value::as_str).unwrap_or_default().into();
        let done = last.get("how").and_then(Value::as_str) == Some("done");

        let flash = self.everstep_json("flash")?;
        let number = |key: &str| flash.get(key).and_then(Value::as_u64).unwrap_or(0);
        (self.summary.journal_bytes, self.summary.erases) = (number("journal_bytes"), number("erases"));

        let check = self.world.check(self.options.target_c, &self.summary.answer, self.ended_ms())?;
        self.summary.room_c = check.air_c;
        self.summary.finished = done && check.passed;
        self.summary.room = serde_json::to_value(check)?;

        let intents = oracle::intents(self.records.values())?;
        let verdict = oracle::compare(&intents, &self.world.changes()?);
        self.summary.effects_doubled = verdict.doubled;
        self.summary.effects_unmatched = verdict.unmatched;

        self.summary.tokens_regenerated = self.sampled.regenerated;
        self.summary.tokens_lost_unseen = self.sampled.lost_unseen;
        Ok(self.summary)
    }

    /// When the run ended, in the world's time: the room goes on warming afterwards.
    fn ended_ms(&self) -> Option<u64> {
        let finished = |record: &&Value| record.get("kind").and_then(Value::as_str) == Some("finished");
        self.records.values().rfind(finished)?.get("mono_ms")?.as_u64()
    }

    fn read_journal(&mut self) -> Result<()> {
        let mut command = Command::new(&self.programs.everstep);
        let output = command.args(["journal", "--json"]).args(self.place()).output()?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            self.keep(&serde_json::from_str(line).context("a line of the journal")?);
        }
        Ok(())
    }
}

fn class_name(class: &Value) -> String {
    // A class without numbers is its name; one with numbers is an object of that one name.
    let name = class.as_str().or_else(|| class.as_object()?.keys().next().map(String::as_str));
    name.unwrap_or("unknown").to_lowercase()
}
