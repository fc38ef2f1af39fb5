use std::collections::BTreeMap;

use super::*;
use crate::{
    plant::{Plant, PlantFile},
    server::WorldFile,
    simulated::{Point, Simulated, Story},
    world::{RoomFile, World},
};

const PLANT: &str = r#"
    [quantity.level]
    unit = "percent"
    digits = 0
    min = 0.0
    max = 100.0
    start = 42.4
    [actuator.pump]
    kind = "relay"
    start = "off"
    [actuator.valve]
    kind = "switch"
    states = ["closed", "open"]
    start = "closed"
    [actuator.fan]
    kind = "percent"
    start = 20
    [actuator.dosing]
    kind = "timed"
"#;

fn world() -> WorldFile {
    let plant: PlantFile = toml::from_str(PLANT).unwrap();
    WorldFile::Plant(plant)
}

fn parse(task: &str) -> Result<TaskFile, String> {
    let file = format!(
        "[[task]]\nid = \"t\"\nconditional = false\ntext = \"x\"\nunseen = [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"]\n{task}"
    );
    let file: TaskFile = toml::from_str(&file).map_err(|error| error.message().to_owned())?;
    file.check(&Subjects::of(&world())).map_err(|error| error.to_string())?;
    Ok(file)
}

fn judge(task: &str, answer: &str, alerts: u64, act: impl Fn(&mut Plant)) -> Vec<String> {
    let file = parse(task).unwrap();
    let mut plant = Plant::new(toml::from_str(PLANT).unwrap()).unwrap();
    act(&mut plant);
    let story = plant.story(None);
    file.find("t").unwrap().judge(Ended { story: &story, answer, alerts })
}

#[test]
fn each_rule_counts_alone() {
    let task = r#"
        [[task.expect]]
        end.level = [40, 45]
        end.pump = "on"
        answer = { level = 1.0 }
        answer_has = ["tank"]
        alerts = 1
        runs = { dosing = 1 }
        ran_s = { dosing = 60 }
    "#;
    let good = |plant: &mut Plant| {
        plant.set("pump", &Point::switch(true)).unwrap();
        plant.start("dosing", 60).unwrap();
    };
    let answer = "The tank is at 42 percent.";
    assert_eq!(judge(task, answer, 1, good), [""; 0]);
    for (answer, alerts, wrong) in [
        (answer, 0, "0 alerts, not 1"),
        (answer, 2, "2 alerts, not 1"),
        ("The tank is at 44 percent.", 1, "answer names no number within 1 of level, 42"),
        ("The tank is full.", 1, "answer names no number within 1 of level, 42"),
        ("It is at 42 percent.", 1, "answer has none of the words tank"),
        ("The tanker is at 42 percent.", 1, "answer has none of the words tank"),
    ] {
        assert_eq!(judge(task, answer, alerts, good), [wrong]);
    }
    let also = |more: fn(&mut Plant)| {
        judge(task, answer, 1, |plant| {
            good(plant);
            more(plant);
        })
    };
    assert_eq!(also(|plant| plant.set("pump", &Point::switch(false)).unwrap()), ["pump is off, not on"]);
    let moved = ["valve is open, it was closed and should have stayed"];
    assert_eq!(also(|plant| plant.set("valve", &Point::Word("open".into())).unwrap()), moved);
    let fan = ["fan is 21, it was 20 and should have stayed"];
    assert_eq!(also(|plant| plant.set("fan", &Point::Number(21.0)).unwrap()), fan);
    let twice = ["dosing ran 2 times, not 1", "dosing ran 61 s, not 60 s"];
    assert_eq!(also(|plant| plant.start("dosing", 1).unwrap()), twice);
    let task = task.replace("[40, 45]", "[43, 45]");
    assert_eq!(judge(&task, answer, 1, good), ["level is 42.4, not 43 to 45"]);
}

#[test]
fn what_is_not_named_must_not_happen() {
    let nothing = "[[task.expect]]";
    assert_eq!(judge(nothing, "", 0, |_| {}), [""; 0]);
    assert_eq!(judge(nothing, "", 1, |_| {}), ["1 alerts, not 0"]);
    let run = |plant: &mut Plant| plant.start("dosing", 5).unwrap();
    assert_eq!(judge(nothing, "", 0, run), ["dosing ran 1 times, not 0"]);
    let any = "[[task.expect]]\nalerts = -1\nruns = { dosing = -1 }";
    assert_eq!(judge(any, "", 7, run), [""; 0]);
    // Moved and put back is as it was.
    let there_and_back = |plant: &mut Plant| {
        plant.set("pump", &Point::switch(true)).unwrap();
        plant.set("pump", &Point::switch(false)).unwrap();
    };
    assert_eq!(judge(nothing, "", 0, there_and_back), [""; 0]);
    let ended = "[[task.expect]]\nruns = { dosing = 1 }\nend.dosing = \"off\"";
    assert_eq!(judge(ended, "", 0, run), ["dosing is on, not off"]);
    let waited = |plant: &mut Plant| {
        run(plant);
        plant.step(5_000);
    };
    assert_eq!(judge(ended, "", 0, waited), [""; 0]);
}

#[test]
fn first_condition_that_holds_at_the_start_decides() {
    let task = |when: &str| format!("[[task.expect]]\n{when}\nalerts = 1\n[[task.expect]]");
    for (when, holds) in [
        // 42.4 is shown as 42.
        ("when.level = { above = 42 }", false),
        ("when.level = { above = 41.9 }", true),
        ("when.level = { below = 42 }", false),
        ("when.level = { below = 42.1 }", true),
        ("when.level = { above = 41, below = 43 }", true),
        ("when.level = { above = 41, below = 42 }", false),
        ("when.pump = { is = \"off\" }", true),
        ("when.pump = { is = \"on\" }", false),
        ("when.fan = { is = 20 }", true),
        ("when.pump = { is = \"off\" }\nwhen.fan = { is = 30 }", false),
    ] {
        // What the agent did since does not count.
        let wrong = judge(&task(when), "", u64::from(holds), |plant| {
            plant.set("pump", &Point::switch(true)).unwrap();
            plant.set("pump", &Point::switch(false)).unwrap();
        });
        assert_eq!(wrong, [""; 0], "{when}");
    }
}

#[test]
fn files_that_could_not_be_judged_are_refused_by_key() {
    for (task, named) in [
        ("start.tank = [1, 2]\n[[task.expect]]", "start.tank: the world has no such name"),
        ("start.level = [1, 200]\n[[task.expect]]", "start.level: `200` is not allowed"),
        ("start.level = [9, 2]\n[[task.expect]]", "a range"),
        ("start.level = [9]\n[[task.expect]]", "a range"),
        ("start.pump = []\n[[task.expect]]", "nothing to draw"),
        ("start.pump = [\"open\"]\n[[task.expect]]", "on or off"),
        ("start.dosing = [\"on\"]\n[[task.expect]]", "start.dosing"),
        ("expect = []", "the last one must have no `when`"),
        ("[[task.expect]]\nwhen.level = { above = 1 }", "the last one must have no `when`"),
        ("[[task.expect]]\n[[task.expect]]", "hides those after it"),
        ("[[task.expect]]\nwhen.level = { is = 1 }\n[[task.expect]]", "only `above` and `below`"),
        ("[[task.expect]]\nwhen.level = {}\n[[task.expect]]", "a condition is"),
        ("[[task.expect]]\nwhen.pump = { above = 1 }\n[[task.expect]]", "only `is`"),
        ("[[task.expect]]\nend.valve = \"ajar\"", "closed or open"),
        ("[[task.expect]]\nend.level = 40", "within a range"),
        ("[[task.expect]]\nend.level = [41, 40]", "within a range"),
        ("[[task.expect]]\nend.fan = [1, 2]", "only a quantity"),
        ("[[task.expect]]\nanswer = { pump = 1 }", "answer.pump"),
        ("[[task.expect]]\nanswer = { level = -1 }", "answer.level"),
        ("[[task.expect]]\nruns = { pump = 1 }", "runs.pump"),
        ("[[task.expect]]\nran_s = { pump = 1 }", "ran_s.pump"),
        ("[[task.expect]]\nalerts = -2", "alerts"),
        ("[[task.expect]]\nalarms = 1", "alarms"),
    ] {
        let error = parse(task).unwrap_err();
        assert!(error.contains(named), "{task}: {error}");
    }
}

#[test]
fn starts_are_drawn_alike_for_a_seed_and_fill_their_range() {
    let file = parse("start.level = [3, 7]\nstart.pump = [\"on\", \"off\"]\n[[task.expect]]").unwrap();
    let (task, subjects) = (file.find("t").unwrap(), Subjects::of(&world()));
    let mut seen = BTreeMap::new();
    for seed in 0..100 {
        let drawn = task.draw(&subjects, seed);
        assert_eq!(drawn, task.draw(&subjects, seed));
        let Some(Point::Number(level)) = drawn.get("level") else { panic!("{drawn:?}") };
        assert!(level.fract().abs() < 1e-9, "as the sensor shows it: {level}");
        *seen.entry((level.to_string(), drawn["pump"].to_string())).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 10, "every level with every state: {seen:?}");
}

#[test]
fn numbers_of_a_text_are_found_with_their_signs() {
    for (text, expected) in [
        ("It is -18.6 C.", vec![-18.6]),
        ("between 3-4 percent", vec![3.0, 4.0]),
        ("(-2), 0.5mg/l and 7.", vec![-2.0, 0.5, 7.0]),
        ("c21 and co2 are names", vec![]),
        ("ünï 5 ü", vec![5.0]),
        ("-", vec![]),
        ("--3", vec![-3.0]),
        ("", vec![]),
    ] {
        assert_eq!(numbers(text), expected, "{text}");
    }
}

#[test]
fn cold_room_tells_its_story_in_the_same_words() {
    let mut room = RoomFile::default();
    let start = [("air_c", Point::Number(-5.0)), ("compressor_on", Point::Truth(true))];
    room.start_at(&start.map(|(name, point)| (name.to_owned(), point)).into()).unwrap();
    let wrong = [("air", Point::Number(1.0))].map(|(name, point)| (name.to_owned(), point)).into();
    assert!(room.start_at(&wrong).unwrap_err().contains("air"));
    let mut world = World::new(&room);
    world.start_defrost(120);
    world.pulse(2);
    world.step(60_000);
    let Story { start, end } = world.story(None);
    assert!((start.shown["air"] + 5.0).abs() < 1e-9);
    assert_eq!(start.actuators["compressor"], Point::switch(true));
    assert_eq!(end.actuators["compressor"], Point::switch(false), "the interlock");
    let defrost = end.runs["defrost"];
    assert_eq!((defrost.times, defrost.seconds, defrost.left_s), (1, 120, 60));
    assert_eq!(end.runs["antifreeze"].times, 2);
}
