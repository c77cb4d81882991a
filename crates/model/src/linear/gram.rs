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

/// A column's cells of one block as integers, and their sum.
struct Strip {
    cells: [u32; BLOCK],
    sum: u64,
}

impl Gram {
    /// Sees every row once.
    pub(super) fn of(design: &Design<'_>, workers: &Workers) -> Gram {
        let width = design.width();
        let sums = design.fold(workers, |block, seen: &mut Sums| {
            seen.0.resize(width * (width + 1) / 2, 0);
            seen.observe(&strips(block, width));
        });
        Gram { width, sums }
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

fn strips(block: &Block<'_>, width: usize) -> Vec<Strip> {
    let roots: Vec<f64> = block.weight.iter().map(|weight| weight.sqrt()).collect();
    let strip = |column: usize| {
        let mut cells = [OFFSET as u32; BLOCK];
        for ((cell, x), root) in cells.iter_mut().zip(block.column(column)).zip(&roots) {
            let whole = (x * root) * OFFSET as f64 + ROUND - ROUND;
            *cell = (whole + OFFSET as f64) as u32;
        }
        Strip { cells, sum: cells.iter().map(|cell| u64::from(*cell)).sum() }
    };
    (0..width).map(strip).collect()
}

impl Sums {
    fn observe(&mut self, strips: &[Strip]) {
        for group in (0..strips.len()).step_by(GROUP) {
            for (i, left) in strips.iter().enumerate().skip(group) {
                let group = group..(group + GROUP).min(i + 1);
                let sums = &mut self.0[place(i, group.start)..][..group.len()];
                for (sum, right) in sums.iter_mut().zip(&strips[group]) {
                    *sum += i128::from(product(left, right));
                }
            }
        }
    }
}

/// Σ (a − OFFSET)·(b − OFFSET), which is below 2^62: what is above 64 bits on the way cancels.
fn product(left: &Strip, right: &Strip) -> i64 {
    let cells = left.cells.iter().zip(&right.cells);
    let sum = cells.fold(0_u64, |sum, (a, b)| sum.wrapping_add(u64::from(*a) * u64::from(*b)));
    let offsets = (left.sum + right.sum).wrapping_mul(OFFSET).wrapping_sub((BLOCK as u64).wrapping_mul(OFFSET * OFFSET));
    sum.wrapping_sub(offsets) as i64
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
        let strip = |cell: u32| Strip { cells: [cell; BLOCK], sum: u64::from(cell) * BLOCK as u64 };
        let (least, most, none) = (strip(0), strip(2 * OFFSET as u32), strip(OFFSET as u32));
        assert_eq!(product(&least, &least), 1 << 62);
        assert_eq!(product(&least, &most), -(1 << 62));
        assert_eq!(product(&most, &most), 1 << 62);
        assert_eq!(product(&most, &none), 0);
    }
}
