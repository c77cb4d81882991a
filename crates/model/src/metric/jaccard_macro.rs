//! `jaccard` of each class, of two as of more: the mean over those that occur as a class or a prediction.
//!
//! Known as scikit-learn `jaccard_score(average="macro")`.

use super::classes::Average;
use super::{Metric, Tasks, jaccard};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("jaccard_macro", Tasks::Classes, |scored| jaccard::by(scored, Average::Macro));
