//! One decision tree: the mean of the target in each leaf.
//!
//! Learns: splits, best first, and the mean of the target in every leaf, in a multiclass task the share of each class there.
//! Exact because the tree is grown as those of `boosted_trees` are.
//! Takes numbers, integers and booleans with nulls, and categories as they are; null goes to the side that training
//! found better, a level that training never saw to the heavier child.
//! Known as scikit-learn `DecisionTreeClassifier`, `DecisionTreeRegressor`, whose defaults it keeps. Differs: splits lie between
//! bins of values; it has at most 32,768 leaves.

use evenstep_table::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::averaged::Categories;
use crate::averaged::{LEAVES, Plan};
use crate::boosted_trees::fit::Averaged;
use crate::class_weights::ClassWeights;

/// One decision tree: the mean of the target in each leaf.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionTree {
    /// The most leaves, 2 to 32,768.
    pub leaves: u32,
    /// The most splits between the root and a leaf, 1 to 32,768; without it, as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// The fewest training rows of a leaf.
    pub min_rows: u32,
    /// A split must lower the sum of squared errors by more than this.
    pub min_gain: f64,
    /// The most bins into which the values of a number fall, 2 to 65,535; beyond 255 a fit takes longer. A category has one for each level.
    pub bins: u32,
    /// How categories are split.
    pub categories: Categories,
    /// How much a row of each class weighs, times its own weight, as `{ bad = 2 }`, 1 for classes that are not named; with `"balanced"` each class as much as any other.
    #[serde(skip_serializing_if = "ClassWeights::is_empty")]
    pub class_weights: ClassWeights,
}

impl Default for DecisionTree {
    fn default() -> DecisionTree {
        DecisionTree {
            leaves: LEAVES,
            depth: None,
            min_rows: 1,
            min_gain: 0.0,
            bins: 255,
            categories: Categories::default(),
            class_weights: ClassWeights::default(),
        }
    }
}

impl DecisionTree {
    fn plan(&self, _: &Task, _: usize) -> Plan<'_> {
        Plan {
            family: "decision_tree",
            trees: 1,
            leaves: self.leaves,
            depth: self.depth,
            min_rows: self.min_rows,
            min_gain: self.min_gain,
            bins: self.bins,
            features: 1.0,
            categories: &self.categories,
            class_weights: &self.class_weights,
            averaged: Averaged { bootstrap: false, random_cuts: false },
        }
    }
}

averaged_trees!(DecisionTree, "decision_tree");
