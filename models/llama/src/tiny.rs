//! A tiny model with random weights, written by the tests themselves: llama.cpp loads it like any other.
//!
//! Its vocabulary is the 256 bytes, some merged words, and markup, so that every byte sequence can be
//! sampled, broken UTF-8 too.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::gguf::spelling;

/// What the tests vary.
#[derive(Clone, Copy)]
pub(crate) struct Tiny {
    /// Decides the weights.
    pub(crate) seed: u64,
    /// Whether `<tool_call>` is one token, and of which kind: 3 control, 4 user-defined, 1 none.
    pub(crate) call_kind: i32,
    pub(crate) template: &'static str,
    pub(crate) habit: Habit,
}

/// What the model tends to say.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Habit {
    /// Anything.
    Random,
    /// Behind a token mostly the next one of its sixteen, round and round.
    Rounds,
}

/// The conversation in the form of `models/wren`.
pub(crate) const TEMPLATE: &str = "\
{%- for m in messages -%}
{%- if m.role == 'tool' -%}{{ '<|im_start|>user\\n<tool_response>\\n' }}{{ m.content }}{{ '\\n</tool_response><|im_end|>\\n' }}
{%- else -%}{{ '<|im_start|>' + m.role + '\\n' }}{{ m.content }}
{%- if m.role == 'system' and tools %}{% for t in tools %}{{ '\\n' + t.function.name + ' ' + t.function.description }}{% endfor %}{% endif %}
{{- '<|im_end|>\\n' }}
{%- endif -%}
{%- endfor -%}
{{ '<|im_start|>assistant\\n' }}";

impl Default for Tiny {
    fn default() -> Self {
        Self { seed: 1, call_kind: 3, template: TEMPLATE, habit: Habit::Random }
    }
}

const WIDTH: usize = 32;
const HIDDEN: usize = 48;
const CONTEXT: u32 = 2048;
/// Words that become one token, each built up letter by letter.
const WORDS: &[&str] = &["name", "arguments", "tool", "set", "read", "fan", "true", "air"];

/// Writes the model into a folder of its own, which goes when the handle is dropped.
pub(crate) fn write(tiny: Tiny) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    std::fs::write(&path, bytes(tiny)).unwrap();
    (folder, path)
}

pub(crate) fn bytes(tiny: Tiny) -> Vec<u8> {
    let (tokens, kinds, merges) = vocabulary(tiny.call_kind);
    let end = tokens.iter().position(|token| token == "<|im_end|>").unwrap() as u32;
    let number = |value: u32| value.to_le_bytes().to_vec();
    let mut pairs: Vec<(&str, u32, Vec<u8>)> = vec![
        ("general.architecture", 8, string("llama")),
        ("general.name", 8, string("tiny")),
        ("general.file_type", 4, number(0)),
        ("llama.context_length", 4, number(CONTEXT)),
        ("llama.embedding_length", 4, number(WIDTH as u32)),
        ("llama.block_count", 4, number(1)),
        ("llama.feed_forward_length", 4, number(HIDDEN as u32)),
        ("llama.attention.head_count", 4, number(4)),
        ("llama.attention.head_count_kv", 4, number(2)),
        ("llama.rope.dimension_count", 4, number(8)),
        ("llama.attention.layer_norm_rms_epsilon", 6, 1e-5_f32.to_le_bytes().to_vec()),
        ("tokenizer.ggml.model", 8, string("gpt2")),
        ("tokenizer.ggml.pre", 8, string("gpt-2")),
        ("tokenizer.ggml.tokens", 9, list(8, tokens.iter().map(|token| string(token)))),
        ("tokenizer.ggml.token_type", 9, list(5, kinds.iter().map(|kind| kind.to_le_bytes().to_vec()))),
        ("tokenizer.ggml.merges", 9, list(8, merges.iter().map(|merge| string(merge)))),
        ("tokenizer.ggml.eos_token_id", 4, number(end)),
        ("tokenizer.ggml.add_bos_token", 7, vec![0]),
    ];
    if !tiny.template.is_empty() {
        pairs.push(("tokenizer.chat_template", 8, string(tiny.template)));
    }
    let mut random = tiny.seed;
    let mut embedding = Vec::new();
    let mut data = Vec::new();
    let mut table = Vec::new();
    let shapes = shapes(tokens.len());
    for (name, shape) in &shapes {
        table.extend(string(name));
        table.extend((shape.len() as u32).to_le_bytes());
        for &size in shape {
            table.extend((size as u64).to_le_bytes());
        }
        table.extend(0_u32.to_le_bytes());
        table.extend((data.len() as u64).to_le_bytes());
        let values = (0..shape.iter().product::<usize>())
            .map(|_| if shape.len() == 1 { 1.0 } else { draw(&mut random) });
        let mut values: Vec<f32> = values.collect();
        if *name == "token_embd.weight" {
            embedding.clone_from(&values);
            if tiny.habit == Habit::Rounds {
                // Much more of it than what the layer adds.
                for value in &mut values {
                    *value *= 50.0;
                }
            }
        }
        if *name == "output.weight" && tiny.habit == Habit::Rounds {
            // Says what has the embedding of the token before.
            let before = |row: usize| if row < 256 { row & !15 | (row.wrapping_sub(1) & 15) } else { row };
            let rows = (0..tokens.len()).flat_map(|row| &embedding[before(row) * WIDTH..][..WIDTH]);
            values = rows.copied().collect();
        }
        data.extend(values.into_iter().flat_map(f32::to_le_bytes));
        data.resize(data.len().next_multiple_of(32), 0);
    }
    let mut file = b"GGUF".to_vec();
    file.extend(3_u32.to_le_bytes());
    file.extend((shapes.len() as u64).to_le_bytes());
    file.extend((pairs.len() as u64).to_le_bytes());
    for (key, kind, value) in pairs {
        file.extend(string(key));
        file.extend(kind.to_le_bytes());
        file.extend(value);
    }
    file.extend(table);
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend(data);
    file
}

fn shapes(vocabulary: usize) -> Vec<(&'static str, Vec<usize>)> {
    vec![
        ("token_embd.weight", vec![WIDTH, vocabulary]),
        ("output_norm.weight", vec![WIDTH]),
        ("output.weight", vec![WIDTH, vocabulary]),
        ("blk.0.attn_norm.weight", vec![WIDTH]),
        ("blk.0.attn_q.weight", vec![WIDTH, WIDTH]),
        ("blk.0.attn_k.weight", vec![WIDTH, WIDTH / 2]),
        ("blk.0.attn_v.weight", vec![WIDTH, WIDTH / 2]),
        ("blk.0.attn_output.weight", vec![WIDTH, WIDTH]),
        ("blk.0.ffn_norm.weight", vec![WIDTH]),
        ("blk.0.ffn_gate.weight", vec![WIDTH, HIDDEN]),
        ("blk.0.ffn_up.weight", vec![WIDTH, HIDDEN]),
        ("blk.0.ffn_down.weight", vec![HIDDEN, WIDTH]),
    ]
}

/// Tokens in GPT-2's spelling of bytes, their kinds, and the merges.
fn vocabulary(call_kind: i32) -> (Vec<String>, Vec<i32>, Vec<String>) {
    let mut tokens: Vec<String> = (0..=255).map(spelling).map(String::from).collect();
    let mut merges = Vec::new();
    for word in WORDS {
        for length in 2..=word.len() {
            let token = word[..length].to_owned();
            if !tokens.contains(&token) {
                merges.push(format!("{} {}", &word[..length - 1], &word[length - 1..length]));
                tokens.push(token);
            }
        }
    }
    let mut kinds = vec![1; tokens.len()];
    for (token, kind) in [
        ("<|im_start|>", 3),
        ("<|im_end|>", 3),
        ("<tool_call>", call_kind),
        ("</tool_call>", call_kind),
        ("<|odd|>", 4),
    ] {
        if kind != 1 {
            tokens.push(token.to_owned());
            kinds.push(kind);
        }
    }
    (tokens, kinds, merges)
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn list(kind: u32, items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<_> = items.collect();
    [&kind.to_le_bytes()[..], &(items.len() as u64).to_le_bytes(), &items.concat()].concat()
}

/// A weight from -0.5 to 0.5.
fn draw(state: &mut u64) -> f32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
}
