//! `jaccard` of each class: the mean over those that occur, by the weight of their rows.
//!
//! Known as scikit-learn `jaccard_score(average="weighted")`.

use super::classes::Average;
use super::{Metric, Tasks, jaccard};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("jaccard_weighted", Tasks::Classes, |scored| jaccard::by(scored, Average::Weighted));
