//! `f1` of each class: the mean over those that occur, by the weight of their rows.
//!
//! Known as scikit-learn `f1_score(average="weighted")`.

use super::classes::Average;
use super::{Metric, Tasks, f1};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("f1_weighted", Tasks::Classes, |scored| f1::by(scored, Average::Weighted));
