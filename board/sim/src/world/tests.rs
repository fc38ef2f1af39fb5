use super::*;

fn room(start: RoomStart) -> World {
    World::new(&RoomFile { start, ..RoomFile::default() })
}

#[test]
fn warm_room_gets_cold_only_with_the_compressor() {
    let mut off = room(RoomStart::default());
    let mut on = off.clone();
    on.set_compressor(true);
    on.set_fan(100);
    for world in [&mut off, &mut on] {
        world.step(3_600_000);
    }
    assert!(off.snapshot().air_c > 2.0);
    assert!(on.snapshot().air_c < -15.0, "{}", on.snapshot().air_c);
}

#[test]
fn time_in_pieces_is_time_at_once() {
    let run = |piece_ms: u64| {
        let mut world = room(RoomStart { door_open_s: 300, ..RoomStart::default() });
        world.set_compressor(true);
        // Nothing falls on a whole second of the pieces.
        world.step(130);
        world.start_defrost(600);
        for _ in 0..1_200_000 / piece_ms {
            world.step(piece_ms);
        }
        (world.snapshot(), world.take_changes())
    };
    let (once, changes) = run(1_200_000);
    let (often, same) = run(50);
    assert!((once.air_c - often.air_c).abs() < 0.01, "{once:?} {often:?}");
    assert_eq!(changes, same, "what happens, happens at its very time");
    let times: Vec<_> = changes.iter().map(|change| (change.device.clone(), change.world_ms)).collect();
    assert!(times.contains(&(DeviceName::DOOR, 300_000)) && times.contains(&(DeviceName::HEATER, 600_130)));
}

#[test]
fn defrost_melts_locks_the_compressor_out_and_ends_by_itself() {
    let mut world = room(RoomStart { compressor_on: true, fan_percent: 100, ..RoomStart::default() });
    world.start_defrost(300);
    assert!(!world.compressor_on());
    world.set_compressor(true);
    world.step(299_000);
    assert!(!world.compressor_on());
    assert_eq!(world.snapshot().defrost_left_s, 1);
    world.step(1_000);
    assert!((world.snapshot().ice_mm - 1.0).abs() < 0.01, "{}", world.snapshot().ice_mm);
    assert!(world.compressor_on(), "told so during the defrost");
    assert_eq!(world.snapshot().defrost_left_s, 0);
}

#[test]
fn every_command_is_logged_also_one_that_changes_nothing() {
    let mut world = room(RoomStart::default());
    world.set_fan(30);
    world.set_fan(30);
    world.pulse(2);
    let changes = world.take_changes();
    let commands: Vec<_> = changes.iter().map(|change| (&change.device, &change.from, &change.to)).collect();
    assert_eq!(
        commands,
        [
            (&DeviceName::FAN, &json!(0), &json!(30)),
            (&DeviceName::FAN, &json!(30), &json!(30)),
            (&DeviceName::PUMP, &json!(6), &json!(8)),
        ]
    );
    assert!(changes.iter().all(|change| change.by == By::Command));
    assert!(world.take_changes().is_empty());
}

#[test]
fn faults_do_what_they_say() {
    let mut world = room(RoomStart::default());
    world.fault(Fault::CompressorStuck { at: Some(true) });
    world.set_compressor(false);
    assert!(world.compressor_on() && !world.compressor_commanded());
    world.fault(Fault::CompressorStuck { at: None });
    assert!(!world.compressor_on());

    world.fault(Fault::PumpLoses { pulses: 2 });
    world.pulse(3);
    assert_eq!(world.pump_counter(), 7);

    world.fault(Fault::HeaterDeaf { deaf: true });
    world.start_defrost(120);
    world.step(200_000);
    assert!((world.snapshot().ice_mm - 6.0).abs() < 0.01);

    world.fault(Fault::Sensor(SensorFault::Shows { air_c: 212.0 }));
    assert_eq!(world.read().map(|seen| seen.air_c), Ok(212.0));
    world.fault(Fault::Sensor(SensorFault::Fails));
    assert!(world.read().is_err());

    world.fault(Fault::Door { open: true, closes_after_s: Some(60) });
    world.step(59_999);
    assert!(world.snapshot().door_open);
    world.step(1);
    assert!(!world.snapshot().door_open);
}

#[test]
fn air_is_remembered_for_the_moment_of_the_answer() {
    let mut world = room(RoomStart { air_c: -18.0, ..RoomStart::default() });
    world.step(100_000);
    let then = world.snapshot().air_c;
    world.step(7_200_000);
    assert!(world.snapshot().air_c > then + 5.0);
    assert!((world.air_at(100_000) - then).abs() < 0.01);
    assert!((world.air_at(u64::MAX) - world.snapshot().air_c).abs() < f64::EPSILON);
}

#[test]
fn built_in_room_is_the_board_files() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../coldroom/room.toml");
    let file = RoomFile::load(&path).unwrap();
    assert_eq!(file, RoomFile::default());
    assert_eq!(file.check(), Ok(()));
    // Every key is in the file, so that a reader sees them all.
    let text = std::fs::read_to_string(path).unwrap();
    let written: toml::Table = text.parse().unwrap();
    assert_eq!(written, toml::Table::try_from(&file).unwrap());
}

#[test]
fn room_files_with_wrong_numbers_are_refused_by_key() {
    let fine = RoomFile::default;
    for (room, key) in [
        (
            RoomFile { physics: RoomParameters { door_s: 0.0, ..RoomParameters::default() }, ..fine() },
            "door_s",
        ),
        (RoomFile { start: RoomStart { air_c: f64::NAN, ..RoomStart::default() }, ..fine() }, "air_c"),
        (RoomFile { start: RoomStart { ice_mm: -1.0, ..RoomStart::default() }, ..fine() }, "ice_mm"),
        (RoomFile { start: RoomStart { fan_percent: 101, ..RoomStart::default() }, ..fine() }, "fan_percent"),
    ] {
        assert!(room.check().unwrap_err().contains(key));
    }
    assert!(toml::from_str::<RoomFile>("[start]\nair = 2.0").is_err());
}
