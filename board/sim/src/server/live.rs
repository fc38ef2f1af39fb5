//! A world under way: its time, its log, and the lines to its devices.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use super::Options;
use crate::{
    protocol::Time,
    simulated::Simulated,
    world::{DeviceName, LineFault, When},
};

/// What all connections share.
pub(super) struct Live {
    room: Mutex<Room>,
    /// For each device the number of its newest connection. Held while a request is performed.
    lines: BTreeMap<DeviceName, Mutex<u64>>,
    line_faults: Mutex<Vec<LineFault>>,
    started: Instant,
    last_asked: Mutex<Instant>,
    time_scale: u32,
    timeline: [u8; 16],
    unix_at_start_s: Option<u64>,
    idle_max: Option<Duration>,
    ended: AtomicBool,
}

struct Room {
    world: Box<dyn Simulated>,
    log: Option<File>,
    log_error: Option<io::Error>,
}

/// What becomes of a request on a faulty line.
pub(super) enum Line {
    Well,
    Drops,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that failed midway left a world that is still the one that everybody sees.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "the world's time is real, and a board knows real time")]
fn real_now() -> Instant {
    Instant::now()
}

impl Live {
    pub(super) fn new(world: Box<dyn Simulated>, log: Option<File>, options: &Options) -> Self {
        let started = real_now();
        let lines = world.devices().into_iter().map(|device| (device, Mutex::new(0))).collect();
        let live = Self {
            room: Mutex::new(Room { world, log, log_error: None }),
            lines,
            line_faults: Mutex::default(),
            started,
            last_asked: Mutex::new(started),
            time_scale: options.time_scale,
            timeline: options.timeline,
            unix_at_start_s: options.unix_at_start_s,
            idle_max: (options.idle_s_max > 0).then(|| Duration::from_secs(options.idle_s_max)),
            ended: AtomicBool::new(false),
        };
        live.catch_up();
        live
    }

    /// Does something with the world as it is now. Its changes are in the log before anybody is
    /// answered.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut dyn Simulated) -> T) -> T {
        let mut room = lock(&self.room);
        if self.time_scale > 0 {
            let real_ms = self.started.elapsed().as_millis().saturating_mul(self.time_scale.into());
            room.world.step_to(u64::try_from(real_ms).unwrap_or(u64::MAX));
        }
        let done = act(room.world.as_mut());
        if let Err(error) = room.write_log() {
            room.log_error = Some(error);
            self.end();
        }
        done
    }

    pub(super) fn catch_up(&self) {
        self.with(|_| ());
    }

    pub(super) fn is_stepped(&self) -> bool {
        self.time_scale == 0
    }

    pub(super) fn time(&self) -> Time {
        let world_ms = self.with(|world| world.now_ms());
        Time {
            world_ms,
            time_scale: self.time_scale,
            timeline: format!("{:032x}", u128::from_be_bytes(self.timeline)),
            unix_s: self.unix_at_start_s.map(|start_s| start_s.saturating_add(world_ms / 1_000)),
        }
    }

    /// The line to a device, by its newest connection; nobody else uses it meanwhile.
    pub(super) fn line(&self, device: &DeviceName) -> Option<MutexGuard<'_, u64>> {
        self.lines.get(device).map(lock)
    }

    pub(super) fn add_line_fault(&self, fault: LineFault) -> Result<(), String> {
        if !self.lines.contains_key(&fault.device) {
            return Err(format!("there is no line to {}", fault.device));
        }
        lock(&self.line_faults).push(fault);
        Ok(())
    }

    /// Lets a faulty line be slow or drop, as often as it was told to.
    pub(super) fn suffer(&self, device: &DeviceName, when: When) -> Line {
        let fault = {
            let mut faults = lock(&self.line_faults);
            let found = faults
                .iter_mut()
                .find(|fault| fault.device == *device && fault.when == when && fault.count > 0);
            found.map(|fault| {
                fault.count -= 1;
                fault.clone()
            })
        };
        match fault {
            None => Line::Well,
            Some(LineFault { slow_ms: Some(ms), .. }) => {
                super::pause(Duration::from_millis(ms.into()));
                Line::Well
            }
            Some(LineFault { slow_ms: None, .. }) => Line::Drops,
        }
    }

    pub(super) fn asked(&self) {
        *lock(&self.last_asked) = real_now();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.idle_max.is_some_and(|max| lock(&self.last_asked).elapsed() > max)
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(super) fn log_error(&self) -> Option<io::Error> {
        lock(&self.room).log_error.take()
    }
}

impl Room {
    fn write_log(&mut self) -> io::Result<()> {
        let changes = self.world.take_changes();
        let Some(log) = &mut self.log else { return Ok(()) };
        for change in changes {
            let mut line = json!(change).to_string();
            line.push('\n');
            log.write_all(line.as_bytes())?;
        }
        Ok(())
    }
}
