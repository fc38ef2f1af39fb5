use super::{fake::FakeWatchdog, *};

fn section(keys: &str) -> WatchdogSection {
    toml::from_str(keys).unwrap()
}

fn start(device: &FakeWatchdog, keys: &str) -> Result<Watchdog<FakeWatchdog>, WatchdogError> {
    Watchdog::start(device.clone(), &section(keys))
}

fn written(device: &FakeWatchdog) -> String {
    String::from_utf8(device.written.lock().unwrap().clone()).unwrap()
}

#[test]
fn beats_feed_it_and_only_a_rest_stops_it() {
    let device = FakeWatchdog::default();
    let mut watchdog = start(&device, "timeout_s = 30").unwrap();
    watchdog.beat();
    watchdog.beat();
    assert_eq!(written(&device), "..");
    drop(watchdog);
    assert_eq!(written(&device), "..", "a process that dies leaves it running");

    let device = FakeWatchdog::default();
    let mut watchdog = start(&device, "").unwrap();
    watchdog.beat();
    watchdog.rest();
    assert_eq!(written(&device), ".V");
}

#[test]
fn seconds_the_driver_does_not_have_are_refused_and_it_is_stopped() {
    let device = FakeWatchdog { runs_s: 1..=15, ..FakeWatchdog::default() };
    let error = start(&device, "timeout_s = 60").unwrap_err();
    let expected = "/dev/watchdog runs for 15 s where 60 s were asked for: set `timeout_s = 15`";
    assert_eq!((error.to_string().as_str(), error.key()), (expected, "timeout_s"));
    assert_eq!(written(&device), "V");

    let fixed = FakeWatchdog { can: Abilities { set_timeout: false, stop: true }, ..FakeWatchdog::default() };
    let error = start(&fixed, "timeout_s = 60").unwrap_err().to_string();
    assert!(error.contains("runs for 128 s where 60 s"), "{error}");
    assert!(start(&fixed, "timeout_s = 128").is_ok(), "what it has anyway");
}

#[test]
fn watchdog_that_can_not_be_stopped_is_told_to_restart_the_machine() {
    let deaf = FakeWatchdog { runs_s: 1..=15, deaf: true, ..FakeWatchdog::default() };
    let endless =
        FakeWatchdog { can: Abilities { set_timeout: true, stop: false }, deaf: false, ..deaf.clone() };
    for device in [&deaf, &endless] {
        let error = start(device, "timeout_s = 60").unwrap_err().to_string();
        assert!(error.ends_with("; it could not be stopped, the machine restarts"), "{error}");
    }
    // A beat that fails changes nothing: the machine restarts in time.
    Watchdog { device: deaf }.beat();
}

#[test]
fn what_can_not_say_what_it_is_is_stopped() {
    let device = FakeWatchdog { broken: true, ..FakeWatchdog::default() };
    let error = start(&device, "path = \"/dev/x\"").unwrap_err();
    assert!(error.to_string().starts_with("/dev/x: Inappropriate ioctl"), "{error}");
    assert_eq!((written(&device).as_str(), error.key()), ("V", "path"));
    assert!(
        super::start(&section("path = \"/nowhere/watchdog\""))
            .err()
            .unwrap()
            .to_string()
            .contains("is missing")
    );
}

#[test]
fn a_board_s_watchdog_is_found_by_its_kind() {
    let sections: BTreeMap<String, DeviceSection> =
        toml::from_str("[dog]\nkind = \"watchdog\"\ntimeout_s = 9\n[lamp]\nkind = \"relay\"").unwrap();
    let (name, found) = find(&sections).unwrap();
    assert_eq!((name, found.timeout_s.get()), ("dog", 9));
    assert!(find(&BTreeMap::new()).is_none());
}
