//! TLS and credentials, with a real broker: whom the board believes, and who is let in.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's set-up may fail")]

use std::{fs, path::Path};

use everstep_core::Outcome;
use network_tests::{
    certificates::{Authority, Leaf},
    mqtt::{
        Board, Broker,
        tools::{Tools, call},
    },
};
use serde_json::json;

const PASSWORD: &str = "pass-1234567890";

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// A broker with this certificate; `more` is what else it is told.
fn broker(leaf: &Leaf, more: impl FnOnce(&Path) -> String) -> Broker {
    Broker::with(|folder| {
        let certificate = write(folder, "server.pem", &leaf.certificate);
        let key = write(folder, "server.key", &leaf.key);
        format!("certfile {certificate}\nkeyfile {key}\n{}", more(folder))
    })
}

fn open(_folder: &Path) -> String {
    "allow_anonymous true\n".into()
}

/// A tool `send` and a tool `read_air`, over TLS.
fn network(broker: &Broker, more: &str) -> String {
    let port = broker.port();
    format!(
        r#"
        [host."localhost:{port}"]
        ca = "ca.pem"
        [mqtt.site]
        broker = "mqtts://localhost:{port}"
        private = true
        client_id = "board"
        {more}
        [mqtt.site.publish.send]
        summary = "s"
        topic = "out"
        [mqtt.site.latest.read_air]
        summary = "s"
        filter = "lab/air"
        answer_ms_max = 5000
        "#
    )
}

async fn send(tools: &Tools) -> Outcome {
    call(tools, "send", json!({})).await
}

async fn refused(tools: &Tools) -> String {
    let Outcome::NotStarted(read) = call(tools, "read_air", json!({})).await else { panic!("it was read") };
    match send(tools).await {
        Outcome::NotStarted(why) => {
            // What listens meets the same.
            assert!(read.ends_with(why.as_str()), "{read}: {why}");
            why
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_is_believed_by_its_certificate() {
    let (authority, other) = (Authority::new(), Authority::new());
    let good = broker(&authority.server("localhost"), open);
    let board = || Board::default().with_file("ca.pem", authority.pem());
    for version in ["3.1.1", "5"] {
        let tools = board().tools(&network(&good, &format!("version = \"{version}\"")));
        let outcome = send(&tools).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        let outcome = call(&tools, "read_air", json!({})).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    let foreign = Board::default().with_file("ca.pem", other.pem()).tools(&network(&good, ""));
    let why = refused(&foreign).await;
    assert!(why.contains("leads to no trusted root"), "{why}");

    let expired = broker(&authority.expired("localhost"), open);
    let why = refused(&board().tools(&network(&expired, ""))).await;
    assert!(why.ends_with("its certificate has expired: it must be renewed there"), "{why}");

    let renamed = broker(&authority.server("other.example.com"), open);
    let why = refused(&board().tools(&network(&renamed, ""))).await;
    assert!(why.ends_with("its certificate is for other names"), "{why}");

    let why = refused(&board().without_time().tools(&network(&good, ""))).await;
    assert!(why.starts_with("the board's clock is not set"), "{why}");
    for broker in [&expired, &renamed] {
        assert_eq!(broker.count("Received CONNECT") + broker.count("Received PUBLISH"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_password_is_let_in_and_nobody_reads_it() {
    let authority = Authority::new();
    let guarded = broker(&authority.server("localhost"), |folder| {
        let file = folder.join("passwords");
        let mut program = std::process::Command::new("mosquitto_passwd");
        let made = program.args(["-b", "-c"]).arg(&file).args(["board", PASSWORD]).status().unwrap();
        assert!(made.success());
        format!("allow_anonymous false\npassword_file {}\n", file.display())
    });
    let login = "username = \"board\"\npassword = \"{secret.broker}\"";
    for version in ["3.1.1", "5"] {
        let login = format!("version = \"{version}\"\n{login}");
        let board = |secret: &str| {
            Board::default().with_file("ca.pem", authority.pem()).with_secret("broker", secret)
        };
        let outcome = send(&board(PASSWORD).tools(&network(&guarded, &login))).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        let why = refused(&board("wrong-1234567890").tools(&network(&guarded, &login))).await;
        assert!(
            why.contains("refuses the sign-on as `board`: ")
                && why.contains("check `username` and the secret `broker`"),
            "{why}"
        );
        assert!(!why.contains("wrong-1234567890"));
        let nobody = board(PASSWORD).tools(&network(&guarded, &format!("version = \"{version}\"")));
        let why = refused(&nobody).await;
        assert!(why.ends_with("it may want `username` and `password`"), "{why}");
    }
    // A secret that comes back in a message is masked.
    let login = format!("{login}\n");
    let board = Board::default().with_file("ca.pem", authority.pem()).with_secret("broker", PASSWORD);
    let echo = network(&guarded, &login).replace(
        "topic = \"out\"",
        &format!("topic = \"lab/air\"\nretain = true\npayload = \"it is {PASSWORD}\""),
    );
    let tools = board.tools(&echo);
    send(&tools).await;
    let Outcome::Done(told) = call(&tools, "read_air", json!({})).await else { panic!("not read") };
    assert!(told.starts_with("it is [secret broker]\n"), "{told}");
    let missing = Board::default().with_file("ca.pem", authority.pem()).try_tools(&network(&guarded, &login));
    let Err(why) = missing else { panic!("it was taken") };
    assert_eq!(why, "network.mqtt.site.password: there is no secret `broker`: name it in [secret]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_shows_its_own_certificate_where_it_is_asked_for() {
    let (authority, other) = (Authority::new(), Authority::new());
    let strict = broker(&authority.server("localhost"), |folder| {
        let ca = write(folder, "ca.pem", authority.pem());
        format!("allow_anonymous true\nrequire_certificate true\ncafile {ca}\n")
    });
    let shown = "certificate = \"board.pem\"\nkey = \"{secret.key}\"";
    let with = |leaf: &Leaf| {
        let board =
            Board::default().with_file("ca.pem", authority.pem()).with_file("board.pem", &leaf.certificate);
        board.with_secret("key", &leaf.key)
    };
    let own = authority.client("board7");
    for version in ["3.1.1", "5"] {
        let tools = with(&own).tools(&network(&strict, &format!("version = \"{version}\"\n{shown}")));
        let outcome = send(&tools).await;
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    }
    for tools in [
        with(&other.client("board7")).tools(&network(&strict, shown)),
        with(&own).tools(&network(&strict, "")),
    ] {
        let outcome = send(&tools).await;
        assert!(matches!(outcome, Outcome::NotStarted(_)), "{outcome:?}");
    }
    let told = |board: Board| match board.try_tools(&network(&strict, shown)) {
        Ok(_) => panic!("it was taken"),
        Err(why) => why,
    };
    let foreign = authority.client("board8");
    let mixed = Leaf { certificate: own.certificate.clone(), key: foreign.key.clone() };
    let why = told(with(&mixed));
    assert_eq!(why, "network.mqtt.site.key: the secret `key` does not belong to the certificate");
    let why = told(with(&Leaf { certificate: own.certificate.clone(), key: "no key at all".into() }));
    assert_eq!(why, "network.mqtt.site.key: the secret `key` is no private key in PEM");
    let why = told(with(&Leaf { certificate: "nothing".into(), key: own.key.clone() }));
    assert!(
        why.starts_with("network.mqtt.site.certificate: ") && why.ends_with("board.pem has no certificate"),
        "{why}"
    );
}
