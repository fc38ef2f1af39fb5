use super::*;

const RANGE: RoomRange = RoomRange { air_c: -60.0..=60.0, ice_mm: 0.0..=100.0 };

fn reading() -> RoomReading {
    RoomReading {
        air_c: -4.2,
        ice_mm: 2.0,
        door_open: false,
        compressor_on: false,
        fan_percent: 0,
        defrost_left_s: 0,
    }
}

#[test]
fn reading_has_the_words_the_model_was_trained_on() {
    let text = |reading| describe(&reading, &RANGE).unwrap();
    assert_eq!(text(reading()), "air -4.2 C, ice 2 mm, door closed, compressor off, fan 0 percent");
    let busy = RoomReading {
        door_open: true,
        compressor_on: true,
        fan_percent: 100,
        defrost_left_s: 540,
        ..reading()
    };
    assert_eq!(
        text(busy),
        "air -4.2 C, ice 2 mm, door open, compressor on, fan 100 percent, defrost 540 s left"
    );
    let zero = RoomReading { air_c: -0.04, ice_mm: 0.4, ..reading() };
    assert!(text(zero).starts_with("air 0.0 C, ice 0 mm,"));
}

#[test]
fn value_outside_of_its_range_is_an_error_and_no_number() {
    let error = |reading| describe(&reading, &RANGE).unwrap_err();
    assert_eq!(
        error(RoomReading { air_c: 212.0, ..reading() }),
        "the air sensor shows 212.0 C, outside of -60 to 60 C"
    );
    assert!(error(RoomReading { air_c: f64::NAN, ..reading() }).contains("air"));
    assert!(error(RoomReading { ice_mm: -1.0, ..reading() }).contains("ice"));
    assert!(error(RoomReading { fan_percent: 101, ..reading() }).contains("fan"));
}
