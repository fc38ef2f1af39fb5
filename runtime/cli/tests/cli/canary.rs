//! Secrets are planted, a server sends them back in every form, and whatever the program writes or prints
//! is scanned for them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Output,
    sync::{Arc, Mutex},
};

use crate::{
    bench::Bench,
    http_server::{HttpServer, answer},
};

/// Of all kinds of letters, so that every escape has something to escape.
const IN_FILE: &str = "fiLe-cAn4ry+/=\"\\ <~>%7Ez";
const IN_VARIABLE: &str = "vAr-cAn4ry&?#'{}\\/|^`0";
const VARIABLE: &str = "EVERSTEP_TEST_CANARY";
const IN_CREDENTIAL: &str = "cRed-cAn4ry%2B:;,@[=]+_.";

const NETWORK: &str = r#"
[network.http.read_json]
summary = "Read JSON."
url = "http://127.0.0.1:PORT/json"
private = true
secret_header = { name = "Authorization", value = "Bearer {secret.api}" }
keep = ["/said", "/more"]

[network.http.read_text]
summary = "Read text."
url = "http://127.0.0.1:PORT/text"
private = true
secret_header = { name = "X-Token", value = "{secret.mail}" }
keep = { text_bytes = 1000 }

[network.http.read_error]
summary = "Fail."
url = "http://127.0.0.1:PORT/error"
private = true
secret_header = { name = "X-Token", value = "{secret.api}" }

[network.http.read_elsewhere]
summary = "Be sent elsewhere."
url = "http://127.0.0.1:PORT/elsewhere"
private = true
redirects_max = 1
secret_header = { name = "X-Token", value = "{secret.mail}" }

[network.http.pulse]
summary = "Pulse."
method = "POST"
url = "http://127.0.0.1:PORT/pulse"
private = true
class = "never"
secret_header = { name = "Authorization", value = "Basic {secret.mail}" }

[network.http.read_site]
summary = "Read the site."
url = "http://127.0.0.1:PORT/json"
private = true
secret_header = { name = "X-Token", value = "{secret.site}" }
keep = ["/said", "/more"]

[agent.clerk.tool.pulse]
sensitive = false

[secret]
api = "file:api.token"
mail = "env:EVERSTEP_TEST_CANARY"
site = "systemd-creds:site"
"#;

const TOOLS: [&str; 6] = ["read_json", "read_text", "read_error", "read_elsewhere", "read_site", "pulse"];

/// The folder of credentials.
const CREDENTIALS: &str = "credentials";

/// A form that a secret may come back in, by name.
type Form = (&'static str, String);

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = bytes.iter().map(|byte| format!("{byte:08b}")).collect::<Vec<_>>().concat();
    let groups = (0..bits.len()).step_by(6).map(|at| format!("{:0<6}", &bits[at..bits.len().min(at + 6)]));
    groups.map(|group| char::from(LETTERS[usize::from_str_radix(&group, 2).unwrap()])).collect()
}

fn each(text: &str, form: impl Fn(u8) -> String) -> String {
    text.bytes().map(form).collect()
}

/// What is looked for: of base64, what the secret alone decides.
fn needles(secret: &str) -> Vec<Form> {
    let aligned = |before: usize| {
        let all = base64(&[&b"xx"[..before], secret.as_bytes()].concat());
        let (first, last) = ((before * 8).div_ceil(6), (before + secret.len()) * 8 / 6);
        all[first..last].to_owned()
    };
    let names = ["base64, first alignment", "base64, second alignment", "base64, third alignment"];
    let mut forms: Vec<Form> = vec![("plain", secret.into())];
    forms.extend(names.into_iter().enumerate().map(|(before, name)| (name, aligned(before))));
    let url = |text: &str| text.replace('+', "-").replace('/', "_");
    forms.extend((0..3).map(|before| ("base64 of addresses", url(&aligned(before)))));
    forms.push(("hex", each(secret, |byte| format!("{byte:02x}"))));
    forms.push(("hex in capitals", each(secret, |byte| format!("{byte:02X}"))));
    forms.push(("percent, all", each(secret, |byte| format!("%{byte:02X}"))));
    let letter = |byte: u8| char::from(byte).to_string();
    let some = |byte: u8| if byte.is_ascii_alphanumeric() { letter(byte) } else { format!("%{byte:02x}") };
    forms.push(("percent, where needed", each(secret, some)));
    forms.push(("JSON, all", each(secret, |byte| format!("\\u{byte:04x}"))));
    forms.push(("JSON, where needed", quoted(secret)));
    forms
}

/// As it stands between the quotes of a JSON text.
fn quoted(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// Everything that a server may make of a secret, in one text.
fn echo(secret: &str) -> String {
    let wrapped = |before: &str| base64(format!("{before}{secret}z").as_bytes());
    let mut all: Vec<String> = needles(secret).into_iter().map(|(_, form)| form).collect();
    all.extend(["", "x", "xx"].map(wrapped));
    all.join(" | ")
}

/// Sends back what it was sent.
fn parrot(request: &str) -> Option<String> {
    let sent = request.lines().filter_map(|line| line.split_once(": "));
    let sent = sent.filter(|(name, _)| ["authorization", "x-token"].contains(name)).map(|(_, value)| value);
    let said: String =
        sent.map(|value| echo(value.trim_start_matches("Bearer ").trim_start_matches("Basic "))).collect();
    let json = serde_json::json!({"said": said, "more": {"again": [said]}}).to_string();
    let path = request.split(' ').nth(1)?;
    Some(match path {
        "/text" => answer(200, "", &said),
        "/error" => answer(500, "Retry-After: 0\r\n", &said),
        "/elsewhere" => {
            let percent = each(&said, |byte| format!("%{byte:02X}"));
            answer(302, &format!("Location: http://other.test/{percent}\r\n"), "")
        }
        "/pulse" => answer(503, "", &json),
        _ => answer(200, "", &json),
    })
}

/// Looks through everything that was written.
#[derive(Default)]
struct Scan {
    bytes: usize,
    texts: usize,
    hits: Vec<String>,
}

impl Scan {
    fn look(&mut self, what: &str, bytes: &[u8]) {
        (self.bytes, self.texts) = (self.bytes + bytes.len(), self.texts + 1);
        for secret in [IN_FILE, IN_VARIABLE, IN_CREDENTIAL] {
            for (form, needle) in needles(secret) {
                if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
                    self.hits.push(format!("{what}: {form} of {}", &secret[..3]));
                }
            }
        }
    }

    fn look_at(&mut self, what: &str, output: &Output) {
        self.look(&format!("{what}, output"), &output.stdout);
        self.look(&format!("{what}, errors"), &output.stderr);
    }

    fn look_into(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.look_into(&path);
            } else if path.is_file() {
                self.look(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }
}

fn bench(server: &HttpServer) -> Bench {
    let calls = TOOLS.map(|name| format!("[[reply]]\ncall = \"{name}\"\narguments = '{{}}'\n"));
    let bench = Bench::new(&format!("{}[[reply]]\nsay = \"Done.\"\n", calls.concat()));
    let granted = TOOLS.map(|name| format!(", \"{name}\"")).concat();
    bench.change_board("\"log\"]", &format!("\"log\"{granted}]"));
    let board = fs::read_to_string(bench.path("agent.toml")).unwrap();
    bench.write("agent.toml", &format!("{board}{}", NETWORK.replace("PORT", &server.port.to_string())));
    bench.write("api.token", &format!("{IN_FILE}\n"));
    fs::set_permissions(bench.path("api.token"), fs::Permissions::from_mode(0o600)).unwrap();
    // As systemd lays a credential down for a service.
    fs::create_dir(bench.path(CREDENTIALS)).unwrap();
    bench.write(&format!("{CREDENTIALS}/site"), IN_CREDENTIAL);
    fs::set_permissions(bench.path(CREDENTIALS).join("site"), fs::Permissions::from_mode(0o400)).unwrap();
    bench
}

/// What the program does with everything logged that can be.
fn perform(bench: &Bench, arguments: &[&str]) -> Output {
    let mut command = bench.command(arguments);
    command.env(VARIABLE, IN_VARIABLE).env("CREDENTIALS_DIRECTORY", bench.path(CREDENTIALS));
    command.env("EVERSTEP_LOG", "trace").output().unwrap()
}

#[test]
fn no_form_of_a_secret_is_ever_written_or_printed() {
    let wire = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&wire);
    let server = HttpServer::start(move |request| {
        kept.lock().unwrap().push_str(request);
        parrot(request)
    });
    let bench = bench(&server);
    let mut scan = Scan::default();
    let image = bench.path("copy.bin");
    let image = image.to_str().unwrap();
    for command in [
        &["run", "read it all", "--seed", "1", "-vvv"][..],
        &["run"],
        &["run", "--json"],
        &["run", "and again", "--events"],
        &["status"],
        &["status", "--json"],
        &["journal"],
        &["journal", "--json"],
        &["replay"],
        &["flash"],
        &["flash", "image", image],
        &["journal", "--image", image],
        &["tools"],
        &["tools", "--json"],
        &["tools", "try", "read_json", "{}"],
        &["tools", "try", "read_error", "{}", "--json"],
        &["tools", "try", "pulse", "{}"],
        &["config"],
        &["check"],
        &["check", "--json"],
        &["model"],
    ] {
        scan.look_at(&command.join(" "), &perform(&bench, command));
    }
    // The operator's own file is the one place where it may be.
    scan.look_into(&bench.path("state"));
    scan.look("the copy", &fs::read(bench.path("copy.bin")).unwrap());
    println!("canaries: {} texts, {} bytes, {} hits", scan.texts, scan.bytes, scan.hits.len());
    assert_eq!(scan.hits, Vec::<String>::new());

    // It all happened, or this shows nothing: the secrets were on the wire, and their marks in the records.
    let wire = wire.lock().unwrap();
    for secret in [IN_FILE, IN_VARIABLE, IN_CREDENTIAL] {
        assert!(wire.contains(secret), "{wire}");
    }
    assert!(server.seen().len() >= 10, "{wire}");
    let journal = String::from_utf8(perform(&bench, &["journal"]).stdout).unwrap();
    let marks = |name: &str| journal.matches(&format!("[secret {name}]")).count();
    assert!(marks("api") > 20 && marks("mail") > 20 && marks("site") > 20, "{journal}");
}

const ROOM: &str = r#"
[network.http.read_room]
summary = "Read the temperature of the room."
url = "http://127.0.0.1:PORT/room"
private = true
secret_header = { name = "Authorization", value = "Bearer {secret.api}" }

[secret]
api = "file:api.token"
"#;

/// What the engine keeps of the prompt lies in the state folder, too.
#[test]
fn snapshots_of_a_real_model_hold_no_secret_either() {
    let server = HttpServer::start(parrot);
    let bench = bench(&server);
    let board = fs::read_to_string(bench.path("agent.toml")).unwrap();
    let (board, _) = board.split_once("[network").unwrap();
    let (board, _) = board.split_once("grants").unwrap();
    let board = board.replace("You compare numbers.", "You read rooms.");
    let room = ROOM.replace("PORT", &server.port.to_string());
    bench.write("agent.toml", &format!("{board}grants = [\"read_room\"]\n{room}"));
    let told = bench.everstep(&[
        "run",
        "What is the temperature of the room?",
        "--seed",
        "1",
        "--model",
        &crate::measure::wren(),
    ]);
    let mut scan = Scan::default();
    scan.look("output", told.out.as_bytes());
    scan.look("errors", told.err.as_bytes());
    scan.look_into(&bench.path("state"));
    assert_eq!(scan.hits, Vec::<String>::new());
    assert!(server.seen().iter().any(|request| request.contains(IN_FILE)), "{told:?}");
    assert!(fs::read_dir(bench.path("state/kv/clerk")).unwrap().count() > 0, "{told:?}");
    assert!(told.err.contains("[secret api]"), "{told:?}");
}

#[test]
fn a_process_that_knows_a_secret_leaves_no_core_dump() {
    let server = HttpServer::start(|_| None);
    let bench = bench(&server);
    bench.change_board(&format!("env:{VARIABLE}"), "file:api.token");
    bench.change_board("systemd-creds:site", "file:api.token");
    let running = bench.run_until("called", &["read it"]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..], ["0", "0", "bytes"], "{core}");
    running.kill();
}
