//! Seeded runs against a server that loses answers, acts late and fails: what a call is told to have come
//! to is compared with the server's own log.

use std::{
    collections::{BTreeMap, hash_map::DefaultHasher},
    hash::Hasher as _,
};

use everstep_core::Class;

use super::*;

/// Runs, and calls in each.
const SEEDS: u64 = 60;
const CALLS: u64 = 5;
const TRIES_MAX: u32 = 3;

const ACTS: &str = r#"
[http.keyed]
summary = "Order."
method = "POST"
url = "http://api.test:PORT/keyed"
private = true
class = "keyed"
key_valid_s = 600
parameters = [{ name = "what", kind = "text", in = "body" }]
answer_ms_max = 150

[http.never]
summary = "Pulse."
method = "POST"
url = "http://api.test:PORT/never"
private = true
class = "never"
parameters = [{ name = "what", kind = "text", in = "body" }]
answer_ms_max = 150

[http.safe]
summary = "Set."
method = "PUT"
url = "http://api.test:PORT/safe"
private = true
class = "safe"
parameters = [{ name = "what", kind = "text", in = "body" }]
answer_ms_max = 150
"#;

/// The same for the same words, in every run.
fn draw(words: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    words.hash(&mut hasher);
    hasher.finish()
}

fn act(seed: u64, index: usize) -> Act {
    let torn = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{".to_owned();
    match draw((seed, "act", index)) % 12 {
        0 => Act::DoAndClose,
        1 => Act::DoAndHang,
        2 => Act::DoLate,
        3 => Act::Close,
        4 => Act::Hang,
        5 => Act::Send(answer(503, "", "")),
        6 => Act::Do(answer(500, "", "")),
        7 => Act::Send(answer(422, "", "")),
        8 => Act::Do(torn),
        9 => Act::Send(answer(409, "", "")),
        _ => Act::Do(answer(200, "", "done")),
    }
}

/// One call as the runtime makes it: again where its class allows, as often as it may.
async fn perform(bench: &Bench, name: &str, what: &str) -> Outcome {
    let class = bench.tool(name).spec().class;
    let mut attempt = 1;
    loop {
        let outcome = bench.try_call(name, json!({"what": what}), what, attempt).await;
        match (&outcome, class) {
            // A later try that certainly did not run says nothing of the earlier ones.
            (Outcome::NotStarted(why), Class::Keyed { .. } | Class::Safe) if attempt > 1 => {
                return Outcome::MayHaveRun(why.clone());
            }
            (Outcome::MayHaveRun(_), Class::Keyed { .. } | Class::Safe) if attempt < TRIES_MAX => {
                attempt += 1;
            }
            _ => return outcome,
        }
    }
}

async fn run(seed: u64) -> BTreeMap<&'static str, [u32; 3]> {
    let mut server = Server::start(None, move |seen| act(seed, seen.index)).await;
    let bench = Bench::new(ACTS, &server);
    let mut told = Vec::new();
    for call in 0..CALLS {
        let name = ["keyed", "never", "safe"][usize::try_from(draw((seed, "name", call)) % 3).unwrap()];
        let what = format!("{name}-{seed}-{call}");
        let outcome = perform(&bench, name, &what).await;
        told.push((name, what, outcome));
    }
    // What is done late is done by now.
    server.idle().await;
    let done = server.done();
    let mut counts = BTreeMap::new();
    for (name, what, outcome) in &told {
        // The log of a class without keys has the body.
        let times = done.iter().filter(|deed| deed.contains(what.as_str())).count();
        let context = format!("seed {seed}: {what}: {outcome:?}, done {times} times");
        let row = match outcome {
            Outcome::Done(_) => {
                assert!(times >= 1, "{context}");
                0
            }
            Outcome::NotStarted(_) => {
                assert_eq!(times, 0, "{context}");
                1
            }
            Outcome::MayHaveRun(_) => 2,
        };
        if *name != "safe" {
            assert!(times <= 1, "{context}");
        }
        counts.entry(*name).or_insert([0; 3])[row] += 1;
    }
    // Nothing was done that nobody asked for.
    assert!(
        done.iter().all(|deed| told.iter().any(|(_, what, _)| deed.contains(what.as_str()))),
        "seed {seed}"
    );
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_is_told_agrees_with_the_server_s_log() {
    let mut all: BTreeMap<&str, [u32; 3]> = BTreeMap::new();
    // Some at a time: most of each run is waiting.
    let seeds: Vec<u64> = (0..SEEDS).collect();
    for group in seeds.chunks(10) {
        let runs: Vec<_> = group.iter().map(|seed| tokio::spawn(run(*seed))).collect();
        for counts in runs {
            for (name, rows) in counts.await.unwrap() {
                let sum = all.entry(name).or_insert([0; 3]);
                sum.iter_mut().zip(rows).for_each(|(sum, row)| *sum += row);
            }
        }
    }
    println!("{SEEDS} seeds, {CALLS} calls each; done, certainly not, unknown: {all:?}");
    // Every outcome was met, or the test shows nothing.
    for (name, rows) in &all {
        assert!(rows.iter().all(|count| *count > 0), "{name}: {rows:?}");
    }
    assert_eq!(all.len(), 3);
}
