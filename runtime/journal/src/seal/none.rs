//! Without the ciphers nothing can be sealed, and there is no seal.

use super::{Context, Owner, Salt, TAG_BYTES};

/// There is none.
#[derive(Clone, Debug)]
pub(crate) enum Seal {}

impl Seal {
    pub(crate) fn salt(&self) -> Salt {
        match *self {}
    }

    pub(crate) fn owner(&self) -> Owner {
        match *self {}
    }

    pub(crate) fn seal(&self, _: Context, _: &mut [u8]) -> [u8; TAG_BYTES] {
        match *self {}
    }

    pub(crate) fn open(&self, _: &Salt, _: Context, _: &mut [u8], _: [u8; TAG_BYTES]) -> bool {
        match *self {}
    }
}
