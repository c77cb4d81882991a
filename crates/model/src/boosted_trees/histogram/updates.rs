//! The innermost loops: adds every row's word to its bin of each feature.

use evenstep_exact::simd::{prefetch, widest};

use super::super::matrix::LANES;
use super::super::quantise::Packing;

/// How many words of a row are worked on together: the sums of their features almost fit into the first-level cache.
pub(super) const GROUP: usize = 4;

/// How many rows ahead of their use rows are asked for: from memory, then from the next cache.
const FAR: usize = 32;
const NEAR: usize = 8;

/// So many rows that follow one another stay in the second-level cache while one word after the other is added.
const TILE: usize = 2048;

/// The packed sums of a word's features.
type Sums = [[u64; 256]; LANES];

/// What is added.
pub(super) struct Updates<'a> {
    /// The bins of all rows, so many words a row, and so many lanes a word.
    pub(super) bins: &'a [u64],
    pub(super) stride: usize,
    pub(super) in_word: usize,
    pub(super) gradients: &'a [u32],
    pub(super) packing: &'a Packing,
}

impl Updates<'_> {
    /// Adds rows, which ascend, to the sums of some words, of which there are up to [`GROUP`]. `spread` is room.
    pub(super) fn add(&self, words: &[usize], rows: &[u32], sums: &mut [Sums], spread: &mut Vec<u64>) {
        match self.in_word {
            1 => self.of_lanes::<1>(words, rows, sums, spread),
            2 => self.of_lanes::<2>(words, rows, sums, spread),
            3 => self.of_lanes::<3>(words, rows, sums, spread),
            4 => self.of_lanes::<4>(words, rows, sums, spread),
            5 => self.of_lanes::<5>(words, rows, sums, spread),
            6 => self.of_lanes::<6>(words, rows, sums, spread),
            7 => self.of_lanes::<7>(words, rows, sums, spread),
            _ => self.of_lanes::<8>(words, rows, sums, spread),
        }
    }

    /// One loop for each number of words and of lanes in them.
    fn of_lanes<const USED: usize>(&self, words: &[usize], rows: &[u32], sums: &mut [Sums], spread: &mut Vec<u64>) {
        match *words {
            [a] => self.of_words::<USED, 1>([a], rows, sums, spread),
            [a, b] => self.of_words::<USED, 2>([a, b], rows, sums, spread),
            [a, b, c] => self.of_words::<USED, 3>([a, b, c], rows, sums, spread),
            [a, b, c, d] => self.of_words::<USED, 4>([a, b, c, d], rows, sums, spread),
            _ => unreachable!("a group has up to {GROUP} words"),
        }
    }

    fn of_words<const USED: usize, const WORDS: usize>(
        &self,
        words: [usize; WORDS],
        rows: &[u32],
        sums: &mut [Sums],
        spread: &mut Vec<u64>,
    ) {
        let sums: &mut [_; WORDS] = sums.try_into().expect("each word has its sums");
        match *rows {
            [first, .., last] if (last - first) as usize + 1 == rows.len() => {
                for start in (first as usize..=last as usize).step_by(TILE) {
                    let count = TILE.min(last as usize + 1 - start);
                    self.tile::<USED, WORDS>(words, start, count, sums, spread);
                }
            }
            _ => self.apart::<USED, WORDS>(words, rows, sums),
        }
    }

    /// Rows that follow one another, word by word: the sums of one stay in the first-level cache. Meanwhile the next rows are
    /// asked for, an equal part of them in each pass.
    fn tile<const USED: usize, const WORDS: usize>(
        &self,
        words: [usize; WORDS],
        start: usize,
        count: usize,
        sums: &mut [Sums; WORDS],
        spread: &mut Vec<u64>,
    ) {
        let (stride, all) = (self.stride, self.bins);
        spread.clear();
        let gradients = &self.gradients[start..start + count];
        widest!(spread.extend(gradients.iter().map(|gradient| self.packing.spread(*gradient))));
        let bins = &all[start * stride..][..count * stride];
        for (pass, (word, sums)) in words.into_iter().zip(sums).enumerate() {
            let ahead = start + count + pass * TILE / WORDS;
            let mut bins = bins[word..].iter().step_by(stride);
            let (some, rest) = spread.as_chunks::<WORDS>();
            for (at, spread) in some.iter().enumerate() {
                prefetch::<true, _>(all, (ahead + at) * stride + word);
                for (spread, bins) in spread.iter().zip(&mut bins) {
                    update::<USED>(sums, *bins, *spread);
                }
            }
            rest.iter().zip(bins).for_each(|(spread, bins)| update::<USED>(sums, *bins, *spread));
        }
    }

    /// Rows that lie apart, and no processor guesses where.
    fn apart<const USED: usize, const WORDS: usize>(
        &self,
        words: [usize; WORDS],
        rows: &[u32],
        sums: &mut [Sums; WORDS],
    ) {
        let (stride, all) = (self.stride, self.bins);
        for (at, row) in rows.iter().enumerate() {
            if let Some(row) = rows.get(at + FAR) {
                prefetch::<true, _>(self.gradients, *row as usize);
                prefetch::<true, _>(all, *row as usize * stride + words[0]);
            }
            if let Some(row) = rows.get(at + NEAR) {
                prefetch::<false, _>(self.gradients, *row as usize);
                prefetch::<false, _>(all, *row as usize * stride + words[0]);
            }
            let spread = self.packing.spread(self.gradients[*row as usize]);
            let bins = &all[*row as usize * stride..][..stride];
            for (word, sums) in words.iter().zip(&mut *sums) {
                update::<USED>(sums, bins[*word], spread);
            }
        }
    }
}

/// Adds a row's word to its bins, which another word holds.
#[inline(always)]
fn update<const USED: usize>(sums: &mut Sums, bins: u64, spread: u64) {
    for (lane, sums) in sums[..USED].iter_mut().enumerate() {
        let sum = &mut sums[usize::from((bins >> (8 * lane)) as u8)];
        *sum = sum.wrapping_add(spread);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::quantise::{Hessians, Largest, mix};
    use super::*;

    #[test]
    fn rows_in_sequence_and_rows_apart_are_added_alike() {
        let packing = Packing::new(Largest { gradient: 1.0, hessian: 1.0, error: 0.0 }, Hessians::One);
        for (in_word, stride, words) in [(7, 4, &[0, 1, 2, 3][..]), (8, 1, &[0]), (3, 8, &[1, 4, 6]), (5, 2, &[0, 1])] {
            let rows: u32 = 2 * TILE as u32 + 77;
            let draw = |at: u32| mix(at, 7) & u64::MAX >> (8 * (LANES - in_word));
            let bins: Vec<u64> = (0..rows * stride as u32).map(draw).collect();
            let gradients: Vec<u32> = (0..rows).map(|row| (mix(row, 8) % 1000) as u32).collect();
            let updates = Updates { bins: &bins, stride, in_word, gradients: &gradients, packing: &packing };
            let summed = |lists: &[Vec<u32>]| {
                let mut sums = vec![[[0; 256]; LANES]; words.len()];
                lists.iter().for_each(|rows| updates.add(words, rows, &mut sums, &mut Vec::new()));
                sums
            };
            let mut expected = vec![[[0_u64; 256]; LANES]; words.len()];
            for row in 0..rows as usize {
                for (word, sums) in words.iter().zip(&mut expected) {
                    let bytes = bins[row * stride + word].to_le_bytes();
                    for (sums, byte) in sums.iter_mut().zip(bytes).take(in_word) {
                        let sum = &mut sums[usize::from(byte)];
                        *sum = sum.wrapping_add(packing.spread(gradients[row]));
                    }
                }
            }
            let [even, odd] = [0, 1].map(|first| (first..rows).step_by(2).collect());
            assert!(summed(&[(0..rows).collect()]) == expected, "in sequence, {in_word} lanes");
            assert!(summed(&[even, odd]) == expected, "apart, {in_word} lanes");
            assert!(summed(&[(0..100).collect(), vec![], vec![100], (101..rows).collect()]) == expected, "in parts");
        }
    }
}
