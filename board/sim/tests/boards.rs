//! The shipped plants: their files load, each task starts from every seed, a scripted hand that follows
//! the task passes its check, and doing nothing or something else fails it.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the test"
)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use everstep_board_sim::{
    SocketWorld, assemble,
    plant::{Plant, PlantFile},
    server::WorldFile,
    simulated::{Point, Simulated},
    tasks::{Ended, Subjects, TaskFile},
    world::RoomFile,
};
use everstep_tools_device::DeviceSection;

/// Starts of each task that are tried.
const SEEDS: u64 = 40;
/// Waits a reach task may take.
const WAITS_MAX: u32 = 8;
const WAIT_MS: u64 = 600_000;

fn folder(board: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(board)
}

fn plant(board: &str) -> PlantFile {
    PlantFile::load(&folder(board).join("plant.toml")).unwrap_or_else(|error| panic!("{error}"))
}

fn tasks(board: &str, world: &WorldFile) -> TaskFile {
    let subjects = Subjects::of(world);
    TaskFile::load(&folder(board).join("tasks.toml"), &subjects).unwrap_or_else(|error| panic!("{error}"))
}

/// What a scripted hand did beyond the world.
#[derive(Default)]
struct Told {
    answer: String,
    alerts: u64,
}

/// A plant and what its sensors show.
struct Hand {
    plant: Plant,
    waits: u32,
    told: Told,
}

impl Hand {
    fn shown(&self, name: &str) -> f64 {
        self.plant.standing(None).shown[name]
    }

    fn is(&self, name: &str) -> Point {
        self.plant.standing(None).actuators[name].clone()
    }

    fn set(&mut self, name: &str, word: &str) {
        self.plant.set(name, &Point::Word(word.into())).unwrap();
    }

    fn set_all(&mut self, names: &[&str], word: &str) {
        for name in names {
            self.set(name, word);
        }
    }

    fn number(&mut self, name: &str, number: f64) {
        self.plant.set(name, &Point::Number(number)).unwrap();
    }

    fn wait(&mut self) {
        self.waits += 1;
        self.plant.step(WAIT_MS);
    }

    fn report(&mut self, name: &str) {
        self.told.answer = format!("The {name} is at {}.", self.shown(name));
    }

    /// Waits until `name` shows `target` or more.
    fn reach(&mut self, name: &str, target: f64) {
        while self.shown(name) < target {
            self.wait();
            assert!(self.waits <= WAITS_MAX, "{name} does not reach {target} in {WAITS_MAX} waits");
        }
    }
}

/// Does what the task asks for, by looking at the plant as a technician would.
fn work(hand: &mut Hand, board: &str, id: &str) {
    match (board, id) {
        (_, "no_tool") => hand.told.answer = "There is no tool for that.".into(),
        (_, "which_valve" | "which_light") => hand.told.answer = "Which one do you mean?".into(),
        ("pump", id) => work_pump(hand, id),
        ("greenhouse", id) => work_greenhouse(hand, id),
        (_, id) => work_house(hand, id),
    }
}

fn work_pump(hand: &mut Hand, id: &str) {
    match id {
        "fill_tank" => {
            hand.set("pump_north", "on");
            hand.reach("tank_level", 80.0);
            hand.set("pump_north", "off");
            hand.report("tank_level");
        }
        "close_valves" => {
            hand.set_all(&["inlet_valve", "outlet_valve"], "closed");
        }
        "stop_all_but_north" => {
            hand.set("pump_south", "off");
            hand.set("inlet_valve", "closed");
            hand.set("outlet_valve", "closed");
        }
        "ask_chlorine" => hand.report("chlorine"),
        "sump_high" => {
            let on = hand.shown("sump_level") > 70.0;
            hand.set("pump_north", if on { "on" } else { "off" });
        }
        "pressure_low" if hand.shown("pressure") < 2.0 => hand.set("pump_south", "on"),
        "watch_tank" => {
            hand.wait();
            hand.told.alerts = u64::from(hand.shown("tank_level") < 40.0);
        }
        "dose_chlorine" => {
            hand.plant.start("dosing", 300).unwrap();
            hand.wait();
            hand.report("chlorine");
        }
        "pressure_low" => {}
        unknown => panic!("no hand for {unknown}"),
    }
}

fn work_greenhouse(hand: &mut Hand, id: &str) {
    match id {
        "heat_air" => {
            hand.set("heater", "on");
            hand.reach("air", 22.0);
            hand.set("heater", "off");
            hand.report("air");
        }
        "set_fan" => hand.number("fan", 40.0),
        "heater_and_lamps_off" => {
            hand.set_all(&["heater", "lamps"], "off");
        }
        "off_but_lamps" => {
            hand.set("heater", "off");
            hand.set("roof_vent", "closed");
            hand.number("fan", 0.0);
        }
        "ask_soil" => hand.report("soil"),
        "hot_vent" => {
            let open = hand.shown("air") > 26.0;
            hand.set("roof_vent", if open { "open" } else { "closed" });
        }
        "dry_soil" if hand.shown("soil") < 30.0 => {
            hand.plant.start("irrigation", 600).unwrap();
        }
        "watch_air" => {
            hand.wait();
            hand.wait();
            hand.told.alerts = u64::from(hand.shown("air") < 15.0);
        }
        "lamps_verify" => {
            hand.set("lamps", "on");
            hand.wait();
            hand.report("light");
        }
        "dry_soil" => {}
        unknown => panic!("no hand for {unknown}"),
    }
}

fn work_house(hand: &mut Hand, id: &str) {
    match id {
        "warm_living_room" => {
            hand.number("heating", 21.0);
            hand.reach("living_room", 21.0);
            hand.report("living_room");
        }
        "lock_front_door" => hand.set("front_door", "locked"),
        "lights_off" => {
            for light in ["kitchen_light", "hall_light", "bedroom_light"] {
                hand.set(light, "off");
            }
            hand.set("garage_door", "closed");
        }
        "lights_but_hall" => {
            hand.set_all(&["kitchen_light", "bedroom_light"], "off");
        }
        "ask_outside" => hand.report("outside"),
        "cold_outside" => {
            let cold = hand.shown("outside") < 5.0;
            hand.number("heating", if cold { 22.0 } else { 19.0 });
        }
        "garage_open" => {
            hand.told.alerts = u64::from(hand.is("garage_door") == Point::Word("open".into()));
        }
        "watch_bedroom" => {
            hand.wait();
            hand.told.alerts = u64::from(hand.shown("bedroom") < 18.0);
        }
        "heating_verify" => {
            hand.number("heating", 20.5);
            hand.wait();
            hand.wait();
            hand.report("bedroom");
        }
        unknown => panic!("no hand for {unknown}"),
    }
}

fn tried(board: &str, mut act: impl FnMut(&mut Hand, &str), mut told: impl FnMut(&str, u64, Vec<String>)) {
    let file = plant(board);
    let world = WorldFile::Plant(file.clone());
    for task in &tasks(board, &world).task {
        for seed in 0..SEEDS {
            let mut drawn = file.clone();
            drawn.start_at(&task.draw(&Subjects::of(&world), seed)).unwrap();
            let mut hand = Hand { plant: Plant::new(drawn).unwrap(), waits: 0, told: Told::default() };
            act(&mut hand, &task.id);
            let story = hand.plant.story(None);
            let Told { answer, alerts } = &hand.told;
            told(&task.id, seed, task.judge(Ended { story: &story, answer, alerts: *alerts }));
        }
    }
}

const PLANTS: [&str; 3] = ["pump", "greenhouse", "house"];

#[test]
fn hand_that_follows_the_task_passes_from_every_start() {
    for board in PLANTS {
        tried(
            board,
            |hand, id| work(hand, board, id),
            |id, seed, wrong| assert!(wrong.is_empty(), "{board} {id} seed {seed}: {wrong:?}"),
        );
    }
}

#[test]
fn doing_nothing_fails_every_task_from_some_start() {
    for board in PLANTS {
        let mut failed: BTreeMap<String, u32> = BTreeMap::new();
        tried(
            board,
            |_, _| {},
            |id, _, wrong| *failed.entry(id.to_owned()).or_default() += u32::from(!wrong.is_empty()),
        );
        assert!(failed.len() == 10 && failed.values().all(|count| *count >= 5), "{board} {failed:?}");
    }
}

#[test]
fn one_touch_too_many_fails_every_task() {
    for board in PLANTS {
        let (name, states) = match board {
            "pump" => ("inlet_valve", ["closed", "open"]),
            "greenhouse" => ("roof_vent", ["closed", "open"]),
            _ => ("front_door", ["locked", "unlocked"]),
        };
        tried(
            board,
            |hand, id| {
                work(hand, board, id);
                // Where it is not, also for the tasks that are about it.
                let [rest, other] = states;
                let is_at_rest = hand.is(name) == Point::Word(rest.into());
                hand.set(name, if is_at_rest { other } else { rest });
            },
            |id, seed, wrong| assert!(wrong.len() == 1, "{board} {id} seed {seed}: {wrong:?}"),
        );
    }
}

#[test]
fn both_branches_of_each_condition_are_drawn() {
    for board in PLANTS {
        let world = WorldFile::Plant(plant(board));
        let subjects = Subjects::of(&world);
        for task in tasks(board, &world).task.iter().filter(|task| task.conditional) {
            let mut branches = [0_u32; 2];
            for seed in 0..20 {
                let mut drawn = plant(board);
                drawn.start_at(&task.draw(&subjects, seed)).unwrap();
                let story = Plant::new(drawn).unwrap().story(None);
                let first = task.expect.first().unwrap();
                let holds = first.when.iter().all(|(name, when)| {
                    story.start.shown.get(name).map_or_else(
                        || Some(&story.start.actuators[name]) == when.is.as_ref(),
                        |value| {
                            when.above.is_none_or(|above| *value > above)
                                && when.below.is_none_or(|below| *value < below)
                        },
                    )
                });
                branches[usize::from(holds)] += 1;
            }
            assert!(branches.iter().all(|count| *count >= 3), "{board} {}: {branches:?}", task.id);
        }
    }
}

#[test]
fn tasks_of_the_cold_room_load_and_start() {
    let world = WorldFile::Room(RoomFile::default());
    let file = tasks("coldroom", &world);
    assert_eq!(file.task.len(), 10);
    for task in &file.task {
        for seed in 0..SEEDS {
            world.clone().start_at(&task.draw(&Subjects::of(&world), seed)).unwrap();
        }
    }
}

#[test]
fn each_board_has_ten_tasks_and_three_conditional_ones() {
    for board in PLANTS {
        let file = tasks(board, &WorldFile::Plant(plant(board)));
        assert_eq!(file.task.len(), 10, "{board}");
        assert!(file.task.iter().filter(|task| task.conditional).count() >= 3, "{board}");
    }
}

#[test]
fn board_files_fit_their_plants() {
    for board in PLANTS {
        let text = std::fs::read_to_string(folder(board).join("agent.toml")).unwrap();
        let file: toml::Table = toml::from_str(&text).unwrap();
        let sections: BTreeMap<String, DeviceSection> = file["device"].clone().try_into().unwrap();
        let world = SocketWorld::new(Path::new("nowhere"), std::time::Duration::from_secs(1))
            .with_plant(plant(board));
        let parts =
            assemble(&sections, &world, &BTreeMap::new()).unwrap_or_else(|error| panic!("{board}: {error}"));
        let mut tools: Vec<String> = parts.tools.iter().map(|tool| tool.spec().name.clone()).collect();
        tools.extend(["compare", "wait", "log", "alert"].map(str::to_owned));
        let mut grants: Vec<String> = file["agent"][board]["grants"].clone().try_into().unwrap();
        tools.sort();
        grants.sort();
        assert_eq!(tools, grants, "{board}: every tool is granted");
    }
}
