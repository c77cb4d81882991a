//! What families of averaged trees share: each is grown from the start, and a prediction is the mean over trees.

use evenstep_exact::maths;
use evenstep_table::{Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::boosted_trees::fit::Averaged;
use crate::boosted_trees::predict::Model;
use crate::boosted_trees::{self, BoostedTrees, check, fit};
use crate::class_weights::ClassWeights;
use crate::{ModelError, Run, Trained, Training};

/// How categories are split. A tree that others don't correct takes every level for what its rows say.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Categories {
    /// A category of more levels is split by the mean target of each as well as by sets of them; not in a multiclass task.
    pub means_above: u32,
    /// So many rows of the mean of all rows are mixed into a level's own.
    pub mean_smoothing: f64,
    /// With up to so many levels, null among them, a split sets one level apart.
    pub one_hot_up_to: u32,
    /// Rows of the mean of all that are added to each level when levels are sorted; levels with fewer rows are not set apart.
    pub smoothing: f64,
    /// Draws the values of leaves towards the mean of all in splits of several levels.
    pub l2: f64,
    /// The most levels that a split sets apart.
    pub max_per_split: u32,
    /// The fewest rows by which two candidate splits of several levels differ.
    pub min_rows: u32,
}

impl Default for Categories {
    fn default() -> Categories {
        let boosted_trees::Categories { means_above, mean_smoothing, one_hot_up_to, max_per_split, .. } =
            boosted_trees::Categories::default();
        Categories { means_above, mean_smoothing, one_hot_up_to, max_per_split, smoothing: 0.0, l2: 0.0, min_rows: 1 }
    }
}

impl Categories {
    /// Refuses what is about levels in the order of their targets, where a set of levels is drawn.
    fn refuse_of_sorted_levels(&self, family: &str) -> Result<(), ModelError> {
        let plain = Categories::default();
        let said = [
            ("one_hot_up_to", self.one_hot_up_to != plain.one_hot_up_to),
            ("smoothing", self.smoothing != plain.smoothing),
            ("l2", self.l2 != plain.l2),
            ("max_per_split", self.max_per_split != plain.max_per_split),
            ("min_rows", self.min_rows != plain.min_rows),
        ];
        match said.into_iter().find(|(_, said)| *said) {
            None => Ok(()),
            Some((name, _)) => Err(ModelError::new(format!("`categories.{name}` says nothing to `{family}`"))
                .help("its sets of levels are drawn, not sorted: leave it out".to_owned())),
        }
    }
}

impl From<&Categories> for boosted_trees::Categories {
    fn from(of: &Categories) -> boosted_trees::Categories {
        let Categories { means_above, mean_smoothing, one_hot_up_to, smoothing, l2, max_per_split, min_rows } = *of;
        boosted_trees::Categories { means_above, mean_smoothing, one_hot_up_to, smoothing, l2, max_per_split, min_rows }
    }
}

/// How a family's trees are grown.
pub(crate) struct Plan<'a> {
    pub(crate) family: &'static str,
    pub(crate) trees: u32,
    pub(crate) leaves: u32,
    pub(crate) depth: Option<u32>,
    pub(crate) min_rows: u32,
    pub(crate) min_gain: f64,
    pub(crate) bins: u32,
    /// The share of the features that a node may use.
    pub(crate) features: f64,
    pub(crate) categories: &'a Categories,
    pub(crate) class_weights: &'a ClassWeights,
    pub(crate) averaged: Averaged,
}

/// The most leaves of a tree, if nothing is said.
pub(crate) const LEAVES: u32 = 32_768;

/// As many features as the root of their number for classes, all of them for a number.
/// Source: Breiman 2001, "Random forests"; scikit-learn's default for regressions.
pub(crate) fn features_of_a_node(written: Option<f64>, task: &Task, features: usize) -> f64 {
    written.unwrap_or(match task {
        Task::Regression => 1.0,
        _ => maths::sqrt(features as f64).floor().max(1.0) / features.max(1) as f64,
    })
}

impl Plan<'_> {
    fn spec(&self) -> BoostedTrees {
        BoostedTrees {
            trees: self.trees,
            leaves: self.leaves,
            depth: self.depth,
            min_rows: self.min_rows,
            min_gain: self.min_gain,
            min_hessian: 0.0,
            bins: self.bins,
            min_rows_in_bin: 1,
            column_sample_by_node: self.features,
            categories: self.categories.into(),
            class_weights: self.class_weights.clone(),
            ..BoostedTrees::default()
        }
    }

    /// Whether the hyperparameters make sense.
    pub(crate) fn check_hyperparameters(&self) -> Result<(), ModelError> {
        if self.averaged.random_cuts {
            self.categories.refuse_of_sorted_levels(self.family)?;
        }
        self.spec().check_ranges()
    }

    /// Whether such trees can do the task with these features.
    pub(crate) fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        self.check_hyperparameters()?;
        self.spec().check_classes(task)?;
        check::check_features(self.family, features)
    }

    /// Learns the trees.
    pub(crate) fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Model>, ModelError> {
        self.check(data.task, data.features)?;
        fit::fit(&self.spec(), Some(self.averaged), data, run)
    }
}

/// The part of a family of averaged trees that is the same for all: its model is one of trees.
macro_rules! averaged_trees {
    ($family:ident, $name:literal) => {
        impl crate::Family for $family {
            const NAME: &'static str = $name;
            type Model = crate::boosted_trees::predict::Model;

            fn check_hyperparameters(&self) -> Result<(), crate::ModelError> {
                // A share that isn't written is in range, whatever the task and the features make of it.
                self.plan(&evenstep_table::Task::Regression, 1).check_hyperparameters()
            }

            fn check(
                &self,
                task: &evenstep_table::Task,
                features: &evenstep_table::Schema,
            ) -> Result<(), crate::ModelError> {
                self.plan(task, features.len()).check(task, features)
            }

            fn fit(
                &self,
                data: &crate::Training<'_>,
                run: &crate::Run<'_>,
            ) -> Result<crate::Trained<Self::Model>, crate::ModelError> {
                self.plan(data.task, data.features.len()).fit(data, run)
            }

            fn predict(
                &self,
                model: &Self::Model,
                features: &[evenstep_table::ColumnName],
                batch: &evenstep_table::Batch,
            ) -> crate::Predictions {
                model.predict(features, batch)
            }

            fn explain(
                &self,
                model: &Self::Model,
                features: &[evenstep_table::ColumnName],
                batch: &evenstep_table::Batch,
            ) -> Option<crate::Contributions> {
                Some(crate::boosted_trees::shap::explain(model, features, batch))
            }

            fn store(&self, model: &Self::Model) -> crate::Stored {
                crate::boosted_trees::store::store(model)
            }

            fn restore(
                &self,
                features: &evenstep_table::Schema,
                task: &evenstep_table::Task,
                stored: &crate::Stored,
            ) -> Result<Self::Model, crate::ModelError> {
                crate::boosted_trees::store::restore(features, task, stored)
            }

            fn example() -> $family {
                $family::default()
            }
        }
    };
}
