//! What keeps a model from loading is found before llama.cpp stumbles over it.

use super::*;

fn failure(path: &Path) -> String {
    let error = LlamaModel::load(EngineOptions::new(path), Box::new(|_| {})).err().unwrap().to_string();
    assert!(error.contains(path.to_str().unwrap()) && !error.contains('\n'), "{error}");
    error
}

#[test]
fn bad_files_are_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    assert!(failure(&path).contains("can't be read"));
    assert!(failure(folder.path()).contains("regular file"));
    let whole = tiny::bytes(Tiny::default());
    for length in (0..whole.len()).step_by(whole.len() / 40) {
        fs::write(&path, &whole[..length]).unwrap();
        let words = failure(&path);
        let expected = if length < 4 { "GGUF" } else { "cut short" };
        assert!(words.contains(expected), "{length}: {words}");
    }
    // A foreign file, an architecture nobody knows, and a tensor that goes by another name.
    for (from, to, words) in [
        ("GGUF", "FUGG", "`GGUF`"),
        ("llama", "lemma", "`lemma`"),
        ("blk.0.attn_q.weight", "blk.0.attn_z.weight", "refuses"),
    ] {
        let at = whole.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        fs::write(&path, bytes).unwrap();
        let failure = failure(&path);
        assert!(failure.contains(words), "{failure}");
    }
}

/// An abort inside llama.cpp would end this whole test program.
#[test]
fn damaged_heads_are_refused_or_loaded_but_never_abort() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let whole = tiny::bytes(Tiny::default());
    let head = whole.windows(10).position(|window| window == b"ffn_down.w").unwrap();
    let mut refused = 0;
    for round in 0..300_u16 {
        let hash = blake3::hash(&round.to_le_bytes());
        let at = u32::from_le_bytes(hash.as_bytes()[..4].try_into().unwrap()) as usize % head;
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (hash.as_bytes()[4] % 8);
        fs::write(&path, bytes).unwrap();
        let loaded = LlamaModel::load(EngineOptions::new(&path), Box::new(|_| {}));
        refused += usize::from(loaded.is_err());
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn templates_are_tried_before_any_work() {
    for (template, word) in [
        ("", "no chat template"),
        ("{{ messages[0].content }}", "assistant message"),
        ("{% for %}", "does not render"),
        ("{{ raise_exception('only one turn') }}", "only one turn"),
        ("{{ messages[0].content }}", "`hermes`"),
    ] {
        let (_folder, path) = tiny::write(Tiny { template, ..Tiny::default() });
        let failure = failure(&path);
        assert!(failure.contains(word), "{failure}");
    }
}

#[test]
fn context_beyond_the_training_is_refused_and_the_card_tells_the_rest() {
    let (_folder, path) = tiny::write(Tiny::default());
    let mut options = EngineOptions::new(&path);
    options.context_tokens = std::num::NonZeroU32::new(4096);
    let error = LlamaModel::load(options.clone(), Box::new(|_| {})).err().unwrap().to_string();
    assert!(error.contains("4096") && error.contains("2048"), "{error}");
    options.context_tokens = None;
    let model = LlamaModel::load(options, Box::new(|_| {})).unwrap();
    let card = model.card();
    assert_eq!((card.name.as_str(), card.family.as_str()), ("tiny", "hermes"));
    assert_eq!(card.context_tokens, 2048);
    assert_eq!(card.digest, *blake3::hash(&fs::read(&path).unwrap()).as_bytes());
    assert_eq!(card.template_digest, *blake3::hash(tiny::TEMPLATE.as_bytes()).as_bytes());
    assert_eq!(card.quantization, "F32");
}

#[test]
fn progress_comes_to_its_end() {
    let (_folder, path) = tiny::write(Tiny::default());
    let (told, seen) = std::sync::mpsc::channel();
    let on_progress = Box::new(move |progress| told.send(progress).unwrap());
    LlamaModel::load(EngineOptions::new(path), on_progress).unwrap();
    let seen: Vec<LoadProgress> = seen.iter().collect();
    assert!(seen.iter().any(|progress| matches!(progress, LoadProgress::Digest(done, all) if done == all)));
    assert!(seen.contains(&LoadProgress::Weights(1.0)));
}

#[test]
fn memory_beyond_the_limit_is_refused_with_every_number_before_the_load() {
    let (_folder, path) = tiny::write(Tiny::default());
    let mut options = EngineOptions::new(&path);
    let card = LlamaModel::describe(&options, Box::new(|_| {})).unwrap();
    let memory = card.memory.unwrap();
    let total = memory.total().unwrap();
    let least = u32::try_from(total.div_ceil(1 << 20)).unwrap();
    let with = |options: &EngineOptions| {
        let (told, seen) = std::sync::mpsc::channel();
        // A panic in here would pass through llama.cpp.
        let on_progress = Box::new(move |progress| {
            let _ = told.send(progress);
        });
        let error = LlamaModel::load(options.clone(), on_progress).err().unwrap().to_string();
        assert_eq!(seen.iter().count(), 0, "nothing is loaded before");
        error
    };
    options.memory_mb_max = std::num::NonZeroU32::new(least - 1);
    let error = with(&options);
    for words in [
        format!("about {least} MiB (weights 1, KV cache 1, work space 1, vocabulary 1, engine 24)"),
        format!("`model.memory_mb_max` allows {}", least - 1),
        "`model.context_tokens_max` takes less, 1 MiB for every 1000 of 2048 tokens".to_owned(),
        "a smaller quantization".to_owned(),
    ] {
        assert!(error.contains(&words), "{words:?} is not in {error}");
    }
    assert!(LlamaModel::describe(&options, Box::new(|_| {})).is_err());
    options.memory_mb_max = std::num::NonZeroU32::new(least);
    assert!(LlamaModel::load(options.clone(), Box::new(|_| {})).is_ok());

    // An architecture whose cache is not computed: loaded without a limit only.
    let bytes = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("llama.block_count"));
    let at = bytes.windows(17).position(|window| window == b"llama.block_count").unwrap();
    let mut changed = bytes;
    changed[at + 6] = b'B';
    fs::write(&path, changed).unwrap();
    let error = with(&options);
    assert!(error.contains("architecture `llama` is not known"), "{error}");
}

#[test]
fn description_without_the_weights_is_the_card_of_the_load() {
    let (_folder, path) = tiny::write(Tiny::default());
    let wren = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wren/wren.gguf");
    for path in [path, wren] {
        let options = EngineOptions { family: Some("lfm2".to_owned()), ..EngineOptions::new(path) };
        let described = LlamaModel::describe(&options, Box::new(|_| {})).unwrap();
        assert_eq!(&described, LlamaModel::load(options, Box::new(|_| {})).unwrap().card());
    }
}

#[test]
fn family_is_told_by_the_file_or_named_and_known_by_name() {
    let load = |tiny: Tiny, family: Option<&str>| {
        let (_folder, path) = tiny::write(tiny);
        let mut options = EngineOptions::new(&path);
        options.family = family.map(str::to_owned);
        LlamaModel::load(options, Box::new(|_| {})).map(|model| model.card().clone())
    };
    let found = load(Tiny::default(), None).unwrap();
    assert_eq!((found.family.as_str(), found.family_from), ("hermes", FamilyFrom::Detected));
    // Without the mark among its tokens, nothing tells it.
    let assumed = load(Tiny { call_kind: 1, ..Tiny::default() }, None).unwrap();
    assert_eq!((assumed.family.as_str(), assumed.family_from), ("generic", FamilyFrom::Assumed));
    let chosen = load(Tiny::default(), Some("llama3")).unwrap();
    assert_eq!((chosen.family.as_str(), chosen.family_from), ("llama3", FamilyFrom::Chosen));
    // A run that began in one family is not gone on with in another.
    assert_ne!(chosen.template_digest, found.template_digest);
    let unknown = load(Tiny::default(), Some("gpt")).unwrap_err().to_string();
    assert!(unknown.contains("`gpt`") && unknown.contains("`hermes`, `lfm2`"), "{unknown}");
}
