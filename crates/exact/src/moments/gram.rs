//! Products of every pair of columns.

use serde::{Deserialize, Serialize};

use crate::reduce::Partial;
use crate::sum::ExactSum;

/// Sums of products of every pair of columns: XᵀX, each product rounded once, summed exactly. A product that
/// no float holds, since it would overflow or underflow, is exact itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gram {
    columns: usize,
    /// The upper triangle, row by row.
    sums: Vec<ExactSum>,
}

impl Gram {
    /// Sees rows, given as columns of one length.
    pub fn observe(&mut self, columns: &[&[f64]]) {
        if self.sums.is_empty() {
            self.columns = columns.len();
            self.sums = vec![ExactSum::default(); self.columns * (self.columns + 1) / 2];
        }
        assert_eq!(self.columns, columns.len(), "every batch of one matrix has its columns");
        let mut sums = self.sums.iter_mut();
        for (i, a) in columns.iter().enumerate() {
            for b in &columns[i..] {
                assert_eq!(a.len(), b.len(), "columns of one table have one length");
                let sum = sums.next().expect("one sum for each pair");
                sum.add_rounded_products(a.len(), |row| (a[row], b[row]));
            }
        }
    }

    /// How many columns there are; 0 before the first batch.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The exact sum of products of two columns.
    pub fn sum(&self, i: usize, j: usize) -> &ExactSum {
        let (i, j) = (i.min(j), i.max(j));
        assert!(j < self.columns, "column {j} of {}", self.columns);
        &self.sums[i * self.columns - i * (i + 1) / 2 + j]
    }
}

impl Partial for Gram {
    fn merge(&mut self, other: Gram) {
        self.columns = self.columns.max(other.columns);
        self.sums.merge(other.sums);
    }
}
