use super::*;

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn pair(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    [&string(key), &kind.to_le_bytes()[..], value].concat()
}

fn tensor(name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut bytes = string(name);
    bytes.extend(u32::try_from(dimensions.len()).unwrap().to_le_bytes());
    bytes.extend(dimensions.iter().flat_map(|size| size.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

fn file(version: u32, pairs: &[Vec<u8>], tensors: &[Vec<u8>], data: usize) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((pairs.len() as u64).to_le_bytes());
    bytes.extend(pairs.concat());
    bytes.extend(tensors.concat());
    bytes.resize(bytes.len().next_multiple_of(32) + data, 0);
    bytes
}

fn pairs() -> Vec<Vec<u8>> {
    let list = [&8_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &string("a"), &string("bc")].concat();
    let numbers = [&5_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &[0; 8]].concat();
    vec![
        pair("tokenizer.ggml.model", 8, &string("llama")),
        pair("general.architecture", 8, &string("lfm2")),
        pair("lfm2.context_length", 4, &4096_u32.to_le_bytes()),
        pair("tokenizer.ggml.tokens", 9, &list),
        pair("tokenizer.ggml.token_type", 9, &numbers),
        pair("tokenizer.ggml.add_bos_token", 7, &[0]),
    ]
}

fn read(bytes: &[u8]) -> Result<Gguf, GgufError> {
    Gguf::read(bytes, bytes.len() as u64)
}

#[test]
fn whole_file_is_read() {
    // 64 values of Q8_0 take two blocks of 34 bytes.
    let tensors = [tensor("a", &[8, 2], 0, 0), tensor("b", &[32, 2], 8, 64)];
    let bytes = file(3, &pairs(), &tensors, 64 + 68);
    let gguf = read(&bytes).unwrap();
    assert_eq!(gguf.architecture(), "lfm2");
    assert_eq!(gguf.number("lfm2.context_length"), Some(4096));
    assert_eq!(gguf.number("tokenizer.ggml.add_bos_token"), Some(0));
    assert_eq!(gguf.text("tokenizer.ggml.tokens"), None);
}

#[test]
fn lists_of_whole_numbers_are_kept_and_tensors_added_up() {
    let list = |key: &str, kind: u32, items: &[i32]| {
        let bytes: Vec<u8> = items.iter().flat_map(|item| item.to_le_bytes()).collect();
        pair(key, 9, &[&kind.to_le_bytes()[..], &(items.len() as u64).to_le_bytes(), &bytes].concat())
    };
    let many = vec![1; 5000];
    let more = [
        list("lfm2.attention.head_count_kv", 5, &[0, 8, 0]),
        list("lfm2.attention.other", 5, &[0, -1]),
        list("lfm2.attention.floats", 6, &[0, 1]),
        list("lfm2.attention.many", 4, &many),
    ];
    // Q4_0 in rows that are repacked, rows that are not, and the output, which is the embedding.
    let tensors = [
        tensor("token_embd.weight", &[32, 8], 2, 0),
        tensor("blk.0.a.weight", &[32, 16], 2, 160),
        tensor("blk.0.b.weight", &[32, 3], 2, 448),
        tensor("blk.0.norm.weight", &[8], 0, 512),
    ];
    let gguf = read(&file(3, &[pairs(), more.to_vec()].concat(), &tensors, 544)).unwrap();
    assert_eq!(gguf.list("lfm2.attention.head_count_kv"), Some(&[0, 8, 0][..]));
    for key in ["lfm2.attention.other", "lfm2.attention.floats", "lfm2.attention.many"] {
        assert_eq!(gguf.list(key), None, "{key}");
    }
    assert_eq!(gguf.tokens(), 2);
    let sums = gguf.tensors();
    assert_eq!((sums.bytes, sums.elements), (144 + 288 + 54 + 32, 256 + 512 + 96 + 8));
    assert_eq!((sums.repacked, sums.looked_up, sums.experts), (144 + 288, 0, 0));
    let output = [&tensors[..3], &[tensor("output.weight", &[8], 0, 512)]].concat();
    let gguf = read(&file(3, &pairs(), &output, 544)).unwrap();
    assert_eq!((gguf.tensors().repacked, gguf.tensors().looked_up), (288, 144));
    let experts = [tensor("blk.0.ffn_up_exps.weight", &[32, 8, 4], 8, 0)];
    assert_eq!(read(&file(3, &pairs(), &experts, 1088)).unwrap().tensors().experts, 1088);
}

#[test]
fn file_cut_at_any_byte_is_refused_with_the_numbers() {
    let tensors = [tensor("a", &[8, 2], 0, 0), tensor("b", &[32, 2], 8, 64)];
    let bytes = file(3, &pairs(), &tensors, 64 + 68);
    for length in 4..bytes.len() {
        match read(&bytes[..length]) {
            Err(GgufError::Truncated { needed, bytes, .. }) => {
                assert_eq!(bytes, length as u64);
                assert!(needed > bytes);
            }
            other => panic!("cut to {length}: {other:?}"),
        }
    }
    for length in 0..4 {
        assert!(matches!(read(&bytes[..length]), Err(GgufError::NotGguf)));
    }
}

#[test]
fn foreign_and_empty_files_are_named() {
    assert!(matches!(read(b"%PDF-1.7 and so on"), Err(GgufError::NotGguf)));
    assert!(matches!(read(&file(1, &[], &[], 0)), Err(GgufError::Version { version: 1 })));
    assert!(matches!(read(&file(3, &pairs(), &[], 0)), Err(GgufError::NoWeights)));
    let error = read(&file(3, &[], &[tensor("a", &[8], 0, 0)], 32)).unwrap_err();
    assert!(error.to_string().contains("general.architecture"));
}

#[test]
fn impossible_tensors_are_named() {
    for (bad, word) in [
        (tensor("a", &[], 0, 0), "0 dimensions"),
        (tensor("a", &[1, 1, 1, 1, 1], 0, 0), "5 dimensions"),
        (tensor("a", &[0], 0, 0), "impossible size"),
        (tensor("a", &[u64::MAX, 2], 0, 0), "impossible size"),
        (tensor("a", &[u64::MAX], 0, 0), "impossible size"),
        (tensor("a", &[32], 0, u64::MAX - 31), "impossible size"),
        (tensor("a", &[8], 99, 0), "unknown type 99"),
        (tensor("a", &[8], 8, 0), "not aligned"),
        (tensor("a", &[8], 0, 4), "not aligned"),
    ] {
        let error = read(&file(3, &pairs(), &[bad], 64)).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}

/// One byte of the head at a time takes every value of a few; reading must end without a panic, and
/// what is accepted must still have an architecture.
#[test]
fn damaged_heads_never_panic() {
    let bytes = file(3, &pairs(), &[tensor("a", &[8, 2], 0, 0)], 64);
    for at in 0..bytes.len() {
        for flip in [0x01, 0x08, 0x80, 0xFF] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            if let Ok(gguf) = read(&bytes) {
                assert!(!gguf.architecture().is_empty(), "byte {at} ^ {flip}");
            }
        }
    }
}

#[test]
fn vocabularies_that_llama_cpp_aborts_on_are_named() {
    let read_with = |key: &str, kind: u32, items: &[Vec<u8>]| {
        let count = (items.len() as u64).to_le_bytes();
        let list = [&kind.to_le_bytes()[..], &count, &items.concat()].concat();
        let mut pairs = pairs();
        // The later of two equal keys counts, in llama.cpp too.
        pairs.retain(|pair| !pair.windows(key.len()).any(|window| window == key.as_bytes()));
        pairs.push(pair(key, 9, &list));
        read(&file(3, &pairs, &[tensor("a", &[8, 2], 0, 0)], 64))
    };
    let texts = |texts: &[&str]| texts.iter().map(|text| string(text)).collect::<Vec<_>>();
    let zeros = |count: usize| vec![vec![0; 4]; count];
    assert!(read_with("tokenizer.ggml.tokens", 8, &texts(&["a", "b"])).is_ok());
    for (result, word) in [
        (read_with("tokenizer.ggml.tokens", 8, &texts(&["a", "a"])), "token 1 twice"),
        (read_with("tokenizer.ggml.tokens", 8, &[]), "empty"),
        (read_with("tokenizer.ggml.token_type", 5, &zeros(1)), "2 tokens"),
        (read_with("tokenizer.ggml.token_type", 6, &zeros(2)), "2 tokens"),
        (read_with("tokenizer.ggml.scores", 6, &zeros(3)), "2 tokens"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let mut bytes: Vec<String> = (0..=255).map(spelling).map(String::from).collect();
    let with_bytes = |texts: &[String]| {
        let mut tokens = Tokens::default();
        for text in texts {
            tokens.push(text.clone().into_bytes());
        }
        tokens.damage(Some("gpt2"))
    };
    assert_eq!(with_bytes(&bytes), None);
    bytes.remove(10);
    assert!(with_bytes(&bytes).unwrap().contains("the byte 10"));
}

#[test]
fn nested_lists_end() {
    let deep = [&9_u32.to_le_bytes()[..], &1_u64.to_le_bytes()].concat().repeat(50);
    let error = read(&file(3, &[pair("deep", 9, &deep)], &[], 64)).unwrap_err();
    assert!(error.to_string().contains("nested too deep"), "{error}");
}
