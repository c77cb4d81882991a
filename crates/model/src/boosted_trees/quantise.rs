//! Gradients as integers: rounded at random, keyed by row and tree, and packed into one word.
//!
//! A row keeps 32 bits: gradient and hessian. Spread to a word of 64 these are, from the highest
//! bits down, gradient, hessian and the number 1. Words are added with wrapping; over as many rows as
//! a block has no field runs into its neighbour.

use evenstep_exact::reduce::Partial;
use evenstep_exact::simd::widest;
use serde::{Deserialize, Serialize};

use super::histogram::Sums;

/// The bits of a gradient besides its sign where every hessian is 1.
const LONE_GRADIENT_BITS: u32 = 30;

/// The bits of gradient and hessian together, besides what else a row keeps: as many as there are.
const ALL_BITS: u32 = 29;

/// The bits of a hessian that is a weight: some, or half of all where a few weigh far more than most.
const WEIGHT_BITS: u32 = 10;
const UNEVEN_WEIGHT_BITS: u32 = 14;
/// The largest of uneven weights is more than so many times their mean.
const UNEVEN: f64 = 8.0;

/// What is known of the hessians of a tree's rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hessians {
    /// Each is 1: the count of rows says it all.
    One,
    /// Each is a whole number, of times that a row was drawn.
    Counts,
    /// Each is a weight of so many bits, and a row's error is not made up for by later trees. A gradient is an error times what its
    /// weight was rounded to: rounded apart, errors that are alike would not be any more, the less the larger they are.
    Weights { bits: u32 },
    /// They differ; gradients have so many bits.
    Any { gradient_bits: u32 },
}

impl Hessians {
    /// Weights of which the largest is so many times the mean.
    pub(super) fn weights(largest: f64) -> Hessians {
        Hessians::Weights { bits: if largest > UNEVEN { UNEVEN_WEIGHT_BITS } else { WEIGHT_BITS } }
    }
}

/// How rows are packed, and what one unit of gradient and hessian is worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    /// Whether every row's hessian is 1.
    pub(super) unit_hessian: bool,
    /// Whether gradients follow what hessians are rounded to.
    follows: bool,
    /// Where the gradient begins among a row's bits: a hessian may be its power of two.
    row_shift: u32,
    /// Where hessian and gradient begin in a word.
    hessian_shift: u32,
    gradient_shift: u32,
    /// Gradient and hessian of a row are below this power of two, in their units.
    pub(super) sum_bits: u32,
    gradient_factor: f64,
    hessian_factor: f64,
    /// The gradient's unit, a power of two.
    pub(super) gradient_unit: f64,
    /// The hessian's unit; 1 where every row's hessian is 1.
    pub(super) hessian_unit: f64,
}

/// The largest magnitudes in a tree's gradients and hessians.
#[derive(Clone, Copy, Default, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Largest {
    pub(super) gradient: f64,
    pub(super) hessian: f64,
    /// Of gradients over hessians, if gradients are to follow these.
    pub(super) error: f64,
}

impl Partial for Largest {
    fn merge(&mut self, other: Largest) {
        self.gradient = self.gradient.max(other.gradient);
        self.hessian = self.hessian.max(other.hessian);
        self.error = self.error.max(other.error);
    }
}

impl Largest {
    /// Sees the magnitudes of more rows.
    #[inline]
    pub(super) fn see(&mut self, gradients: &[f64], hessians: &[f64]) {
        // Without their signs floats are in the order of their bits, whose maximum the compiler vectorises.
        let most =
            |values: &[f64]| widest!(f64::from_bits(values.iter().fold(0, |most, x| most.max(x.abs().to_bits()))));
        self.merge(Largest { gradient: most(gradients), hessian: most(hessians), error: 0.0 });
    }

    /// The same of what gradients are per hessian.
    pub(super) fn see_errors(&mut self, gradients: &[f64], hessians: &[f64]) {
        let errors = gradients.iter().zip(hessians).filter(|(_, hessian)| **hessian > 0.0).map(|(g, h)| (g / h).abs());
        self.error = errors.fold(self.error, f64::max);
    }
}

impl Packing {
    /// The packing of a tree.
    pub(super) fn new(largest: Largest, hessians: Hessians) -> Packing {
        let hessian = power_of_two_above(largest.hessian);
        let unit_hessian = hessians == Hessians::One;
        let (gradient_bits, hessian_bits) = match hessians {
            Hessians::One => (LONE_GRADIENT_BITS, 0),
            Hessians::Counts => {
                let bits = (hessian.max(1.0) as u64).trailing_zeros();
                (ALL_BITS - bits, bits)
            }
            Hessians::Weights { bits } => (ALL_BITS - bits, bits),
            Hessians::Any { gradient_bits } => (gradient_bits, gradient_bits - 2),
        };
        // Gradient with its sign and hessian grow by as many bits as the count of rows has.
        let count_bits = if unit_hessian { 13 } else { (63 - gradient_bits - hessian_bits) / 3 };
        let factor = |power: f64, bits: u32| if power > 0.0 { f64::from(1_u32 << bits) / power } else { 0.0 };
        let unit = |power: f64, bits: u32| power / f64::from(1_u32 << bits);
        let follows = matches!(hessians, Hessians::Weights { .. });
        // A weight is rounded up by one unit at most.
        let beyond = if follows { largest.error * unit(hessian, hessian_bits) } else { 0.0 };
        let gradient = power_of_two_above(largest.gradient + beyond);
        Packing {
            unit_hessian,
            follows,
            sum_bits: gradient_bits.max(hessian_bits) + 1,
            row_shift: hessian_bits + 1,
            hessian_shift: count_bits,
            gradient_shift: if unit_hessian { count_bits } else { hessian_bits + 2 * count_bits },
            gradient_factor: factor(gradient, gradient_bits),
            hessian_factor: factor(hessian, hessian_bits),
            gradient_unit: unit(gradient, gradient_bits),
            hessian_unit: if unit_hessian { 1.0 } else { unit(hessian, hessian_bits) },
        }
    }

    /// Words of so many rows may be added before their sum must be taken apart.
    pub(super) fn block_rows(&self) -> usize {
        (1 << self.hessian_shift) - 1
    }

    /// Packs some rows, by the bits of each row and of the tree.
    pub(super) fn pack(&self, gradients: &[f64], hessians: &[f64], seeds: &[u32], tree: u64, packed: &mut [u32]) {
        let rows = gradients.iter().zip(hessians).zip(seeds.iter().zip(packed));
        widest!(match self.unit_hessian {
            true => rows.for_each(|((g, _), (seed, packed))| *packed = self.row(*g, None, scramble(*seed, tree))),
            false => rows.for_each(|((g, h), (seed, packed))| *packed = self.row(*g, Some(*h), scramble(*seed, tree))),
        });
    }

    /// Packs a row. `random` decides which way gradient and hessian are rounded.
    #[inline]
    fn row(&self, gradient: f64, hessian: Option<f64>, random: u32) -> u32 {
        let Some(hessian) = hessian else { return round(gradient * self.gradient_factor, random >> 16) as u32 };
        let rounded = round(hessian * self.hessian_factor, random & 0xffff);
        let gradient = match self.follows && hessian > 0.0 {
            true => gradient / hessian * (rounded as f64 * self.hessian_unit),
            false => gradient,
        };
        ((round(gradient * self.gradient_factor, random >> 16) << self.row_shift) + rounded) as u32
    }

    /// The word of a packed row.
    #[inline]
    pub(super) fn spread(&self, packed: u32) -> u64 {
        let signed = i64::from(packed as i32);
        if self.unit_hessian {
            return ((signed << self.gradient_shift) + 1) as u64;
        }
        let hessian = i64::from(packed & ((1 << self.row_shift) - 1));
        (((signed >> self.row_shift) << self.gradient_shift) + (hessian << self.hessian_shift) + 1) as u64
    }

    /// The word that sums would have as the sum of words, if they are those of no more rows than a block has.
    #[inline]
    pub(super) fn put_together(&self, [gradient, hessian, rows]: [i64; 3]) -> i64 {
        let gradient = gradient.wrapping_shl(self.gradient_shift);
        match self.unit_hessian {
            true => gradient.wrapping_add(rows),
            false => gradient.wrapping_add(hessian.wrapping_shl(self.hessian_shift)).wrapping_add(rows),
        }
    }

    /// The sums that a word stands for.
    #[inline]
    pub(super) fn sums(&self, word: i64) -> Sums {
        let [gradient, hessian, rows] = self.take_apart(word as u64);
        Sums { gradient, hessian, rows }
    }

    /// The part of a word that has hessian and count.
    #[inline(always)]
    pub(super) fn without_gradient(&self, word: i64) -> u64 {
        word as u64 & ((1 << self.gradient_shift) - 1)
    }

    /// The least that this part is for such a sum of hessians.
    pub(super) fn least_word(&self, hessian: i64) -> u64 {
        if self.unit_hessian { hessian as u64 } else { (hessian as u64) << self.hessian_shift }
    }

    /// Whether each sum of a block's rows fits into 32 bits.
    pub(super) fn is_narrow(&self) -> bool {
        !self.unit_hessian && self.gradient_shift >= 32 && self.gradient_shift - self.hessian_shift < 32
    }

    /// The same as `take_apart`, where sums are narrow.
    #[inline(always)]
    pub(super) fn take_apart_narrow(&self, word: i64) -> [i32; 3] {
        let below = |bits: u32| (1_i32 << bits) - 1;
        let gradient = (word >> 32) as i32 >> (self.gradient_shift - 32);
        let hessian = (word >> self.hessian_shift) as i32 & below(self.gradient_shift - self.hessian_shift);
        [gradient, hessian, word as i32 & below(self.hessian_shift)]
    }

    /// Gradient, hessian and count of a sum of words.
    #[inline]
    pub(super) fn take_apart(&self, word: u64) -> [i64; 3] {
        let below = |bit: u32| word & ((1 << bit) - 1);
        let gradient = word as i64 >> self.gradient_shift;
        let count = below(self.hessian_shift) as i64;
        match self.unit_hessian {
            true => [gradient, count, count],
            false => [gradient, (below(self.gradient_shift) >> self.hessian_shift) as i64, count],
        }
    }
}

/// The smallest power of two that is not less; 0 for what is too small to matter.
pub(super) fn power_of_two_above(x: f64) -> f64 {
    assert!(x.is_finite(), "gradients are finite");
    if x < 1e-200 {
        return 0.0;
    }
    let exponent = x.to_bits() >> 52;
    let whole = x.to_bits() & ((1 << 52) - 1) == 0;
    f64::from_bits((exponent + u64::from(!whole)) << 52)
}

/// Rounds down or up at random, so that the mean is `x`, by 16 random bits.
/// A whole `x` stays itself: it is moved by less than half.
#[inline]
fn round(x: f64, random: u32) -> i64 {
    nearest(x + ((f64::from(random as i32) + 0.5) * (1.0 / 65_536.0) - 0.5)).0
}

/// The nearest integer to a number below 2⁵¹, either way, and what is left of it.
#[inline(always)]
pub(super) fn nearest(x: f64) -> (i64, f64) {
    // 1.5·2⁵²: adding it rounds to an integer, which is then the low bits.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let moved = x + MAGIC;
    (moved.to_bits().wrapping_sub(MAGIC.to_bits()) as i64, x - (moved - MAGIC))
}

/// 32 random bits of a row in a tree, from 32 of the row's and 64 of the tree's.
/// Source: the integer hash "lowbias32" of Wellons (2018), with the tree's bits put in before each multiplication.
#[inline]
fn scramble(row: u32, tree: u64) -> u32 {
    let mut x = row ^ (tree >> 32) as u32;
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_add(tree as u32).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// 64 random bits of a row in a tree, from 32 of the row's and 64 of the tree's.
/// Source: the finaliser of SplitMix64 (Steele et al. 2014).
#[inline]
pub(super) fn mix(row: u32, tree: u64) -> u64 {
    let mut x = tree.wrapping_add((u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_add_up_field_by_field_to_the_last_row_of_a_block() {
        let any = (8..=15).map(|gradient_bits| (Hessians::Any { gradient_bits }, 0.25));
        let counts = [1.0, 2.0, 8.0, 16.0].map(|most| (Hessians::Counts, most));
        for (hessians, most) in any.chain(counts).chain([
            (Hessians::weights(1.0), 0.25),
            (Hessians::weights(9.0), 0.25),
            (Hessians::One, 1.0),
        ]) {
            for sign in [-1.0, 1.0] {
                let packing = Packing::new(Largest { gradient: 1.0, hessian: most, error: 0.0 }, hessians);
                let hessian = (hessians != Hessians::One).then_some(most);
                let word = packing.spread(packing.row(sign, hessian, u32::MAX / 3));
                let rows = packing.block_rows();
                let sum = (0..rows).fold(0_u64, |sum, _| sum.wrapping_add(word));
                let found = packing.take_apart(sum);
                assert_eq!(found[0] as f64 * packing.gradient_unit, sign * rows as f64, "{hessians:?}");
                assert_eq!(found[1] as f64 * packing.hessian_unit, most * rows as f64, "{hessians:?}");
                assert_eq!(found[2] as usize, rows);
            }
        }
    }

    #[test]
    fn rounding_keeps_whole_numbers_and_the_mean() {
        for random in [0, 1, 0x7fff, 0xffff] {
            assert_eq!([-7.0, 0.0, 8192.0].map(|x| round(x, random)), [-7, 0, 8192]);
        }
        let sum: i64 = (0..100_000).map(|row| round(-2.3, scramble(row, 9) >> 16)).sum();
        assert!((sum as f64 / 1e5 + 2.3).abs() < 0.01, "{sum}");
    }

    #[test]
    fn scales_are_powers_of_two_not_below() {
        assert_eq!([0.0, 1.0, 1.5, 0.3].map(power_of_two_above), [0.0, 1.0, 2.0, 0.5]);
    }
}
