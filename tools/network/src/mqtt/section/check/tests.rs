//! A section that can't work is refused with its key.

use crate::mqtt::MqttSection;

const SECTION: &str = r#"
broker = "mqtts://broker.example.com"
client_id = "board7"
username = "board"
password = "{secret.broker}"

[publish.set_valve]
summary = "Open or close the valve."
topic = "lab/{room}/valve/set"
parameters = [
    { name = "room", kind = "choice", choices = ["a", "b"] },
    { name = "state", kind = "choice", choices = ["open", "closed"] },
]
payload = "{state}"
class = "read_back"
settle_ms = 2000
probe = { latest = "read_valve", expect = "{state}" }

[latest.read_valve]
summary = "Read the valve."
filter = "lab/a/valve"

[wait.wait_button]
summary = "Wait for the button."
filter = "lab/+/button"
"#;

fn check(text: &str) -> Result<(), (String, String)> {
    toml::from_str::<MqttSection>(text).unwrap_or_else(|error| panic!("{error}")).check()
}

#[test]
fn a_section_is_taken_with_its_defaults() {
    check(SECTION).unwrap();
    let section: MqttSection = toml::from_str(SECTION).unwrap();
    let valve = &section.publish["set_valve"];
    assert_eq!((valve.qos, valve.retain, valve.answer_ms_max), (1, false, 10_000));
    assert_eq!((section.keep_alive_s, section.session_s()), (30, Some(86_400)));
    assert_eq!(section.wait["wait_button"].wait_ms_max, 60_000);
    assert_eq!(section.secrets().collect::<Vec<_>>(), [("password", "broker")]);
    // What `everstep config` prints reads as the same.
    let printed = toml::to_string(&section).unwrap();
    assert_eq!(toml::from_str::<MqttSection>(&printed).unwrap(), section);
}

#[test]
fn what_cannot_work_is_told_by_its_key() {
    for (from, to, key, told) in [
        ("mqtts://", "mqtt://", "broker", "mqtt:// is for the local network"),
        ("mqtts://", "https://", "broker", "mqtts://host:port"),
        ("\"board7\"", "\"\"", "client_id", "1 to 64"),
        ("\"board7\"", "\"a/b\"", "client_id", "1 to 64"),
        ("client_id", "keep_alive_s = 1\nclient_id", "keep_alive_s", "from 5 to 3600, not 1"),
        ("client_id", "session_s = 40000000\nclient_id", "session_s", "from 0 to 31536000"),
        ("client_id", "version = \"3.1.1\"\nsession_s = 60\nclient_id", "session_s", "3.1.1 knows no end"),
        ("\"{secret.broker}\"", "\"hunter2hunter2\"", "password", "write `{secret.NAME}`"),
        ("username", "key = \"{secret.a}\"\nusername", "certificate", "the key needs its certificate"),
        ("username", "certificate = \"a.pem\"\nusername", "key", "the certificate needs its key"),
        ("\"board\"", "\"\"", "username", "1 to 256 bytes"),
        ("lab/{room}/valve/set", "lab/+/valve", "publish.set_valve.topic", "one topic"),
        ("lab/{room}/valve/set", "lab/{floor}/set", "publish.set_valve.topic", "`{floor}` is none"),
        (
            "lab/{room}/valve/set",
            "lab/valve",
            "publish.set_valve.payload",
            "neither it nor the topic has `{room}`",
        ),
        (
            "\"{state}\"\nclass",
            "\"{secret.broker} {state}\"\nclass",
            "publish.set_valve.payload",
            "no place in a message",
        ),
        (
            "\"{state}\"\nclass",
            "{ a = \"{secret.broker}{state}\" }\nclass",
            "publish.set_valve.payload",
            "no place in",
        ),
        ("\"read_back\"", "\"keyed\"", "publish.set_valve.class", "no key"),
        ("\"read_back\"", "\"observe\"", "publish.set_valve.class", "no reading"),
        ("\"read_back\"", "\"never\"", "publish.set_valve.settle_ms", "for `read_back`"),
        ("settle_ms = 2000\n", "", "publish.set_valve.settle_ms", "needs it"),
        ("\"read_valve\"", "\"read_pump\"", "publish.set_valve.probe", "no `latest` tool `read_pump`"),
        ("lab/a/valve\"", "lab/+/valve\"", "publish.set_valve.probe", "more than one topic"),
        ("expect = \"{state}\"", "expect = \"{mode}\"", "publish.set_valve.probe", "`{mode}` is none"),
        (
            "class = \"read_back\"",
            "qos = 3\nclass = \"read_back\"",
            "publish.set_valve.qos",
            "from 0 to 2, not 3",
        ),
        ("lab/+/button", "lab/#/button", "wait.wait_button.filter", "for all levels at the end"),
        ("lab/+/button\"", "lab/+/button\"\nqos = 2", "wait.wait_button.qos", "from 0 to 1, not 2"),
        ("lab/+/button\"", "b\"\nwait_ms_max = 600000", "wait.wait_button.wait_ms_max", "to 590000"),
        ("lab/a/valve\"", "b\"\nkeep = \"air\"", "latest.read_valve.keep", "begins with `/`"),
        ("lab/a/valve\"", "b\"\nkeep = { text_bytes = 70000 }", "latest.read_valve.keep", "to 60000"),
        (
            "choices = [\"open\", \"closed\"] }",
            "choices = [\"a\"], in = \"body\" }",
            "publish.set_valve.parameters",
            "only HTTP",
        ),
    ] {
        assert!(SECTION.contains(from), "{from}");
        let (found, message) = check(&SECTION.replacen(from, to, 1)).expect_err(to);
        assert!(found == key && message.contains(told), "{to}: {found}: {message}");
    }
    let bare = SECTION.split("[publish").next().unwrap();
    assert_eq!(check(bare).unwrap_err().0, "broker");
}

#[test]
fn a_free_text_is_a_whole_message_or_part_of_json() {
    let with = |payload: &str| {
        format!(
            "broker = \"mqtts://b\"\nclient_id = \"x\"\n[publish.say]\nsummary = \"s\"\ntopic = \"t\"\n\
             parameters = [{{ name = \"text\", kind = \"text\" }}]\n{payload}"
        )
    };
    for payload in ["", "payload = \"{text}\"", "payload = { text = \"{text}\" }"] {
        assert_eq!(check(&with(payload)), Ok(()), "{payload}");
    }
    let (key, message) = check(&with("payload = \"say {text}\"")).unwrap_err();
    assert!(key == "publish.say.payload" && message.contains("could leave its place"), "{message}");
    let (key, message) = check(&with("qos = 0\nclass = \"safe\"")).unwrap_err();
    assert!(key == "publish.say.qos" && message.contains("`safe` needs 1 or 2"), "{message}");
}
