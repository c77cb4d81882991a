//! Values of leaves that must rise, or fall, along some features.

use super::grow::{Child, Grown};
use super::matrix::Matrix;
use super::split::Bounds;

/// Brings values that the search did not bind, such as quantiles, into the directions of the features: on either side of a
/// split on a feature that has one, no value is beyond the middle between the means of both sides.
pub(super) fn keep(grown: &Grown, matrix: &Matrix, weights: &[i128], values: &mut [f64]) {
    if matrix.features.iter().all(|feature| feature.monotone.is_none()) {
        return;
    }
    // Of each split: the weight below it, and the mean.
    let mut means = vec![(0.0, 0.0); grown.splits.len()];
    let of = |child: Child, means: &[(f64, f64)], values: &[f64]| match child {
        Child::Leaf(leaf) => (weights[leaf as usize] as f64, values[leaf as usize]),
        Child::Split(split) => means[split as usize],
    };
    for (at, split) in grown.splits.iter().enumerate().rev() {
        let [left, right] = split.children.map(|child| of(child, &means, values));
        let weight = left.0 + right.0;
        // Weights far below the largest are none.
        let share = if weight > 0.0 { left.0 / weight } else { 0.5 };
        means[at] = (weight, left.1 * share + right.1 * (1.0 - share));
    }
    let mut bounds = vec![Bounds::around_zero(None); grown.splits.len()];
    for (at, split) in grown.splits.iter().enumerate() {
        let children = match matrix.features[split.feature].monotone {
            None => [bounds[at]; 2],
            Some(direction) => {
                let sides = split.children.map(|child| bounds[at].clamp(of(child, &means, values).1));
                bounds[at].parted(sides, direction)
            }
        };
        for (child, within) in split.children.into_iter().zip(children) {
            match child {
                Child::Split(split) => bounds[split as usize] = within,
                Child::Leaf(leaf) => values[leaf as usize] = within.clamp(values[leaf as usize]),
            }
        }
    }
}
