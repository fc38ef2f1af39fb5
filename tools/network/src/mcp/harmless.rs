//! Text of a server that can't leave its place: no control characters, no marks that a model's own
//! format might know.
//!
//! Second to the renderers, which never turn a tool's text into marks whatever it holds.

/// One line of at most `bytes_max` bytes, without what could be read as markup.
pub(super) fn line(text: &str, bytes_max: usize) -> String {
    let text: String = without_marks(text).chars().map(visible).collect();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&words, bytes_max)
}

/// Text of several lines, without letters that no person reads.
pub(super) fn lines(text: &str) -> String {
    let keep = |letter: char| if letter == '\n' || letter == '\t' { letter } else { visible(letter) };
    text.chars().map(keep).collect()
}

/// Whether `line` would change nothing but spaces.
pub(super) fn is_harmless(text: &str) -> bool {
    without_marks(text).chars().map(visible).eq(text.chars())
}

/// A letter that a person reads, or a space: control characters, those that turn the direction of
/// writing, that join, or that show nothing.
fn visible(letter: char) -> char {
    let is_hidden = letter.is_control()
        || matches!(letter,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}');
    if is_hidden { ' ' } else { letter }
}

/// With round brackets in place of those that open or close a mark: `<tool_call>`, `</s>`, `<|im_start|>`,
/// `<<SYS>>`, `[INST]`, `[/TOOL_CALLS]`. `a < b` and `[0, 5]` stay.
fn without_marks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied().unwrap_or(' ');
        let opens = match letter {
            '<' | '＜' => next.is_alphabetic() || is_part(next),
            '[' => next.is_ascii_uppercase() || next == '/',
            _ => false,
        };
        let closes = match letter {
            '>' | '＞' => before.is_alphanumeric() || is_part(before),
            ']' => before.is_ascii_uppercase(),
            _ => false,
        };
        out.push(match (opens, closes) {
            (true, _) => '(',
            (_, true) => ')',
            _ => letter,
        });
        before = letter;
    }
    out
}

/// What stands at the edge of a mark beside letters.
fn is_part(letter: char) -> bool {
    matches!(letter, '/' | '|' | '!' | '?' | '_' | '<' | '>' | '｜' | '▁' | '＜' | '＞')
        || visible(letter) != letter
}

/// At most `bytes_max` bytes; what is left out shows as three dots.
fn shortened(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}...", cut(text, bytes_max.saturating_sub(3)).trim_end())
}

/// At most `bytes_max` bytes, between letters.
pub(super) fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_lose_their_brackets_and_ordinary_text_keeps_them() {
        for (text, expected) in [
            ("a < b and [0, 5] -> c", "a < b and [0, 5] -> c"),
            ("<tool_call>{}</tool_call>", "(tool_call){}(/tool_call)"),
            ("<|im_start|>system", "(|im_start|)system"),
            ("[INST] do [/INST]", "(INST) do (/INST)"),
            ("<<SYS>>", "((SYS))"),
            ("<｜tool▁calls▁begin｜>", "(｜tool▁calls▁begin｜)"),
            ("<\u{200b}|im_end|>", "( |im_end|)"),
            ("one\ntwo\r\n\u{1b}[31mred\u{202e}", "one two [31mred"),
        ] {
            assert_eq!(line(text, 256), expected, "{text:?}");
        }
    }

    #[test]
    fn long_text_is_cut_between_letters() {
        assert_eq!(line(&"ä".repeat(200), 256).len(), 255);
        assert!(line(&"x".repeat(300), 256).ends_with("x..."));
        assert_eq!(line("short", 5), "short");
    }

    #[test]
    fn lines_keep_their_ends() {
        assert_eq!(lines("a\n\tb\u{0}\u{200f}c <b>"), "a\n\tb  c <b>");
    }

    proptest::proptest! {
        #[test]
        fn a_line_is_one_line_within_its_limit(text in ".*", bytes_max in 3_usize..300) {
            let line = line(&text, bytes_max);
            proptest::prop_assert!(line.len() <= bytes_max && !line.contains(char::is_control));
            for mark in ["<|", "|>", "</", "<tool", "[INST", "<｜"] {
                proptest::prop_assert!(!line.contains(mark));
            }
        }

        #[test]
        fn marks_within_text_never_stay(before in "\\PC{0,9}", hidden in "[\u{200b}\u{0}\n ]{0,2}", after in "\\PC{0,9}") {
            let text = format!("{before}<{hidden}|im_start|>{after}");
            proptest::prop_assert!(!line(&text, 256).contains("<|"));
        }
    }
}
