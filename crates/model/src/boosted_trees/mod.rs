//! Gradient-boosted decision trees on histograms.
//!
//! Learns: for every round a tree (in a multiclass task one for each class), grown leaf by leaf
//! on the gradients that the rounds before left; and where scores start.
//! Exact because a histogram holds integers: each row's gradient and hessian are rounded to a
//! fixed point at random, keyed by the row's identity and the tree, so every sum is the same
//! in any order. Cuts come from the exact distribution of all training rows; the values of
//! leaves from exact sums of the gradients as they were before rounding.
//! Takes numbers, integers and booleans with nulls, and categories as they are. A null goes to the side
//! that training found better; where a node saw none, to its heavier child, left if both weigh
//! the same. A level that training never saw goes there too, and so does one that a node never saw.
//! Levels with fewer than three rows share a bin; so do the rarest of more than 65,534.
//! Known as LightGBM `LGBMRegressor`, `LGBMClassifier`, whose names and defaults it keeps where
//! they make sense. Differs: rows are counted, not estimated from hessians; the missing side of
//! a category is learned; early stopping watches a tenth of the training rows, by their identity; rows
//! of weight 0 are as if they were not there.

use std::collections::BTreeMap;

use evenstep_table::{Batch, ColumnName, Kind, Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Contributions, Family, ModelError, Predictions, Run, Stored, Trained, Training};

mod cuts;
mod fit;
mod grow;
mod histogram;
mod matrix;
mod objective;
mod order;
mod predict;
mod quantise;
mod rows;
mod shap;
mod split;
mod store;
#[cfg(test)]
mod tests;
mod tree;

use objective::Objective;
use predict::Model;

/// Gradient-boosted decision trees.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BoostedTrees {
    /// What is minimised; by default what suits the target: `squared`, `logistic` or `softmax`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<Objective>,
    /// How many rounds there are; each adds a tree, or one for each of several classes.
    pub trees: u32,
    /// By how much each tree's values are multiplied.
    pub learning_rate: f64,
    /// The most leaves of a tree.
    pub leaves: u32,
    /// The most splits between the root and a leaf; without it, as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// The most bins into which the values of a number fall, at most 65,534; beyond 255 a fit takes longer. A category has one for each level.
    pub bins: u32,
    /// The fewest training rows of a leaf.
    pub min_rows: u32,
    /// The least sum of second derivatives in a leaf.
    pub min_hessian: f64,
    /// Draws the values of leaves towards 0, in proportion.
    pub l2: f64,
    /// Draws the values of leaves towards 0, by a constant.
    pub l1: f64,
    /// A split must lower the loss by more than this.
    pub min_gain: f64,
    /// The largest value of a leaf before it is multiplied by `learning_rate`, either way; without it there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_leaf_value: Option<f64>,
    /// The share of the training rows that each tree is grown from, drawn by their identity.
    pub row_sample: f64,
    /// For how many rounds the same rows are kept.
    pub row_sample_every: u32,
    /// The share of the features that each round may use, drawn by their names.
    pub column_sample: f64,
    /// Ends the fit when the loss on a tenth of the training rows, which are not learned from, has
    /// not fallen for some rounds, and keeps the trees up to the best one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// How categories are split.
    pub categories: Categories,
    /// How much a row of the positive class weighs, times its own weight. Only in a binary task.
    pub positive_weight: f64,
    /// How much a row of each class weighs, times its own weight; 1 for classes that are not named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub class_weights: BTreeMap<String, f64>,
}

/// When a fit ends before all rounds are done.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// How many rounds without a better one are enough.
    pub rounds: u32,
}

/// How categories are split.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Categories {
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
            trees: 100,
            learning_rate: 0.1,
            leaves: 31,
            depth: None,
            bins: 255,
            min_rows: 20,
            min_hessian: 1e-3,
            l2: 0.0,
            l1: 0.0,
            min_gain: 0.0,
            max_leaf_value: None,
            row_sample: 1.0,
            row_sample_every: 1,
            column_sample: 1.0,
            early_stopping: None,
            categories: Categories::default(),
            positive_weight: 1.0,
            class_weights: BTreeMap::new(),
        }
    }
}

impl Default for EarlyStopping {
    fn default() -> EarlyStopping {
        EarlyStopping { rounds: 50 }
    }
}

impl Default for Categories {
    fn default() -> Categories {
        Categories { one_hot_up_to: 4, smoothing: 10.0, l2: 10.0, max_per_split: 32, min_rows: 100 }
    }
}

impl Family for BoostedTrees {
    const NAME: &'static str = "boosted_trees";
    type Model = Model;

    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        self.check_ranges()?;
        self.check_classes(task)?;
        Objective::of(self.objective, task)?;
        features.iter().try_for_each(|(name, kind)| check_feature(name, *kind))
    }

    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Model>, ModelError> {
        self.check(data.task, data.features)?;
        fit::fit(self, data, run)
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

    fn restore(&self, features: &Schema, task: &Task, stored: Stored) -> Result<Model, ModelError> {
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

fn check_feature(name: &ColumnName, kind: Kind) -> Result<(), ModelError> {
    let (what, help) = match kind {
        Kind::Number | Kind::Integer | Kind::Boolean | Kind::Category => return Ok(()),
        Kind::Text => ("a text", "`text_hash`, `text_features` or `drop_columns`"),
        Kind::Date => ("a date", "`datetime_parts` or `datetime_ordinal`"),
        Kind::Time => ("a time", "`datetime_parts` or `cyclical`"),
        Kind::Datetime(_) => ("a datetime", "`datetime_parts` or `datetime_ordinal`"),
    };
    Err(ModelError::of(name, format!("`boosted_trees` can't split `{name}`, {what}"))
        .help(format!("add a step that makes numbers or a category of it: {help}")))
}

impl BoostedTrees {
    fn check_ranges(&self) -> Result<(), ModelError> {
        let whole = |name: &str, value: u32, least: u32, most: u32| match value {
            _ if (least..=most).contains(&value) => Ok(()),
            _ => Err(ModelError::new(format!("`{name}` is {value}, but it lies between {least} and {most}"))),
        };
        let real = |name: &str, value: f64, allowed: bool, expected: &str| match allowed && value.is_finite() {
            true => Ok(()),
            false => Err(ModelError::new(format!("`{name}` is {value:?}, but it is {expected}"))),
        };
        let above = |name: &str, value: f64| real(name, value, value > 0.0, "above 0");
        let not_below = |name: &str, value: f64| real(name, value, value >= 0.0, "0 or above");
        let share = |name: &str, value: f64| real(name, value, value > 0.0 && value <= 1.0, "above 0 and at most 1");
        whole("trees", self.trees, 1, 100_000)?;
        above("learning_rate", self.learning_rate)?;
        whole("leaves", self.leaves, 2, 32_768)?;
        whole("depth", self.depth.unwrap_or(1), 1, 32_768)?;
        whole("bins", self.bins, 2, 65_534)?;
        whole("min_rows", self.min_rows, 1, u32::MAX)?;
        not_below("min_hessian", self.min_hessian)?;
        not_below("l2", self.l2)?;
        not_below("l1", self.l1)?;
        not_below("min_gain", self.min_gain)?;
        above("max_leaf_value", self.max_leaf_value.unwrap_or(1.0))?;
        share("row_sample", self.row_sample)?;
        whole("row_sample_every", self.row_sample_every, 1, u32::MAX)?;
        share("column_sample", self.column_sample)?;
        whole(
            "early_stopping.rounds",
            self.early_stopping.as_ref().map_or(1, |stopping| stopping.rounds),
            1,
            u32::MAX,
        )?;
        not_below("categories.smoothing", self.categories.smoothing)?;
        not_below("categories.l2", self.categories.l2)?;
        whole("categories.max_per_split", self.categories.max_per_split, 1, u32::MAX)?;
        above("positive_weight", self.positive_weight)?;
        self.class_weights.iter().try_for_each(|(class, weight)| not_below(&format!("class_weights.{class}"), *weight))
    }

    fn check_classes(&self, task: &Task) -> Result<(), ModelError> {
        let classes = task.classes();
        if matches!(task, Task::Multiclass { .. }) && classes.len() < 2 {
            return Err(ModelError::new(format!("a multiclass task has at least 2 classes, not {}", classes.len())));
        }
        if self.positive_weight != 1.0 && !matches!(task, Task::Binary { .. }) {
            return Err(ModelError::new("`positive_weight` is for a binary task").help("write `class_weights`"));
        }
        if self.positive_weight != 1.0 && !self.class_weights.is_empty() {
            return Err(ModelError::new("`positive_weight` and `class_weights` say the same: write one of them"));
        }
        let unknown = self.class_weights.keys().find(|class| !classes.contains(class));
        let Some(unknown) = unknown else { return Ok(()) };
        let error = ModelError::new(format!("`class_weights` names `{unknown}`, which is no class of the target"));
        Err(match evenstep_table::did_you_mean(unknown, classes.iter().map(String::as_str)) {
            Some(help) => error.help(help),
            None => error,
        })
    }

    /// The weight of each class by its index; none if all are 1.
    fn weights_of_classes(&self, task: &Task) -> Vec<f64> {
        if self.positive_weight != 1.0 {
            return vec![1.0, self.positive_weight];
        }
        if self.class_weights.is_empty() {
            return Vec::new();
        }
        task.classes().iter().map(|class| self.class_weights.get(class).copied().unwrap_or(1.0)).collect()
    }

    /// What splits of a tree must keep to.
    fn criterion(&self, packing: &quantise::Packing) -> split::Criterion {
        split::Criterion {
            l1: self.l1,
            l2: self.l2,
            max_leaf_value: self.max_leaf_value,
            min_rows: i64::from(self.min_rows),
            min_hessian: self.min_hessian,
            min_gain: self.min_gain,
            categories: self.categories.clone(),
            gradient_unit: packing.gradient_unit,
            hessian_unit: packing.hessian_unit,
        }
    }
}
