//! A fast hash of short strings; for tables, not for addresses.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// The hash that is the same on every host.
#[inline]
pub(crate) fn text_hash(text: &[u8]) -> u64 {
    seeded_hash(text, 0)
}

/// A seed that nobody outside this process knows, so that nobody can choose strings whose hashes are equal.
pub(crate) fn secret() -> u64 {
    static SECRET: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));
    *SECRET
}

/// Two rounds of a folded 128-bit product over 8-byte words.
// Wang Yi, "wyhash": the folded multiply and its constants.
#[inline]
pub(crate) fn seeded_hash(text: &[u8], seed: u64) -> u64 {
    const A: u64 = 0xa076_1d64_78bd_642f;
    const B: u64 = 0xe703_7ed1_a0b4_28db;
    let mut state = A ^ text.len() as u64 ^ seed;
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        state = fold(state ^ u64::from_le_bytes(*word), B);
    }
    fold(fold(state ^ tail(rest), B), A)
}

/// Up to 7 bytes as a word.
#[inline]
pub(crate) fn tail(rest: &[u8]) -> u64 {
    let mut word = 0;
    for byte in rest.iter().rev() {
        word = word << 8 | u64::from(*byte);
    }
    word
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first word meets a known state, which it brings to 0; what follows is chosen to fold to 0, too.
    #[test]
    fn strings_chosen_for_one_seed_are_told_apart_by_another() {
        const A: u64 = 0xa076_1d64_78bd_642f;
        const B: u64 = 0xe703_7ed1_a0b4_28db;
        let chosen = |word: u64| [word.to_le_bytes(), fold(A ^ 16 ^ word, B).to_le_bytes()].concat();
        let hashes =
            |seed| (1..1000).map(|word| seeded_hash(&chosen(word), seed)).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(hashes(0).len(), 1);
        assert_eq!(hashes(0x9e37_79b9_7f4a_7c15).len(), 999);
    }
}
