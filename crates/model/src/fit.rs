//! What a fit is given, and what it gives back.

use evenstep_exact::draw::Draws;
use evenstep_exact::reduce::Workers;
use evenstep_table::{Batch, ColumnName, Schema, Task, counted};
use serde::Serialize;

use crate::ModelError;

/// The largest weight of a row, and of a class: of both together no square of a gradient overflows.
pub const WEIGHT_MAX: f64 = 1e15;

/// The largest target that trees learn: they square it, and sums of larger squares would overflow.
pub const TARGET_MAX: f64 = 1e100;

/// What is said of so many targets that are larger.
pub fn too_large(targets: u64) -> ModelError {
    let are = if targets == 1 { "is" } else { "are" };
    ModelError::new(format!("{} {are} beyond ±1e100", counted(targets, "target")))
        .help("trees square the target: divide it by a constant")
}

/// The rows to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// The rows, with their labels, in any order and grouping.
    pub batches: &'a [Batch],
    /// The features and their types, in canonical order.
    pub features: &'a Schema,
    /// What is to be predicted.
    pub task: &'a Task,
}

/// What a fit works with besides its rows.
pub struct Run<'a> {
    /// Threads, and other processes if there are any: the only way to observe rows.
    pub workers: &'a Workers,
    /// Draws from the pipeline's seed: `early_stopping` by row key, the rest within `model`.
    pub draws: Draws,
    /// Told how many of how many rounds are done, and the latest score watched, if any.
    pub progress: &'a (dyn Fn(usize, usize, Option<f64>) + Sync),
}

/// What comes out of a fit.
#[derive(Clone, Debug)]
pub struct Trained<M> {
    /// What was learned.
    pub model: M,
    /// What each feature contributed; empty if the family can't say.
    pub importance: Vec<Importance>,
    /// How the fit went, round by round; empty if it has no rounds worth showing.
    pub curve: Vec<CurvePoint>,
    /// Sentences for people: early stopping, a solver that stopped short.
    pub notes: Vec<String>,
}

/// What a feature contributed.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Importance {
    /// The feature.
    pub feature: ColumnName,
    /// Its share of the total gain, or of the absolute standardised weights.
    pub share: f64,
    /// How many splits are on it, in a family that splits.
    pub splits: Option<u64>,
    /// Its share of the rows that its splits part, all counted as often as they are parted, in a family that splits.
    pub cover: Option<f64>,
}

/// One round of a fit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CurvePoint {
    /// The round, from 1.
    pub round: u32,
    /// The mean loss on the rows learned from.
    pub training: f64,
    /// The mean loss on the rows that early stopping watches, if it does.
    pub watched: Option<f64>,
}
