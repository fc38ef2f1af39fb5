use std::collections::BTreeMap;

use crate::{
    config::BoardKind,
    device::{DeviceSection, Verdict, WrongSection, assemble, check, look},
};

use super::*;

const NUMBER: &str = r#"
kind = "serial_line"
port = "/dev/ttyNONE7"
baud = 9600
ask = "SP?"
ask_answer = "SP={value}"
command = "SP {value}"
command_answer = "OK"
digits = 1
unit = "C"
min = 0
max = 90
set_min = 5
set_max = 28
safe_value = 5
"#;

const WORDS: &str = r#"
kind = "serial_line"
port = "/dev/ttyNONE7"
data_bits = 7
parity = "even"
ending = "cr"
command = "V {value}"
command_answer = "V={value}"
states = ["closed", "open"]
"#;

fn sections(text: &str) -> BTreeMap<String, DeviceSection> {
    BTreeMap::from([("a".to_owned(), toml::from_str(text).unwrap())])
}

fn checked(text: &str) -> Result<(), WrongSection> {
    check(&sections(text), BoardKind::Linux)
}

fn refusal(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    checked(&text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn sections_are_what_they_say_and_read_back_as_themselves() {
    for text in [NUMBER, WORDS] {
        checked(text).unwrap();
        let section: DeviceSection = toml::from_str(text).unwrap();
        let printed = toml::to_string(&section).unwrap();
        assert_eq!(toml::from_str::<DeviceSection>(&printed).unwrap(), section, "{printed}");
        assert!(section.moves());
    }
}

#[test]
fn wrong_keys_are_told_with_what_is_allowed() {
    for (text, from, to, told) in [
        (NUMBER, "/dev/ttyNONE7", "ttyS0", "port: `ttyS0` is no path of a device file"),
        (NUMBER, "ask = \"SP?\"\n", "", "ask: `ask_answer` answers `ask`: say what is asked"),
        (NUMBER, "\"SP?\"", "\"SP?\\r\\n\"", "ask: a line has 1 to 200 printable ASCII characters"),
        (NUMBER, "SP={value}", "SP=", "ask_answer: `SP=` must hold {value}"),
        (NUMBER, "SP {value}", "SP", "command: `SP` must hold {value}"),
        (NUMBER, "command_answer = \"OK\"", "", "command_answer: say what line the device answers"),
        (NUMBER, "command = \"SP {value}\"\n", "", "command: `command_answer` answers `command`"),
        (NUMBER, "min = 0\n", "", "min: say the lowest number that it can truly be"),
        (NUMBER, "max = 90\n", "", "max: say the highest number"),
        (NUMBER, "max = 90", "max = 0", "min: 0 is not below `max`, 0"),
        (NUMBER, "set_max = 28\n", "", "set_max: a device that is set to a number needs `set_max`"),
        (NUMBER, "safe_value = 5", "safe_value = 4", "safe_value: 4 is not within"),
        (NUMBER, "safe_value = 5", "safe_value = 5\nsafe = \"off\"", "safe: the value is a number"),
        (NUMBER, "digits = 1", "settle_ms = 900", "settle_ms: 900 is less than twice `answer_ms_max`, 500"),
        (WORDS, "[\"closed\", \"open\"]", "[\"closed\"]", "states: there are at least two words"),
        (WORDS, "\"open\"", "\"closed\"", "states: there are at least two words"),
        (WORDS, "\"open\"", "\" open\"", "states: there are at least two words"),
        (WORDS, "ending = \"cr\"", "safe = \"ajar\"", "safe: `ajar` is no state: there are closed, open"),
        (WORDS, "ending = \"cr\"", "max = 3", "max: the value is a word"),
        (WORDS, "ending = \"cr\"", "settle_ms = 3000", "settle_ms: only a device with `ask` is read back"),
    ] {
        let found = refusal(text, from, to);
        assert!(found.starts_with(&format!("device.a.{told}")), "{found}");
    }
    let nothing = "kind = \"serial_line\"\nport = \"/dev/ttyS0\"";
    let told = checked(nothing).unwrap_err().to_string();
    assert!(told.starts_with("device.a.ask: say what is asked with `ask`"), "{told}");
    let sensor = format!("{nothing}\nask = \"T?\"\nmin = 0\nmax = 9");
    checked(&sensor).unwrap();
    assert!(
        refusal(&sensor, "max = 9", "max = 9\nboot = \"hold\"").contains("only a device with a `command`")
    );
    let bits = toml::from_str::<DeviceSection>(&format!("{sensor}\ndata_bits = 9")).unwrap_err().to_string();
    assert!(bits.contains("data_bits: a byte has 7 or 8 data bits, not 9"), "{bits}");
}

#[test]
fn tools_and_their_classes_follow_from_the_section() {
    let classes = |text: &str| -> Vec<_> {
        let parts = assemble(&sections(text), &BTreeMap::new()).unwrap();
        parts.tools.iter().map(|tool| (tool.spec().name.clone(), tool.spec().class)).collect()
    };
    let read = ("read_a".to_owned(), Class::Observe);
    assert_eq!(classes(NUMBER), [read, ("set_a".to_owned(), Class::ReadBack { settle_ms: 2_000 })]);
    assert_eq!(classes(WORDS), [("set_a".to_owned(), Class::Never)]);
}

#[test]
fn look_tells_what_is_missing() {
    for text in [NUMBER, WORDS] {
        let found = look(&sections(text));
        let found: Vec<_> = found.iter().map(|finding| (finding.verdict, finding.text.as_str())).collect();
        assert_eq!(found, [(Verdict::Wrong, "there is no /dev/ttyNONE7: is the adapter plugged in?")]);
    }
}
