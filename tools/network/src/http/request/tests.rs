//! What a request looks like, and that no value leaves its place.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{parameter, rehearsal::vault};

const SET: &str = r#"
summary = "Set a room."
method = "PUT"
url = "https://api.example.com/v1/rooms/{room}/set?unit=c&by={who}"
class = "safe"
parameters = [
    { name = "room", kind = "text", in = "path" },
    { name = "who", kind = "text", in = "query" },
    { name = "note", kind = "text", in = "query", optional = true },
    { name = "celsius", kind = "number", in = "body" },
    { name = "why", kind = "text", in = "body", optional = true },
]
secret_header = { name = "Authorization", value = "Bearer {secret.api}" }
headers = { X-Version = "2" }
"#;

fn section(text: &str) -> HttpSection {
    let section: HttpSection = toml::from_str(text).unwrap();
    section.check().unwrap();
    section
}

fn request(text: &str, arguments: &Value) -> Result<Request, String> {
    let section = section(text);
    let values = parameter::read(&section.parameters, arguments)?;
    Request::new(&section, &values, &vault(&[("api", "tok-1234567890")]), Some("key-1"))
}

#[test]
fn values_stand_in_path_query_and_body() {
    let arguments = json!({"room": "attic 1", "who": "a&b=c", "celsius": 4.0, "note": "ä"});
    let request = request(SET, &arguments).unwrap();
    assert_eq!(request.url.target(), "/v1/rooms/attic%201/set?unit=c&by=a%26b%3Dc&note=%C3%A4");
    assert_eq!((request.method.as_str(), request.body.as_str()), ("PUT", r#"{"celsius":4}"#));
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("host").as_deref(), Some("api.example.com"));
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(header("accept-encoding").as_deref(), Some("identity"));
    assert_eq!(header("x-version").as_deref(), Some("2"));
    assert_eq!(header("connection").as_deref(), Some("close"));
    // Only a class with keys sends one, and the secret is kept apart.
    assert_eq!((header("idempotency-key"), header("authorization")), (None, None));
    let (name, value) = request.secret.unwrap();
    assert_eq!((name.as_str(), value.to_str().unwrap()), ("authorization", "Bearer tok-1234567890"));
    assert!(value.is_sensitive());
}

#[test]
fn bodies_are_json_by_their_structure_or_text_by_numbers_and_choices() {
    let json_body = r#"
summary = "x"
method = "POST"
url = "https://a.example/x"
class = "keyed"
key_valid_s = 60
body = { state = { on = "{on}", level = "{level}" }, text = "level {level}!", list = ["{on}", 1] }
parameters = [{ name = "on", kind = "text", in = "body" }, { name = "level", kind = "integer", in = "body" }]
"#;
    let hostile = json!({"on": "\"}, \"admin\": {\"x\": \"{level}", "level": 3});
    let sent = request(json_body, &hostile).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&sent.body).unwrap(),
        json!({"state": {"on": hostile["on"], "level": 3}, "text": "level 3!", "list": [hostile["on"], 1]})
    );
    assert_eq!(sent.headers.get("idempotency-key").unwrap(), "key-1");
    let text_body = r#"
summary = "x"
method = "POST"
url = "https://a.example/x"
class = "never"
body = "set {level} {mode}"
content_type = "text/x-command"
parameters = [{ name = "level", kind = "integer", in = "body" }, { name = "mode", kind = "choice", choices = ["eco"], in = "body" }]
"#;
    let sent = request(text_body, &json!({"level": 3, "mode": "eco"})).unwrap();
    assert_eq!(sent.body, "set 3 eco");
    assert_eq!(sent.headers.get("content-type").unwrap(), "text/x-command");
}

#[test]
fn values_that_would_lead_elsewhere_are_refused() {
    for room in ["..", ".", "../admin", "a/../b", "a\\..\\b", "a/.", "\r\nX: y", "a\0"] {
        let told = request(SET, &json!({"room": room, "who": "x", "celsius": 1})).err().unwrap_or_default();
        assert!(
            told.contains("must not be, or hold") || told.contains("no control characters"),
            "{room:?}: {told}"
        );
    }
    let told = request(SET, &json!({"room": "a", "who": "b\r\nc", "celsius": 1})).err().unwrap_or_default();
    assert_eq!(told, "who must have no control characters");
}

#[test]
fn a_secret_stays_with_the_host_it_was_declared_for() {
    let request = request(SET, &json!({"room": "a", "who": "b", "celsius": 1})).unwrap();
    let to = |text: &str| request.redirected(Url::new(text).unwrap()).unwrap();
    assert!(to("https://api.example.com/v2").secret.is_some());
    for other in ["https://b.example.com/", "https://api.example.com:8443/", "http://api.example.com/"] {
        let moved = to(other);
        assert!(moved.secret.is_none(), "{other}");
        assert_eq!(moved.headers.get("host").unwrap(), &moved.url.host_header());
    }
}

#[test]
fn sections_that_could_go_wrong_are_refused_by_key() {
    let post = SET.replace("PUT", "POST");
    for (text, key, told) in [
        (SET.replace("https://", "http://"), "url", "http:// is for the local network"),
        (SET.replace("api.example.com", "user@api.example.com"), "url", "no user name"),
        (SET.replace("/{room}/", "/{hall}/"), "url", "`{hall}` is none of the parameters"),
        (SET.replace("/{room}/", "/x/"), "parameters", "`room`: the path of `url` has no `{room}`"),
        (SET.replace("/set?", "/{Set}?"), "url", "what stands in braces is the name of a parameter"),
        (SET.replace("/set?", "/{secret.api}?"), "url", "a secret in an address ends in logs"),
        (SET.replace("\"safe\"", "\"safe\"\nbody = { a = \"{secret.api}\" }"), "body", "`secret_header`"),
        (SET.replace("\"safe\"", "\"safe\"\nbody = \"{secret.api}\""), "body", "`secret_header`"),
        (SET.replace("by={who}", "by={celsius}"), "url", "its parameter says `in = \"query\"`"),
        (SET.replace("class = \"safe\"\n", ""), "class", "a PUT may change something: say `safe`"),
        (post.replace("class = \"safe\"\n", ""), "class", "a POST may change something"),
        (SET.replace("\"safe\"", "\"keyed\""), "key_valid_s", "this class needs it"),
        (SET.replace("\"safe\"", "\"safe\"\nkey_valid_s = 5"), "key_valid_s", "for another class"),
        (SET.replace("\"safe\"", "\"keyed\"\nkey_valid_s = 52"), "key_valid_s", "forgotten so soon"),
        (SET.replace("\"safe\"", "\"read_back\""), "settle_ms", "this class needs it"),
        (
            SET.replace("\"safe\"", "\"safe\"\nredirects_max = 1"),
            "redirects_max",
            "only an endpoint that reads",
        ),
        (SET.replace("X-Version", "Host"), "headers", "the request itself decides `Host`"),
        (SET.replace("\"2\"", "\"2\\r\\nX: y\""), "headers", "one line"),
        (SET.replace("{secret.api}", "tok"), "secret_header", "its value has `{secret.NAME}` in it"),
        (
            SET.replace("X-Version = \"2\"", "X-V = \"{secret.api}\""),
            "headers",
            "a secret goes into `secret_header`",
        ),
        (SET.replace("in = \"path\"", "in = \"body\""), "url", "its parameter says `in = \"path\"`"),
        (SET.replace("\"safe\"", "\"safe\"\nbody = \"{why}\""), "body", "free text"),
        (SET.replace("\"safe\"", "\"safe\"\nbody = { a = \"{celsius}\" }"), "body", "it has no `{why}`"),
        (SET.replace("\"safe\"", "\"safe\"\nkeep = \"x\""), "keep", "a JSON pointer begins with `/`"),
        (SET.replace("\"safe\"", "\"safe\"\nanswer_ms_max = 0"), "answer_ms_max", "from 1 to 300000, not 0"),
        (
            SET.replace("\"safe\"", "\"safe\"\nredirect_hosts = [\"b\"]"),
            "redirect_hosts",
            "without `redirects_max`",
        ),
    ] {
        let section: HttpSection = toml::from_str(&text).unwrap();
        let (found, message) = section.check().unwrap_err();
        assert!(found == key && message.contains(told), "{key}: {found}: {message}");
    }
}

#[test]
fn errors_of_the_file_say_what_is_allowed() {
    let told = |line: &str| {
        let text = SET.replace("class = \"safe\"", line);
        toml::from_str::<HttpSection>(&text).unwrap_err().message().to_owned()
    };
    assert!(
        told("class = \"sure\"").contains("expected one of `observe`, `safe`, `keyed`, `read_back`, `never`")
    );
    assert!(told("keep = 5").contains("a JSON pointer, a list of them, or `{ text_bytes = N }`"));
    assert!(told("body = 5").contains("a text, or a table that is sent as JSON"));
    assert!(told("colour = 5").contains("unknown field `colour`"));
}

proptest! {
    /// Whatever a value is, the address keeps its form, and holds the value as one piece.
    #[test]
    fn any_value_stays_in_its_place(room in ".{1,40}", who in ".{1,40}", why in ".{1,40}") {
        let arguments = json!({"room": room, "who": who, "celsius": 1, "why": why});
        if let Ok(request) = request(SET, &arguments) {
            let target = request.url.target();
            let (path, query) = target.split_once('?').unwrap();
            prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(path.split('/').count(), 5);
            prop_assert!(path.starts_with("/v1/rooms/") && path.ends_with("/set"));
            prop_assert_eq!(query.split('&').count(), 2);
            prop_assert_eq!(decoded(&path["/v1/rooms/".len()..path.len() - "/set".len()]), room);
            prop_assert_eq!(decoded(query.strip_prefix("unit=c&by=").unwrap()), who);
            let body: Value = serde_json::from_str(&request.body).unwrap();
            prop_assert_eq!(body, json!({"celsius": 1, "why": why}));
        }
    }
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&behind[..2]).unwrap(), 16).unwrap());
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).unwrap()
}
