//! A new engine goes on where another one stopped, or says why it does not.

use everstep_model::SnapshotFact;

use super::*;
use crate::SnapshotOptions;

/// A model that loads again and again, with a folder for its snapshots.
struct Bench {
    gguf: PathBuf,
    kv: PathBuf,
    bytes_max: u64,
    bytes_per_hour_max: u64,
    _folder: TempDir,
}

/// What an engine did with one request.
struct Served {
    outcome: Outcome,
    facts: Vec<SnapshotFact>,
}

impl Bench {
    fn new(gguf: Option<PathBuf>) -> Self {
        let (folder, tiny) = tiny::write(Tiny::default());
        let kv = folder.path().join("kv");
        let bytes = 1 << 26;
        let gguf = gguf.unwrap_or(tiny);
        Self { gguf, kv, bytes_max: bytes, bytes_per_hour_max: bytes, _folder: folder }
    }

    fn tiny() -> Self {
        Self::new(None)
    }

    /// The bundled model, which is recurrent in part.
    fn wren() -> Self {
        Self::new(Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf")))
    }

    /// A process of its own, as far as the engine can tell: load, serve one request, end.
    async fn serve(&self, request: Request) -> Served {
        self.serve_with(request, true).await
    }

    async fn cold(&self, request: Request) -> Outcome {
        self.serve_with(request, false).await.outcome
    }

    async fn serve_with(&self, request: Request, keeps: bool) -> Served {
        let mut options = EngineOptions::new(&self.gguf);
        options.snapshots = keeps.then(|| SnapshotOptions {
            folder: self.kv.clone(),
            bytes_max: self.bytes_max,
            bytes_per_hour_max: self.bytes_per_hour_max,
        });
        let mut model = LlamaModel::load(options, Box::new(|_| {})).unwrap();
        let mut facts = Vec::new();
        let outcome = hear(&mut model, request, &mut facts).await;
        // Lets the writer come to its end before what it said is read.
        model.commands = None;
        loop {
            match model.next_event().await {
                ModelEvent::Snapshot(fact) => facts.push(fact),
                _ => return Served { outcome, facts },
            }
        }
    }

    /// Takes away what came behind the first snapshot.
    fn leave_first(&self) {
        for extra in self.files().iter().skip(1) {
            fs::remove_file(extra).unwrap();
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.kv).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

async fn hear(model: &mut LlamaModel, request: Request, facts: &mut Vec<SnapshotFact>) -> Outcome {
    let mut outcome =
        Outcome { tokens: request.generated.clone(), end: Ok(String::new()), cached: 0, evaluated: 0 };
    let activity = request.activity;
    model.submit(request);
    loop {
        match model.next_event().await {
            ModelEvent::Snapshot(fact) => facts.push(fact),
            ModelEvent::Progress { cached, evaluated, .. } => {
                (outcome.cached, outcome.evaluated) = (cached, evaluated);
            }
            ModelEvent::Tokens { tokens, end, .. } => {
                outcome.tokens.extend(tokens);
                if let Some(text) = end {
                    return Outcome { end: Ok(text), ..outcome };
                }
                model.accepted(activity, outcome.tokens.len());
            }
            ModelEvent::Failed { reason, .. } => return Outcome { end: Err(reason), ..outcome },
            other => panic!("unexpected {other:?}"),
        }
    }
}

/// A prompt of several hundred tokens.
fn long_request() -> Request {
    let mut request = request(&"log that the air is cold and read the fan, ".repeat(20));
    request.sampling.temperature = 0.0;
    request.tokens_max = 48;
    request
}

/// The step behind it.
fn next_step(mut request: Request, reply: &Outcome) -> Request {
    let said = Message::Assistant { tokens: reply.tokens.clone(), text: String::new() };
    request.messages.extend([said, Message::Tool("done".to_owned())]);
    request
}

fn refusals(served: &Served) -> Vec<String> {
    let refusal = |fact: &SnapshotFact| match fact {
        SnapshotFact::Refused { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    served.facts.iter().filter_map(refusal).collect()
}

fn assert_same(warm: &Outcome, cold: &Outcome) {
    assert_eq!((&warm.tokens, &warm.end), (&cold.tokens, &cold.end));
}

#[tokio::test(flavor = "current_thread")]
async fn new_engine_evaluates_only_what_is_new() {
    for bench in [Bench::tiny(), Bench::wren()] {
        let first = bench.serve(long_request()).await;
        let [SnapshotFact::Written { tokens, .. }] = first.facts[..] else { panic!("{:?}", first.facts) };
        let next = next_step(long_request(), &first.outcome);
        let warm = bench.serve(next.clone()).await;
        let restored = SnapshotFact::Restored { file: "000000000001.kv".to_owned(), tokens, of: tokens };
        assert_eq!(warm.facts, [restored]);
        let cold = bench.cold(next).await;
        assert_same(&warm.outcome, &cold);
        assert_eq!(warm.outcome.cached, tokens);
        assert!(cold.cached == 0 && cold.evaluated - tokens < 64, "{tokens} of {}", cold.evaluated);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn snapshot_ahead_of_what_is_on_flash_is_cut_back() {
    for bench in [Bench::tiny(), Bench::wren()] {
        let first = bench.serve(long_request()).await;
        // The reply was in the cache and never in the journal, in part or at all.
        for kept in [0, 3] {
            let mut again = long_request();
            again.generated = first.outcome.tokens[..kept].to_vec();
            let warm = bench.serve(again.clone()).await;
            let cold = bench.cold(again).await;
            assert_same(&warm.outcome, &cold);
            assert!(
                warm.outcome.cached + 5 > cold.evaluated,
                "{} of {}",
                warm.outcome.cached,
                cold.evaluated
            );
        }
        // Of another task only the head is the same.
        let mut other = long_request();
        other.messages[1] = Message::User("defrost".to_owned());
        let warm = bench.serve(other.clone()).await;
        let cold = bench.cold(other).await;
        assert_same(&warm.outcome, &cold);
        assert!(warm.outcome.cached > 20 && warm.outcome.cached < cold.evaluated);
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_does_not_fit_is_refused_by_name_and_costs_an_evaluation() {
    let bench = Bench::tiny();
    let first = bench.serve(long_request()).await;
    let file = bench.files().remove(0);
    let whole = fs::read(&file).unwrap();
    let next = next_step(long_request(), &first.outcome);
    let cold = bench.cold(next.clone()).await;
    let mut tools = next.clone();
    tools.tools.pop();
    let alone = bench.cold(tools.clone()).await;
    let served = bench.serve(tools).await;
    assert_eq!(refusals(&served), ["it belongs to another set of tools"]);
    assert_same(&served.outcome, &alone);
    assert_eq!(served.outcome.cached, 0);
    bench.leave_first();

    // A bit of each region, and a file cut short.
    for at in [0, 9, 15, 40, 60, 200, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        fs::write(&file, flipped).unwrap();
        let served = bench.serve(next.clone()).await;
        assert_eq!(refusals(&served).len(), 1, "byte {at}: {:?}", served.facts);
        assert_same(&served.outcome, &cold);
        bench.leave_first();
    }
    fs::write(&file, &whole[..whole.len() - 1]).unwrap();
    // Behind a damaged one comes an older one; here the order is the other way round.
    fs::write(bench.kv.join("000000000000.kv"), &whole).unwrap();
    let served = bench.serve(next.clone()).await;
    assert_eq!(refusals(&served), ["it is damaged: its length is another"]);
    assert!(served.outcome.cached > 100);
    assert_same(&served.outcome, &cold);

    // Another model of the same shape, and another template.
    fs::remove_file(bench.kv.join("000000000000.kv")).unwrap();
    for (tiny, what) in [
        (Tiny { seed: 2, ..Tiny::default() }, "model"),
        (
            Tiny {
                template: "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}\
                           {% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}",
                ..Tiny::default()
            },
            "model",
        ),
    ] {
        fs::write(&file, &whole).unwrap();
        fs::write(&bench.gguf, tiny::bytes(tiny)).unwrap();
        let alone = bench.cold(next.clone()).await;
        let served = bench.serve(next.clone()).await;
        assert_eq!(refusals(&served), [format!("it belongs to another {what}")]);
        assert_same(&served.outcome, &alone);
        bench.leave_first();
    }
}

#[tokio::test(flavor = "current_thread")]
async fn prompt_with_another_head_goes_back_to_nothing() {
    let bench = Bench::wren();
    bench.serve(long_request()).await;
    let mut other = long_request();
    other.messages[0] = Message::System("Be brief, and be quick.".to_owned());
    let cold = bench.cold(other.clone()).await;
    let served = bench.serve(other).await;
    let [reason] = &refusals(&served)[..] else { panic!("{:?}", served.facts) };
    assert!(reason.contains("begin this prompt up to a place"), "{reason}");
    assert_eq!(served.outcome.cached, 0);
    assert_same(&served.outcome, &cold);
}

#[tokio::test(flavor = "current_thread")]
async fn little_growth_and_spent_bytes_write_nothing() {
    let mut bench = Bench::tiny();
    let short = bench.serve(request("hi")).await;
    let after_head = short.outcome.evaluated + u32::try_from(short.outcome.tokens.len()).unwrap();
    assert_eq!(short.facts.is_empty(), after_head < 128, "{after_head}: {:?}", short.facts);

    bench.kv = bench.kv.with_file_name("other");
    bench.bytes_per_hour_max = 1_000;
    let spent = bench.serve(long_request()).await;
    let reason = "what may be written in an hour is used up".to_owned();
    assert_eq!(spent.facts, [SnapshotFact::NotWritten { reason }]);
    bench.bytes_max = 1_000;
    let large = bench.serve(long_request()).await;
    let reason = "the state has none that fits 1000 bytes and can be restored".to_owned();
    assert_eq!(large.facts, [SnapshotFact::NotWritten { reason }]);
    assert!(bench.files().is_empty());
}
