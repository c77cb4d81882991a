//! Many short messages hashed at once: a message alone keeps the processor waiting for itself.

use crate::compress::{CHUNK_END, CHUNK_START, IV, ROOT, compress};
use crate::simd::widest;

/// Messages that are hashed side by side.
const LANES: usize = 16;
const BLOCK_BYTES: usize = 64;
/// A longer message has more than one chunk.
pub(super) const BYTES_MAX: usize = 1024;

/// One value of each message.
type Lanes = [u32; LANES];

/// The BLAKE3 hash of each message, none of them longer than [`BYTES_MAX`].
pub(super) fn hash_all<'m>(messages: impl Iterator<Item = &'m [u8]>) -> Vec<[u8; 32]> {
    let messages: Vec<&[u8]> = messages.collect();
    let mut hashes = Vec::with_capacity(messages.len());
    for group in messages.chunks(LANES) {
        let chains = widest!(hash_group(group));
        let hash = |lane: usize| {
            let mut hash = [0; 32];
            let words = hash.as_chunks_mut::<4>().0.iter_mut().zip(&chains);
            words.for_each(|(bytes, chain)| *bytes = chain[lane].to_le_bytes());
            hash
        };
        hashes.extend((0..group.len()).map(hash));
    }
    hashes
}

#[inline(always)]
fn hash_group(group: &[&[u8]]) -> [Lanes; 8] {
    let blocks = |message: &&[u8]| message.len().div_ceil(BLOCK_BYTES).max(1);
    let mut chains = IV.map(|word| [word; LANES]);
    for block in 0..group.iter().map(blocks).max().unwrap_or(0) {
        let mut words = [[0; LANES]; 16];
        let (mut lengths, mut flags, mut is_on) = ([0; LANES], [0; LANES], [0; LANES]);
        for (lane, message) in group.iter().enumerate().filter(|(_, message)| block < blocks(message)) {
            let rest = &message[block * BLOCK_BYTES..];
            let is_last = rest.len() <= BLOCK_BYTES;
            let mut bytes = [0; BLOCK_BYTES];
            let length = rest.len().min(BLOCK_BYTES);
            bytes[..length].copy_from_slice(&rest[..length]);
            for (words, bytes) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
                words[lane] = u32::from_le_bytes(*bytes);
            }
            lengths[lane] = length as u32;
            flags[lane] = if block == 0 { CHUNK_START } else { 0 } | if is_last { CHUNK_END | ROOT } else { 0 };
            is_on[lane] = u32::MAX;
        }
        chain(&mut chains, &words, &lengths, &flags, &is_on);
    }
    chains
}

/// Goes on by a block in each lane that isn't over.
#[inline(always)]
fn chain(chains: &mut [Lanes; 8], words: &[Lanes; 16], lengths: &Lanes, flags: &Lanes, is_on: &Lanes) {
    let (before, words, lengths, flags, is_on) = (*chains, *words, *lengths, *flags, *is_on);
    // Taken apart, they are streams of stores to the compiler, and the loop is one over registers.
    let [a, b, c, d, e, f, g, h] = chains;
    for lane in 0..LANES {
        let message = std::array::from_fn(|word| words[word][lane]);
        let chain: [u32; 8] = std::array::from_fn(|word| before[word][lane]);
        let state = compress(&chain, &message, 0, lengths[lane], flags[lane]);
        let next = |word: usize| ((state[word] ^ state[word + 8]) & is_on[lane]) | (chain[word] & !is_on[lane]);
        [a[lane], b[lane], c[lane], d[lane]] = [next(0), next(1), next(2), next(3)];
        [e[lane], f[lane], g[lane], h[lane]] = [next(4), next(5), next(6), next(7)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_blake3() {
        let bytes: Vec<u8> = (0..4 * BYTES_MAX).map(|at| (at * 31 % 251) as u8).collect();
        let mut lengths: Vec<usize> = (0..=BYTES_MAX).collect();
        lengths.extend((0..=BYTES_MAX).map(|at| at * 379 % (BYTES_MAX + 1)));
        let messages: Vec<&[u8]> =
            lengths.iter().enumerate().map(|(at, length)| &bytes[at % 97..][..*length]).collect();
        let expected: Vec<[u8; 32]> = messages.iter().map(|message| *blake3::hash(message).as_bytes()).collect();
        assert!(hash_all(messages.iter().copied()) == expected);
        assert!(hash_all(messages[5..12].iter().copied()) == expected[5..12]);
        assert!(hash_all(std::iter::empty()).is_empty());
    }
}
