//! The compression function of BLAKE3, to be inlined where many run side by side in the registers, whatever their width: one
//! alone is what the `blake3` crate is for.

pub(crate) const IV: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

pub(crate) const CHUNK_START: u32 = 1;
pub(crate) const CHUNK_END: u32 = 2;
pub(crate) const ROOT: u32 = 8;

/// The state after the rounds on a block: what the blocks before it left, its words, its counter, of which only the lower half is
/// asked for, how many bytes it has, and flags.
///
/// Source: O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020, "BLAKE3: one function, fast everywhere", 2.2.
#[inline(always)]
pub(crate) fn compress(chain: &[u32; 8], message: &[u32; 16], counter: u32, length: u32, flags: u32) -> [u32; 16] {
    let ([a, b, c, d, e, f, g, h], [i, j, k, l, ..]) = (*chain, IV);
    let mut state = [a, b, c, d, e, f, g, h, i, j, k, l, counter, 0, length, flags];
    round(&mut state, message, &SCHEDULE[0]);
    round(&mut state, message, &SCHEDULE[1]);
    round(&mut state, message, &SCHEDULE[2]);
    round(&mut state, message, &SCHEDULE[3]);
    round(&mut state, message, &SCHEDULE[4]);
    round(&mut state, message, &SCHEDULE[5]);
    round(&mut state, message, &SCHEDULE[6]);
    state
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
