use super::*;
use crate::simulated::Simulated;

fn plant(text: &str) -> Plant {
    Plant::new(toml::from_str(text).unwrap()).unwrap()
}

/// A level of 0 to 1000 that starts at 100, with `more` below it.
fn level(more: &str) -> Plant {
    let head = "[quantity.x]\nunit = \"\"\ndigits = 1\nmin = 0.0\nmax = 1000.0\nstart = 100.0\n";
    plant(&format!("{head}{more}"))
}

fn after_an_hour(mut plant: Plant) -> f64 {
    plant.step(3_600_000);
    plant.standing(None).quantities["x"]
}

#[track_caller]
fn is_near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 0.02, "{value} is not {expected}");
}

#[test]
fn rates_and_pulls_follow_their_formulas() {
    is_near(after_an_hour(level("rate_per_h = -6.0")), 94.0);
    is_near(after_an_hour(level("toward = 20.0\ntau_s = 3600.0")), 20.0 + 80.0 * (-1.0_f64).exp());
    let relay = |start: &str| {
        level(&format!(
            "[actuator.a]\nkind = \"relay\"\nstart = \"{start}\"\neffect.x = {{ rate_per_h = 60.0 }}"
        ))
    };
    is_near(after_an_hour(relay("off")), 100.0);
    is_near(after_an_hour(relay("on")), 160.0);
    let fan = "[actuator.a]\nkind = \"percent\"\nstart = 25\neffect.x = { toward = 0.0, tau_s = 3600.0 }";
    is_near(after_an_hour(level(fan)), 100.0 * (-0.25_f64).exp());
    let follows = "[actuator.a]\nkind = \"setpoint\"\nunit = \"C\"\nmin = 0\nmax = 50\nstart = 40\neffect.x = { follows = true, tau_s = 1800.0 }";
    is_near(after_an_hour(level(follows)), 40.0 + 60.0 * (-2.0_f64).exp());
    // Pulls of several add up.
    let both = format!("toward = 20.0\ntau_s = 3600.0\n{fan}");
    is_near(after_an_hour(level(&both)), 16.0 + 84.0 * (-1.25_f64).exp());
}

#[test]
fn middle_states_of_a_switch_have_their_share() {
    for (state, expected) in [("shut", 100.0), ("half", 130.0), ("wide", 160.0)] {
        let text = format!(
            "[actuator.a]\nkind = \"switch\"\nstates = [\"shut\", \"half\", \"wide\"]\nstart = \"{state}\"\neffect.x = {{ rate_per_h = 60.0 }}"
        );
        is_near(after_an_hour(level(&text)), expected);
    }
}

#[test]
fn levels_stay_within_their_bounds() {
    is_near(after_an_hour(level("rate_per_h = -600.0")), 0.0);
    is_near(after_an_hour(level("rate_per_h = 6000.0")), 1000.0);
}

const TIMED: &str = "[actuator.a]\nkind = \"timed\"\neffect.x = { rate_per_h = 3600.0 }";

#[test]
fn timed_one_ends_by_itself_at_its_very_time() {
    let mut plant = level(TIMED);
    plant.step(130);
    plant.start("a", 10).unwrap();
    plant.step(4_000);
    assert_eq!(plant.read().unwrap().left_s["a"], 6);
    plant.start("a", 10).unwrap();
    plant.step(60_000);
    is_near(plant.standing(None).quantities["x"], 114.0);
    let ran = plant.standing(None).runs["a"];
    assert_eq!((ran.times, ran.seconds, ran.left_s), (2, 20, 0));
    let changes: Vec<_> =
        plant.take_changes().into_iter().map(|change| (change.world_ms, change.by, change.what)).collect();
    let expected = [(130, By::Command, "start"), (4_130, By::Command, "start"), (14_130, By::World, "run")];
    assert_eq!(changes, expected.map(|(ms, by, what)| (ms, by, what.to_owned())));
}

#[test]
fn time_in_pieces_is_time_at_once() {
    let run = |piece_ms: u64| {
        let mut plant = level(&format!("toward = 20.0\ntau_s = 900.0\n{TIMED}"));
        plant.start("a", 33).unwrap();
        for _ in 0..600_000 / piece_ms {
            plant.step(piece_ms);
        }
        (plant.standing(None).quantities["x"], plant.take_changes())
    };
    let ((once, changes), (often, same)) = (run(600_000), run(50));
    assert!((once - often).abs() < 0.05, "{once} {often}");
    assert_eq!(changes, same);
}

const RELAY: &str = "[actuator.a]\nkind = \"relay\"\nstart = \"off\"\neffect.x = { rate_per_h = 60.0 }";

#[test]
fn commands_that_do_not_fit_change_and_log_nothing() {
    let mut plant = level(&format!("{RELAY}\n{}", TIMED.replace("actuator.a", "actuator.t")));
    assert!(plant.set("a", &Point::Number(1.0)).is_err());
    assert!(plant.set("a", &Point::Word("open".into())).is_err());
    assert!(plant.set("b", &Point::switch(true)).is_err());
    assert!(plant.set("t", &Point::switch(true)).is_err());
    assert!(plant.start("a", 5).is_err());
    assert!(plant.start("t", 0).is_err() && plant.start("t", RUN_S_MAX + 1).is_err());
    assert!(plant.take_changes().is_empty());
    plant.set("a", &Point::switch(false)).unwrap();
    assert_eq!(plant.take_changes().len(), 1, "a command that changes nothing is logged too");
}

#[test]
fn faults_do_what_they_say() {
    let mut plant = level(RELAY);
    let fault = |plant: &mut Plant, text: &str| {
        Simulated::fault(plant, &serde_json::from_str::<Value>(text).unwrap())
    };
    fault(&mut plant, r#"{"stuck":{"actuator":"a","at":"on"}}"#).unwrap();
    plant.set("a", &Point::switch(false)).unwrap();
    assert_eq!(plant.told("a"), Ok(Point::switch(false)));
    assert_eq!(plant.standing(None).actuators["a"], Point::switch(true));
    plant.step(3_600_000);
    is_near(plant.standing(None).quantities["x"], 160.0);
    fault(&mut plant, r#"{"stuck":{"actuator":"a","at":null}}"#).unwrap();
    assert_eq!(plant.standing(None).actuators["a"], Point::switch(false));
    fault(&mut plant, r#"{"shows":{"quantity":"x","value":5000}}"#).unwrap();
    assert_eq!(plant.read().unwrap().values["x"], Point::Number(5000.0));
    fault(&mut plant, r#"{"sensors_fail":{"fail":true}}"#).unwrap();
    assert_eq!(plant.read(), Err("the sensors do not answer".into()));
    fault(&mut plant, r#"{"moved":{"actuator":"a","to":"on"}}"#).unwrap();
    assert_eq!(plant.told("a"), Ok(Point::switch(true)));
    let by: Vec<_> = plant.take_changes().into_iter().map(|change| change.by).collect();
    assert_eq!(by, [By::Fault, By::Command, By::Fault, By::Fault, By::Fault, By::Fault]);
    for wrong in [
        r#"{"stuck":{"actuator":"b","at":"on"}}"#,
        r#"{"stuck":{"actuator":"a","at":"open"}}"#,
        r#"{"shows":{"quantity":"a","value":1}}"#,
        r#"{"door":{"open":true}}"#,
    ] {
        assert!(fault(&mut plant, wrong).is_err(), "{wrong}");
    }
    assert!(plant.take_changes().is_empty());
}

#[test]
fn quantities_are_remembered_for_the_moment_of_the_answer() {
    let mut plant = level("rate_per_h = 360.0");
    plant.step(100_000);
    assert!((plant.story(Some(50_000)).end.quantities["x"] - 105.0).abs() < 0.01);
    assert!((plant.story(None).end.quantities["x"] - 110.0).abs() < 0.01);
    is_near(plant.story(None).start.quantities["x"], 100.0);
}
