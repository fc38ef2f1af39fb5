use std::{fs, path::Path};

use super::*;
use crate::tiny::{self, Tiny};

const SETUP: Setup = Setup { context_tokens: 4096, sequences: 1, snapshot_bytes_max: 0 };

fn head(bytes: &[u8]) -> Gguf {
    Gguf::read(bytes, bytes.len() as u64).unwrap()
}

/// A dense model of eight layers whose head lacks nothing.
fn dense(architecture: &str, more: &[(&str, u64)], lists: &[(&str, &[u64])]) -> Memory {
    let numbers = [
        &[
            ("block_count", 8),
            ("embedding_length", 512),
            ("feed_forward_length", 2048),
            ("attention.head_count", 8),
        ],
        more,
    ];
    estimate(&Gguf::saying(architecture, 1000, &numbers.concat(), lists), SETUP)
}

/// The numbers beside each other are llama.cpp's own, of its log.
#[test]
fn bundled_model_takes_what_llama_cpp_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf");
    let memory = estimate(&head(&fs::read(path).unwrap()), SETUP);
    // Four of eight layers have attention, with 2 KV heads of 64 numbers: "KV buffer size = 8.00 MiB".
    assert_eq!(memory.kv_token, Some(4 * 2 * (64 + 64) * 2));
    assert_eq!(memory.kv, Some(8 << 20));
    // The others keep 2 of 3 steps of 256 numbers: "RS buffer size = 0.01 MiB".
    assert_eq!(memory.recurrent, Some(4 * 2 * 256 * 4));
    // "model buffer size = 6.94 MiB", and nothing is repacked.
    assert_eq!((memory.weights * 100 + (1 << 19)) >> 20, 694);
    #[cfg(target_arch = "x86_64")]
    assert_eq!(memory.repacked, 0);
    assert_eq!(memory.weights_token, memory.weights);
    // "compute buffer size = 1.38 MiB" and one row of scores. The mask, five tensors of 256, three of 768.
    let rows = 4096 * 64 * 2 + (5 * 256 + 3 * 768) * 64 * 4;
    assert_eq!(memory.compute, rows + 1024 * 4 + 2 * 8192);
}

#[test]
fn tiny_model_takes_what_its_tensors_add_up_to() {
    let memory = estimate(&head(&tiny::bytes(Tiny::default())), Setup { context_tokens: 300, ..SETUP });
    // One layer, 2 KV heads of 8 numbers. The context becomes 512.
    assert_eq!((memory.kv_token, memory.kv), (Some(2 * (8 + 8) * 2), Some(64 * 512)));
    assert_eq!(memory.recurrent, Some(0));
    let tokens = head(&tiny::bytes(Tiny::default())).tokens() as u64;
    let weights = 2 * 32 * tokens + 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 48 + 3 * 32;
    assert_eq!(memory.weights, weights * 4);
    // It has an output of its own: of the embeddings, a token reads one row.
    assert_eq!(memory.weights_token, memory.weights - 32 * tokens * 4);
    // The scores are wider than the feed-forward part.
    assert_eq!(memory.compute, 512 * 64 * 2 + 5 * 32 * 64 * 4 + tokens * 64 * 4 + tokens * 4);
    assert_eq!(memory.vocabulary, tokens * VOCABULARY_TOKEN_BYTES);
}

#[test]
fn shape_of_a_real_model_takes_what_llama_cpp_said_of_it() {
    // Qwen2.5-0.5B: "KV buffer size = 48.00 MiB", "compute buffer size = 38.69 MiB".
    let numbers = [
        ("block_count", 24),
        ("embedding_length", 896),
        ("feed_forward_length", 4864),
        ("attention.head_count", 14),
        ("attention.head_count_kv", 2),
    ];
    let memory = estimate(&Gguf::saying("qwen2", 151_936, &numbers, &[]), SETUP);
    assert_eq!(memory.kv, Some(48 << 20));
    let scores = 151_936 * 4;
    assert_eq!(((memory.compute - scores) * 100) >> 20, 3868);
}

#[test]
fn heads_are_counted_layer_by_layer() {
    let all = dense("llama", &[], &[]);
    // Without a number of KV heads there are as many as heads: 8 of 64 numbers in 8 layers.
    assert_eq!(all.kv_token, Some(8 * 8 * 128 * 2));
    assert_eq!(dense("llama", &[("attention.head_count_kv", 2)], &[]).kv_token, Some(8 * 2 * 128 * 2));
    let lists: &[(&str, &[u64])] = &[("attention.head_count_kv", &[1, 2, 3, 0, 0, 0, 0, 4])];
    assert_eq!(dense("llama", &[], lists).kv_token, Some(10 * 128 * 2));
    let wide = [("attention.key_length", 256), ("attention.value_length", 32)];
    assert_eq!(dense("llama", &wide, &[]).kv_token, Some(8 * 8 * (256 + 32) * 2));
    // A list that is too short tells nothing.
    let lists: &[(&str, &[u64])] = &[("attention.head_count_kv", &[1, 2])];
    assert_eq!(dense("llama", &[], lists).kv_token, None);
    // The last layers of these use the cells of others.
    assert_eq!(dense("gemma4", &[("attention.shared_kv_layers", 6)], &[]).kv_token, Some(2 * 8 * 128 * 2));
    // A window saves nothing: every cell is set up.
    assert_eq!(dense("gemma2", &[("attention.sliding_window", 64)], &[]).kv, all.kv);
    // Key and value are one.
    let latent =
        [("attention.key_length", 576), ("attention.key_length_mla", 192), ("attention.head_count_kv", 1)];
    assert_eq!(dense("deepseek2", &latent, &[]).kv_token, Some(8 * 576 * 2));
}

#[test]
fn recurrent_layers_keep_a_state_and_no_cells() {
    let state =
        [("ssm.conv_kernel", 4), ("ssm.inner_size", 1024), ("ssm.state_size", 128), ("ssm.group_count", 1)];
    let layer = (3 * (1024 + 2 * 128) + 128 * 1024) * 4;
    let heads: &[(&str, &[u64])] = &[("attention.head_count_kv", &[0, 0, 0, 2, 0, 0, 0, 2])];
    let hybrid = dense("granitehybrid", &state, heads);
    assert_eq!((hybrid.recurrent, hybrid.kv_token), (Some(6 * layer), Some(2 * 2 * 128 * 2)));
    let kv = [&state[..], &[("attention.head_count_kv", 2)]].concat();
    let both = dense("falcon-h1", &kv, &[]);
    assert_eq!((both.recurrent, both.kv_token), (Some(8 * layer), Some(8 * 2 * 128 * 2)));
    let every_fourth = dense("qwen35", &kv, &[]);
    assert_eq!((every_fourth.recurrent, every_fourth.kv_token), (Some(6 * layer), Some(2 * 2 * 128 * 2)));
    let predicts = dense("qwen35", &[&kv[..], &[("nextn_predict_layers", 1)]].concat(), &[]);
    assert_eq!(predicts.recurrent, Some(6 * layer));
    let mamba = dense("mamba2", &state, &[]);
    assert_eq!((mamba.recurrent, mamba.kv_token, mamba.kv), (Some(8 * layer), Some(0), Some(0)));
    // Two sequences have a state and cells each.
    let numbers = [&[("block_count", 8), ("embedding_length", 512)], &state[..]].concat();
    let two = estimate(&Gguf::saying("mamba2", 1000, &numbers, &[]), Setup { sequences: 2, ..SETUP });
    assert_eq!(two.recurrent, Some(2 * 8 * layer));
    let tiny = head(&tiny::bytes(Tiny::default()));
    let cells = |sequences| estimate(&tiny, Setup { sequences, ..SETUP }).kv;
    assert_eq!(cells(3), cells(1).map(|bytes| 3 * bytes));
}

#[test]
fn what_cannot_be_computed_is_unknown_not_nothing() {
    assert_eq!(dense("glm-dsa", &[], &[]).total(), None);
    assert_eq!(dense("nobody-knows", &[], &[]).kv_token, None);
    // A hybrid that does not say which layers are which, or how large their state is.
    assert_eq!(dense("lfm2", &[], &[]).total(), None);
    let heads: &[(&str, &[u64])] = &[("attention.head_count_kv", &[0, 1, 0, 1, 0, 1, 0, 1])];
    assert_eq!(dense("granitehybrid", &[], heads).recurrent, None);
    for lacking in ["block_count", "embedding_length", "attention.head_count"] {
        let numbers = [("block_count", 8), ("embedding_length", 512), ("attention.head_count", 8)];
        let numbers: Vec<_> = numbers.into_iter().filter(|(name, _)| *name != lacking).collect();
        let memory = estimate(&Gguf::saying("llama", 1000, &numbers, &[]), SETUP);
        assert_eq!(memory.total(), None, "{lacking}");
    }
}

#[test]
fn absurd_numbers_saturate() {
    let huge = u64::MAX / 3;
    let memory = dense("llama", &[("attention.head_count_kv", huge), ("attention.key_length", huge)], &[]);
    assert_eq!(memory.total(), Some(u64::MAX));
    assert_eq!(dense("llama", &[("block_count", huge)], &[]).total(), None);
    assert_eq!(dense("llama", &[("attention.head_count", 0)], &[]).kv_token, Some(0));
}

#[test]
fn snapshots_are_counted_up_to_their_limit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf");
    let gguf = head(&fs::read(path).unwrap());
    let with = |snapshot_bytes_max| estimate(&gguf, Setup { snapshot_bytes_max, ..SETUP }).snapshots;
    assert_eq!((with(0), with(1 << 20)), (0, 2 << 20));
    assert_eq!(with(1 << 30), 2 * ((8 << 20) + 8192));
}
