//! What was evaluated, as bytes of a file: a fixed prefix with a checksum, what it belongs to, its tokens
//! and its states.
//!
//! Nothing is read before the checksum holds, and no state is handed on before the identity does.
//! Leaves out files and folders: `store` has them.

use everstep_core::TokenId;

use crate::{
    boundaries::{BOUNDARIES_MAX, Boundary},
    state::State,
};

/// What a snapshot belongs to. With anything else of these it means nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    /// BLAKE3 of the model's file.
    pub(crate) model: [u8; 32],
    /// BLAKE3 of the chat template.
    pub(crate) template: [u8; 32],
    /// BLAKE3 of the tools as the model sees them.
    pub(crate) tools: [u8; 32],
    /// The engine and its version; its form of a state changes between releases.
    pub(crate) engine: String,
    /// Types of the cells.
    pub(crate) kv_type: String,
    pub(crate) context_tokens: u32,
}

/// What was evaluated, and all that is needed to go on behind it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) tokens: Vec<TokenId>,
    pub(crate) boundaries: Vec<Boundary>,
    pub(crate) state: State,
}

/// Why a snapshot is not used. None of these is a reason to stop: the prompt is evaluated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it can't be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("it has {bytes} bytes; at most {bytes_max} are read")]
    TooLarge { bytes: u64, bytes_max: u64 },
    #[error("it is no snapshot")]
    Magic,
    #[error("it has version {found}; this program reads {VERSION}")]
    Version { found: u32 },
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    #[error("it belongs to another {0}")]
    Other(&'static str),
    #[error("llama.cpp does not take its state")]
    State,
    #[error("none of its {tokens} tokens begin this prompt up to a place the model can go back to")]
    Apart { tokens: usize },
}

/// The engine whose states these are; a test compares it with Cargo.lock.
pub(crate) const ENGINE: &str = "llama-cpp-2 0.1.160, llama-cpp-sys-2 0.1.161";
const MAGIC: [u8; 8] = *b"EVSTEPKV";
const VERSION: u32 = 1;
/// The prefix is magic, version, length of what follows it, checksum.
const VERSION_AT: usize = 8;
const LENGTH_AT: usize = VERSION_AT + 4;
const CHECKSUM_AT: usize = LENGTH_AT + 8;
/// Bytes of the prefix.
pub(crate) const PREFIX_BYTES: usize = CHECKSUM_AT + 32;

impl Snapshot {
    /// The file's bytes up to the state, whose own follow.
    pub(crate) fn encode(&self, identity: &Identity) -> Vec<u8> {
        let mut bytes = vec![0; PREFIX_BYTES];
        for digest in [&identity.model, &identity.template, &identity.tools] {
            bytes.extend_from_slice(digest);
        }
        for text in [&identity.engine, &identity.kv_type] {
            put_bytes(&mut bytes, text.as_bytes());
        }
        bytes.extend_from_slice(&identity.context_tokens.to_le_bytes());
        put_count(&mut bytes, self.tokens.len());
        for token in &self.tokens {
            bytes.extend_from_slice(&token.to_le_bytes());
        }
        put_count(&mut bytes, self.boundaries.len());
        for boundary in &self.boundaries {
            put_count(&mut bytes, boundary.tokens);
            put_bytes(&mut bytes, boundary.state.bytes());
        }
        put_count(&mut bytes, self.state.bytes().len());
        let length = (bytes.len() - PREFIX_BYTES + self.state.bytes().len()) as u64;
        let fixed = [&MAGIC[..], &VERSION.to_le_bytes(), &length.to_le_bytes()].concat();
        let rest = bytes.get(PREFIX_BYTES..).unwrap_or_default();
        let checksum = checksum(&[&fixed, rest, self.state.bytes()]);
        bytes.splice(..PREFIX_BYTES, fixed.into_iter().chain(checksum));
        bytes
    }

    /// Reads a file's bytes that were written for `identity`.
    pub(crate) fn decode(bytes: &[u8], identity: &Identity) -> Result<Self, Refusal> {
        let (prefix, body) =
            bytes.split_at_checked(PREFIX_BYTES).ok_or(Refusal::Damaged("it ends within its prefix"))?;
        let (fixed, sum) = prefix.split_at(CHECKSUM_AT);
        let mut reader = Reader(fixed);
        if reader.array::<VERSION_AT>()? != MAGIC {
            return Err(Refusal::Magic);
        }
        let found = u32::from_le_bytes(reader.array()?);
        if found != VERSION {
            return Err(Refusal::Version { found });
        }
        if u64::from_le_bytes(reader.array()?) != body.len() as u64 {
            return Err(Refusal::Damaged("its length is another"));
        }
        if checksum(&[fixed, body])[..] != *sum {
            return Err(Refusal::Damaged("its checksum does not hold"));
        }
        read_body(body, identity)
    }
}

fn read_body(body: &[u8], identity: &Identity) -> Result<Snapshot, Refusal> {
    let mut reader = Reader(body);
    let found = Identity {
        model: reader.array()?,
        template: reader.array()?,
        tools: reader.array()?,
        engine: reader.text()?,
        kv_type: reader.text()?,
        context_tokens: u32::from_le_bytes(reader.array()?),
    };
    if let Some(what) = found.other_than(identity) {
        return Err(Refusal::Other(what));
    }
    let count = reader.count()?;
    let ids = reader.take(count.checked_mul(4).ok_or(LENGTHS)?)?;
    let tokens: Vec<TokenId> =
        ids.as_chunks::<4>().0.iter().map(|&token| TokenId::from_le_bytes(token)).collect();
    let count = reader.count()?;
    if tokens.is_empty() || count > BOUNDARIES_MAX {
        return Err(LENGTHS);
    }
    let mut boundaries: Vec<Boundary> = Vec::with_capacity(count);
    for _ in 0..count {
        let place = reader.count()?;
        let before = boundaries.last().map_or(0, |boundary| boundary.tokens);
        if place <= before || place > tokens.len() {
            return Err(Refusal::Damaged("its boundaries are out of order"));
        }
        boundaries.push(Boundary { tokens: place, state: State::verified(reader.bytes()?.to_vec()) });
    }
    let state = State::verified(reader.bytes()?.to_vec());
    if !reader.0.is_empty() {
        return Err(LENGTHS);
    }
    Ok(Snapshot { tokens, boundaries, state })
}

const LENGTHS: Refusal = Refusal::Damaged("its lengths do not fit together");

impl Identity {
    /// What differs from `wanted`, in words for people.
    fn other_than(&self, wanted: &Self) -> Option<&'static str> {
        [
            (self.model != wanted.model, "model"),
            (self.engine != wanted.engine, "version of the engine"),
            (self.template != wanted.template, "chat template"),
            (self.tools != wanted.tools, "set of tools"),
            (self.kv_type != wanted.kv_type, "type of KV cache"),
            (self.context_tokens != wanted.context_tokens, "size of context"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then_some(what))
    }
}

fn checksum(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend_from_slice(&(count as u64).to_le_bytes());
}

fn put_bytes(bytes: &mut Vec<u8>, part: &[u8]) {
    put_count(bytes, part.len());
    bytes.extend_from_slice(part);
}

/// Takes bytes from the front of what is left.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], Refusal> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(LENGTHS)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        self.take(N)?.try_into().map_err(|_| LENGTHS)
    }

    fn count(&mut self) -> Result<usize, Refusal> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| LENGTHS)
    }

    fn bytes(&mut self) -> Result<&'b [u8], Refusal> {
        let count = self.count()?;
        self.take(count)
    }

    fn text(&mut self) -> Result<String, Refusal> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Refusal::Damaged("a name is no text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            model: [1; 32],
            template: [2; 32],
            tools: [3; 32],
            engine: ENGINE.to_owned(),
            kv_type: "f16".to_owned(),
            context_tokens: 64,
        }
    }

    fn snapshot() -> Snapshot {
        let state = |length: u8| State::verified((0..length).collect());
        Snapshot {
            tokens: vec![7, 8, 9, 1000],
            boundaries: vec![
                Boundary { tokens: 2, state: state(3) },
                Boundary { tokens: 3, state: state(4) },
            ],
            state: state(40),
        }
    }

    fn file(snapshot: &Snapshot, identity: &Identity) -> Vec<u8> {
        [&snapshot.encode(identity), snapshot.state.bytes()].concat()
    }

    fn refused(bytes: &[u8], identity: &Identity) -> String {
        Snapshot::decode(bytes, identity).unwrap_err().to_string()
    }

    /// Gives a changed file the checksum it would have had.
    fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = checksum(&[&bytes[..CHECKSUM_AT], &bytes[PREFIX_BYTES..]]);
        bytes[CHECKSUM_AT..PREFIX_BYTES].copy_from_slice(&sum);
        bytes
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let (snapshot, identity) = (snapshot(), identity());
        let whole = file(&snapshot, &identity);
        assert_eq!(Snapshot::decode(&whole, &identity).unwrap(), snapshot);
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut flipped = whole.clone();
                flipped[at] ^= 1 << bit;
                assert!(Snapshot::decode(&flipped, &identity).is_err(), "byte {at} bit {bit}");
            }
            assert!(Snapshot::decode(&whole[..at], &identity).is_err(), "cut at {at}");
        }
        let long = [&whole[..], b"x"].concat();
        assert_eq!(refused(&long, &identity), "it is damaged: its length is another");
        assert_eq!(refused(&[0; 99], &identity), "it is no snapshot");
    }

    #[test]
    fn prefix_or_head_of_another_file_is_refused() {
        let identity = identity();
        let one = file(&snapshot(), &identity);
        let mut changed = snapshot();
        changed.tokens[0] = 6;
        changed.state = State::verified(vec![5; 40]);
        let other = file(&changed, &identity);
        let damaged = "it is damaged: its checksum does not hold";
        for at in [PREFIX_BYTES, one.len() - 40] {
            assert_eq!(refused(&[&one[..at], &other[at..]].concat(), &identity), damaged);
        }
    }

    #[test]
    fn what_it_belongs_to_is_named() {
        let bytes = file(&snapshot(), &identity());
        let own = identity();
        for (other, what) in [
            (Identity { model: [9; 32], ..own.clone() }, "model"),
            (Identity { template: [9; 32], ..own.clone() }, "chat template"),
            (Identity { tools: [9; 32], ..own.clone() }, "set of tools"),
            (Identity { engine: "llama-cpp-2 9".to_owned(), ..own.clone() }, "version of the engine"),
            (Identity { kv_type: "q8_0".to_owned(), ..own.clone() }, "type of KV cache"),
            (Identity { context_tokens: 65, ..own.clone() }, "size of context"),
        ] {
            assert_eq!(refused(&bytes, &other), format!("it belongs to another {what}"));
        }
        let mut newer = bytes;
        newer[VERSION_AT] = 2;
        assert_eq!(refused(&signed(newer), &own), "it has version 2; this program reads 1");
    }

    #[test]
    fn lengths_that_lie_are_refused_though_the_checksum_holds() {
        let (snapshot, identity) = (snapshot(), identity());
        let whole = file(&snapshot, &identity);
        for at in PREFIX_BYTES..whole.len() - 40 {
            let mut lying = whole.clone();
            lying[at] = 0xFF;
            // Must neither panic nor reserve what is not there; a token may well be another.
            let read = Snapshot::decode(&signed(lying), &identity);
            assert!(read.is_err() || read.is_ok_and(|read| read.state == snapshot.state), "byte {at}");
        }
        let mut unordered = snapshot;
        unordered.boundaries.reverse();
        let reason = refused(&file(&unordered, &identity), &identity);
        assert_eq!(reason, "it is damaged: its boundaries are out of order");
    }

    #[test]
    fn engine_is_the_one_of_the_lock_file() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
        let lock = std::fs::read_to_string(path).unwrap();
        let version = |name: &str| {
            let (_, behind) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
            behind.split('"').next().unwrap().to_owned()
        };
        let locked =
            ["llama-cpp-2", "llama-cpp-sys-2"].map(|name| format!("{name} {}", version(name))).join(", ");
        assert_eq!(ENGINE, locked);
    }
}
