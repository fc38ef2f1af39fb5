//! The room's tools over the world's socket, with lines that are slow, drop and are taken over.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, thread::JoinHandle, time::Duration};

use everstep_board_sim::{
    DeviceSectionError, SocketWorld, Waits, WorldClock, ask, assemble,
    protocol::Request,
    server::{Options, ServeError, Server, WorldFile},
    world::{By, Change, DeviceName, Fault, LineFault, RoomFile, SensorFault, Snapshot, When},
};
use everstep_core::{CallId, Class, Outcome, Settlement};
use everstep_tool::{Cancel, Clock, Context, Tool, ToolCall};
use everstep_tools_device::{BoardParts, DeviceSection};
use serde_json::{Value, json};

/// A world in this process, ended with the test.
struct Live {
    socket: PathBuf,
    log: PathBuf,
    served: Option<JoinHandle<Result<(), ServeError>>>,
    _folder: tempfile::TempDir,
}

impl Live {
    fn start(time_scale: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (socket, log) = (folder.path().join("world.sock"), folder.path().join("world.jsonl"));
        let server = Server::bind(&options(&socket, &log, time_scale)).unwrap();
        let thread = std::thread::spawn(move || server.run());
        Self { socket, log, served: Some(thread), _folder: folder }
    }

    fn ask<T: serde::de::DeserializeOwned>(&self, request: &Request) -> T {
        ask(&self.socket, Duration::from_secs(10), request).unwrap()
    }

    fn snapshot(&self) -> Snapshot {
        self.ask(&Request::Snapshot)
    }

    fn line_fault(&self, device: DeviceName, when: When, slow_ms: Option<u32>) {
        let fault = LineFault { device, when, slow_ms, count: 1 };
        self.ask::<Value>(&Request::LineFault { fault });
    }

    fn commands(&self) -> Vec<Change> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let changes = text.lines().map(|line| serde_json::from_str::<Change>(line).unwrap());
        changes.filter(|change| change.by == By::Command).collect()
    }

    fn parts(&self, io_max: Duration) -> BoardParts {
        let world = SocketWorld::new(&self.socket, io_max);
        assemble(&sections(), &world, &BTreeMap::new()).unwrap()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _: Result<Value, _> = ask(&self.socket, Duration::from_secs(10), &Request::Shutdown);
        if let Some(served) = self.served.take() {
            let ended = served.join();
            if !std::thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }
}

fn options(socket: &std::path::Path, log: &std::path::Path, time_scale: u32) -> Options {
    Options {
        socket: socket.to_owned(),
        log: Some(log.to_owned()),
        world: WorldFile::Room(RoomFile::default()),
        time_scale,
        timeline: [7; 16],
        unix_at_start_s: None,
        faults: vec![],
        line_faults: vec![],
        idle_s_max: 0,
    }
}

fn sections() -> BTreeMap<String, DeviceSection> {
    let text = r#"
        [room]
        kind = "room_sensor"
        [compressor]
        kind = "relay"
        [fan]
        kind = "fan"
        boot = "hold"
        [heater]
        kind = "defrost_heater"
        [pump]
        kind = "dosing_pump"
    "#;
    toml::from_str(text).unwrap()
}

fn tool(parts: &BoardParts, name: &str) -> Arc<dyn Tool> {
    parts.tools.iter().find(|tool| tool.spec().name == name).cloned().unwrap()
}

async fn call(tool: &dyn Tool, arguments: Value) -> (ToolCall, Outcome) {
    let baseline = tool.baseline(&arguments).await.unwrap();
    let call = ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None };
    let cx = Context { attempt: 1, deadline: Duration::from_mins(1), cancel: Cancel::default() };
    let outcome = tool.run(&call, &cx).await;
    (call, outcome)
}

const PATIENT: Duration = Duration::from_secs(30);
const HASTY: Duration = Duration::from_millis(40);

#[tokio::test]
async fn tools_speak_the_words_of_the_plan() {
    let live = Live::start(0);
    let parts = live.parts(PATIENT);
    for (name, arguments, class, expected) in [
        (
            "read_room",
            json!({}),
            Class::Observe,
            "air 2.0 C, ice 6 mm, door closed, compressor off, fan 0 percent",
        ),
        ("set_compressor", json!({"on": true}), Class::Safe, "compressor is on"),
        ("set_compressor", json!({"on": false}), Class::Safe, "compressor is off"),
        ("set_fan", json!({"percent": 100}), Class::Safe, "fan is at 100 percent"),
        ("run_defrost", json!({"seconds": 600}), Class::Never, "defrost started for 600 seconds"),
        (
            "dose_antifreeze",
            json!({"pulses": 1}),
            Class::ReadBack { settle_ms: 2_000 },
            "dosed 1 pulse, counter 7",
        ),
        (
            "read_room",
            json!({}),
            Class::Observe,
            "air 2.0 C, ice 6 mm, door closed, compressor off, fan 100 percent, defrost 600 s left",
        ),
    ] {
        let tool = tool(&parts, name);
        assert_eq!(tool.spec().class, class, "{name}");
        assert_eq!(call(tool.as_ref(), arguments).await.1, Outcome::Done(expected.into()), "{name}");
    }
    live.ask::<u64>(&Request::Step { ms: 60_000 });
    assert_eq!(live.snapshot().defrost_left_s, 540);
    let commands: Vec<_> =
        live.commands().iter().map(|change| (change.device.clone(), change.what.clone())).collect();
    let expected = [
        (DeviceName::COMPRESSOR, "set"),
        (DeviceName::COMPRESSOR, "set"),
        (DeviceName::FAN, "set"),
        (DeviceName::HEATER, "start"),
        (DeviceName::PUMP, "pulse"),
    ];
    assert_eq!(commands, expected.map(|(device, what)| (device, what.to_owned())));
}

#[tokio::test]
async fn line_that_drops_after_the_command_left_is_never_called_not_started() {
    let live = Live::start(0);
    let parts = live.parts(PATIENT);
    let defrost = tool(&parts, "run_defrost");
    for (when, defrosts) in [(When::Before, 0), (When::After, 1)] {
        live.line_fault(DeviceName::HEATER, when, None);
        let (_, outcome) = call(defrost.as_ref(), json!({"seconds": 60})).await;
        assert!(
            matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("connection lost")),
            "{outcome:?}"
        );
        assert_eq!(live.snapshot().defrosts, defrosts);
    }
    // The next call finds a new line.
    assert!(matches!(call(defrost.as_ref(), json!({"seconds": 60})).await.1, Outcome::Done(_)));
}

#[tokio::test]
async fn lost_dose_is_settled_by_the_counter() {
    let live = Live::start(0);
    let parts = live.parts(PATIENT);
    let dose = tool(&parts, "dose_antifreeze");
    for (when, settled) in [
        (When::Before, Settlement::NotDone),
        (When::After, Settlement::Done("dosed 2 pulses, counter 8".into())),
    ] {
        // The baseline is read over the same line, so the fault comes after it.
        let arguments = json!({"pulses": 2});
        let baseline = dose.baseline(&arguments).await.unwrap();
        live.line_fault(DeviceName::PUMP, when, None);
        let call = ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None };
        let cx = Context { attempt: 1, deadline: PATIENT, cancel: Cancel::default() };
        assert!(matches!(dose.run(&call, &cx).await, Outcome::MayHaveRun(_)));
        assert_eq!(dose.probe(&call).await, settled);
    }
    assert_eq!(live.snapshot().pulses, 2);
}

#[tokio::test]
async fn probe_after_a_slow_dose_tells_the_truth() {
    // The line holds the command for longer than the caller waits: whoever asks next is answered after
    // it took effect, so the counter can't lie.
    let live = Live::start(0);
    let hasty = live.parts(HASTY);
    let dose = tool(&hasty, "dose_antifreeze");
    let arguments = json!({"pulses": 1});
    let baseline = dose.baseline(&arguments).await.unwrap();
    live.line_fault(DeviceName::PUMP, When::Before, Some(200));
    let call = ToolCall { id: CallId(1), arguments, baseline, idempotency_key: None };
    let cx = Context { attempt: 1, deadline: PATIENT, cancel: Cancel::default() };
    let outcome = dose.run(&call, &cx).await;
    assert!(matches!(&outcome, Outcome::MayHaveRun(why) if why.contains("time-out")), "{outcome:?}");

    let patient = tool(&live.parts(PATIENT), "dose_antifreeze");
    assert_eq!(patient.probe(&call).await, Settlement::Done("dosed 1 pulse, counter 7".into()));
    assert_eq!(live.snapshot().pulses, 1);
}

#[tokio::test]
async fn newer_connection_shuts_the_older_one_out() {
    let live = Live::start(0);
    let (old, new) = (live.parts(PATIENT), live.parts(PATIENT));
    let run = async |parts: &BoardParts, percent: u8| {
        call(tool(parts, "set_fan").as_ref(), json!({"percent": percent})).await.1
    };
    assert_eq!(run(&old, 10).await, Outcome::Done("fan is at 10 percent".into()));
    assert_eq!(run(&new, 20).await, Outcome::Done("fan is at 20 percent".into()));
    assert_eq!(run(&old, 30).await, Outcome::NotStarted("a newer connection has this device".into()));
    assert_eq!(live.snapshot().fan_percent, 20);
}

#[tokio::test]
async fn broken_sensors_are_errors_and_no_numbers() {
    let live = Live::start(0);
    let read = tool(&live.parts(PATIENT), "read_room");
    for (sensor, expected) in [
        (SensorFault::Shows { air_c: 212.0 }, "the air sensor shows 212.0 C, outside of -60 to 60 C"),
        (SensorFault::Fails, "the sensors do not answer"),
    ] {
        live.ask::<Value>(&Request::Fault { fault: json!(Fault::Sensor(sensor)) });
        assert_eq!(call(read.as_ref(), json!({})).await.1, Outcome::NotStarted(expected.into()));
    }
}

#[tokio::test]
async fn world_that_is_away_starts_nothing() {
    let live = Live::start(0);
    let parts = live.parts(PATIENT);
    drop(live);
    let (_, outcome) = call(tool(&parts, "set_fan").as_ref(), json!({"percent": 1})).await;
    assert_eq!(outcome, Outcome::NotStarted("fan can't be reached: nobody listens".into()));
}

#[tokio::test]
async fn boot_makes_the_compressor_safe_and_holds_the_fan() {
    let live = Live::start(0);
    let before = live.parts(PATIENT);
    call(tool(&before, "set_compressor").as_ref(), json!({"on": true})).await;
    call(tool(&before, "set_fan").as_ref(), json!({"percent": 70})).await;
    // Another process takes over.
    let after = live.parts(PATIENT);
    assert_eq!(after.actuators.boot().await, ["compressor set to off"]);
    assert!(after.actuators.boot().await.is_empty(), "once is enough");
    assert_eq!(live.snapshot().fan_percent, 70);
    assert_eq!(after.actuators.set_safe().await, (vec!["fan set to 0 percent".to_owned()], vec![]));
    assert_eq!(live.snapshot().fan_percent, 0);
}

#[tokio::test]
async fn clocks_of_two_processes_share_the_worlds_time() {
    let live = Live::start(0);
    let first = WorldClock::connect(&live.socket, PATIENT).unwrap();
    live.ask::<u64>(&Request::Step { ms: 5_000 });
    let second = WorldClock::connect(&live.socket, PATIENT).unwrap();
    assert_eq!(first.timeline_id(), second.timeline_id());
    assert_eq!((first.now_ms(), second.now_ms()), (5_000, 5_000));
    assert_eq!(first.unix_s(), None);
    let sleeper = tokio::spawn(first.sleep(1_000));
    live.ask::<u64>(&Request::Step { ms: 1_000 });
    sleeper.await.unwrap();
}

#[tokio::test]
async fn running_world_passes_time_by_itself_and_faster() {
    let live = Live::start(100_000);
    let clock = WorldClock::connect(&live.socket, PATIENT).unwrap();
    let before = clock.now_ms();
    clock.sleep(2_000_000).await;
    assert!(clock.now_ms() >= before + 2_000_000);
    let truth = live.snapshot().world_ms;
    assert!(truth >= clock.now_ms().min(before + 2_000_000), "the clock is never ahead: {truth}");
    let next = WorldClock::connect(&live.socket, PATIENT).unwrap();
    assert!(next.now_ms() >= before + 2_000_000);
    let stepped = ask::<Value>(&live.socket, PATIENT, &Request::Step { ms: 1 });
    assert!(stepped.is_err(), "its time can't be moved");
}

#[tokio::test]
async fn skipped_waits_step_the_world_and_limits_do_not() {
    let live = Live::start(0);
    let clock = WorldClock::connect(&live.socket, PATIENT).unwrap().with_waits(Waits::Skip);
    let limit = tokio::spawn(clock.limit(7_200_000));
    // It is polled once here, and must only look.
    tokio::task::yield_now().await;
    assert_eq!(live.snapshot().world_ms, 0);
    clock.sleep(3_600_000).await;
    assert_eq!(live.snapshot().world_ms, 3_600_000);
    assert!(!limit.is_finished(), "the limit did not pass time");
    clock.sleep(3_600_000).await;
    limit.await.unwrap();
    assert_eq!(live.snapshot().world_ms, 7_200_000);
    // One that is dropped before it began passes nothing.
    drop(clock.sleep(1_000));
    assert_eq!(live.snapshot().world_ms, 7_200_000);
}

#[test]
fn worlds_that_can_not_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, log) = (folder.path().join("gone/s"), folder.path().join("l"));
    let good = options(&folder.path().join("s"), &log, 0);
    let line: LineFault = serde_json::from_str(r#"{"device":"lamp","when":"after","count":1}"#).unwrap();
    for (options, named) in [
        (Options { socket, ..good.clone() }, "there is no folder"),
        (Options { faults: vec![json!({"lamp": {}})], ..good.clone() }, "lamp"),
        (Options { line_faults: vec![line], ..good }, "no line to lamp"),
    ] {
        let error = Server::bind(&options).err().unwrap().to_string();
        assert!(error.contains(named), "{error}");
    }
}

const PLANT: &str = r#"
    [quantity.air]
    unit = "C"
    digits = 1
    min = 0.0
    max = 50.0
    start = 20.0
    [actuator.lamp]
    kind = "relay"
    start = "off"
    [actuator.vent]
    kind = "switch"
    states = ["closed", "open"]
    start = "open"
    [actuator.heating]
    kind = "setpoint"
    unit = "C"
    min = 5
    max = 28
    start = 18
    [actuator.water]
    kind = "timed"
"#;

fn plant_parts(socket: &std::path::Path) -> BoardParts {
    let sections = r#"
        [climate]
        kind = "sensor"
        shows = ["air", "lamp", "vent", "heating", "water"]
        [lamp]
        kind = "relay"
        boot = "hold"
        [vent]
        kind = "switch"
        states = ["closed", "open"]
        [heating]
        kind = "setpoint"
        unit = "C"
        min = 6
        max = 28
        safe_value = 16.5
        [water]
        kind = "timer"
        seconds_max = 900
    "#;
    let world = SocketWorld::new(socket, PATIENT).with_plant(toml::from_str(PLANT).unwrap());
    assemble(&toml::from_str(sections).unwrap(), &world, &BTreeMap::new()).unwrap()
}

#[tokio::test]
async fn plant_is_moved_read_faulted_and_fenced_like_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, log) = (folder.path().join("s"), folder.path().join("l"));
    let world = WorldFile::Plant(toml::from_str(PLANT).unwrap());
    let server = Server::bind(&Options { world, ..options(&socket, &log, 0) }).unwrap();
    let live = Live {
        served: Some(std::thread::spawn(move || server.run())),
        socket: socket.clone(),
        log,
        _folder: folder,
    };
    let parts = plant_parts(&socket);
    assert_eq!(parts.actuators.boot().await, ["heating set to 16.5 C", "vent set to closed"]);
    for (name, arguments, said) in [
        ("read_climate", json!({}), "air 20.0 C, lamp off, vent closed, heating 16.5 C, water off"),
        ("set_lamp", json!({"on": true}), "lamp is on"),
        ("set_vent", json!({"state": "open"}), "vent is open"),
        ("set_heating", json!({"value": 20}), "heating is set to 20 C"),
        ("run_water", json!({"seconds": 60}), "water runs for 60 seconds"),
        ("read_climate", json!({}), "air 20.0 C, lamp on, vent open, heating 20 C, water 60 s left"),
    ] {
        assert_eq!(call(tool(&parts, name).as_ref(), arguments).await.1, Outcome::Done(said.into()));
    }
    live.ask::<Value>(&Request::Fault { fault: json!({"shows": {"quantity": "air", "value": 80}}) });
    let read = call(tool(&parts, "read_climate").as_ref(), json!({})).await.1;
    assert_eq!(read, Outcome::NotStarted("the air sensor shows 80.0 C, outside of 0 to 50 C".into()));

    live.line_fault(DeviceName::new("water"), When::After, None);
    let lost = call(tool(&parts, "run_water").as_ref(), json!({"seconds": 5})).await.1;
    assert!(matches!(&lost, Outcome::MayHaveRun(why) if why.contains("connection lost")), "{lost:?}");
    let starts = live.commands().iter().filter(|change| change.what == "start").count();
    assert_eq!(starts, 2, "it did run");

    let newer = plant_parts(&socket);
    assert!(matches!(
        call(tool(&newer, "set_vent").as_ref(), json!({"state": "closed"})).await.1,
        Outcome::Done(_)
    ));
    let older = call(tool(&parts, "set_vent").as_ref(), json!({"state": "open"})).await.1;
    assert_eq!(older, Outcome::NotStarted("a newer connection has this device".into()));
    assert_eq!(newer.actuators.set_safe().await.0, ["heating set to 16.5 C", "lamp set to off"]);
}

#[test]
fn second_world_on_a_socket_is_refused_and_a_dead_socket_replaced() {
    let live = Live::start(0);
    let again = Server::bind(&options(&live.socket, &live.log, 0)).err().unwrap();
    assert!(again.to_string().contains("a world already listens on"), "{again}");
    let folder = tempfile::tempdir().unwrap();
    let (socket, log) = (folder.path().join("s"), folder.path().join("l"));
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    assert!(Server::bind(&options(&socket, &log, 0)).is_ok());
}

#[test]
fn devices_the_room_does_not_have_are_refused() {
    let world = SocketWorld::new(std::path::Path::new("nowhere"), PATIENT);
    let lamp = BTreeMap::from([("lamp".to_owned(), sections()["compressor"].clone())]);
    let error = assemble(&lamp, &world, &BTreeMap::new()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "device.lamp: the simulated room has no relay of this name: it has `compressor`"
    );
    let mut fast = sections();
    let too_fast: DeviceSection = toml::from_str("kind = \"fan\"\nsafe_percent = 200").unwrap();
    fast.insert("fan".into(), too_fast);
    let error = assemble(&fast, &world, &BTreeMap::new()).err().unwrap();
    assert!(matches!(error, DeviceSectionError::Wrong { key: "safe_percent", .. }), "{error}");
}
