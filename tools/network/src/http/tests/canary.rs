//! Secrets are planted, and every word that leaves this crate is scanned for them in every form.

use super::*;
use crate::rehearsal::forms;

/// Of all kinds of letters, so that every escape has something to escape.
const CANARY: &str = "cAn4ry+/=\"\\ ???~~~%7E";

const ECHO: &str = r#"
[http.read]
summary = "Read."
url = "http://api.test:PORT/a"
private = true
secret_header = { name = "Authorization", value = "Bearer {secret.canary}" }
keep = ["/said", "/and"]
answer_ms_max = 2000

[http.text]
summary = "Read."
url = "http://api.test:PORT/a"
private = true
secret_header = { name = "X-Token", value = "{secret.canary}" }
keep = { text_bytes = 2000 }
answer_ms_max = 2000

[http.act]
summary = "Act."
method = "POST"
url = "http://api.test:PORT/a"
private = true
class = "never"
secret_header = { name = "Authorization", value = "Basic {secret.canary}" }
answer_ms_max = 2000
"#;

fn words(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Done(text) | Outcome::NotStarted(text) | Outcome::MayHaveRun(text) => text,
    }
}

/// What would be read by a model or kept in a record.
async fn said(status: u16, echo: String) -> Vec<String> {
    let body = json!({"said": echo, "and": {"again": [echo]}}).to_string();
    let headers = format!("X-Echo: {}\r\n", echo.replace(|letter: char| letter.is_control(), ""));
    let server = Server::start(None, move |_| Act::Send(answer(status, &headers, &body))).await;
    let section: NetworkSection = toml::from_str(&ECHO.replace("PORT", &server.port.to_string())).unwrap();
    let board = BoardSide {
        vault: vault(&[("canary", CANARY)]),
        clock: TestClock::at(Some(built_s())),
        trusted_s: None,
        folder: "".into(),
        bind_child: |_| {},
    };
    let tools = assemble_with(&section, &board, loopback()).unwrap();
    let mut said =
        vec![format!("{section:?}"), toml::to_string(&section).unwrap(), format!("{:?}", board.vault)];
    for tool in &tools {
        said.push(format!("{:?}", tool.spec()));
        let call = ToolCall {
            id: CallId(1),
            arguments: json!({}),
            baseline: None,
            idempotency_key: Some("k".into()),
        };
        let cx = Context { attempt: 1, deadline: Duration::from_secs(2), cancel: Cancel::default() };
        let outcome = tool.run(&call, &cx).await;
        said.push(words(&outcome).to_owned());
        said.push(format!("{outcome:?}"));
    }
    // It did reach the wire, or this shows nothing.
    assert!(server.seen().iter().all(|seen| seen.head.contains(CANARY)));
    assert_eq!(server.seen().len(), 3);
    said
}

#[tokio::test]
async fn no_form_of_a_secret_is_ever_said() {
    let forms = forms(CANARY);
    let mut scanned = 0;
    for echo in &forms {
        for status in [200, 401, 500] {
            for text in said(status, echo.clone()).await {
                scanned += 1;
                for form in &forms {
                    assert!(!text.contains(form.as_str()), "{status}: {form} in {text}");
                }
            }
        }
    }
    println!("{scanned} texts scanned for {} forms of a secret", forms.len());
}
