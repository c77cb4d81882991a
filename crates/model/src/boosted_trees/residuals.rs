//! Weighted quantiles of what is left of the target in each leaf.

use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::sort::{radix_sort_by_key, sortable};
use serde::{Deserialize, Serialize};

use super::fixed_point::FixedPoint;

/// The residuals of each leaf's rows, with their weights.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Residuals(Vec<Vec<(f64, f64)>>);

impl Partial for Residuals {
    fn merge(&mut self, mut other: Residuals) {
        self.0.resize_with(self.0.len().max(other.0.len()), Vec::new);
        self.0.iter_mut().zip(&mut other.0).for_each(|(mine, theirs)| mine.append(theirs));
    }
}

impl Residuals {
    /// Sees rows of some of so many leaves: the leaf of each, and its residual and weight.
    pub(super) fn see(&mut self, leaves: usize, rows: impl Iterator<Item = (usize, f64, f64)>) {
        self.0.resize_with(leaves, Vec::new);
        rows.for_each(|(leaf, residual, weight)| self.0[leaf].push((residual, weight)));
    }

    /// A quantile of every leaf: the least residual that so large a share of the weight does not exceed; where the
    /// share is met exactly, midway to the next. 0 for a leaf without rows.
    pub(super) fn quantiles(self, workers: &Workers, level: f64, weight: &FixedPoint) -> Vec<f64> {
        workers.map(self.0, |rows| quantile(rows, level, weight).unwrap_or(0.0))
    }
}

fn quantile(mut rows: Vec<(f64, f64)>, level: f64, weight: &FixedPoint) -> Option<f64> {
    radix_sort_by_key(&mut rows, |(residual, _)| sortable(*residual));
    // Sums of integers: the order of equal residuals is nothing to them.
    let total: i128 = rows.iter().map(|(_, x)| weight.exact(*x)).sum();
    let wanted = level * total as f64;
    let mut below = 0;
    for run in rows.chunk_by(|a, b| a.0 == b.0) {
        below += run.iter().map(|(_, x)| weight.exact(*x)).sum::<i128>();
        let residual = run[0].0;
        if below as f64 > wanted {
            return Some(residual + 0.0);
        }
        if below as f64 == wanted {
            let next = rows.partition_point(|(other, _)| *other <= residual);
            return Some(rows.get(next).map_or(residual, |(next, _)| 0.5 * residual + 0.5 * next) + 0.0);
        }
    }
    rows.last().map(|(residual, _)| residual + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[(f64, f64)], level: f64, expected: f64) {
        let point = FixedPoint::below(rows.iter().map(|row| row.1).fold(0.0, f64::max));
        assert_eq!(quantile(rows.to_vec(), level, &point), Some(expected));
        assert_eq!(quantile(rows.iter().rev().copied().collect(), level, &point), Some(expected));
    }

    #[test]
    fn quantiles_are_order_statistics_or_midway() {
        check(&[(3.0, 1.0)], 0.5, 3.0);
        check(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 0.5, 2.0);
        check(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (8.0, 1.0)], 0.5, 2.5);
        check(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (8.0, 1.0)], 0.9, 8.0);
        check(&[(1.0, 3.0), (2.0, 1.0), (5.0, 1.0)], 0.5, 1.0);
        check(&[(1.0, 0.5), (2.0, 0.25), (5.0, 0.25)], 0.5, 1.5);
        assert_eq!(quantile(Vec::new(), 0.5, &FixedPoint::below(1.0)), None);
    }
}
