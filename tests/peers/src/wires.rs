//! Pins and buses that misbehave under a seed, in the kernel's stead: the drivers of this machine's
//! devices run over them as they run over `/dev`.
//!
//! They know nothing of calls or records. What moves is in their log.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what is missing in a JSON value reads as null, and a test's set-up may fail"
)]

mod machine;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use everstep_board_linux::device::assemble_on;
use everstep_tool::BoxFuture;
use everstep_tools_device::BoardParts;
use serde_json::{Value, json};
use tokio::{runtime::Runtime, sync::Notify};

use crate::{field::Field, tools::sections};

/// Bytes of every I²C chip.
const REGISTERS: usize = 16;
/// Longer than any call may take.
const OUT_OF_TIME: Duration = Duration::from_mins(10);
/// How often others are let run, so that a call that ran out of time is seen as such before it returns.
const TURNS: u32 = 50;

/// The pins and buses of one machine. Clones are the same machine.
#[derive(Clone, Default)]
pub struct Wires(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    released: Condvar,
    cut: Mutex<Arc<Notify>>,
    hangs: Notify,
}

#[derive(Default)]
struct State {
    /// Counts processes: what an earlier one opened does nothing.
    process: u32,
    /// Counts releases of what hangs.
    releases: u32,
    writes: VecDeque<Value>,
    reads: VecDeque<Value>,
    /// Lines that are high.
    pins: BTreeMap<u32, bool>,
    chips: BTreeMap<u8, [u8; REGISTERS]>,
    /// The value of the chip on the SPI bus.
    value: Vec<u8>,
    log: Vec<Value>,
}

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    /// It acts, and that is told.
    Well,
    /// It does not act, and nobody answered.
    Silent,
    /// It does not act, and an error says that something went wrong.
    Lost,
    /// It acts, and an error says that something went wrong.
    ActsAndFails,
    /// The process is gone.
    Gone,
}

impl Wires {
    /// New ones.
    #[must_use]
    pub fn start() -> Arc<dyn Field> {
        let wires = Self::default();
        wires.reset();
        Arc::new(wires)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Decides what becomes of an operation that `process` asked for, and does `act` where it acts. The
    /// power may go before or behind it, and it may hang.
    fn operate<T>(
        &self,
        process: u32,
        is_write: bool,
        act: impl FnOnce(&mut State) -> T,
    ) -> (Fate, Option<T>) {
        let mut state = self.state();
        if state.process != process {
            return (Fate::Gone, None);
        }
        let fate = if is_write { state.writes.pop_front() } else { state.reads.pop_front() };
        let word = fate.as_ref().and_then(|fate| fate["fate"].as_str()).unwrap_or("well").to_owned();
        if word.starts_with("hang") {
            let releases = state.releases;
            self.0.hangs.notify_one();
            let hangs = |state: &mut State| state.process == process && state.releases == releases;
            state = self.0.released.wait_while(state, hangs).unwrap();
            if state.process != process {
                return (Fate::Gone, None);
            }
        }
        if word.starts_with("cut") {
            let did = (word == "cut_after").then(|| act(&mut state));
            // From here on the process does nothing any more.
            state.process += 1;
            self.0.cut.lock().unwrap().notify_one();
            return (Fate::Gone, did);
        }
        let fate = match word.as_str() {
            "silent" => Fate::Silent,
            "lost" | "hang_and_lose" => Fate::Lost,
            "acts_and_fails" => Fate::ActsAndFails,
            _ => Fate::Well,
        };
        let acts = matches!(fate, Fate::Well | Fate::ActsAndFails);
        (fate, acts.then(|| act(&mut state)))
    }

    fn release(&self) {
        self.state().releases += 1;
        self.0.released.notify_all();
    }
}

impl Field for Wires {
    fn parts(&self, board: &str) -> BoardParts {
        let process = self.state().process;
        let machine = machine::Opened { wires: self.clone(), process };
        assemble_on(machine, &sections(board, ""), &BTreeMap::new()).unwrap()
    }

    /// Time stands, but where nothing is left to do or a call hangs.
    fn runtime(&self) -> Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
    }

    fn reset(&self) {
        let mut state = self.state();
        let process = state.process + 1;
        let chips = [machine::HEATING, machine::METER].map(|chip| (chip, [0; REGISTERS]));
        *state = State { process, chips: chips.into(), value: vec![0; 2], ..State::default() };
    }

    fn fates(&self, write: &[Value], read: &[Value]) {
        let mut state = self.state();
        (state.writes, state.reads) = (write.to_vec().into(), read.to_vec().into());
        *self.0.cut.lock().unwrap() = Arc::default();
    }

    fn cut(&self) -> BoxFuture<'_, ()> {
        let cut = Arc::clone(&self.0.cut.lock().unwrap());
        Box::pin(async move { cut.notified().await })
    }

    fn pass_time(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            loop {
                self.0.hangs.notified().await;
                tokio::time::advance(OUT_OF_TIME).await;
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                }
                self.release();
            }
        })
    }

    /// The power is gone: nobody drives a line. The chips have a supply of their own.
    fn drop_process(&self) {
        let mut state = self.state();
        state.process += 1;
        state.pins.clear();
        self.0.released.notify_all();
    }

    /// Nothing is on its way where nobody moves it.
    fn settle(&self) {}

    fn log(&self) -> Vec<Value> {
        self.state().log.clone()
    }
}

impl State {
    fn did(&mut self, device: &str, what: &str, value: &Value) {
        self.log.push(json!({"what": what, "device": device, "value": value}));
    }
}
