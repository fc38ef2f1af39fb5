//! Thought: what a model writes for itself before it replies.
//!
//! It is kept where the model wrote it, in the history, and left out of what is read. Leaves out how long
//! it may be: the engine counts.

/// Marks the begin of thought.
pub const THOUGHT_OPEN: &str = "<think>";
/// Marks the end of thought.
pub const THOUGHT_CLOSE: &str = "</think>";

/// How a family's models think.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Thought {
    /// White space behind the closing mark.
    pub gap: &'static str,
}

/// Where the thought of a model begins: a fact of its template.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ThoughtBegin {
    /// The model does not think, or its prompt says that it has.
    Never,
    /// The reply may begin with it.
    InReply,
    /// The prompt ends inside of it, so that every reply begins there.
    InPrompt,
}

/// What stands behind the thought, or what is wrong with it.
pub(super) fn behind(text: &str, begin: ThoughtBegin) -> Result<&str, &'static str> {
    let thought = match begin {
        ThoughtBegin::Never => return Ok(text),
        ThoughtBegin::InReply => match text.trim_start().strip_prefix(THOUGHT_OPEN) {
            Some(thought) => thought,
            None => return Ok(text),
        },
        ThoughtBegin::InPrompt => text,
    };
    match thought.split_once(THOUGHT_CLOSE) {
        Some((_, said)) => Ok(said),
        None => Err("the thought does not end"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thought_ends_at_its_first_closing_mark() {
        for (begin, text, expected) in [
            (ThoughtBegin::Never, "<think>a</think>b", Ok("<think>a</think>b")),
            (ThoughtBegin::InReply, "<think>a</think>\n\nb</think>c", Ok("\n\nb</think>c")),
            (ThoughtBegin::InReply, "\n<think>\n</think>b", Ok("b")),
            (ThoughtBegin::InReply, "b <think>a</think>", Ok("b <think>a</think>")),
            (ThoughtBegin::InReply, "<think>a", Err("the thought does not end")),
            (ThoughtBegin::InPrompt, "a\n</think>\n\nb", Ok("\n\nb")),
            (ThoughtBegin::InPrompt, "a", Err("the thought does not end")),
        ] {
            assert_eq!(behind(text, begin), expected, "{begin:?} {text:?}");
        }
    }
}
