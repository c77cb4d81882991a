//! Sums of products of every pair of columns, in fixed point.
//!
//! Each cell, times the root of its row's weight, is rounded once to a multiple of 2^−27
//! of the largest that its column can hold: a signed integer of 28 bits. From there on every sum
//! is exact, of products 256 rows at a time in 64 bits and of those in 128, so no order or
//! grouping of rows shows. It takes an eighth of the time of exact sums of rounded
//! products: even the oldest x86-64 multiplies two pairs of such integers at once.
//!
//! What the rounding loses does not reach a model, since solvers take the Gram for the curvature
//! only and go by exact slopes. And it is the Gram of some real matrix, near the given one:
//! columns that are combinations of others show as clearly as in one of floats.

use evenstep_exact::reduce::{Partial, Workers};
use serde::{Deserialize, Serialize};

use super::design::{BLOCK, Block, Design};
use super::power_of_two;

/// Cells are counted in units of 2^−27.
const BITS: i32 = 27;
/// Added to a cell's integer, so that it is not negative: unsigned products are the fast ones.
const OFFSET: u64 = 1 << BITS;
/// 1.5·2^52: adding it and taking it away again rounds to the nearest integer, ties to even.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// Columns that stay in the cache while all others pass by.
const GROUP: usize = 128;

/// XᵀWX of a design.
pub(super) struct Gram {
    width: usize,
    sums: Sums,
}

/// The sums for i ≥ j, by i, then j, in units of 2^−54.
#[derive(Default, Serialize, Deserialize)]
struct Sums(Vec<i128>);

/// The cells of one block as integers, column by column, and the sum of each column.
struct Strips {
    cells: Vec<u32>,
    sums: Vec<u64>,
}

impl Gram {
    /// Sees every row once.
    pub(super) fn of(design: &Design<'_>, workers: &Workers) -> Gram {
        Gram::weighted(design, workers, &[], |block, weights| weights[..block.rows()].copy_from_slice(block.weight))
    }

    /// The same with the weights that `weigh` leaves in place of the scores by some coefficients, at most 1.
    pub(super) fn weighted(
        design: &Design<'_>,
        workers: &Workers,
        coefficients: &[f64],
        weigh: impl Fn(&Block<'_>, &mut [f64]) + Sync,
    ) -> Gram {
        let width = design.width();
        let sums = design.fold_scores(workers, coefficients, |block, scores, seen: &mut Sums| {
            seen.0.resize(width * (width + 1) / 2, 0);
            weigh(block, scores);
            seen.observe(&Strips::of(block, &scores[..block.rows()], width));
        });
        Gram { width, sums }
    }

    /// How many columns there are.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// The sum of products of two columns.
    pub(super) fn sum(&self, i: usize, j: usize) -> f64 {
        let (i, j) = (i.max(j), i.min(j));
        assert!(i < self.width, "column {i} of {}", self.width);
        self.sums.0[place(i, j)] as f64 * power_of_two(-2 * BITS)
    }
}

/// Where the sum for i ≥ j is kept.
fn place(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

impl Strips {
    fn of(block: &Block<'_>, weights: &[f64], width: usize) -> Strips {
        let mut roots = [0.0; BLOCK];
        roots.iter_mut().zip(weights).for_each(|(root, weight)| *root = weight.sqrt());
        let mut strips = Strips { cells: Vec::with_capacity(width * BLOCK), sums: Vec::with_capacity(width) };
        for column in 0..width {
            let integer = |(x, root): (&f64, &f64)| {
                let whole = (x * root).clamp(-1.0, 1.0) * OFFSET as f64 + ROUND - ROUND;
                (whole + OFFSET as f64) as u32
            };
            strips.cells.extend(block.column(column).iter().zip(&roots).map(integer));
            strips.cells.resize((column + 1) * BLOCK, OFFSET as u32);
            strips.sums.push(strips.cells[column * BLOCK..].iter().map(|cell| u64::from(*cell)).sum());
        }
        strips
    }

    fn column(&self, column: usize) -> &[u32; BLOCK] {
        self.cells[column * BLOCK..][..BLOCK].try_into().expect("a column is a block long")
    }

    /// Σ (a − OFFSET)·(b − OFFSET), which is at most 2^62: what is above 64 bits on the way cancels.
    fn product(&self, a: usize, b: usize) -> i64 {
        let cells = self.column(a).iter().zip(self.column(b));
        let sum = cells.fold(0_u64, |sum, (a, b)| sum.wrapping_add(u64::from(*a) * u64::from(*b)));
        let offsets = (self.sums[a] + self.sums[b]).wrapping_mul(OFFSET);
        sum.wrapping_sub(offsets).wrapping_add(BLOCK as u64 * OFFSET * OFFSET) as i64
    }
}

impl Sums {
    fn observe(&mut self, strips: &Strips) {
        let width = strips.sums.len();
        for group in (0..width).step_by(GROUP) {
            for i in group..width {
                let group = group..(group + GROUP).min(i + 1);
                let sums = &mut self.0[place(i, group.start)..][..group.len()];
                for (sum, j) in sums.iter_mut().zip(group) {
                    *sum += i128::from(strips.product(i, j));
                }
            }
        }
    }
}

impl Partial for Sums {
    fn merge(&mut self, other: Sums) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        assert!(other.0.is_empty() || other.0.len() == self.0.len(), "partials of one round have one shape");
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_the_largest_integers_fit() {
        let columns = [0, OFFSET, 2 * OFFSET];
        let strips = Strips {
            cells: columns.iter().flat_map(|cell| [*cell as u32; BLOCK]).collect(),
            sums: columns.iter().map(|cell| cell * BLOCK as u64).collect(),
        };
        for (a, b, sum) in [(0, 0, 1), (0, 2, -1), (2, 2, 1), (2, 1, 0), (1, 1, 0)] {
            assert_eq!(strips.product(a, b), sum << 62);
        }
    }
}
