//! What keeping the workload costs on flash, with steady power.

use std::fmt;

use anyhow::{Context, Result, ensure};
use everstep_board_sim::SimFlashCounts;
use serde_json::{Value, json};

use crate::{
    log::{Log, erased},
    model::{between, ms},
    workload::{Item, Workload},
};

/// Steps before anything is counted: the ring goes round once.
const WARM_UP_STEPS: u64 = 4_000;
/// Bytes of frame that no log does without: length and checksum.
const FRAME_BYTES: u64 = 6;
const WORD_BYTES: u64 = 4;

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    steps: u64,
    all: SimFlashCounts,
    /// For events alone, without snapshots and what is done while idle.
    events: SimFlashCounts,
    floor_bytes: u64,
    event_floor_bytes: u64,
    worst_ms: f64,
    /// Milliseconds that items took altogether, nothing done while idle.
    kept_ms: f64,
    /// Sectors erased while an item waited.
    hot_erases: u64,
    boot: SimFlashCounts,
}

/// Whether there is time between two items.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Idle {
    Between,
    /// A runaway: item follows upon item.
    Never,
}

/// Keeps the workload, then boots.
pub(crate) fn measure<L: Log>(steps: u64, idle: Idle) -> Result<Cost> {
    let flash = erased();
    let mut log = L::create(flash.clone())?;
    let mut cost = Cost::default();
    let mut done = 0;
    for item in Workload::new(1) {
        let is_event = matches!(item, Item::Event(_));
        done += u64::from(is_event);
        if done > WARM_UP_STEPS + steps {
            break;
        }
        let before = flash.lock().counts();
        log.keep(&item).with_context(|| format!("step {done}"))?;
        let kept = flash.lock().counts();
        if idle == Idle::Between {
            log.idle()?;
        }
        let after = flash.lock().counts();
        if done <= WARM_UP_STEPS {
            continue;
        }
        let floor = (item.bytes().len() as u64 + FRAME_BYTES).next_multiple_of(WORD_BYTES);
        let spent = between(before, kept);
        cost.worst_ms = cost.worst_ms.max(ms(spent));
        cost.kept_ms += ms(spent);
        cost.hot_erases += spent.erases;
        cost.floor_bytes += floor;
        add(&mut cost.all, between(before, after));
        if is_event {
            cost.steps += 1;
            cost.event_floor_bytes += floor;
            add(&mut cost.events, spent);
        }
    }
    drop(log);
    let before = flash.lock().counts();
    let (_, kept) = L::open(flash.clone())?;
    cost.boot = between(before, flash.lock().counts());
    ensure!(kept.snapshot.is_some(), "the snapshot is gone");
    Ok(cost)
}

fn add(sum: &mut SimFlashCounts, more: SimFlashCounts) {
    sum.reads += more.reads;
    sum.read_bytes += more.read_bytes;
    sum.programs += more.programs;
    sum.programmed_bytes += more.programmed_bytes;
    sum.erases += more.erases;
}

impl Cost {
    fn a_step(&self, count: u64) -> f64 {
        count as f64 / self.steps as f64
    }

    /// Sectors erased in a step while an item waited.
    pub(crate) fn hot_erases(&self) -> f64 {
        self.a_step(self.hot_erases)
    }

    pub(crate) fn mean_ms(&self) -> f64 {
        self.kept_ms / self.steps as f64
    }

    pub(crate) fn worst_ms(&self) -> f64 {
        self.worst_ms
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "bytes_per_step": self.a_step(self.all.programmed_bytes),
            "floor_bytes_per_step": self.a_step(self.floor_bytes),
            "to_floor": self.all.programmed_bytes as f64 / self.floor_bytes as f64,
            "events_to_floor": self.events.programmed_bytes as f64 / self.event_floor_bytes as f64,
            "programs_per_step": self.a_step(self.all.programs),
            "programs_per_event": self.a_step(self.events.programs),
            "erases_per_step": self.a_step(self.all.erases),
            "hot_erases_per_step": self.a_step(self.hot_erases),
            "mean_step_ms": self.mean_ms(),
            "worst_step_ms": self.worst_ms,
            "boot_ms": ms(self.boot),
            "boot_read_bytes": self.boot.read_bytes,
            "boot_reads": self.boot.reads,
        })
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = |bytes: u64, floor: u64| bytes as f64 / floor as f64;
        write!(
            out,
            "{:>7.1} {:>8.4} {:>8.4} {:>9.2} {:>9.2} {:>10.4} {:>9.1} {:>9.2} {:>10}",
            self.a_step(self.all.programmed_bytes),
            ratio(self.all.programmed_bytes, self.floor_bytes),
            ratio(self.events.programmed_bytes, self.event_floor_bytes),
            self.a_step(self.all.programs),
            self.a_step(self.events.programs),
            self.a_step(self.all.erases),
            self.worst_ms,
            ms(self.boot),
            self.boot.read_bytes,
        )
    }
}
