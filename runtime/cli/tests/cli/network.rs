//! What is outside the board: its tools are listed, and what is wrong is told by its key.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::bench::{Bench, SCRIPT, json};

const NETWORK: &str = r#"
[network.http.read_room]
summary = "Read a room."
url = "https://api.example.com/rooms"
secret_header = { name = "Authorization", value = "Bearer {secret.api}" }

[network.query.read_log]
summary = "Read the log."
database = "log.db"
sql = "SELECT 1"

[network.host."api.example.com"]
concurrent_max = 1

[secret]
api = "file:api.token"
"#;

fn bench() -> Bench {
    let bench = Bench::new(SCRIPT);
    bench.change_board("\"log\"]", "\"log\", \"read_room\", \"read_log\"]");
    let board = fs::read_to_string(bench.path("agent.toml")).unwrap();
    bench.write("agent.toml", &format!("{board}{NETWORK}"));
    write_token(&bench, "tok-1234567890");
    bench
}

fn write_token(bench: &Bench, token: &str) {
    bench.write("api.token", token);
    fs::set_permissions(bench.path("api.token"), fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn endpoints_and_queries_are_listed_without_their_secrets() {
    let bench = bench();
    let told = bench.everstep(&["tools", "--json"]).done();
    let all = json(&told);
    for name in ["read_room", "read_log"] {
        assert!(all.as_array().unwrap().iter().any(|tool| tool["name"] == name), "{name} in {told}");
    }
    let config = bench.everstep(&["config"]).done();
    assert!(
        config.contains("api = \"file:api.token\"") && config.contains("answer_ms_max = 10000"),
        "{config}"
    );
    assert!(!format!("{told}{config}").contains("tok-1234567890"));
}

#[test]
fn what_is_wrong_with_the_network_is_told_by_its_key() {
    let bench = bench();
    write_token(&bench, "short");
    bench.everstep(&["tools"]).refuses(2, &["secret.api: a secret has 8 to 8192 bytes, not 5"]);
    fs::remove_file(bench.path("api.token")).unwrap();
    bench.everstep(&["run", "x"]).refuses(2, &["secret.api: there is no file", "umask 077"]);
    bench.change_board("https://api", "http://api");
    bench.everstep(&["tools"]).refuses(2, &["network.http.read_room.url: http:// is for the local network"]);
    bench.change_board("http://api", "https://api");
    bench.change_board("concurrent_max = 1", "concurrent_max = 0");
    let key = "network.host.api.example.com.concurrent_max";
    bench.everstep(&["tools"]).refuses(2, &[key, "must be from 1 to 64, not 0"]);
    bench.change_board("concurrent_max = 0", "concurrent = 1");
    bench.everstep(&["tools"]).refuses(2, &["unknown field `concurrent`, expected one of `concurrent_max`"]);
}
