//! Sealing: records are encrypted, and nothing that someone without the key wrote passes for one.
//!
//! ChaCha20-Poly1305 (RFC 8439) for each record, under a key that HKDF-SHA256 (RFC 5869) makes for each
//! boot from the owner's key, the device's name and a fresh salt. The nonce is the record's place, which
//! no boot writes to twice; what stands around the record is authenticated with it.

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Context, Owner, SALT_BYTES, Salt, TAG_BYTES};

/// Bytes of the owner's key.
pub const KEY_BYTES: usize = 32;
const KDF_SALT: &[u8] = b"everstep-journal";

/// What seals the records of one boot.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seal {
    /// The owner's key, extracted.
    secret: [u8; KEY_BYTES],
    device: [u8; KEY_BYTES],
    salt: Salt,
}

impl Seal {
    /// A seal for one boot. `key` is the owner's secret, `device` names this device, so that another
    /// one's records aren't taken for its own under the same key. `salt` is random and **new for each
    /// recovery**: two boots with one salt would give their secrets away.
    #[must_use]
    pub fn new(key: &[u8; KEY_BYTES], device: &[u8], salt: [u8; SALT_BYTES]) -> Self {
        let (secret, _) = Hkdf::<Sha256>::extract(Some(KDF_SALT), key);
        Self { secret: secret.into(), device: Sha256::digest(device).into(), salt }
    }

    /// The salt of this boot.
    pub(crate) fn salt(&self) -> Salt {
        self.salt
    }

    pub(crate) fn owner(&self) -> Owner {
        let mut owner = Owner::default();
        self.derive(&[b"key"], &mut owner.key);
        self.derive(&[b"device", &self.device], &mut owner.device);
        owner
    }

    /// Encrypts in place; returns the tag.
    pub(crate) fn seal(&self, context: Context, bytes: &mut [u8]) -> [u8; TAG_BYTES] {
        let (nonce, around) = (context.nonce(), context.around());
        let cipher = self.cipher(&self.salt);
        let tag = cipher.encrypt_inout_detached(&nonce.into(), &around, InOutBuf::from(bytes));
        tag.expect("a record is shorter than 256 GiB").into()
    }

    /// Decrypts in place; `false`, with nothing changed, where the tag doesn't fit.
    pub(crate) fn open(&self, salt: &Salt, context: Context, bytes: &mut [u8], tag: [u8; TAG_BYTES]) -> bool {
        let (nonce, around) = (context.nonce(), context.around());
        let cipher = self.cipher(salt);
        cipher.decrypt_inout_detached(&nonce.into(), &around, InOutBuf::from(bytes), &tag.into()).is_ok()
    }

    fn cipher(&self, salt: &Salt) -> ChaCha20Poly1305 {
        let mut key = [0; KEY_BYTES];
        self.derive(&[b"records", &self.device, salt], &mut key);
        let cipher = ChaCha20Poly1305::new(&key.into());
        key.zeroize();
        cipher
    }

    fn derive(&self, purpose: &[&[u8]], into: &mut [u8]) {
        let hkdf = Hkdf::<Sha256>::from_prk(&self.secret).expect("the secret is as long as a digest");
        hkdf.expand_multi_info(purpose, into).expect("HKDF gives more than 32 bytes");
    }
}

impl core::fmt::Debug for Seal {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("Seal")
    }
}

impl Context {
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        let place = [self.opening, self.offset];
        nonce
            .iter_mut()
            .zip(place.iter().flat_map(|part| part.to_le_bytes()))
            .for_each(|(to, from)| *to = from);
        nonce
    }

    fn around(&self) -> [u8; 14] {
        let mut around = [0; 14];
        let bytes = self.epoch.to_le_bytes().into_iter();
        let bytes = bytes.chain(self.sequence.to_le_bytes()).chain(self.word.to_le_bytes());
        around.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        around
    }
}
