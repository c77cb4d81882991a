//! Models: one folder a family, and the catalogue that lists them; and the metrics that judge them.
//!
//! A model sees named, typed features and nothing of where they came from. To add
//! one, write its folder and name it in the catalogue below.

#[macro_use]
mod catalogue;
#[macro_use]
mod averaged;
mod aim;
mod class_weights;
mod contributions;
mod error;
mod fit;
mod linear;
pub mod metric;
mod peer_names;
mod predictions;
mod stored;
#[cfg(test)]
mod testing;

pub use aim::Aim;
pub use catalogue::{AnyFamily, AnyModel, Entry};
pub use class_weights::{ClassWeights, Rule as ClassWeightsRule};
pub use contributions::Contributions;
pub use error::{ModelError, ParseError};
pub use fit::{CurvePoint, Importance, Run, TARGET_MAX, Trained, Training, WEIGHT_MAX, too_large};
pub use predictions::Predictions;
pub use stored::{Stored, Tensor};

use std::sync::Arc;

use evenstep_table::{Batch, ColumnName, Schema, Task, did_you_mean};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// One family of models: its hyperparameters are written in a spec, its fit learns the rest.
pub trait Family: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What `use = "…"` calls it.
    const NAME: &'static str;
    /// Rises when the same rows and spec would give other bits: `diff` then names the code of the model as what changed.
    const VERSION: u32 = 1;
    /// Whether a row with a null in a feature has a prediction.
    const TAKES_NULL: bool = true;
    /// What a fit learns.
    type Model: Send + Sync;

    /// Says before any row is read whether the hyperparameters make sense.
    ///
    /// # Errors
    /// One that is out of range, or contradicts another.
    fn check_hyperparameters(&self) -> Result<(), ModelError> {
        Ok(())
    }

    /// Says before any fit whether the family can do the task with these features.
    ///
    /// # Errors
    /// What `check_hyperparameters` says, a task that it doesn't do, or a feature that it can't take, with the step to add.
    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError>;

    /// What predictions are of the target.
    fn aim(&self) -> Aim {
        Aim::Mean
    }

    /// Learns from training rows, in rounds, through `run.workers` alone.
    ///
    /// # Errors
    /// What the rows do not allow to learn.
    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Self::Model>, ModelError>;

    /// Predicts a batch: the same bits for one row as for a million. A null prediction is NaN.
    /// Columns other than `features` are ignored.
    fn predict(&self, model: &Self::Model, features: &[ColumnName], batch: &Batch) -> Predictions;

    /// Says what each feature adds to the scores of a batch, with the same bits for one row as for a million;
    /// None if the family can't say.
    fn explain(&self, _model: &Self::Model, _features: &[ColumnName], _batch: &Batch) -> Option<Contributions> {
        None
    }

    /// The model as plain data.
    fn store(&self, model: &Self::Model) -> Stored;

    /// The model from plain data, whoever wrote it: everything that `predict` relies on is checked.
    ///
    /// # Errors
    /// Data that `store` would not have written.
    fn restore(&self, features: &Schema, task: &Task, stored: &Stored) -> Result<Self::Model, ModelError>;

    /// A spec of this family, for the docs and the tests that walk the catalogue.
    fn example() -> Self;
}

catalogue! {
    boosted_trees::BoostedTrees,
    random_forest::RandomForest,
    extra_trees::ExtraTrees,
    decision_tree::DecisionTree,
    dummy::Dummy,
    ridge::Ridge,
    logistic_regression::LogisticRegression,
}

/// The family of that name, with hyperparameters as a spec writes them.
///
/// # Errors
/// A name that is not in the catalogue, or a hyperparameter that doesn't read.
pub fn parse(name: &str, written: Value) -> Result<Arc<dyn AnyFamily>, ParseError> {
    let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name) else {
        let names = || CATALOGUE.iter().map(|entry| entry.name);
        let of_peers = peer_names::family(name).filter(|ours| names().any(|name| name == *ours));
        let ranks =
            if name.to_lowercase().ends_with("ranker") { ", with `task = \"ranking\"` under `[data]`" } else { "" };
        let help = of_peers.map(|ours| format!("it is called `{ours}` here{ranks}"));
        let help = help.or_else(|| did_you_mean(name, names()));
        let help = help.unwrap_or_else(|| format!("there are {}", names().collect::<Vec<_>>().join(", ")));
        let message = format!("unknown model `{name}`");
        return Err(ParseError { path: vec!["use".to_owned()], message, help: Some(help) });
    };
    (entry.parse)(written)
}
