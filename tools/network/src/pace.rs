//! How fast hosts are called: so many calls at a time, so long between them, and not at all while a host
//! asks to wait.
//!
//! Leaves out budgets that outlive a power cut: those are counted in records. Times are real ones, in a
//! simulated world too: the hosts are real.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout_at},
};

use crate::section::HostSection;

/// Calls to one host at a time, where the board file says nothing.
const CONCURRENT_MAX: u32 = 4;
/// Longest that a host is left alone because it asked to.
pub(crate) const HOLD_S_MAX: u64 = 86_400;

/// All hosts, as far as they were called.
pub(crate) struct Hosts {
    sections: BTreeMap<String, HostSection>,
    states: Mutex<BTreeMap<String, Arc<Host>>>,
}

struct Host {
    slots: Arc<Semaphore>,
    interval: Duration,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    /// When the next call may begin.
    next: Option<Instant>,
    /// Until when the host asked to be left alone.
    held_until: Option<Instant>,
}

/// A call's right to be under way.
#[derive(Debug)]
pub(crate) struct Pass {
    _slot: OwnedSemaphorePermit,
}

impl Hosts {
    pub(crate) fn new(sections: BTreeMap<String, HostSection>) -> Self {
        Self { sections, states: Mutex::default() }
    }

    /// What the board file says about a host, given as `host:port`.
    pub(crate) fn section(&self, device: &str) -> Option<(&str, &HostSection)> {
        let name = device.rsplit_once(':').map_or(device, |(host, _)| host);
        let found = self.sections.get_key_value(device).or_else(|| self.sections.get_key_value(name));
        found.map(|(name, section)| (name.as_str(), section))
    }

    /// Waits until a call to `device` may begin, at most `wait_max`.
    ///
    /// # Errors
    ///
    /// Why it may not, in words for the model; nothing was sent.
    pub(crate) async fn enter(&self, device: &str, wait_max: Duration) -> Result<Pass, String> {
        let host = self.host(device);
        let until = Instant::now() + wait_max;
        let slot = timeout_at(until, Arc::clone(&host.slots).acquire_owned()).await;
        let Ok(Ok(slot)) = slot else {
            return Err(format!("{device} is still busy with earlier calls: try again later"));
        };
        let begin = host.book(until).map_err(|wait| format!("{device} {wait}"))?;
        sleep_until(begin).await;
        Ok(Pass { _slot: slot })
    }

    /// Leaves a host alone for some seconds. Tells how long that is.
    pub(crate) fn hold(&self, device: &str, wait_s: u64) -> u64 {
        let wait_s = wait_s.min(HOLD_S_MAX);
        let host = self.host(device);
        let mut times = host.times.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + Duration::from_secs(wait_s);
        times.held_until = Some(times.held_until.map_or(until, |earlier| earlier.max(until)));
        wait_s
    }

    fn host(&self, device: &str) -> Arc<Host> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let host = states.entry(device.to_owned()).or_insert_with(|| {
            let section = self.section(device).map(|(_, section)| section.clone()).unwrap_or_default();
            let concurrent_max = section.concurrent_max.unwrap_or(CONCURRENT_MAX);
            Arc::new(Host {
                slots: Arc::new(Semaphore::new(usize::try_from(concurrent_max).unwrap_or(1))),
                interval: Duration::from_millis(section.interval_ms_min.unwrap_or(0).into()),
                times: Mutex::default(),
            })
        });
        Arc::clone(host)
    }
}

impl Host {
    /// Takes the next time at which a call may begin, unless that is after `until`.
    fn book(&self, until: Instant) -> Result<Instant, String> {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let held = times.held_until.filter(|held| *held > now);
        let begin = now.max(times.next.unwrap_or(now)).max(held.unwrap_or(now));
        if begin > until {
            let wait_s = (begin - now).as_millis().div_ceil(1_000);
            return Err(match held {
                Some(_) => format!("asked to be left alone: try again in {wait_s} s"),
                None => format!("is called too often: try again in {wait_s} s"),
            });
        }
        times.next = Some(begin + self.interval);
        Ok(begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "api.example.com:443";

    fn hosts(name: &str, concurrent_max: Option<u32>, interval_ms_min: Option<u32>) -> Hosts {
        let section = HostSection { concurrent_max, interval_ms_min, ..HostSection::default() };
        Hosts::new([(name.to_owned(), section)].into())
    }

    #[tokio::test(start_paused = true)]
    async fn calls_begin_an_interval_apart() {
        let hosts = hosts("api.example.com", None, Some(1_000));
        let start = Instant::now();
        for _ in 0..3 {
            hosts.enter(HOST, Duration::from_secs(5)).await.unwrap();
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
        // One that can't wait so long is told when to come again, and takes nobody's turn.
        let error = hosts.enter(HOST, Duration::from_millis(10)).await.unwrap_err();
        assert_eq!(error, "api.example.com:443 is called too often: try again in 1 s");
        hosts.enter(HOST, Duration::from_secs(5)).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(3));
        // Another host has a pace of its own.
        hosts.enter("other.example.com:443", Duration::ZERO).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_are_under_way_than_allowed() {
        let hosts = hosts(HOST, Some(2), None);
        let first = hosts.enter(HOST, Duration::ZERO).await.unwrap();
        let _second = hosts.enter(HOST, Duration::ZERO).await.unwrap();
        let error = hosts.enter(HOST, Duration::from_secs(1)).await.unwrap_err();
        assert!(error.contains("busy with earlier calls"), "{error}");
        drop(first);
        hosts.enter(HOST, Duration::ZERO).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_asks_to_wait_is_left_alone() {
        let hosts = hosts(HOST, None, None);
        assert_eq!(hosts.hold(HOST, 30), 30);
        assert_eq!(hosts.hold(HOST, 5), 5);
        let error = hosts.enter(HOST, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error, "api.example.com:443 asked to be left alone: try again in 30 s");
        // One that can wait does.
        let start = Instant::now();
        hosts.enter(HOST, Duration::from_mins(1)).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(30));
        assert_eq!(hosts.hold(HOST, u64::MAX), HOLD_S_MAX);
    }

    #[test]
    fn a_section_may_name_the_port_or_not() {
        let by_name = hosts("api.example.com", Some(1), None);
        assert!(by_name.section("api.example.com:8443").is_some() && by_name.section("b:443").is_none());
        let by_port = hosts("api.example.com:8443", Some(1), None);
        assert!(by_port.section("api.example.com:8443").is_some() && by_port.section(HOST).is_none());
    }
}
