//! Finds secrets in text, whatever form they were brought into, and replaces them.
//!
//! Text is looked at as it is and with up to three layers of percent or JSON escapes undone, each byte
//! knowing where in the text it came from. In each of these views the secret is looked for plain, in
//! base64 and in hexadecimal digits.

use std::{borrow::Cow, ops::Range};

use zeroize::Zeroizing;

/// Layers of escapes that are undone.
const LAYERS_MAX: usize = 3;

/// What of a secret is looked for.
pub(super) struct Needle {
    plain: Zeroizing<Vec<u8>>,
    hex: Zeroizing<Vec<u8>>,
    /// For each of the three alignments, the characters that the secret alone decides.
    base64: [Base64; 3],
}

struct Base64 {
    characters: Zeroizing<Vec<u8>>,
    /// Whether the character before, or behind, is decided by the secret in part.
    edge_before: bool,
    edge_behind: bool,
}

/// Reads one escape: the bytes it stands for, and its own length.
type Escape = fn(&[u8]) -> Option<(Vec<u8>, usize)>;

/// A view of the text: bytes, and the part of the text that each came from.
struct View {
    bytes: Zeroizing<Vec<u8>>,
    from: Vec<(u32, u32)>,
}

/// A part of the text that is a secret, and which.
struct Found<'a> {
    part: Range<usize>,
    name: &'a str,
}

/// Replaces every secret by its name.
pub(super) fn mask<'a>(text: &str, needles: impl Iterator<Item = (&'a str, &'a Needle)>) -> String {
    let needles: Vec<_> = needles.collect();
    if needles.is_empty() {
        return text.to_owned();
    }
    let mut found = Vec::new();
    look(&View::of(text), LAYERS_MAX, &needles, &mut found);
    replaced(text, found)
}

/// Looks through a view, and through what is left of it when escapes are undone.
fn look<'a>(view: &View, layers: usize, needles: &[(&'a str, &Needle)], found: &mut Vec<Found<'a>>) {
    for (name, needle) in needles {
        view.find(&needle.plain, (false, false), name, found);
    }
    let digits = view.hex();
    for (name, needle) in needles {
        digits.find(&needle.hex, (false, false), name, found);
    }
    drop(digits);
    let letters = view.base64();
    for (name, needle) in needles {
        for form in &needle.base64 {
            letters.find(&form.characters, (form.edge_before, form.edge_behind), name, found);
        }
    }
    drop(letters);
    let Some(layers) = layers.checked_sub(1) else { return };
    // Whether a `+` stands for a space depends on who wrote it: forms have it so, paths have not.
    let plus = view.bytes.contains(&b'+').then_some(form as Escape);
    for escape in [percent as Escape, json].into_iter().chain(plus) {
        if let Some(undone) = view.undo(escape) {
            look(&undone, layers, needles, found);
        }
    }
}

impl Needle {
    pub(super) fn new(secret: &[u8]) -> Self {
        let hex = secret.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]).collect();
        let base64 = [0, 1, 2].map(|before| Base64::new(secret, before));
        Self { plain: Zeroizing::new(secret.to_vec()), hex: Zeroizing::new(hex), base64 }
    }
}

impl Base64 {
    /// The characters of `secret` where `before` bytes stand before it in a group of three.
    fn new(secret: &[u8], before: usize) -> Self {
        let bits = (before + secret.len()) * 8;
        let (first, last) = ((before * 8).div_ceil(6), bits / 6);
        let byte = |index: usize| {
            let at = index.checked_sub(before).and_then(|index| secret.get(index));
            u32::from(at.copied().unwrap_or(0))
        };
        let characters = (first..last).map(|index| {
            let bit = index * 6;
            let pair = byte(bit / 8) << 8 | byte(bit / 8 + 1);
            let sextet = pair >> (10 - bit % 8) & 63;
            alphabet(sextet)
        });
        Self {
            characters: Zeroizing::new(characters.collect()),
            edge_before: before > 0,
            edge_behind: !bits.is_multiple_of(6),
        }
    }
}

fn alphabet(sextet: u32) -> u8 {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    usize::try_from(sextet).ok().and_then(|index| LETTERS.get(index)).copied().unwrap_or(b'=')
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

impl View {
    fn of(text: &str) -> Self {
        let bytes = text.bytes().collect();
        // Text beyond 4 GiB is never read: answers have limits.
        let from = (0..text.len()).map(|index| (place(index), place(index + 1))).collect();
        Self { bytes: Zeroizing::new(bytes), from }
    }

    /// The same text without one layer of escapes; nothing where there are none.
    fn undo(&self, escape: Escape) -> Option<Self> {
        let (mut bytes, mut from) = (Vec::with_capacity(self.bytes.len()), Vec::new());
        let (mut index, mut changed) = (0, false);
        while let Some(rest) = self.bytes.get(index..).filter(|rest| !rest.is_empty()) {
            let (undone, length) = match escape(rest) {
                Some(escape) => {
                    changed = true;
                    escape
                }
                None => (rest.get(..1).unwrap_or_default().to_vec(), 1),
            };
            let Range { start, end } = self.part(index..index + length);
            from.extend(undone.iter().map(|_| (place(start), place(end))));
            bytes.extend(undone);
            index += length;
        }
        changed.then_some(Self { bytes: Zeroizing::new(bytes), from })
    }

    /// Base64 of both alphabets in one, without the line ends that some writers put in.
    fn base64(&self) -> Self {
        self.only(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'\r' | b'\n' | b' ' | b'\t' => None,
            other => Some(other),
        })
    }

    /// Digits of both cases in one, without what stands between pairs.
    fn hex(&self) -> Self {
        self.only(|byte| match byte {
            b'\r' | b'\n' | b' ' | b'\t' | b':' | b'-' => None,
            other => Some(other.to_ascii_lowercase()),
        })
    }

    fn only(&self, keep: impl Fn(u8) -> Option<u8>) -> Self {
        let kept = self.bytes.iter().zip(&self.from);
        let kept = kept.filter_map(|(byte, from)| keep(*byte).map(|byte| (byte, *from)));
        let (bytes, from): (Vec<_>, Vec<_>) = kept.unzip();
        Self { bytes: Zeroizing::new(bytes), from }
    }

    /// The part of the text that bytes of this view came from.
    fn part(&self, bytes: Range<usize>) -> Range<usize> {
        let parts = self.from.get(bytes).unwrap_or_default();
        let start = parts.first().map_or(0, |(start, _)| *start);
        start as usize..parts.last().map_or(start, |(_, end)| *end) as usize
    }

    fn find<'a>(&self, needle: &[u8], edges: (bool, bool), name: &'a str, found: &mut Vec<Found<'a>>) {
        let Some(first) = needle.first() else { return };
        let mut index = 0;
        while let Some(step) =
            self.bytes.get(index..).and_then(|rest| rest.iter().position(|byte| byte == first))
        {
            let start = index + step;
            let end = start + needle.len();
            index = start + 1;
            if self.bytes.get(start..end) == Some(needle) {
                // A character at an edge tells a few bits of the secret.
                let is_edge = |at: usize| self.bytes.get(at).is_some_and(|byte| is_base64(*byte));
                let before = usize::from(edges.0 && start > 0 && is_edge(start - 1));
                let mut last = end + usize::from(edges.1 && is_edge(end));
                while edges.1 && self.bytes.get(last) == Some(&b'=') {
                    last += 1;
                }
                found.push(Found { part: self.part(start - before..last), name });
                index = end;
            }
        }
    }
}

fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// `%41`, and `+` for a space.
fn form(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    if rest.first() == Some(&b'+') { Some((vec![b' '], 1)) } else { percent(rest) }
}

/// `%41`
fn percent(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    match rest {
        [b'%', high, low, ..] => Some((vec![nibble(*high)? << 4 | nibble(*low)?], 3)),
        _ => None,
    }
}

/// `\n`, `\/`, `\u0041`, and pairs of surrogates.
fn json(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let letter = match rest {
        [b'\\', b'u', ..] => return unicode(rest),
        [b'\\', letter, ..] => *letter,
        _ => return None,
    };
    let byte = match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'"' | b'\\' | b'/' => letter,
        _ => return None,
    };
    Some((vec![byte], 2))
}

fn unicode(rest: &[u8]) -> Option<(Vec<u8>, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let escape = rest.get(at..at + 6)?;
        let digits = escape.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | u32::from(nibble(*digit)?)))
    };
    let first = unit(0)?;
    let (point, length) = match (first, unit(6)) {
        (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) => {
            (0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00), 12)
        }
        _ => (first, 6),
    };
    let letter = char::from_u32(point)?;
    Some((letter.to_string().into_bytes(), length))
}

fn nibble(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

/// The text with each part replaced. Parts that touch or overlap become one, named by the largest.
fn replaced(text: &str, mut found: Vec<Found<'_>>) -> String {
    found.sort_by_key(|found| (found.part.start, std::cmp::Reverse(found.part.end)));
    let mut merged: Vec<Found<'_>> = Vec::new();
    for next in found {
        match merged.last_mut() {
            Some(last) if next.part.start < last.part.end => {
                last.part.end = last.part.end.max(next.part.end);
            }
            _ => merged.push(next),
        }
    }
    let (mut masked, mut end) = (String::with_capacity(text.len()), 0);
    for Found { part, name } in merged {
        masked.push_str(&between(text, end, part.start));
        masked.push_str("[secret ");
        masked.push_str(name);
        masked.push(']');
        end = part.end;
    }
    masked.push_str(&between(text, end, text.len()));
    masked
}

/// A piece of the text. A secret that ended within a letter takes the letter with it.
fn between(text: &str, start: usize, end: usize) -> Cow<'_, str> {
    text.get(start..end).map_or_else(
        || {
            String::from_utf8_lossy(text.as_bytes().get(start..end).unwrap_or_default())
                .replace('\u{FFFD}', "")
                .into()
        },
        Cow::Borrowed,
    )
}
