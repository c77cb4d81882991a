//! Sums over the rows of leaves in fixed point: exact in any order.

use evenstep_exact::simd::widest;

use super::quantise::{nearest, power_of_two_above};
use super::rows::PIECE_ROWS;

/// Floats in fixed point, 78 bits below a power of two that is not below any magnitude: upper bits
/// and lower ones, so that the sums of a piece are exact in 64 bits each.
pub(super) struct FixedPoint {
    factor: f64,
    unit: f64,
}

/// A piece has up to 2¹⁴ rows, so that 48 bits of each add up to less than 63.
const UPPER_BITS: u32 = 48;
const LOWER_BITS: u32 = 30;
const _: () = assert!(PIECE_ROWS <= 1 << (62 - UPPER_BITS));

impl FixedPoint {
    /// For magnitudes up to this.
    pub(super) fn below(largest: f64) -> FixedPoint {
        let unit = power_of_two_above(largest) * (1.0 / (1_u64 << UPPER_BITS) as f64);
        FixedPoint { factor: if unit > 0.0 { 1.0 / unit } else { 0.0 }, unit }
    }

    #[inline(always)]
    fn of(&self, x: f64) -> [i64; 2] {
        let scaled = x * self.factor;
        let (upper, rest) = nearest(scaled);
        [upper, nearest(rest * f64::from(1_u32 << LOWER_BITS)).0]
    }

    /// A number in units of the last bit.
    pub(super) fn exact(&self, x: f64) -> i128 {
        joined(self.of(x))
    }

    /// What a sum of such is worth.
    pub(super) fn value(&self, sum: i128) -> f64 {
        sum as f64 * (self.unit / f64::from(1_u32 << LOWER_BITS))
    }
}

fn joined([upper, lower]: [i64; 2]) -> i128 {
    (i128::from(upper) << LOWER_BITS) + i128::from(lower)
}

/// So many rows are worked on together: what is known of them stays in the first-level cache.
pub(super) const ROWS: usize = 512;

/// The sums of a quantity in every leaf, over the rows of a piece: of its upper bits, and of its lower ones.
pub(super) struct PieceSums(Vec<[i64; 2]>);

impl PieceSums {
    /// Of no rows yet.
    pub(super) fn of(leaves: usize) -> PieceSums {
        PieceSums(vec![[0; 2]; leaves])
    }

    /// Adds up to `ROWS` rows, each to its leaf, if it came to one.
    pub(super) fn add(&mut self, leaves: &[u16], values: &[f64], point: &FixedPoint) {
        let mut terms = [[0; 2]; ROWS];
        let terms = &mut terms[..leaves.len()];
        widest!(terms.iter_mut().zip(values).for_each(|(term, value)| *term = point.of(*value)));
        for (leaf, term) in leaves.iter().zip(terms) {
            if let Some(sums) = self.0.get_mut(usize::from(*leaf)) {
                sums.iter_mut().zip(term).for_each(|(sum, term)| *sum += *term);
            }
        }
    }

    /// The sum of a leaf.
    pub(super) fn sum(&self, leaf: usize) -> i128 {
        joined(self.0[leaf])
    }
}
