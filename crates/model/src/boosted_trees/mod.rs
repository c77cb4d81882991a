//! Gradient-boosted decision trees on histograms.
//!
//! Learns: for every round a tree (in a multiclass task one for each class), grown leaf by leaf
//! on the gradients that the rounds before left; and where scores start.
//! Exact because a histogram holds integers: each row's gradient and hessian are rounded to a
//! fixed point at random, keyed by the row's identity and the tree, so every sum is the same
//! in any order. Cuts come from the exact distribution of all training rows; the values of
//! leaves from exact sums of the gradients as they were before rounding.
//! A category of many levels is split by the mean target of each, too: while training, a row sees the means of other folds'
//! rows, drawn by identity, so that no row's own target speaks for it; a level that training never saw has the mean of all.
//! In a set of that many each level must gain more than one that tells nothing would seem to: some do by chance.
//! Takes numbers, integers and booleans with nulls, and categories as they are. A null goes to the side
//! that training found better; where a node saw none, to its heavier child, left if both weigh
//! the same. A level that training never saw goes there too, and so does one that a node never saw.
//! Levels with fewer rows than `min_rows_in_bin` share a bin; so do the rarest of more than 65,534.
//! Known as LightGBM `LGBMRegressor`, `LGBMClassifier`, whose names and defaults it keeps where
//! they make sense. Differs: rows are counted, and with `logistic` and `softmax` a leaf must have their share of its
//! node's hessians as well, by which LightGBM estimates how many rows there are; the missing side of a category is learned;
//! early stopping watches a share of the training rows, by their identity; rows of weight 0 are as if they were not there.

use std::collections::BTreeMap;

use evenstep_table::{Batch, ColumnName, Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::class_weights::ClassWeights;
use crate::{Aim, Contributions, Family, ModelError, Predictions, Run, Stored, Trained, Training};

mod allowed;
mod begin;
mod bin_set;
mod blocks;
pub(crate) mod check;
mod classes;
mod cuts;
mod dart;
mod few;
pub(crate) mod fit;
mod fixed_point;
mod goss;
mod grow;
mod growing;
mod histogram;
mod lanes;
mod loss;
mod matrix;
mod means;
mod monotone;
mod objective;
mod order;
mod packed;
mod passes;
pub(crate) mod predict;
mod quantise;
mod rank;
mod ranks;
mod residuals;
mod rows;
mod scan;
mod segments;
mod sets;
pub(crate) mod shap;
mod shared;
mod split;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod tree;
mod words;

pub(crate) use dart::Dart;
pub(crate) use goss::Goss;
use objective::Objective;
use predict::Model;

/// The share of the training rows that early stopping watches, if nothing else is said.
const VALIDATION: f64 = 0.1;

/// The quantile that is predicted, if nothing else is said.
const QUANTILE: f64 = 0.5;

/// The power of the mean that the variance is, if nothing else is said.
const TWEEDIE_POWER: f64 = 1.5;

/// The least sum of second derivatives in a leaf, if nothing else is said.
const MIN_HESSIAN: f64 = 1e-3;

/// Gradient-boosted decision trees.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoostedTrees {
    /// What is minimised; by default what suits the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// With `objective = "quantile"`, which: 0.5 by default, the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
    /// With `objective = "huber"`, the error from which on only its sign counts, in units of the target; by default what nine tenths of the targets don't exceed in their distance from the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub huber_delta: Option<f64>,
    /// With `objective = "tweedie"`, the power of the mean that the variance is, between 1 (counts) and 2 (sizes): 1.5 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tweedie_power: Option<f64>,
    /// In a ranking by `lambda_rank`, how many rows of a group are looked at from its top: 30 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank_truncation: Option<u32>,
    /// Where scores start: with `mean` where one value for all rows would have the least loss (`huber` at the median), with `zero` at 0.
    pub start: Start,
    /// How many rounds there are, 1 to 100,000; each adds a tree, or one for each of several classes.
    pub trees: u32,
    /// By how much each tree's values are multiplied; above 0.
    pub learning_rate: f64,
    /// The most leaves of a tree, 2 to 32,768.
    pub leaves: u32,
    /// Which leaf is split next: with `leaf` the one that gains most, with `depth` the one that is nearest to the root.
    pub growth: Growth,
    /// The most splits between the root and a leaf, 1 to 32,768; without it, as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// How many bits a gradient is rounded to where splits are sought, 8 to 15, if second derivatives differ; leaves are exact whatever it is. Beyond 13 a fit takes longer.
    pub gradient_bits: u32,
    /// The most bins into which the values of a number fall, 2 to 65,535; beyond 255 a fit takes longer. A category has one for each level.
    pub bins: u32,
    /// The fewest training rows of a bin, where the values allow it; levels of a category with fewer share one.
    pub min_rows_in_bin: u32,
    /// The fewest training rows of a leaf. With `logistic` and `softmax` a leaf must have as large a share of its node's second
    /// derivatives, too: rows that are all but certain count for less.
    pub min_rows: u32,
    /// The least sum of second derivatives in a leaf. 0.001, the default, is meant of rows of weight 1, or of the mean weight if that is less.
    pub min_hessian: f64,
    /// Draws the values of leaves towards 0, in proportion: it is added to their second derivatives. By default three times what a row
    /// of weight 1 has on average where scores start, or one of the mean weight if that is less; with classes, where that is a
    /// quarter at most, twelve times. In a ranking 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l2: Option<f64>,
    /// Draws the values of leaves towards 0, by a constant.
    pub l1: f64,
    /// A split must lower the loss by more than half of this, as in LightGBM.
    pub min_gain: f64,
    /// The largest value of a leaf before it is multiplied by `learning_rate`, either way; without it there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_leaf_value: Option<f64>,
    /// The share of the training rows that each tree is grown from, drawn by their identity; above 0 and at most 1.
    pub row_sample: f64,
    /// For how many rounds the same rows are kept.
    pub row_sample_every: u32,
    /// Grows each tree from the rows with the largest gradients and a share of the others; in place of `row_sample`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goss: Option<Goss>,
    /// Leaves earlier trees out while a new one is grown; not together with `early_stopping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dart: Option<Dart>,
    /// The share of the features that each round may use, drawn by their names; above 0 and at most 1, as those below.
    pub column_sample: f64,
    /// The share of those that the nodes of one depth of a tree may use.
    pub column_sample_by_level: f64,
    /// The share of those that a single node may use.
    pub column_sample_by_node: f64,
    /// Which way predictions must go, or stay, as a numeric feature rises, all else being equal: `increasing` or `decreasing` by its name, as `{ Age = "increasing" }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub monotone: BTreeMap<String, Direction>,
    /// Features that may act together, in lists of names, as `[["Age", "Job"]]`: a branch splits on those of one list only. Those in no list are one more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interactions: Vec<Vec<String>>,
    /// Ends the fit when the loss on a share of the training rows, which are not learned from, has
    /// not fallen for some rounds, and keeps the trees up to the best one; not together with `dart`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// How categories are split.
    pub categories: Categories,
    /// How much a row of the positive class weighs, times its own weight. Only in a binary task.
    pub positive_weight: f64,
    /// How much a row of each class weighs, times its own weight, as `{ bad = 2 }`, 1 for classes that are not named; with `"balanced"` each class as much as any other. Not together with `positive_weight`.
    #[serde(skip_serializing_if = "ClassWeights::is_empty")]
    pub class_weights: ClassWeights,
}

/// Where scores start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Where one value for all rows would have the least loss; with `huber` the median.
    Mean,
    /// At 0.
    Zero,
}

/// Which leaf is split next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// The one whose split gains most.
    Leaf,
    /// The one nearest to the root; of these the one whose split gains most.
    Depth,
}

/// Which way predictions go as a feature rises.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// They rise, or stay.
    Increasing,
    /// They fall, or stay.
    Decreasing,
}

/// When a fit ends before all rounds are done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// How many rounds without a better one are enough.
    pub rounds: u32,
    /// The share of the training rows, or of their groups, that is watched, drawn by their identity; above 0 and below 1: 0.1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
}

/// How categories are split.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Categories {
    /// A category of more levels is split by the mean target of each as well as by sets of them; not in a multiclass task.
    pub means_above: u32,
    /// So many rows of the mean of all rows are mixed into a level's own.
    pub mean_smoothing: f64,
    /// With up to so many levels, null among them, a split sets one level apart.
    pub one_hot_up_to: u32,
    /// Rows that are added to each level, with no gradient, when levels are sorted; levels with fewer rows are not set apart.
    pub smoothing: f64,
    /// Added to `l2` in splits of several levels.
    pub l2: f64,
    /// The most levels that a split sets apart.
    pub max_per_split: u32,
    /// The fewest rows by which two candidate splits of several levels differ.
    pub min_rows: u32,
}

impl Default for BoostedTrees {
    fn default() -> BoostedTrees {
        BoostedTrees {
            objective: None,
            quantile: None,
            huber_delta: None,
            tweedie_power: None,
            rank_truncation: None,
            start: Start::Mean,
            trees: 100,
            learning_rate: 0.1,
            leaves: 31,
            growth: Growth::Leaf,
            depth: None,
            gradient_bits: 13,
            bins: 255,
            min_rows_in_bin: 3,
            min_rows: 10,
            min_hessian: MIN_HESSIAN,
            l2: None,
            l1: 0.0,
            min_gain: 0.0,
            max_leaf_value: None,
            row_sample: 1.0,
            row_sample_every: 1,
            goss: None,
            dart: None,
            column_sample: 1.0,
            column_sample_by_level: 1.0,
            column_sample_by_node: 1.0,
            monotone: BTreeMap::new(),
            interactions: Vec::new(),
            early_stopping: None,
            categories: Categories::default(),
            positive_weight: 1.0,
            class_weights: ClassWeights::default(),
        }
    }
}

impl Default for EarlyStopping {
    fn default() -> EarlyStopping {
        EarlyStopping { rounds: 50, validation: None }
    }
}

impl Default for Categories {
    fn default() -> Categories {
        Categories {
            means_above: 50,
            mean_smoothing: 20.0,
            one_hot_up_to: 4,
            smoothing: 10.0,
            l2: 10.0,
            max_per_split: 32,
            min_rows: 100,
        }
    }
}

impl Family for BoostedTrees {
    const NAME: &'static str = "boosted_trees";
    type Model = Model;

    fn check_hyperparameters(&self) -> Result<(), ModelError> {
        self.check_ranges()
    }

    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        check::check(self, task, features)
    }

    fn aim(&self) -> Aim {
        match self.objective {
            Some(Objective::Quantile) => Aim::Quantile(self.quantile.unwrap_or(QUANTILE)),
            Some(Objective::Poisson) => Aim::Poisson,
            Some(Objective::Tweedie) => Aim::Tweedie(self.tweedie_power.unwrap_or(TWEEDIE_POWER)),
            Some(Objective::Gamma) => Aim::Gamma,
            _ => Aim::Mean,
        }
    }

    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Model>, ModelError> {
        self.check(data.task, data.features)?;
        fit::fit(self, None, data, run)
    }

    fn predict(&self, model: &Model, features: &[ColumnName], batch: &Batch) -> Predictions {
        model.predict(features, batch)
    }

    fn explain(&self, model: &Model, features: &[ColumnName], batch: &Batch) -> Option<Contributions> {
        Some(shap::explain(model, features, batch))
    }

    fn store(&self, model: &Model) -> Stored {
        store::store(model)
    }

    fn restore(&self, features: &Schema, task: &Task, stored: &Stored) -> Result<Model, ModelError> {
        store::restore(features, task, stored)
    }

    fn example() -> BoostedTrees {
        BoostedTrees {
            trees: 300,
            learning_rate: 0.05,
            early_stopping: Some(EarlyStopping::default()),
            ..BoostedTrees::default()
        }
    }
}

impl BoostedTrees {
    /// The weight of each class by its index; none if all are 1.
    fn weights_of_classes(&self, data: &Training<'_>, run: &Run<'_>) -> Vec<f64> {
        if self.positive_weight != 1.0 { vec![1.0, self.positive_weight] } else { self.class_weights.of(data, run) }
    }

    /// The spec with defaults as they are meant where rows have weights, by the mean weight or 1 if that is less: shares of a whole
    /// are small, and would never add up to what rows of weight 1 do.
    fn by_weight(&self, weight: f64) -> BoostedTrees {
        let meant = if self.min_hessian == MIN_HESSIAN { MIN_HESSIAN * weight } else { self.min_hessian };
        BoostedTrees { min_hessian: meant, ..self.clone() }
    }

    /// What splits of a tree must keep to.
    fn criterion(&self, packing: &quantise::Packing, l2: f64) -> split::Criterion {
        split::Criterion {
            l1: self.l1,
            l2,
            min_rows: i64::from(self.min_rows),
            // The least integer that is worth as much: a unit is a power of two.
            rows_by_hessian: false,
            hessian_min: ((self.min_hessian / packing.hessian_unit).ceil() as i64).max(1),
            min_gain: self.min_gain,
            is_averaged: false,
            weight_noise: 0.0,
            noise: 0.0,
            categories: self.categories.clone(),
            gradient_unit: packing.gradient_unit,
            hessian_unit: packing.hessian_unit,
            sum_bits: packing.sum_bits,
        }
    }
}
