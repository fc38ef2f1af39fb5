//! Regular expressions of `pattern`, put from ECMA-262 into the dialect the grammar's compiler reads.
//!
//! The two look alike and differ in what `.`, `\s`, `\w` and `\a` mean, in classes within classes and in
//! flags. So nothing is passed on as it stands: a pattern is read as ECMA-262 says, and written anew with
//! every character named. What has no equal there is refused.

use std::{fmt::Write as _, iter::Peekable, str::Chars};

use super::walk::is_writable;

/// Most repetitions a pattern may name.
pub(super) const REPEAT_MAX: u32 = 65_535;
/// Deepest nesting of groups.
const GROUPS_MAX: usize = 32;

/// `.` takes no end of a line.
const DOT: &str = r"[^\n\r\x{2028}\x{2029}]";
/// What stands for any text around a pattern that is not anchored.
const ANYTHING: &str = "(?s:.*)";
const DIGITS: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = concat!(
    r"\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}",
    r"\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}"
);

/// `pattern` in the compiler's dialect, anchored at both ends; or what of it can't be had.
pub(super) fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut reader = Reader { rest: pattern.chars().peekable(), out: String::from("^(?:") };
    loop {
        reader.branch()?;
        match reader.rest.next() {
            None => break,
            Some('|') => reader.out.push('|'),
            Some(_) => return Err("a bracket without its other half"),
        }
    }
    reader.out.push_str(")$");
    Ok(reader.out)
}

struct Reader<'p> {
    rest: Peekable<Chars<'p>>,
    out: String,
}

/// One thing a class or a text may hold.
enum Item {
    Character(char),
    /// Ranges inside of brackets.
    Set(String),
}

impl Reader<'_> {
    /// One alternative of the whole pattern, which alone may be anchored.
    fn branch(&mut self) -> Result<(), &'static str> {
        if self.rest.next_if_eq(&'^').is_none() {
            self.out.push_str(ANYTHING);
        }
        self.terms(0)?;
        if self.rest.next_if_eq(&'$').is_none() {
            self.out.push_str(ANYTHING);
        }
        Ok(())
    }

    /// What stands in a row, up to an alternative's end.
    fn terms(&mut self, depth: usize) -> Result<(), &'static str> {
        loop {
            match self.rest.peek() {
                None | Some('|' | ')') => return Ok(()),
                Some('$') if depth == 0 => return Ok(()),
                Some('^' | '$') => return Err("an anchor that is not at an end"),
                Some(_) => self.term(depth)?,
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<(), &'static str> {
        match self.rest.next() {
            None => return Ok(()),
            Some('.') => self.out.push_str(DOT),
            Some('[') => self.class()?,
            Some('(') => self.group(depth)?,
            Some('\\') => match self.escape(Where::Text)? {
                Item::Character(character) if !is_writable(character) => {
                    return Err("a control character, which is never written");
                }
                Item::Character(character) => write_character(&mut self.out, character),
                Item::Set(set) => {
                    let _ = write!(self.out, "[{set}]");
                }
            },
            Some('*' | '+' | '?' | '{' | '}' | ']') => return Err("a sign of repetition or a bracket alone"),
            Some(character) => write_character(&mut self.out, character),
        }
        self.repetition()
    }

    fn group(&mut self, depth: usize) -> Result<(), &'static str> {
        if depth >= GROUPS_MAX {
            return Err("groups nested too deep");
        }
        if self.rest.next_if_eq(&'?').is_some() {
            match self.rest.next() {
                Some(':') => {}
                // A name means nothing here, and everything to the compiler: it goes.
                Some('<') if self.rest.peek().is_some_and(|&first| first != '=' && first != '!') => {
                    if !self.rest.by_ref().take(64).any(|character| character == '>') {
                        return Err("a group's name without an end");
                    }
                }
                _ => return Err("a look ahead or behind, or a flag"),
            }
        }
        self.out.push_str("(?:");
        loop {
            self.terms(depth.saturating_add(1))?;
            match self.rest.next() {
                Some('|') => self.out.push('|'),
                Some(')') => break,
                _ => return Err("a group without an end"),
            }
        }
        self.out.push(')');
        Ok(())
    }

    fn repetition(&mut self) -> Result<(), &'static str> {
        match self.rest.peek() {
            Some(&sign @ ('*' | '+' | '?')) => {
                self.rest.next();
                self.out.push(sign);
            }
            Some('{') => {
                self.rest.next();
                let least = self.number()?;
                let most = if self.rest.next_if_eq(&',').is_none() {
                    Some(least)
                } else if self.rest.peek() == Some(&'}') {
                    None
                } else {
                    Some(self.number()?)
                };
                if self.rest.next() != Some('}') || most.is_some_and(|most| most < least) {
                    return Err("a count of repetitions that is none");
                }
                let most = most.map(|most| most.to_string()).unwrap_or_default();
                let _ = write!(self.out, "{{{least},{most}}}");
            }
            _ => return Ok(()),
        }
        // How much is tried first changes nothing about what fits.
        self.rest.next_if_eq(&'?');
        match self.rest.peek() {
            Some('*' | '+' | '?' | '{') => Err("a repetition of a repetition"),
            _ => Ok(()),
        }
    }

    fn number(&mut self) -> Result<u32, &'static str> {
        let mut number: Option<u32> = None;
        while let Some(digit) = self.rest.peek().and_then(|digit| digit.to_digit(10)) {
            self.rest.next();
            let next = number.unwrap_or(0).saturating_mul(10).saturating_add(digit);
            if next > REPEAT_MAX {
                return Err("more repetitions than can be counted");
            }
            number = Some(next);
        }
        number.ok_or("a count of repetitions that is none")
    }

    fn class(&mut self) -> Result<(), &'static str> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut is_empty = true;
        loop {
            let first = match self.rest.next() {
                None => return Err("a class without an end"),
                Some(']') if is_empty => return Err("an empty class"),
                Some(']') => break,
                Some('\\') => self.escape(Where::Class)?,
                Some(character) => Item::Character(character),
            };
            is_empty = false;
            if self.rest.peek() != Some(&'-') {
                write_item(&mut self.out, first);
                continue;
            }
            self.rest.next();
            if self.rest.peek() == Some(&']') {
                write_item(&mut self.out, first);
                write_character(&mut self.out, '-');
                continue;
            }
            let last = match self.rest.next() {
                None => return Err("a class without an end"),
                Some('\\') => self.escape(Where::Class)?,
                Some(character) => Item::Character(character),
            };
            match (first, last) {
                (Item::Character(first), Item::Character(last)) if first <= last => {
                    write_character(&mut self.out, first);
                    self.out.push('-');
                    write_character(&mut self.out, last);
                }
                _ => return Err("a range that is none"),
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// What follows a backslash.
    fn escape(&mut self, place: Where) -> Result<Item, &'static str> {
        let not = |set: &str| Item::Set(format!("[^{set}]"));
        Ok(match self.rest.next() {
            Some('d') => Item::Set(DIGITS.to_owned()),
            Some('w') => Item::Set(WORD.to_owned()),
            Some('s') => Item::Set(SPACE.to_owned()),
            Some('D') => not(DIGITS),
            Some('W') => not(WORD),
            Some('S') => not(SPACE),
            Some(letter @ ('p' | 'P')) => Item::Set(self.property(letter)?),
            Some('t') => Item::Character('\t'),
            Some('n') => Item::Character('\n'),
            Some('r') => Item::Character('\r'),
            Some('f') => Item::Character('\u{c}'),
            Some('v') => Item::Character('\u{b}'),
            Some('b') if place == Where::Class => Item::Character('\u{8}'),
            Some('0') if !self.rest.peek().is_some_and(char::is_ascii_digit) => Item::Character('\0'),
            Some('c') => match self.rest.next() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    let code = u32::from(letter.to_ascii_uppercase()).saturating_sub(u32::from('@'));
                    Item::Character(char::from_u32(code).ok_or("no control character")?)
                }
                _ => return Err("no control character"),
            },
            Some('x') => Item::Character(char::from_u32(self.hex(2)?).ok_or("no character of that number")?),
            Some('u') => Item::Character(self.unicode()?),
            Some(sign) if sign == '-' || "^$\\.*+?()[]{}|/".contains(sign) => Item::Character(sign),
            Some(_) => return Err("an escape it does not know"),
            None => return Err("a backslash at the end"),
        })
    }

    fn property(&mut self, letter: char) -> Result<String, &'static str> {
        let wrong = "a class of characters without its name";
        if self.rest.next() != Some('{') {
            return Err(wrong);
        }
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some('}') if !name.is_empty() => return Ok(format!("\\{letter}{{{name}}}")),
                Some(character) if character.is_ascii_alphanumeric() || "_=".contains(character) => {
                    name.push(character);
                }
                _ => return Err(wrong),
            }
        }
    }

    fn unicode(&mut self) -> Result<char, &'static str> {
        let wrong = "no character of that number";
        if self.rest.next_if_eq(&'{').is_some() {
            let mut code = 0_u32;
            loop {
                match self.rest.next() {
                    Some('}') => return char::from_u32(code).ok_or(wrong),
                    Some(digit) => {
                        let digit = digit.to_digit(16).ok_or(wrong)?;
                        code = code.saturating_mul(16).saturating_add(digit);
                    }
                    None => return Err(wrong),
                }
            }
        }
        let first = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&first) {
            return char::from_u32(first).ok_or(wrong);
        }
        if self.rest.next() != Some('\\') || self.rest.next() != Some('u') {
            return Err(wrong);
        }
        let second = self.hex(4)?.checked_sub(0xDC00).filter(|second| *second < 0x400).ok_or(wrong)?;
        let code = 0x1_0000_u32.saturating_add((first & 0x3FF) << 10).saturating_add(second);
        char::from_u32(code).ok_or(wrong)
    }

    fn hex(&mut self, digits: usize) -> Result<u32, &'static str> {
        (0..digits).try_fold(0_u32, |code, _| {
            let digit = self.rest.next().and_then(|digit| digit.to_digit(16));
            Ok(code.saturating_mul(16).saturating_add(digit.ok_or("no character of that number")?))
        })
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Where {
    Text,
    Class,
}

fn write_item(out: &mut String, item: Item) {
    match item {
        Item::Character(character) => write_character(out, character),
        Item::Set(set) => out.push_str(&set),
    }
}

/// Letters and digits as they are; everything else by number, so that it can mean nothing else.
fn write_character(out: &mut String, character: char) {
    if character.is_ascii_alphanumeric() {
        out.push(character);
    } else {
        let _ = write!(out, "\\x{{{:x}}}", u32::from(character));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_written_out() {
        for (pattern, expected) in [
            ("^a$", "^(?:a)$"),
            ("a", "^(?:(?s:.*)a(?s:.*))$"),
            ("^a|b$", "^(?:a(?s:.*)|(?s:.*)b)$"),
            ("^(?<stop>a|b)+?$", "^(?:(?:a|b)+)$"),
            (r"^\d{2,}\.\cJ\u{1F9CA}\ud83e\uddca$", r"^(?:[0-9]{2,}\x{2e}\x{a}\x{1f9ca}\x{1f9ca})$"),
            ("^[[&&a-c-]$", r"^(?:[\x{5b}\x{26}\x{26}a-c\x{2d}])$"),
            (r"^[^\w\-\b]x{3}$", r"^(?:[^0-9A-Za-z_\x{2d}\x{8}]x{3,3})$"),
        ] {
            assert_eq!(translate(pattern).as_deref(), Ok(expected), "{pattern}");
        }
    }

    #[test]
    fn what_has_no_equal_is_refused() {
        for pattern in [
            "(?=a)",
            "(?!a)",
            "(?<=a)",
            "(?i)a",
            r"\1",
            r"\bx",
            r"\a",
            r"\Z",
            "a**",
            "a{2}{3}",
            "{",
            "a}",
            "]",
            "[",
            "[]",
            "[^]",
            "[z-a]",
            r"[\d-x]",
            "(",
            ")",
            "a)b",
            "(^a)",
            "a^b",
            "a$b",
            r"\",
            r"\u12",
            r"\ud800",
            r"\u{110000}",
            r"\x4",
            r"\p{",
            r"\pL",
            "a{,3}",
            "a{3,2}",
            "a{99999}",
            r"\cC",
            r"\x01",
            r"\00",
        ] {
            assert!(translate(pattern).is_err(), "{pattern}");
        }
        let deep = format!("{}a{}", "(".repeat(GROUPS_MAX + 1), ")".repeat(GROUPS_MAX + 1));
        assert!(translate(&deep).is_err());
    }
}
