//! The state of a context as bytes, there and back: the one file that calls llama.cpp's unsafe functions
//! for it.
//!
//! Leaves out what the bytes are kept for: `boundaries` and `snapshot` have that.

use llama_cpp_2::context::{LlamaContext, session::LlamaStateSeqFlags};

use crate::sequence::SequenceId;

/// Which part of a state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// What can't be cut off at its end: the recurrent state, without the cells of attention.
    Recurrent,
}

/// A part of a state, in llama.cpp's own form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct State(Vec<u8>);

impl State {
    /// Takes `part` of a sequence's state, or nothing where llama.cpp fails or needs more than
    /// `bytes_max`.
    pub(crate) fn take(
        context: &LlamaContext<'_>,
        sequence: SequenceId,
        part: Part,
        bytes_max: usize,
    ) -> Option<Self> {
        let sequence = sequence.number();
        let size = context.state_seq_get_size_ext(sequence, flags(part));
        if size == 0 || size > bytes_max {
            return None;
        }
        let mut bytes = vec![0; size];
        // SAFETY: the destination has as many bytes as llama.cpp says it writes for this sequence and
        // these flags. Both walk the same code, and nothing is evaluated in between: the context is
        // borrowed here, and evaluating needs it mutably. The call waits for pending work by itself.
        #[expect(unsafe_code, reason = "llama-cpp-2 hands out storable bytes in no other way")]
        let written = unsafe { context.state_seq_get_data_ext(bytes.as_mut_ptr(), sequence, flags(part)) };
        (written == size).then_some(Self(bytes))
    }

    /// Puts it back. After a refusal the context may hold anything and must be replaced.
    #[must_use]
    pub(crate) fn put(&self, context: &mut LlamaContext<'_>, sequence: SequenceId, part: Part) -> bool {
        // SAFETY: llama.cpp reads within the slice, whose length it is given, and refuses what does not
        // fit the context. It believes what it reads, and these bytes are what `take` got from such a
        // context: they come from this process or from a file whose checksum and identity hold.
        #[expect(unsafe_code, reason = "llama-cpp-2 takes stored bytes in no other way")]
        unsafe {
            context.state_seq_set_data_ext(&self.0, sequence.number(), flags(part))
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For bytes of a snapshot whose checksum and identity were verified, and for nothing else:
    /// llama.cpp believes them.
    pub(crate) const fn verified(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

const fn flags(part: Part) -> LlamaStateSeqFlags {
    match part {
        Part::Whole => LlamaStateSeqFlags::empty(),
        Part::Recurrent => LlamaStateSeqFlags::PARTIAL_ONLY,
    }
}
