use super::*;

fn level(name: &str, value: f64, digits: u8, unit: &str) -> Reading {
    let shown = Shown::Level { value, digits, unit: unit.into(), range: 0.0..=100.0 };
    Reading { name: name.into(), shown }
}

fn state(name: &str, shown: Shown) -> Reading {
    Reading { name: name.into(), shown }
}

#[test]
fn readings_are_told_in_the_words_of_the_plan() {
    let set_to = |value: f64, unit: &str| Shown::SetTo { value, unit: unit.into() };
    let readings = [
        level("tank_level", 41.6, 0, "percent"),
        level("pressure", 2.14, 1, "bar"),
        state("pump_north", Shown::State("off".into())),
        state("outlet_valve", Shown::State("closed".into())),
        state("fan", set_to(30.0, "percent")),
        state("heating", set_to(21.5, "C")),
        state("irrigation", Shown::LeftS(240)),
        state("dosing", Shown::LeftS(0)),
        level("ph", 7.0, 1, ""),
    ];
    assert_eq!(
        describe(&readings),
        Ok("tank level 42 percent, pressure 2.1 bar, pump north off, outlet valve closed, fan 30 percent, \
            heating 21.5 C, irrigation 240 s left, dosing off, ph 7.0"
            .into())
    );
}

#[test]
fn numbers_a_sensor_can_not_show_are_errors() {
    for (value, shown) in [(-0.6, "-1"), (100.4, "100"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let error =
            describe(&[level("a", 1.0, 0, "C"), level("tank_level", value, 0, "percent")]).unwrap_err();
        assert_eq!(
            error,
            format!("the tank level sensor shows {shown} percent, outside of 0 to 100 percent")
        );
    }
    assert_eq!(
        describe(&[level("ph", 300.0, 1, "")]).unwrap_err(),
        "the ph sensor shows 300.0, outside of 0 to 100"
    );
    assert!(describe(&[level("a", 0.0, 0, "C"), level("b", 100.0, 0, "C")]).is_ok(), "bounds belong to it");
}

#[test]
fn zero_has_no_sign() {
    assert_eq!(rounded(-0.04, 1), "0.0");
    assert_eq!(rounded(-0.06, 1), "-0.1");
    assert_eq!(rounded(-0.4, 0), "0");
}
