//! Decision trees whose cuts are drawn at random, averaged.
//!
//! Learns: for each tree the mean of the target in every leaf, in a multiclass task the share of each class there. In each node every
//! feature that may be used has one cut, drawn evenly between the least and the greatest of its values there, or
//! for a category one set of levels, neither none nor all; the best of these is taken. What `categories` says of sorted levels
//! (`one_hot_up_to`, `smoothing`, `l2`, `max_per_split`, `min_rows`) is refused: none are sorted.
//! Exact because trees are grown as those of `boosted_trees` are, and cuts are drawn by the feature's name and the node's path.
//! Takes numbers, integers and booleans with nulls, and categories as they are; null goes to the side that training
//! found better, a level that training never saw to the heavier child.
//! Known as scikit-learn `ExtraTreesClassifier`, `ExtraTreesRegressor`, whose defaults it keeps. Differs: a cut lies between bins
//! of values; a tree has at most 32,768 leaves.

use evenstep_table::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::averaged::Categories;
use crate::averaged::{LEAVES, Plan, features_of_a_node};
use crate::boosted_trees::fit::Averaged;
use crate::class_weights::ClassWeights;

/// Decision trees whose cuts are drawn at random, averaged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExtraTrees {
    /// How many trees there are, 1 to 100,000.
    pub trees: u32,
    /// The most leaves of a tree, 2 to 32,768.
    pub leaves: u32,
    /// The most splits between the root and a leaf, 1 to 32,768; without it, as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// The fewest training rows of a leaf, however often each was drawn.
    pub min_rows: u32,
    /// A split must lower the sum of squared errors by more than this.
    pub min_gain: f64,
    /// The share of the features that a node may use, drawn by their names, above 0 and at most 1; by default the root of their number for classes, all of them for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column_sample_by_node: Option<f64>,
    /// Whether each tree's rows are drawn with repetition; otherwise each tree is grown on all rows.
    pub bootstrap: bool,
    /// The most bins into which the values of a number fall, 2 to 65,535; beyond 255 a fit takes longer. A category has one for each level.
    pub bins: u32,
    /// How categories are split.
    pub categories: Categories,
    /// How much a row of each class weighs, times its own weight, as `{ bad = 2 }`, 1 for classes that are not named; with `"balanced"` each class as much as any other.
    #[serde(skip_serializing_if = "ClassWeights::is_empty")]
    pub class_weights: ClassWeights,
}

impl Default for ExtraTrees {
    fn default() -> ExtraTrees {
        ExtraTrees {
            trees: 100,
            leaves: LEAVES,
            depth: None,
            min_rows: 1,
            min_gain: 0.0,
            column_sample_by_node: None,
            bootstrap: false,
            bins: 255,
            categories: Categories::default(),
            class_weights: ClassWeights::default(),
        }
    }
}

impl ExtraTrees {
    fn plan(&self, task: &Task, features: usize) -> Plan<'_> {
        Plan {
            family: "extra_trees",
            trees: self.trees,
            leaves: self.leaves,
            depth: self.depth,
            min_rows: self.min_rows,
            min_gain: self.min_gain,
            bins: self.bins,
            features: features_of_a_node(self.column_sample_by_node, task, features),
            categories: &self.categories,
            class_weights: &self.class_weights,
            averaged: Averaged { bootstrap: self.bootstrap, random_cuts: true },
        }
    }
}

averaged_trees!(ExtraTrees, "extra_trees");
