use std::{collections::BTreeMap, io::Read, net::TcpListener};

use everstep_core::Class;

use crate::{
    config::BoardKind,
    device::{DeviceSection, Verdict, WrongSection, assemble, check, look},
};

const REGISTER: &str = r#"
kind = "modbus_register"
tcp = "10.0.0.7:502"
register = 5
type = "i16"
scale = 0.1
unit = "C"
digits = 1
min = -40
max = 90
writable = true
set_min = 5
set_max = 28
safe_value = 5
"#;

const COIL: &str = r#"
kind = "modbus_coil"
port = "/dev/ttyUSB0"
coil = 3
states = ["closed", "open"]
writable = true
safe = "closed"
"#;

const PULSE: &str = r#"
kind = "modbus_pulse"
tcp = "10.0.0.7:502"
register = 100
pulses_max = 5
counter = { table = "input", register = 200, type = "u32" }
"#;

fn sections(devices: &[(&str, &str)]) -> BTreeMap<String, DeviceSection> {
    devices.iter().map(|(name, text)| ((*name).to_owned(), toml::from_str(text).unwrap())).collect()
}

fn checked(text: &str) -> Result<(), WrongSection> {
    check(&sections(&[("a", text)]), BoardKind::Linux)
}

/// What is said of `text` with one thing changed.
fn refusal(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    checked(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn sections_are_what_they_say_and_read_back_as_themselves() {
    for text in [REGISTER, COIL, PULSE] {
        checked(text).unwrap();
        let section: DeviceSection = toml::from_str(text).unwrap();
        let printed = toml::to_string(&section).unwrap();
        assert_eq!(toml::from_str::<DeviceSection>(&printed).unwrap(), section, "{printed}");
        assert!(section.moves());
    }
    let sensor = REGISTER.split("writable").next().unwrap();
    checked(sensor).unwrap();
    assert!(!toml::from_str::<DeviceSection>(sensor).unwrap().moves());
}

#[test]
fn wrong_places_are_told_by_key() {
    for (text, from, to, told) in [
        (REGISTER, "tcp = \"10.0.0.7:502\"", "", "device.a.tcp: say where the device is"),
        (REGISTER, "10.0.0.7:502", "10.0.0.7", "device.a.tcp: `10.0.0.7` is no `host:port`"),
        (REGISTER, "10.0.0.7:502", ":502", "device.a.tcp: `:502` is no"),
        (
            REGISTER,
            "register = 5",
            "register = 5\nport = \"/dev/ttyS0\"",
            "device.a.port: the device is on a",
        ),
        (REGISTER, "register = 5", "register = 5\nbaud = 9600", "device.a.baud: only a serial line has this"),
        (REGISTER, "register = 5", "register = 5\nparity = \"odd\"", "device.a.parity: only a serial line"),
        (COIL, "/dev/ttyUSB0", "ttyUSB0", "device.a.port: `ttyUSB0` is no path"),
        (
            COIL,
            "coil = 3",
            "coil = 3\nunit_id = 0",
            "device.a.unit_id: a unit on a serial line is from 1 to 247",
        ),
        (COIL, "coil = 3", "coil = 3\nunit_id = 248", "device.a.unit_id: a unit on a serial line"),
    ] {
        let found = refusal(text, from, to);
        assert!(found.starts_with(told), "{found}");
    }
    checked(&REGISTER.replace("register = 5", "register = 5\nunit_id = 0")).unwrap();
}

#[test]
fn wrong_numbers_are_told_by_key() {
    for (from, to, told) in [
        ("scale = 0.1", "scale = 0", "device.a.scale: 0 is no value of a step"),
        ("scale = 0.1", "scale = 0.1\noffset = nan", "device.a.offset: NaN is no value of 0"),
        ("min = -40", "min = 90", "device.a.min: 90 is not below `max`, 90"),
        ("writable = true\n", "", "device.a.set_min: only a register with `writable = true` is set"),
        ("digits = 1", "table = \"input\"", "device.a.writable: an input register can't be written"),
        ("set_min = 5\n", "", "device.a.set_min: a writable register needs `set_min`"),
        ("safe_value = 5", "", "device.a.safe_value: a writable register needs `safe_value`"),
        ("set_min = 5", "set_min = 28", "device.a.set_min: 28 is not below `set_max`, 28"),
        ("safe_value = 5", "safe_value = 4", "device.a.safe_value: 4 is not within"),
        ("safe_value = 5", "safe_value = 5.55", "device.a.safe_value: 5.55 is no step of the register"),
        ("set_max = 28", "set_max = 4000", "device.a.set_max: the i16 register holds -3276.8 to 3276.7"),
        ("digits = 1", "settle_ms = 999", "device.a.settle_ms: 999 is less than twice `answer_ms_max`, 500"),
    ] {
        let found = refusal(REGISTER, from, to);
        assert!(found.starts_with(told), "{found}");
    }
    let last = REGISTER.replace("register = 5", "register = 65535");
    checked(&last).unwrap();
    let found = refusal(&last, "i16", "i32");
    assert!(
        found.starts_with("device.a.register: 65535 is the last one, and the number takes two"),
        "{found}"
    );
}

#[test]
fn wrong_coils_and_pulses_are_told_by_key() {
    for (text, from, to, told) in [
        (
            COIL,
            "\"closed\", \"open\"",
            "\"open\", \"open\"",
            "device.a.states: the two states have two names",
        ),
        (COIL, "\"closed\", \"open\"", "\"\", \"open\"", "device.a.states: a state's name has 1 to 32 bytes"),
        (
            COIL,
            "safe = \"closed\"",
            "safe = \"ajar\"",
            "device.a.safe: `ajar` is no state: there are closed, open",
        ),
        (COIL, "writable = true\n", "", "device.a.safe: only a coil with `writable = true` is set"),
        (COIL, "coil = 3", "coil = 3\ntable = \"discrete\"", "device.a.writable: a discrete input can't be"),
        (COIL, "coil = 3", "coil = 3\nsettle_ms = 20", "device.a.settle_ms: 20 is less than twice"),
        (PULSE, "u32", "f32", "device.a.counter: a counter is of type `u16` or `u32`"),
        (PULSE, "register = 200", "register = 65535", "device.a.counter: register 65535 is the last one"),
        (
            PULSE,
            "table = \"input\", register = 200",
            "register = 100",
            "device.a.counter: the counter is another",
        ),
        (PULSE, "pulses_max = 5", "settle_ms = 30", "device.a.settle_ms: 30 is less than twice"),
    ] {
        let found = refusal(text, from, to);
        assert!(found.starts_with(told), "{found}");
    }
    let blind = PULSE.split("counter").next().unwrap();
    checked(blind).unwrap();
    let found = refusal(blind, "pulses_max = 5", "settle_ms = 3000");
    assert!(found.starts_with("device.a.settle_ms: only pulses with a `counter` are read back"), "{found}");
}

#[test]
fn tools_and_their_classes_follow_from_the_section() {
    let blind = PULSE.split("counter").next().unwrap();
    let devices = sections(&[("heating", REGISTER), ("valve", COIL), ("feeder", PULSE), ("horn", blind)]);
    let parts = assemble(&devices, &BTreeMap::new()).unwrap();
    let tools: Vec<_> =
        parts.tools.iter().map(|tool| (tool.spec().name.as_str(), tool.spec().class)).collect();
    let read_back = Class::ReadBack { settle_ms: 2_000 };
    assert_eq!(
        tools,
        [
            ("pulse_feeder", read_back),
            ("read_heating", Class::Observe),
            ("set_heating", read_back),
            ("pulse_horn", Class::Never),
            ("read_valve", Class::Observe),
            ("set_valve", read_back),
        ]
    );
}

#[test]
fn devices_on_one_line_set_it_one_way() {
    let other = COIL.replace("coil = 3", "coil = 4\nbaud = 9600");
    let told =
        assemble(&sections(&[("a", COIL), ("b", &other)]), &BTreeMap::new()).err().unwrap().to_string();
    assert_eq!(
        told,
        "device.b.port: `a` uses /dev/ttyUSB0 as well, and sets it otherwise: Modbus, /dev/ttyUSB0 at 19200 \
         8E1, answers within 500 ms there, Modbus, /dev/ttyUSB0 at 9600 8E1, answers within 500 ms here"
    );
    let text = "kind = \"serial_line\"\nport = \"/dev/ttyUSB0\"\nask = \"T?\"\nmin = 0\nmax = 1";
    let told = assemble(&sections(&[("a", COIL), ("b", text)]), &BTreeMap::new()).err().unwrap().to_string();
    assert!(told.starts_with("device.b.port: `a` uses /dev/ttyUSB0 as well"), "{told}");
}

#[test]
fn look_connects_and_reads_and_writes_nothing() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = server.local_addr().unwrap().to_string();
    // Answers each read with registers that show 300, and keeps what was asked.
    let serving = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for _ in 0..3 {
            let (mut stream, _) = server.accept().unwrap();
            let mut request = [0; 12];
            stream.read_exact(&mut request).unwrap();
            asked.push(request[7]);
            let words = usize::from(request[11]);
            let mut answer =
                vec![request[0], request[1], 0, 0, 0, 3 + 2 * request[11], request[6], request[7]];
            answer.push(2 * request[11]);
            answer.extend([[0, 0], [1, 44]].concat().into_iter().skip(4 - 2 * words));
            std::io::Write::write_all(&mut stream, &answer).unwrap();
        }
        asked
    });
    let at_server = |text: &str| text.replace("10.0.0.7:502", &at);
    let cold = at_server(REGISTER).replace("max = 90", "max = 29");
    let devices =
        sections(&[("feeder", &at_server(PULSE)), ("heating", &at_server(REGISTER)), ("room", &cold)]);
    let found = look(&devices);
    let found: Vec<_> = found.iter().map(|finding| (finding.verdict, finding.text.as_str())).collect();
    assert_eq!(
        found,
        [
            (Verdict::Ok, "it answers: the counter shows 300"),
            (Verdict::Ok, "it answers: value 30.0 C"),
            (Verdict::Warn, "the value sensor shows 30.0 C, outside of -40 to 29 C"),
        ]
    );
    assert_eq!(serving.join().unwrap(), [4, 3, 3], "reads, and nothing else");
}

#[test]
fn look_tells_what_is_missing() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let gone = PULSE.replace("10.0.0.7:502", &nobody);
    let blind = gone.split("counter").next().unwrap().to_owned();
    let found = look(&sections(&[("a", &gone), ("b", &blind), ("c", COIL)]));
    let refused = format!("{nobody} refused the connection: is the server running, and is this its port?");
    let texts: Vec<_> = found.iter().map(|finding| (finding.verdict, finding.text.as_str())).collect();
    let no_port = "there is no /dev/ttyUSB0: is the adapter plugged in?";
    assert_eq!(
        texts,
        [(Verdict::Wrong, refused.as_str()), (Verdict::Wrong, &refused), (Verdict::Wrong, no_port)]
    );
}
