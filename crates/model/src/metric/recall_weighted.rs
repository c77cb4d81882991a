//! `recall` of each class: the mean over those that occur, by the weight of their rows.
//!
//! Known as scikit-learn `recall_score(average="weighted")`.

use super::classes::Average;
use super::{Metric, Tasks, recall};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("recall_weighted", Tasks::Classes, |scored| recall::by(scored, Average::Weighted));
