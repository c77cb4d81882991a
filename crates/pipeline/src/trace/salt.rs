//! The salt under which buckets and sketches are stored: who lacks it learns nothing of single rows.

use serde::{Deserialize, Serialize};

/// The length of a salt.
pub const SALT_BYTES: usize = 32;
/// What is stored of a bucket.
pub(crate) const BUCKET_BYTES: usize = 8;

/// A project's secret: those who may compare rows share it.
#[derive(Clone)]
pub struct Salt {
    buckets: [u8; 32],
    seal: [u8; 32],
    name: [u8; 8],
}

impl Salt {
    /// The salt of these random bytes.
    pub fn new(bytes: &[u8; SALT_BYTES]) -> Salt {
        let name = blake3::derive_key("evenstep trace 1 name of the salt", bytes);
        Salt {
            buckets: blake3::derive_key("evenstep trace 1 buckets", bytes),
            seal: blake3::derive_key("evenstep trace 1 sketches", bytes),
            name: *name.first_chunk().expect("8 of 32 bytes"),
        }
    }

    /// What tells it from others.
    pub(crate) fn name(&self) -> [u8; 8] {
        self.name
    }

    /// What is stored of a bucket.
    pub(crate) fn bucket(&self, number: usize, sum: u64) -> [u8; BUCKET_BYTES] {
        let mut bytes = [0; 16];
        for (at, word) in [number as u64, sum].into_iter().enumerate() {
            bytes[8 * at..8 * at + 8].copy_from_slice(&word.to_le_bytes());
        }
        *blake3::keyed_hash(&self.buckets, &bytes).as_bytes().first_chunk().expect("8 of 32 bytes")
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// Bytes that only the salt opens.
///
/// The number used once is the keyed hash of what is sealed: equal bytes have equal seals, others another
/// stream, and a seal that was changed doesn't open.
// Rogaway & Shrimpton 2006, "A provable-security treatment of the key-wrap problem": synthetic initialisation vectors.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Sealed {
    once: [u8; 16],
    bytes: Vec<u8>,
}

impl Sealed {
    /// Seals the bytes.
    pub(crate) fn new(mut bytes: Vec<u8>, salt: &Salt) -> Sealed {
        let once = once(&bytes, salt);
        mask(&mut bytes, &once, salt);
        Sealed { once, bytes }
    }

    /// The bytes; None if the salt is another one.
    pub(crate) fn open(&self, salt: &Salt) -> Option<Vec<u8>> {
        let mut bytes = self.bytes.clone();
        mask(&mut bytes, &self.once, salt);
        (once(&bytes, salt) == self.once).then_some(bytes)
    }

    /// How many bytes are sealed.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn once(bytes: &[u8], salt: &Salt) -> [u8; 16] {
    *blake3::keyed_hash(&salt.seal, bytes).as_bytes().first_chunk().expect("16 of 32 bytes")
}

fn mask(bytes: &mut [u8], once: &[u8; 16], salt: &Salt) {
    let key = blake3::derive_key("evenstep trace 1 stream", &salt.seal);
    let mut stream = vec![0; bytes.len()];
    blake3::Hasher::new_keyed(&key).update(once).finalize_xof().fill(&mut stream);
    bytes.iter_mut().zip(stream).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_with_its_salt_alone_and_only_unchanged() {
        let (salt, other) = (Salt::new(&[1; 32]), Salt::new(&[2; 32]));
        let mut sealed = Sealed::new(b"an id".to_vec(), &salt);
        assert_eq!(sealed.open(&salt).as_deref(), Some(&b"an id"[..]));
        assert_ne!(sealed.bytes, b"an id");
        assert_eq!(sealed.open(&other), None);
        sealed.bytes[2] ^= 1;
        assert_eq!(sealed.open(&salt), None);
    }
}
