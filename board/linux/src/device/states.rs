//! The words of a device that is in one of two states.

/// Longest word.
const WORD_BYTES_MAX: usize = 32;

/// The words where a board file is silent.
pub(super) fn default() -> [String; 2] {
    ["off".into(), "on".into()]
}

/// Two words that a model can tell apart and write.
pub(super) fn check(states: &[String; 2]) -> Result<(), (&'static str, String)> {
    let [inactive, active] = states;
    let is_word = |word: &String| {
        (1..=WORD_BYTES_MAX).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if inactive == active {
        return Err(("states", format!("both are `{active}`: name the inactive and the active one")));
    }
    match states.iter().find(|word| !is_word(word)) {
        None => Ok(()),
        Some(word) => {
            let word = word.escape_debug();
            Err(("states", format!("a state has 1 to {WORD_BYTES_MAX} of a-z, 0-9 and _, not `{word}`")))
        }
    }
}
