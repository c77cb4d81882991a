//! A tree as it is kept: tests on values, not on bins.

use std::sync::Arc;

use super::bin_set::BinSet;
use super::cuts::Binning;
use super::grow::{Child, Grown};
use super::matrix::Matrix;
use super::split::Rule;

/// The most that a leaf's cover can be, so that no sum of covers overflows.
pub(super) const COVER_MAX: f64 = 1e290;

/// A decision tree. Children come after their parents; each split and each leaf has one parent,
/// but for the first split, or the only leaf.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Tree {
    pub(super) splits: Vec<TreeSplit>,
    /// The value of each leaf, times the learning rate.
    pub(super) leaves: Vec<f64>,
    /// The weight of the training rows that came to each leaf while the tree was grown; without weights, their number.
    pub(super) covers: Vec<f64>,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct TreeSplit {
    /// The feature's position among the model's.
    pub(super) feature: u32,
    pub(super) test: Test,
    /// Left, then right.
    pub(super) children: [Child; 2],
    /// By how much the split lowered the loss of the rows it was learned from.
    pub(super) gain: f64,
}

/// What sends a row left.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Test {
    /// A number that is not above the threshold.
    Number { threshold: f64, null_left: bool },
    /// A level whose bin is in the set, which has null and unseen levels too.
    Category(Arc<BinSet>),
}

impl Tree {
    /// A grown tree with the values and the covers of its leaves.
    pub(super) fn new(grown: &Grown, leaves: Vec<f64>, covers: Vec<f64>, matrix: &Matrix) -> Tree {
        let splits = grown.splits.iter().map(|split| {
            let feature = &matrix.features[split.feature];
            let test = match (&split.rule, &feature.binning) {
                (Rule::Number { last, null_left, .. }, Binning::Number(thresholds)) => Test::Number {
                    // The last bin has no end: all values go left, and null goes right.
                    threshold: thresholds.get(usize::from(*last)).copied().unwrap_or(f64::MAX),
                    null_left: null_left.expect("a tree is settled before it is kept"),
                },
                (Rule::Number { last, .. }, Binning::Means(means)) => Test::Category(means.up_to(*last)),
                (Rule::Category { left, .. }, Binning::Category(_)) => Test::Category(Arc::new(left.clone())),
                _ => unreachable!("a rule is of its feature's kind"),
            };
            TreeSplit { feature: feature.position as u32, test, children: split.children, gain: split.gain }
        });
        Tree { splits: splits.collect(), leaves, covers }
    }

    /// The cover of each split: that of all leaves below it.
    pub(super) fn covers_of_splits(&self) -> Vec<f64> {
        let mut covers = vec![0.0; self.splits.len()];
        for (at, split) in self.splits.iter().enumerate().rev() {
            let [left, right] = split.children.map(|child| match child {
                Child::Split(below) => covers[below as usize],
                Child::Leaf(leaf) => self.covers[leaf as usize],
            });
            covers[at] = left + right;
        }
        covers
    }
}
