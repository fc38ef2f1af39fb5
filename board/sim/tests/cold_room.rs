//! The end-state check has teeth: the expert's rules pass it from many starts, habits that do not look
//! at the room fail it, and so does a room that can't be brought to order.

#![expect(clippy::panic, reason = "helpers of tests fail the test")]

use everstep_board_sim::world::{Fault, RoomFile, RoomStart, Snapshot, Verdict, World};

const TARGET_C: f64 = -18.0;
/// Turns after which an agent is given up.
const TURNS_MAX: u32 = 200;
/// World time a reply takes: the room does not wait for a model.
const REPLY_MS: u64 = 60_000;

/// What the agent sees: rounded, as `read_room` prints it.
#[derive(Clone, Copy)]
struct Seen {
    air_c: f64,
    ice_mm: f64,
    door_open: bool,
    compressor_on: bool,
    fan_percent: u8,
}

impl From<Snapshot> for Seen {
    fn from(state: Snapshot) -> Self {
        Self {
            air_c: (state.air_c * 10.0).round() / 10.0,
            ice_mm: state.ice_mm.round(),
            door_open: state.door_open,
            compressor_on: state.compressor_on,
            fan_percent: state.fan_percent,
        }
    }
}

/// The rules of the expert, for the task to bring the room to a temperature and to report.
#[derive(Default)]
struct Expert {
    door_alarms: u32,
    defrosts: u32,
    cools: u32,
    ice_compared: bool,
}

enum Next {
    /// Something was done; look again.
    Read,
    Answer(String),
}

impl Expert {
    fn turn(&mut self, world: &mut World, seen: Seen) -> Next {
        if seen.door_open {
            return self.door(world, seen);
        }
        if !self.ice_compared {
            self.ice_compared = true;
            if seen.ice_mm > 4.0 && self.defrosts < 2 {
                self.defrosts += 1;
                self.ice_compared = false;
                world.start_defrost(600);
                world.step(600_000);
                world.pulse(1);
                return Next::Read;
            }
        }
        if seen.air_c > TARGET_C {
            return self.cool(world, seen);
        }
        if seen.compressor_on {
            world.set_compressor(false);
        }
        if seen.fan_percent != 30 {
            world.set_fan(30);
        }
        Next::Answer(format!("The cold room is at {:.1} C.", seen.air_c))
    }

    fn door(&mut self, world: &mut World, seen: Seen) -> Next {
        if self.door_alarms == 3 {
            let air_c = seen.air_c;
            return Next::Answer(format!(
                "The door is open and the air is at {air_c:.1} C. The room cannot be cooled."
            ));
        }
        self.door_alarms += 1;
        world.step(120_000);
        Next::Read
    }

    fn cool(&mut self, world: &mut World, seen: Seen) -> Next {
        if self.cools == 12 {
            return Next::Answer(format!(
                "The cold room is at {:.1} C and does not reach {TARGET_C} C.",
                seen.air_c
            ));
        }
        self.cools += 1;
        if !seen.compressor_on {
            world.set_compressor(true);
        }
        if seen.fan_percent != 100 {
            world.set_fan(100);
        }
        world.step(600_000);
        Next::Read
    }
}

fn by_the_rules(mut world: World) -> Verdict {
    let mut expert = Expert::default();
    for _ in 0..TURNS_MAX {
        world.step(REPLY_MS);
        let seen = world.snapshot().into();
        if let Next::Answer(answer) = expert.turn(&mut world, seen) {
            let at_ms = world.now_ms();
            // The check comes later; the room is warmer by then.
            world.step(600_000);
            return world.check(TARGET_C, &answer, Some(at_ms));
        }
    }
    panic!("no answer within {TURNS_MAX} turns");
}

/// The calls that are right for the usual start, whatever the room shows.
fn by_heart(mut world: World) -> Verdict {
    world.start_defrost(600);
    world.step(600_000);
    world.pulse(1);
    world.set_compressor(true);
    world.set_fan(100);
    world.step(4 * 600_000);
    world.set_compressor(false);
    world.set_fan(30);
    world.check(TARGET_C, "The cold room is at -19.1 C.", None)
}

fn world(start: RoomStart) -> World {
    World::new(&RoomFile { start, ..RoomFile::default() })
}

fn starts() -> Vec<RoomStart> {
    let mut starts = Vec::new();
    for air_c in [-21.0, -17.0, -10.0, -4.2, 2.0, 8.0, 16.0] {
        for ice_mm in [0.0, 3.0, 4.4, 4.6, 6.0, 9.0, 14.0] {
            for door_open_s in [0, 100, 240] {
                for compressor_on in [false, true] {
                    let fan_percent = if compressor_on { 100 } else { 0 };
                    let start = RoomStart {
                        air_c,
                        ice_mm,
                        door_open_s,
                        compressor_on,
                        fan_percent,
                        ..RoomStart::default()
                    };
                    starts.push(start);
                }
            }
        }
    }
    starts
}

#[test]
fn expert_passes_from_every_start() {
    for start in starts() {
        let room = world(start.clone());
        let verdict = by_the_rules(room);
        assert!(verdict.passed, "{start:?}: {:?}", verdict.wrong);
    }
}

#[test]
fn calls_by_heart_fail_once_the_room_is_another() {
    assert!(by_heart(world(RoomStart::default())).passed, "they do fit the usual start");
    for start in [
        RoomStart { air_c: 16.0, ..RoomStart::default() },
        RoomStart { air_c: -10.0, ..RoomStart::default() },
        RoomStart { ice_mm: 16.0, ..RoomStart::default() },
        RoomStart { ice_mm: 3.0, ..RoomStart::default() },
        RoomStart { door_open_s: 1_800, ..RoomStart::default() },
    ] {
        let heart = by_heart(world(start.clone()));
        let rules = by_the_rules(world(start.clone()));
        assert!(!heart.passed, "{start:?} by heart");
        // Nobody cools a room whose door stays open for longer than the alarms are repeated.
        assert!(rules.passed || start.door_open_s > 0, "{start:?}: {:?}", rules.wrong);
    }
    let all = starts();
    let passed = all.iter().filter(|start| by_heart(world((*start).clone())).passed).count();
    assert!(passed * 3 < all.len(), "{passed} of {} by heart", all.len());
}

#[test]
fn compressor_stuck_on_fails_whatever_the_agent_does() {
    for start in starts() {
        let mut room = world(start);
        room.fault(Fault::CompressorStuck { at: Some(true) });
        let verdict = by_the_rules(room);
        assert!(verdict.wrong.iter().any(|wrong| wrong == "compressor runs"), "{:?}", verdict.wrong);
    }
}

#[test]
fn rooms_that_can_not_be_brought_to_order_fail() {
    for (fault, named) in [
        (Fault::CompressorStuck { at: Some(false) }, "air is"),
        (Fault::Door { open: true, closes_after_s: None }, "door is open"),
        (Fault::HeaterDeaf { deaf: true }, "ice is"),
        (Fault::PumpLoses { pulses: 1 }, "0 pulses for 1 defrosts"),
    ] {
        let mut room = world(RoomStart::default());
        room.fault(fault);
        let verdict = by_the_rules(room);
        assert!(verdict.wrong.iter().any(|wrong| wrong.contains(named)), "{fault:?}: {:?}", verdict.wrong);
    }
}

#[test]
fn each_part_of_the_end_state_counts() {
    let good = || {
        let mut room = world(RoomStart { air_c: -18.6, ice_mm: 2.0, ..RoomStart::default() });
        room.set_fan(30);
        room
    };
    let answer = "The cold room is at -18.6 C.";
    assert!(good().check(TARGET_C, answer, None).passed);
    let changed = |change: fn(&mut World)| {
        let mut room = good();
        change(&mut room);
        room.check(TARGET_C, answer, None).wrong
    };
    assert_eq!(changed(|room| room.set_compressor(true)), ["compressor runs"]);
    assert_eq!(changed(|room| room.set_fan(0)), ["fan is at 0, not 30 percent"]);
    assert_eq!(changed(|room| room.pulse(1)), ["1 pulses for 0 defrosts"]);
    assert_eq!(
        changed(|room| {
            room.start_defrost(60);
            room.pulse(1);
        }),
        ["1 defrosts of less than 4.5 mm of ice"]
    );
    assert_eq!(
        changed(|room| room.fault(Fault::Door { open: true, closes_after_s: None })),
        ["door is open"]
    );
    for (answer, passes) in [
        ("It is at -17.7 C now.", true),
        ("The room is at -18.6 C!", true),
        ("The room is cold.", false),
        ("The room is at -18.6.", false),
        ("The room is at 18.6 C.", false),
        ("", false),
    ] {
        assert_eq!(good().check(TARGET_C, answer, None).passed, passes, "{answer}");
    }
    for (target_c, passes) in [(-15.2, true), (-15.0, false), (-19.3, true), (-19.5, false)] {
        assert_eq!(good().check(target_c, answer, None).passed, passes, "{target_c}");
    }
}
