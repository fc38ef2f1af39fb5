//! The shipped boards with a plant: a scripted run of the real binary finishes a task, and the world
//! agrees; its waits take no real time.

use std::path::{Path, PathBuf};

use everstep_board_sim::{
    ask,
    plant::PlantFile,
    protocol::Request,
    server::{Options, Server, WorldFile},
    simulated::Story,
    tasks::{Ended, Subjects, TaskFile},
};

use crate::bench::Bench;

/// A call of a script.
fn call(tool: &str, arguments: &str) -> String {
    format!("[[reply]]\ncall = \"{tool}\"\narguments = '{arguments}'\n")
}

fn say(text: &str) -> String {
    format!("[[reply]]\nsay = \"{text}\"\n")
}

fn folder(board: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../board").join(board)
}

/// The shipped board with a stepped world, its start drawn for `task`.
struct Board {
    bench: Bench,
    tasks: TaskFile,
}

impl Board {
    fn start(board: &str, script: &str, start: &str) -> Self {
        let bench = Bench::new(script);
        let file = std::fs::read_to_string(folder(board).join("agent.toml")).unwrap();
        let plant = folder(board).join("plant.toml");
        let file = file
            .replace(&format!("state_dir = \"../../target/{board}\""), "")
            .replace("plant = \"plant.toml\"", &format!("plant = \"{}\"\nwaits = \"skip\"", plant.display()))
            .replace("time_scale = 600", "time_scale = 0")
            .replace("../../models/wren/wren.gguf", "scripted:script.toml");
        assert!(file.contains("waits") && file.contains("time_scale = 0"), "{file}");
        bench.write("agent.toml", &file);
        std::fs::create_dir(bench.path("state")).unwrap();
        let mut world = WorldFile::Plant(PlantFile::load(&plant).unwrap());
        let tasks = TaskFile::load(&folder(board).join("tasks.toml"), &Subjects::of(&world)).unwrap();
        world.start_at(&serde_json::from_str(start).unwrap()).unwrap();
        let server = Server::bind(&Options {
            socket: bench.path("state/world.sock"),
            log: Some(bench.path("state/world.jsonl")),
            world,
            time_scale: 0,
            timeline: [3; 16],
            unix_at_start_s: None,
            faults: Vec::new(),
            line_faults: Vec::new(),
            idle_s_max: 60,
        });
        let server = server.unwrap();
        std::thread::spawn(move || server.run());
        Self { bench, tasks }
    }

    /// Runs a task and returns what is wrong with its end.
    fn run(&self, id: &str) -> Vec<String> {
        let task = self.tasks.find(id).unwrap();
        let answer = self.bench.everstep(&["run", &task.text]).done();
        let socket = self.bench.path("state/world.sock");
        let minute = std::time::Duration::from_mins(1);
        let story: Story = ask(&socket, minute, &Request::Story { at_ms: None }).unwrap();
        let alerts = std::fs::read_to_string(self.bench.path("state/alerts.txt")).unwrap_or_default();
        let alerts = u64::try_from(alerts.lines().count()).unwrap();
        task.judge(Ended { story: &story, answer: &answer, alerts })
    }
}

#[test]
fn pump_station_fills_its_tank() {
    let waits = call("wait", r#"{"seconds": 600}"#).repeat(4);
    let script = [
        call("read_station", "{}"),
        call("set_pump_north", r#"{"on": true}"#),
        waits,
        call("set_pump_north", r#"{"on": false}"#),
        call("read_station", "{}"),
        say("The tank is at 82 percent."),
    ];
    let board = Board::start("pump", &script.concat(), r#"{"tank_level": 58}"#);
    assert_eq!(board.run("fill_tank"), [""; 0]);
    let journal = board.bench.everstep(&["journal"]).done();
    // The readings before are in a snapshot by now.
    let last = "tank level 82 percent, sump level 48 percent, pressure 2.1 bar, chlorine 0.4 mg/l, pump north \
                off, pump south off, inlet valve closed, outlet valve closed";
    assert!(journal.contains(last), "{journal}");
}

#[test]
fn answer_without_the_work_is_not_enough() {
    let board = Board::start("pump", &say("The tank is at 82 percent."), r#"{"tank_level": 58}"#);
    assert!(board.run("fill_tank").iter().any(|wrong| wrong.starts_with("tank_level is 58")));
}

#[test]
fn greenhouse_waits_and_alerts() {
    let script = [
        call("wait", r#"{"seconds": 1200}"#),
        call("read_climate", "{}"),
        call("alert", r#"{"text": "the greenhouse is cold"}"#),
        say("The greenhouse is too cold."),
    ];
    let board = Board::start("greenhouse", &script.concat(), r#"{"air": 13.5}"#);
    assert_eq!(board.run("watch_air"), [""; 0]);
}

#[test]
fn house_is_warmed_and_left_alone_by_a_boot() {
    let script = [
        call("set_heating", r#"{"value": 21}"#),
        call("wait", r#"{"seconds": 3600}"#),
        call("read_house", "{}"),
        say("The living room is at 21.0 C."),
    ];
    let start = r#"{"living_room": 16.5, "hall_light": "on", "front_door": "unlocked", "blinds": 40}"#;
    let board = Board::start("house", &script.concat(), start);
    assert_eq!(board.run("warm_living_room"), [""; 0]);
}

#[test]
fn plant_without_the_device_is_named_with_what_there_is() {
    let board = Board::start("pump", "", "{}");
    board.bench.change_board("[device.dosing]", "[device.doser]");
    board.bench.everstep(&["tools"]).refuses(2, &["device.doser.kind", "no timed `doser`", "dosing"]);
}
