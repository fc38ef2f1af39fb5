use super::*;

const GOOD: &str = r#"
[quantity.air]
unit = "C"
digits = 1
min = 0.0
max = 50.0
start = 20.0
[actuator.vent]
kind = "switch"
states = ["closed", "open"]
start = "closed"
effect.air = { rate_per_h = 1.0 }
"#;

fn check(text: &str) -> Result<(), String> {
    let plant: PlantFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    plant.check().map_err(|error| error.to_string())
}

#[test]
fn wrong_plants_are_refused_by_key() {
    assert_eq!(check(GOOD), Ok(()));
    for (from, to, named) in [
        (
            "effect.air",
            "effect.air_c",
            "actuator.vent.effect.air_c: there is no such quantity: there are air",
        ),
        ("min = 0.0", "min = 60.0", "quantity.air.min: 60 is not below max, 50"),
        ("min = 0.0", "min = nan", "quantity.air.min"),
        ("start = 20.0", "start = 51.0", "quantity.air.start: 51 is not within 0 to 50"),
        ("start = 20.0", "start = nan", "quantity.air.start"),
        ("digits = 1", "digits = 9", "quantity.air.digits"),
        ("start = 20.0", "start = 20.0\ntoward = 3.0", "belong together"),
        ("start = 20.0", "start = 20.0\ntoward = 3.0\ntau_s = 1.0", "quantity.air.tau_s: 1 is not within 10"),
        (
            "start = \"closed\"",
            "start = \"ajar\"",
            "actuator.vent.start: `ajar` is not allowed: it must be closed or open",
        ),
        ("[\"closed\", \"open\"]", "[\"closed\", \"closed\"]", "actuator.vent.states"),
        ("[\"closed\", \"open\"]", "[\"closed\"]", "actuator.vent.states"),
        ("{ rate_per_h = 1.0 }", "{ toward = 1.0 }", "an effect is"),
        ("{ rate_per_h = 1.0 }", "{ rate_per_h = 1.0, tau_s = 20.0 }", "an effect is"),
        ("{ rate_per_h = 1.0 }", "{}", "an effect is"),
        ("{ rate_per_h = 1.0 }", "{ rate_per_h = inf }", "effect.air"),
        (
            "{ rate_per_h = 1.0 }",
            "{ follows = true, tau_s = 20.0 }",
            "`follows` is for actuators of kind `setpoint`",
        ),
        ("actuator.vent", "actuator.air", "an actuator has the same name"),
        ("actuator.vent", "actuator.sensors", "the sensors' own"),
        ("actuator.vent", "actuator.Vent", "actuator.Vent"),
        ("kind = \"switch\"", "kind = \"valve\"", "valve"),
        ("digits = 1", "digits = 1\ncolour = 1", "colour"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let error = check(&GOOD.replace(from, to)).unwrap_err();
        assert!(error.contains(named), "{to}: {error}");
    }
}

#[test]
fn files_that_are_no_plants_are_told_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plant.toml");
    std::fs::write(&path, GOOD.replace("digits = 1", "digits = \"one\"")).unwrap();
    let error = PlantFile::load(&path).unwrap_err().to_string();
    assert!(
        error.contains("line 4: ") && error.contains("digits") || error.contains("invalid type"),
        "{error}"
    );
    let gone = PlantFile::load(&folder.path().join("gone.toml")).unwrap_err().to_string();
    assert!(gone.contains("can't be read"), "{gone}");
}

#[test]
fn starts_are_changed_by_name_and_checked() {
    let mut plant: PlantFile = toml::from_str(GOOD).unwrap();
    let mut at = |name: &str, point: Point| plant.start_at(&[(name.to_owned(), point)].into());
    at("air", Point::Number(31.0)).unwrap();
    at("vent", Point::Word("open".into())).unwrap();
    for (name, point) in [
        ("air", Point::Word("hot".into())),
        ("air", Point::Number(51.0)),
        ("vent", Point::Number(1.0)),
        ("vent", Point::Word("ajar".into())),
        ("door", Point::Number(1.0)),
    ] {
        assert!(at(name, point).unwrap_err().key.contains(name));
    }
}
