//! How much memory a model will take, from the head of its file: before anything of it is loaded.
//!
//! Follows what llama.cpp sets up for the context the evaluator asks for: f16 cells, all of them for
//! layers with a sliding window, too. What an architecture with a cache of its own takes is not guessed.

use everstep_model::Memory;

use crate::{evaluator::CHUNK_TOKENS, gguf::Gguf};

/// How the model will be set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// Tokens of context, as asked for.
    pub(crate) context_tokens: u32,
    /// Sequences, each with as many.
    pub(crate) sequences: u32,
    /// Largest snapshot of the KV cache; 0 where none is kept.
    pub(crate) snapshot_bytes_max: u64,
}

/// How an architecture divides its layers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Layout {
    /// Attention in each; one without KV heads keeps nothing.
    Attention,
    /// A layer without KV heads is recurrent.
    Hybrid,
    /// Like `Hybrid`, unless such a layer has a feed-forward part.
    HybridApart,
    /// Each layer has attention and a recurrent state.
    Both,
    /// All but every n-th layer are recurrent.
    Interval,
    /// Each layer is recurrent.
    Recurrent,
}

/// Architectures whose cache is the plain one. Others are not guessed: some keep less, some much more.
const ATTENTION: &[&str] = &[
    "apertus",
    "arcee",
    "arctic",
    "baichuan",
    "bailingmoe",
    "bailingmoe2",
    "bitnet",
    "bloom",
    "chameleon",
    "chatglm",
    "codeshell",
    "cohere2",
    "command-r",
    "dbrx",
    "deci",
    "deepseek",
    "deepseek2",
    "dots1",
    "ernie4_5",
    "ernie4_5-moe",
    "exaone",
    "exaone4",
    "falcon",
    "gemma",
    "gemma2",
    "gemma3",
    "gemma3n",
    "gemma4",
    "glm4",
    "glm4moe",
    "gpt-oss",
    "gpt2",
    "gptneox",
    "granite",
    "granitemoe",
    "grok",
    "hunyuan-dense",
    "hunyuan-moe",
    "internlm2",
    "jais",
    "llama",
    "llama4",
    "minicpm",
    "minicpm3",
    "mistral3",
    "mpt",
    "nemotron",
    "olmo",
    "olmo2",
    "olmoe",
    "openelm",
    "orion",
    "phi2",
    "phi3",
    "phimoe",
    "plamo",
    "plm",
    "qwen",
    "qwen2",
    "qwen2moe",
    "qwen2vl",
    "qwen3",
    "qwen3moe",
    "qwen3vl",
    "qwen3vlmoe",
    "refact",
    "seed_oss",
    "smollm3",
    "stablelm",
    "starcoder",
    "starcoder2",
    "xverse",
];

/// Bytes of a cell's number: f16.
const CELL_BYTES: u64 = 2;
/// Bytes of a number of a recurrent state, and of everything computed: f32.
const STATE_BYTES: u64 = 4;
/// llama.cpp rounds the context up to this.
const CONTEXT_TOKENS_STEP: u64 = 256;
/// Most layers that are added up.
const LAYERS_MAX: u64 = 4096;
/// Every how many layers one has attention, where an architecture of that kind does not say.
const INTERVAL_DEFAULT: u64 = 4;
/// Layers of gemma3n with cells of their own; the others use theirs.
const GEMMA3N_LAYERS: u64 = 20;
/// Tensors as wide as the model that are under way at once. Measured: what llama.cpp reserves for wren
/// and for Qwen2.5-0.5B is met within one part in a hundred.
const WIDE_TENSORS: u64 = 5;
/// The same, as wide as the feed-forward part.
const HIDDEN_TENSORS: u64 = 3;
/// What llama.cpp, the constraint and the tables of pieces keep of one token. Measured with 151,936.
const VOCABULARY_TOKEN_BYTES: u64 = 704;
/// The program's code and tables that are in use, and what llama.cpp takes whatever the model. Measured.
const ENGINE_BYTES: u64 = 24 << 20;
/// Copies of a snapshot that are held when it is read: the file, and the state in it.
const SNAPSHOT_COPIES: u64 = 2;

/// Estimates what the model will take.
pub(crate) fn estimate(gguf: &Gguf, setup: Setup) -> Memory {
    let head = Head { gguf };
    let context = padded(u64::from(setup.context_tokens));
    let kv_token = head.kv_token();
    let cells = context.saturating_mul(u64::from(setup.sequences));
    let kv = kv_token.map(|bytes| bytes.saturating_mul(cells));
    let recurrent = head.recurrent().map(|bytes| bytes.saturating_mul(u64::from(setup.sequences)));
    let state = kv.unwrap_or_default().saturating_add(recurrent.unwrap_or_default());
    let vocabulary = head.vocabulary();
    let scores = vocabulary.saturating_mul(STATE_BYTES).saturating_mul(u64::from(setup.sequences));
    let compute = head.compute(context).saturating_add(scores);
    Memory {
        weights: gguf.tensors().bytes,
        repacked: gguf.tensors().repacked,
        weights_token: head.weights_token(),
        kv_token,
        kv,
        recurrent,
        // A step of a recurrent layer reads its state and writes another.
        compute: compute.saturating_add(recurrent.unwrap_or_default().saturating_mul(2)),
        vocabulary: vocabulary.saturating_mul(VOCABULARY_TOKEN_BYTES),
        snapshots: state.min(setup.snapshot_bytes_max).saturating_mul(SNAPSHOT_COPIES),
        engine: ENGINE_BYTES,
    }
}

/// The context llama.cpp makes of one that is asked for.
pub(crate) const fn padded(context_tokens: u64) -> u64 {
    context_tokens.next_multiple_of(CONTEXT_TOKENS_STEP)
}

/// The head of the file, read as the model's own dimensions.
struct Head<'a> {
    gguf: &'a Gguf,
}

impl Head<'_> {
    fn layout(&self) -> Option<Layout> {
        Some(match self.gguf.architecture() {
            "lfm2" | "lfm2moe" | "granitehybrid" | "jamba" | "plamo2" => Layout::Hybrid,
            "nemotron_h" => Layout::HybridApart,
            "falcon-h1" => Layout::Both,
            "qwen3next" | "qwen35" | "qwen35moe" => Layout::Interval,
            "mamba" | "mamba2" => Layout::Recurrent,
            name if ATTENTION.contains(&name) => Layout::Attention,
            _ => return None,
        })
    }

    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.gguf.architecture())
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.gguf.number(&self.key(key))
    }

    /// A value of each layer: one number for all, or a list.
    fn layers(&self, key: &str, count: u64) -> Option<Vec<u64>> {
        let count = usize::try_from(count).ok()?;
        match (self.number(key), self.gguf.list(&self.key(key))) {
            (Some(number), _) => Some(vec![number; count]),
            (None, list) => list?.get(..count).map(<[u64]>::to_vec),
        }
    }

    /// The largest value a layer has.
    fn largest(&self, key: &str) -> u64 {
        let list = self.gguf.list(&self.key(key)).unwrap_or_default();
        list.iter().copied().chain(self.number(key)).max().unwrap_or_default()
    }

    fn layer_count(&self) -> Option<u64> {
        self.number("block_count").filter(|&count| count <= LAYERS_MAX)
    }

    /// Which layers are recurrent, in order.
    fn is_recurrent(&self) -> Option<Vec<bool>> {
        let count = self.layer_count()?;
        let layout = self.layout()?;
        Some(match layout {
            Layout::Attention => vec![false; usize::try_from(count).ok()?],
            Layout::Both | Layout::Recurrent => vec![true; usize::try_from(count).ok()?],
            Layout::Hybrid | Layout::HybridApart => {
                let heads = self.layers("attention.head_count_kv", count)?;
                let hidden = self.layers("feed_forward_length", count);
                let has_hidden = |layer: usize| {
                    let width = hidden.as_ref().and_then(|hidden| hidden.get(layer));
                    layout == Layout::HybridApart && width.is_some_and(|&width| width > 0)
                };
                heads.iter().enumerate().map(|(layer, &heads)| heads == 0 && !has_hidden(layer)).collect()
            }
            Layout::Interval => {
                if let Some(list) = self.layers("attention.recurrent_layers", count) {
                    return Some(list.iter().map(|&flag| flag != 0).collect());
                }
                let interval = self.number("full_attention_interval").unwrap_or(INTERVAL_DEFAULT).max(1);
                // What predicts further tokens comes last, and has attention.
                let own = count.saturating_sub(self.number("nextn_predict_layers").unwrap_or_default());
                (0..count)
                    .map(|layer| layer < own && !layer.saturating_add(1).is_multiple_of(interval))
                    .collect()
            }
        })
    }

    /// Bytes of weights that are read for one token.
    fn weights_token(&self) -> u64 {
        let tensors = self.gguf.tensors();
        let (used, all) = (self.largest("expert_used_count"), self.largest("expert_count"));
        let idle =
            tensors.experts.checked_div(all).unwrap_or_default().saturating_mul(all.saturating_sub(used));
        tensors.bytes.saturating_sub(tensors.looked_up).saturating_sub(idle)
    }

    /// What attention keeps of one token in all layers.
    fn kv_token(&self) -> Option<u64> {
        let count = self.layer_count()?;
        let recurrent = self.is_recurrent()?;
        if self.layout()? == Layout::Recurrent {
            return Some(0);
        }
        let heads = self.layers("attention.head_count", count)?;
        // An architecture without the key has as many KV heads as heads.
        let kv_heads = match self.layers("attention.head_count_kv", count) {
            Some(list) => list,
            None if !self.has("attention.head_count_kv") => heads.clone(),
            None => return None,
        };
        let by_head = self.number("embedding_length")?.checked_div(*heads.first()?).unwrap_or_default();
        let length = |key: &str| {
            let whole = self.number(key).unwrap_or(by_head);
            // Layers with a window may have wider heads; which ones have is not looked up.
            whole.max(self.number(&format!("{key}_swa")).unwrap_or_default())
        };
        // Latent attention keeps one row, which is key and value.
        let is_latent = self.largest("attention.key_length_mla") > 0;
        let value = if is_latent { 0 } else { length("attention.value_length") };
        let row = length("attention.key_length").saturating_add(value);
        let own = self.layers_with_cells(count);
        let both = self.layout()? == Layout::Both;
        let heads_kept = (0_u64..).zip(kv_heads.iter().zip(recurrent));
        let sum = heads_kept
            .filter(|(layer, (_, recurrent))| *layer < own && (both || !recurrent))
            .fold(0_u64, |sum, (_, (heads, _))| sum.saturating_add(*heads));
        Some(sum.saturating_mul(row).saturating_mul(CELL_BYTES))
    }

    /// Whether the head has the key in any form that is kept.
    fn has(&self, key: &str) -> bool {
        self.number(key).is_some() || self.gguf.list(&self.key(key)).is_some()
    }

    /// Layers from the first on that have cells of their own.
    fn layers_with_cells(&self, count: u64) -> u64 {
        match self.gguf.architecture() {
            "gemma3n" => count.min(GEMMA3N_LAYERS),
            _ => count.saturating_sub(self.number("attention.shared_kv_layers").unwrap_or_default()),
        }
    }

    /// State of all recurrent layers of one sequence.
    fn recurrent(&self) -> Option<u64> {
        let layers = self.is_recurrent()?.into_iter().filter(|recurrent| *recurrent).count() as u64;
        if layers == 0 {
            return Some(0);
        }
        let numbers = if let Some(kept) = self.number("shortconv.l_cache") {
            self.number("embedding_length")?.saturating_mul(kept.saturating_sub(1))
        } else {
            let (inner, state) = (self.number("ssm.inner_size")?, self.number("ssm.state_size")?);
            let convolved = self.number("ssm.conv_kernel")?.saturating_sub(1);
            convolved.saturating_mul(self.inner_width()).saturating_add(state.saturating_mul(inner))
        };
        Some(layers.saturating_mul(numbers).saturating_mul(STATE_BYTES))
    }

    /// Width of what a recurrent layer convolves.
    fn inner_width(&self) -> u64 {
        let number = |key| self.number(key).unwrap_or_default();
        let states = number("ssm.group_count").saturating_mul(number("ssm.state_size")).saturating_mul(2);
        number("ssm.inner_size").saturating_add(states)
    }

    fn vocabulary(&self) -> u64 {
        (self.gguf.tokens() as u64).max(self.number("vocab_size").unwrap_or_default())
    }

    /// Work space for a chunk: the mask of who sees whom, what goes through a layer, and either its widest
    /// part or the scores of every token.
    fn compute(&self, context: u64) -> u64 {
        let tokens = CHUNK_TOKENS as u64;
        let rows = |width: u64| width.saturating_mul(tokens).saturating_mul(STATE_BYTES);
        let heads = self.largest("attention.head_count");
        let attention = heads.saturating_mul(self.largest("attention.key_length"));
        let wide = self.largest("embedding_length").max(attention).max(self.inner_width());
        let experts =
            self.largest("expert_used_count").saturating_mul(self.largest("expert_feed_forward_length"));
        let hidden = self.largest("feed_forward_length").max(experts);
        let last = rows(self.vocabulary()).max(rows(hidden).saturating_mul(HIDDEN_TENSORS));
        let mask = context.saturating_mul(tokens).saturating_mul(CELL_BYTES);
        mask.saturating_add(rows(wide).saturating_mul(WIDE_TENSORS)).saturating_add(last)
    }
}

#[cfg(test)]
mod tests;
