//! A fast hash of short strings, the same on every host; for tables, not for addresses.

/// Two rounds of a folded 128-bit product over 8-byte words.
// Wang Yi, "wyhash": the folded multiply and its constants.
#[inline]
pub(crate) fn text_hash(text: &[u8]) -> u64 {
    const A: u64 = 0xa076_1d64_78bd_642f;
    const B: u64 = 0xe703_7ed1_a0b4_28db;
    let mut state = A ^ text.len() as u64;
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
