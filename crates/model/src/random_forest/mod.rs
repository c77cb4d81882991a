//! Decision trees, each grown on rows drawn with repetition and on few features a node, averaged.
//!
//! Learns: for each tree the mean of the target in every leaf, in a multiclass task the share of each class there.
//! Exact because trees are grown as those of `boosted_trees` are, or where there are several classes by their counts: how often a
//! row stands in a tree's sample is drawn by the row's identity and the tree, which features a node may use by their names and the
//! node's path.
//! Takes numbers, integers and booleans with nulls, and categories as they are; null goes to the side that training
//! found better, a level that training never saw to the heavier child.
//! Known as scikit-learn `RandomForestClassifier`, `RandomForestRegressor`, whose defaults it keeps. Differs: splits lie
//! between bins of values; a row's count in a sample is a Poisson variable of mean 1, so that samples have about as many rows
//! as there are; a tree has at most 32,768 leaves.

use evenstep_table::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::averaged::Categories;
use crate::averaged::{LEAVES, Plan, features_of_a_node};
use crate::boosted_trees::fit::Averaged;
use crate::class_weights::ClassWeights;

/// Decision trees, each grown on rows drawn with repetition and on few features a node, averaged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RandomForest {
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

impl Default for RandomForest {
    fn default() -> RandomForest {
        RandomForest {
            trees: 100,
            leaves: LEAVES,
            depth: None,
            min_rows: 1,
            min_gain: 0.0,
            column_sample_by_node: None,
            bootstrap: true,
            bins: 255,
            categories: Categories::default(),
            class_weights: ClassWeights::default(),
        }
    }
}

impl RandomForest {
    fn plan(&self, task: &Task, features: usize) -> Plan<'_> {
        Plan {
            family: "random_forest",
            trees: self.trees,
            leaves: self.leaves,
            depth: self.depth,
            min_rows: self.min_rows,
            min_gain: self.min_gain,
            bins: self.bins,
            features: features_of_a_node(self.column_sample_by_node, task, features),
            categories: &self.categories,
            class_weights: &self.class_weights,
            averaged: Averaged { bootstrap: self.bootstrap, random_cuts: false },
        }
    }
}

averaged_trees!(RandomForest, "random_forest");
