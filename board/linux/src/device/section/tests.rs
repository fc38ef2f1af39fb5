use std::path::Path;

use super::*;
use crate::config::{BoardFile, NoSection};

const BOARD: &str = r#"
[board]
name = "bench"
kind = "linux"

[device.dog]
timeout_s = 30
kind = "watchdog"

[agent.room]
system = "You keep a cold room."
grants = []
"#;

fn load(text: &str) -> Result<BoardFile<NoSection, DeviceSection>, String> {
    BoardFile::parse(Path::new("agent.toml"), text.to_owned()).map_err(|error| error.to_string())
}

fn complaint(from: &str, to: &str) -> String {
    assert!(BOARD.contains(from), "{from}");
    load(&BOARD.replacen(from, to, 1)).unwrap_err()
}

fn section(text: &str) -> DeviceSection {
    toml::from_str(text).unwrap()
}

fn refusal(text: &str, board: BoardKind) -> String {
    check(&BTreeMap::from([("a".to_owned(), section(text))]), board).unwrap_err().to_string()
}

#[test]
fn errors_name_line_key_and_what_is_allowed() {
    assert_eq!(
        complaint("timeout_s", "timeout"),
        "agent.toml:7: device.dog.timeout: unknown field `timeout`, expected `path` or `timeout_s`"
    );
    assert_eq!(complaint("30", "0"), "agent.toml:7: device.dog.timeout_s: must be from 2 to 3600, not 0");
    assert!(complaint("30", "\"x\"").starts_with("agent.toml:7: device.dog.timeout_s: invalid type: string"));
    let told = complaint("\"watchdog\"", "\"laser\"");
    assert!(told.starts_with("agent.toml:8: device.dog.kind: there is no kind `laser`: there are relay,"));
    assert!(told.contains(", timer, ") && told.ends_with("watchdog"), "{told}");
    assert!(
        complaint("\"watchdog\"", "7").starts_with("agent.toml:8: device.dog.kind: must be one of relay")
    );
    assert!(
        complaint("kind = \"watchdog\"\n", "")
            .starts_with("agent.toml:6: device.dog: a device needs a `kind`")
    );
    let told = complaint("timeout_s = 30", "shared = 1");
    assert_eq!(told, "agent.toml:7: device.dog.shared: must be true or false, not 1");
}

#[test]
fn unknown_keys_of_simulated_devices_have_their_line_too() {
    let sim = |keys: &str| load(&BOARD.replace("timeout_s = 30\nkind = \"watchdog\"", keys)).unwrap_err();
    let told = sim("kind = \"relay\"\n\npin = 3");
    assert_eq!(told, "agent.toml:9: device.dog.pin: unknown field `pin`, expected `boot` or `safe`");
    let told = sim("kind = \"relay\"\nboot = \"maybe\"");
    assert!(told.starts_with("agent.toml:6: device.dog: unknown variant `maybe`"), "{told}");
}

#[test]
fn devices_of_the_other_kind_of_board_are_refused() {
    let told = refusal("kind = \"watchdog\"", BoardKind::Sim);
    let expected = "device.a.kind: `watchdog` is a device of a machine: a board of kind `sim` has relay, fan";
    assert!(told.starts_with(expected), "{told}");
    let told = refusal("kind = \"relay\"", BoardKind::Linux);
    assert!(told.starts_with("device.a.kind: `relay` is a simulated device: a board of kind `linux` has "));
    assert!(told.contains("watchdog"), "{told}");
    let reversed = refusal("kind = \"fan\"\nsafe_percent = 101", BoardKind::Sim);
    assert!(reversed.starts_with("device.a.safe_percent: 101 is not within"), "{reversed}");
}

#[test]
fn only_what_moves_can_be_shared() {
    let told = refusal("kind = \"sensor\"\nshows = [\"a\"]\nshared = true", BoardKind::Sim);
    assert_eq!(told, "device.a.shared: a sensor moves nothing, every agent may use it: remove this key");
    let relay = section("shared = true\nkind = \"relay\"");
    assert!(relay.shared && !section("kind = \"relay\"").shared);
    check(&BTreeMap::from([("a".to_owned(), relay)]), BoardKind::Sim).unwrap();
    assert!(refusal("kind = \"watchdog\"\nshared = true", BoardKind::Linux).contains("device.a.shared"));
}

#[test]
fn printed_sections_read_back_as_themselves() {
    for text in [
        "kind = \"relay\"\nshared = true",
        "kind = \"watchdog\"\ntimeout_s = 9",
        "kind = \"timer\"\nseconds_max = 3",
    ] {
        let read = section(text);
        let printed = toml::to_string(&read).unwrap();
        assert_eq!(section(&printed), read, "{printed}");
        assert!(printed.contains(read.kind()), "{printed}");
    }
}
