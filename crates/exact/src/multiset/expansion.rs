//! Elements expanded to 512 bytes each by BLAKE3, and summed.
//!
//! The eight blocks of an expansion differ in their counter alone. The `blake3` crate makes them one after the other
//! where there is no AVX-512; here they lie side by side in the registers, whatever their width, which takes half the
//! time. Only this one case is written out: a single block of 32 bytes, at the root.

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
        let output = compress(&message, block as u32);
        [a[block], b[block], c[block], d[block], e[block], f[block], g[block], h[block]] = first_half(&output);
        [i[block], j[block], k[block], l[block], m[block], n[block], o[block], p[block]] = second_half(&output);
    }
}

const IV: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The state after the rounds on the only block of an input of 32 bytes.
///
/// Source: O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020, "BLAKE3: one function, fast everywhere", 2.2.
#[inline(always)]
fn compress(message: &[u32; 16], counter: u32) -> [u32; 16] {
    const CHUNK_START: u32 = 1;
    const CHUNK_END: u32 = 2;
    const ROOT: u32 = 8;
    let [a, b, c, d, e, f, g, h] = IV;
    let flags = CHUNK_START | CHUNK_END | ROOT;
    let mut state = [a, b, c, d, e, f, g, h, a, b, c, d, counter, 0, 32, flags];
    round(&mut state, message, &SCHEDULE[0]);
    round(&mut state, message, &SCHEDULE[1]);
    round(&mut state, message, &SCHEDULE[2]);
    round(&mut state, message, &SCHEDULE[3]);
    round(&mut state, message, &SCHEDULE[4]);
    round(&mut state, message, &SCHEDULE[5]);
    round(&mut state, message, &SCHEDULE[6]);
    state
}

#[inline(always)]
fn first_half(state: &[u32; 16]) -> [u32; 8] {
    std::array::from_fn(|word| state[word] ^ state[word + 8])
}

#[inline(always)]
fn second_half(state: &[u32; 16]) -> [u32; 8] {
    std::array::from_fn(|word| state[word + 8] ^ IV[word])
}

/// Which word of the message goes where, round by round.
const SCHEDULE: [[usize; 16]; 7] = {
    const PERMUTATION: [usize; 16] = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut schedule = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]; 7];
    let mut round = 1;
    while round < 7 {
        let mut word = 0;
        while word < 16 {
            schedule[round][word] = schedule[round - 1][PERMUTATION[word]];
            word += 1;
        }
        round += 1;
    }
    schedule
};

#[inline(always)]
fn round(state: &mut [u32; 16], message: &[u32; 16], schedule: &[usize; 16]) {
    let x = |place: usize| message[schedule[place]];
    mix(state, [0, 4, 8, 12], x(0), x(1));
    mix(state, [1, 5, 9, 13], x(2), x(3));
    mix(state, [2, 6, 10, 14], x(4), x(5));
    mix(state, [3, 7, 11, 15], x(6), x(7));
    mix(state, [0, 5, 10, 15], x(8), x(9));
    mix(state, [1, 6, 11, 12], x(10), x(11));
    mix(state, [2, 7, 8, 13], x(12), x(13));
    mix(state, [3, 4, 9, 14], x(14), x(15));
}

#[inline(always)]
fn mix(state: &mut [u32; 16], [a, b, c, d]: [usize; 4], x: u32, y: u32) {
    state[a] = state[a].wrapping_add(state[b]).wrapping_add(x);
    state[d] = (state[d] ^ state[a]).rotate_right(16);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_right(12);
    state[a] = state[a].wrapping_add(state[b]).wrapping_add(y);
    state[d] = (state[d] ^ state[a]).rotate_right(8);
    state[c] = state[c].wrapping_add(state[d]);
    state[b] = (state[b] ^ state[c]).rotate_right(7);
}
