//! Elements expanded to 512 bytes each by BLAKE3, and summed.
//!
//! The eight blocks of an expansion differ in their counter alone. The `blake3` crate makes them one after the other
//! where there is no AVX-512; here they lie side by side in the registers, whatever their width, which takes half the
//! time. This one case is written out: a single block of 32 bytes, at the root.

use crate::compress::{CHUNK_END, CHUNK_START, IV, ROOT, compress};
use crate::simd::widest;

/// How many blocks of 64 bytes an expansion has.
const BLOCKS: usize = 8;

/// How many words an expansion has.
pub(super) const WORDS: usize = 16 * BLOCKS;

/// The words of expansions, each by itself: those of one place in all blocks, then those of the next. No word has to
/// change its place for another before the end, and carries wait until then.
struct Sums([[u64; BLOCKS]; 16]);

/// The sum of expansions, each of them a number of little-endian words, without what is carried out of the last.
///
/// # Panics
/// On 2^32 elements or more.
pub(super) fn sum(elements: &[[u8; 32]]) -> [u32; WORDS] {
    assert!(u32::try_from(elements.len()).is_ok(), "so many words' sum might not fit");
    let mut sums = Sums([[0; BLOCKS]; 16]);
    widest!(sums.add(elements));
    let mut carry = 0;
    std::array::from_fn(|at| {
        // Less than 2^64: each of up to 2^32 − 1 words is up to 2^32 − 1.
        carry += sums.0[at % 16][at / 16];
        let word = carry as u32;
        carry >>= 32;
        word
    })
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, elements: &[[u8; 32]]) {
        let mut words = [[0; BLOCKS]; 16];
        for element in elements {
            expand(element, &mut words);
            for (words, sums) in words.iter().zip(&mut self.0) {
                words.iter().zip(sums).for_each(|(word, sum)| *sum += u64::from(*word));
            }
        }
    }
}

/// The first 512 bytes that BLAKE3 gives for an element, as the words of its blocks.
#[inline(always)]
fn expand(element: &[u8; 32], words: &mut [[u32; BLOCKS]; 16]) {
    let mut message = [0; 16];
    for (word, bytes) in message.iter_mut().zip(element.as_chunks::<4>().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    // Taken apart, the columns are sixteen streams of stores to the compiler, and the loop is one over registers.
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = words;
    for block in 0..BLOCKS {
        let output = compress(&IV, &message, block as u32, 32, CHUNK_START | CHUNK_END | ROOT);
        [a[block], b[block], c[block], d[block], e[block], f[block], g[block], h[block]] = first_half(&output);
        [i[block], j[block], k[block], l[block], m[block], n[block], o[block], p[block]] = second_half(&output);
    }
}

#[inline(always)]
fn first_half(state: &[u32; 16]) -> [u32; 8] {
    std::array::from_fn(|word| state[word] ^ state[word + 8])
}

#[inline(always)]
fn second_half(state: &[u32; 16]) -> [u32; 8] {
    std::array::from_fn(|word| state[word + 8] ^ IV[word])
}
