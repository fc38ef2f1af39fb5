//! Other families through the whole engine: forced, parsed, and gone on with after a cut.

use everstep_model::Family;

use super::*;

/// A tiny model that speaks `family`.
fn load_as(family: &str, tiny: Tiny) -> Loaded {
    let (folder, path) = tiny::write(tiny);
    let log = folder.path().join("sampled");
    let mut options = EngineOptions::new(path);
    options.sampled_log = Some(log.clone());
    options.family = Some(family.to_owned());
    let model = LlamaModel::load(options, Box::new(|_| {})).unwrap();
    Loaded { model, log, _folder: folder }
}

fn tokens(text: &str) -> Vec<TokenId> {
    text.bytes().map(TokenId::from).collect()
}

/// Random weights, begun in the middle of a call, can only end it well; cut anywhere, they go on alike.
#[tokio::test(flavor = "current_thread")]
async fn random_weights_give_only_whole_calls_in_every_form() {
    for name in ["qwen3", "llama3", "mistral", "qwen3.5", "minicpm5", "lfm2", "gemma4"] {
        let family = Family::by_name(name).unwrap();
        let mut loaded = load_as(name, Tiny { call_kind: 1, ..Tiny::default() });
        let mut calls = 0;
        for seed in 0..12 {
            let mut request = request("cool");
            request.seed = seed;
            request.generated = tokens(family.call_open);
            let whole = generate(&mut loaded.model, request.clone()).await;
            let Ok(text) = &whole.end else { continue };
            match loaded.model.parse(text, &tools()) {
                Reply::Call { tool, arguments } => {
                    let tools = tools();
                    let known = tools.iter().find(|known| known.name == tool).unwrap();
                    assert!(jsonschema::is_valid(&known.arguments, &arguments), "{name}: {text:?}");
                    calls += 1;
                }
                other => panic!("{name}: {text:?} is {other:?}"),
            }
            if seed > 3 {
                continue;
            }
            for cut in (0..whole.tokens.len()).step_by(7).filter(|&cut| cut >= request.generated.len()) {
                let mut resumed = request.clone();
                resumed.generated = whole.tokens[..cut].to_vec();
                let resumed = generate(&mut loaded.model, resumed).await;
                assert_eq!(
                    (&resumed.tokens, &resumed.end),
                    (&whole.tokens, &whole.end),
                    "{name} cut at {cut}"
                );
            }
        }
        assert!(calls >= 3, "{name}: {calls} calls");
    }
}

/// The prompt ends inside of a thought that random weights never end: the limit does.
#[tokio::test(flavor = "current_thread")]
async fn thought_ends_within_half_of_the_reply_s_tokens_and_is_not_shown() {
    const TEMPLATE: &str = "\
{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\\n' }}{{ m.content }}{{ '<|im_end|>\\n' }}{%- endfor -%}
{{ '<|im_start|>assistant\\n<think>\\n' }}";
    let mut loaded = load_as("qwen3", Tiny { template: TEMPLATE, ..Tiny::default() });
    assert!(loaded.model.card().workarounds.iter().any(|line| line.contains("shows no tools")));
    let (mut ended, mut replied) = (0, 0);
    for seed in 0..12 {
        let mut base = request("cool");
        base.seed = seed;
        base.tokens_max = 120;
        let whole = generate(&mut loaded.model, base.clone()).await;
        let text = loaded.model.text(&whole.tokens);
        let Some((thought, said)) = text.split_once("</think>") else {
            panic!("seed {seed}: no end of the thought in {text:?}");
        };
        // One token is at least a byte; the end itself and a begun character come on top.
        assert!(whole.tokens.len() <= 120 && said.starts_with("\n\n"), "{text:?}");
        ended += usize::from(thought.ends_with('\n'));
        if whole.end.is_ok() {
            replied += 1;
            if let Reply::Answer(answer) = loaded.model.parse(&text, &tools()) {
                assert!(!thought.trim().is_empty() && !answer.contains(thought), "{text:?}");
            }
        }
        for cut in [30, 59, 60, 61, 62, 65, 70] {
            let mut resumed = base.clone();
            resumed.generated = whole.tokens[..cut.min(whole.tokens.len())].to_vec();
            let resumed = generate(&mut loaded.model, resumed).await;
            assert_eq!(
                (&resumed.tokens, &resumed.end),
                (&whole.tokens, &whole.end),
                "seed {seed} cut at {cut}"
            );
        }
    }
    assert!(ended > 6, "{ended} thoughts were ended, {replied} replies");
}
