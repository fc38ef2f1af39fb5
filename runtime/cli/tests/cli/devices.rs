//! Boards whose devices are this machine's, which has none of them; and what a boot makes of a simulated
//! actuator.

use everstep_board_sim::{
    server::{Options, Server, WorldFile},
    world::RoomFile,
};
use serde_json::{Value, json};

use crate::bench::{BOARD, Bench, SCRIPT};

const PUMP: &str = "[device.pump]\nkind = \"gpio_output\"\nchip = \"/dev/gpiochip77\"\nline = 17\n";

fn bench(devices: &str) -> Bench {
    let bench = Bench::new(SCRIPT);
    bench.change_board("[agent.clerk]", &format!("{devices}[agent.clerk]"));
    bench
}

#[test]
fn check_names_what_the_machine_does_not_have_and_makes_nothing() {
    let bench = bench(PUMP);
    let told = bench.everstep(&["check"]);
    assert_eq!((told.code, told.err.as_str()), (2, ""), "{told:?}");
    let line = told.out.lines().find(|line| line.starts_with("device pump")).unwrap();
    assert!(line.contains("wrong: /dev/gpiochip77 is missing: this machine has "), "{line}");
    let told = bench.everstep(&["check", "--json"]);
    let found: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((told.code, &found["devices"][0]["verdict"]), (2, &json!("wrong")), "{found}");
    assert_eq!(found["devices"][0]["device"], "pump");
    assert!(!bench.path("state").exists());
}

#[test]
fn tools_of_devices_that_are_not_there_can_be_looked_at() {
    let bench = bench(PUMP);
    let tools = bench.everstep(&["tools"]).done();
    let line = tools.lines().find(|line| line.starts_with("set_pump")).unwrap();
    assert!(line.contains("denied") && line.contains("safe"), "{line}");
}

#[test]
fn wrong_sections_are_named_with_their_line() {
    let key = bench(&format!("{PUMP}pin = 3\n"));
    key.everstep(&["check"]).refuses(2, &["device.pump.pin: unknown field `pin`, expected one of `chip`"]);
    let other =
        bench(&PUMP.replace("gpio_output", "relay").replace("chip = \"/dev/gpiochip77\"\nline = 17\n", ""));
    other.everstep(&["run", "compare"]).refuses(2, &["device.pump.kind: `relay` is a simulated device"]);
    let twice = bench(&format!("{PUMP}{}", PUMP.replace("pump", "valve")));
    let expected = "device.valve.line: line 17 of /dev/gpiochip77 is the device `pump`'s already";
    twice.everstep(&["tools"]).refuses(2, &[expected]);
}

#[test]
fn restore_is_allowed_and_sets_the_safe_state_as_long_as_nothing_is_known() {
    let bench = bench(&format!("{PUMP}boot = \"restore\"\n"));
    assert_eq!(bench.everstep(&["tools"]).code, 0);
}

/// Sets the fan once.
const SET_FAN: &str = r#"
[[reply]]
call = "set_fan"
arguments = '{"percent": 40}'

[[reply]]
say = "Done."
"#;

/// A room whose fan stands still, of its own name and time line: what an outage of the whole board leaves.
fn start_room(bench: &Bench, name: &str, timeline: u8) {
    let server = Server::bind(&Options {
        socket: bench.path(&format!("state/{name}.sock")),
        log: Some(bench.path(&format!("state/{name}.jsonl"))),
        world: WorldFile::Room(RoomFile::default()),
        time_scale: 600,
        timeline: [timeline; 16],
        unix_at_start_s: None,
        faults: Vec::new(),
        line_faults: Vec::new(),
        idle_s_max: 60,
    });
    let server = server.unwrap();
    std::thread::spawn(move || server.run());
}

/// What the fan was set to by commands, in order.
fn fan(bench: &Bench, name: &str) -> Vec<Value> {
    let log = std::fs::read_to_string(bench.path(&format!("state/{name}.jsonl"))).unwrap();
    let changes = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    changes
        .filter(|change| change["device"] == "fan" && change["by"] == "command")
        .map(|mut change| change["to"].take())
        .collect()
}

#[test]
fn actuator_is_restored_to_its_newest_command_after_an_outage() {
    for (boot, expected) in [("restore", json!(40)), ("safe", json!(0))] {
        let bench = Bench::new(SET_FAN);
        let devices = format!(
            "kind = \"sim\"\n[world]\nsocket = \"first.sock\"\n[device.fan]\nkind = \"fan\"\nboot = \"{boot}\"\n\
             safe_percent = 0"
        );
        let board = BOARD.replace("kind = \"linux\"", &devices).replace("\"compare\"", "\"set_fan\"");
        bench.write("agent.toml", &board);
        std::fs::create_dir(bench.path("state")).unwrap();
        start_room(&bench, "first", 1);
        bench.everstep(&["run", "set the fan"]).done();
        assert_eq!(fan(&bench, "first").last(), Some(&json!(40)));
        start_room(&bench, "second", 2);
        bench.change_board("first.sock", "second.sock");
        bench.write("script.toml", &"[[reply]]\nsay = \"Done.\"\n".repeat(2));
        bench.everstep(&["run", "say something"]).done();
        let set = fan(&bench, "second");
        assert_eq!(set.last().unwrap_or(&json!(0)), &expected, "{boot}: {set:?}");
    }
}

#[test]
fn a_board_whose_flash_can_not_be_read_is_made_safe() {
    for command in [&["run", "set the fan"][..], &["stop"]] {
        let bench = Bench::new(SET_FAN);
        let devices = "kind = \"sim\"\n[world]\nsocket = \"first.sock\"\n[device.fan]\nkind = \"fan\"\n\
                       boot = \"hold\"\nsafe_percent = 0";
        let board = BOARD.replace("kind = \"linux\"", devices).replace("\"compare\"", "\"set_fan\"");
        bench.write("agent.toml", &board);
        std::fs::create_dir(bench.path("state")).unwrap();
        start_room(&bench, "first", 1);
        bench.everstep(&["run", "set the fan"]).done();
        assert_eq!(fan(&bench, "first").last(), Some(&json!(40)));
        let mut bytes = std::fs::read(bench.flash()).unwrap();
        bytes[32_768..].chunks_mut(7).for_each(|chunk| chunk.fill(0x5A));
        std::fs::write(bench.flash(), &bytes).unwrap();
        let told = bench.everstep(command);
        assert_eq!(told.code, 3, "{told:?}");
        let [set, why] = told.err.lines().collect::<Vec<_>>()[..] else { panic!("{told:?}") };
        assert_eq!(set, "fan set to 0 percent, since the flash can't be read");
        assert!(why.contains("flash.bin, agent clerk: region holds something"), "{why}");
        assert_eq!(fan(&bench, "first").last(), Some(&json!(0)), "{command:?}");
    }
}
