//! `f1` of each class, of two as of more: the mean over those that occur as a class or a prediction.
//!
//! Known as scikit-learn `f1_score(average="macro")`.

use super::classes::Average;
use super::{Metric, Tasks, f1};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("f1_macro", Tasks::Classes, |scored| f1::by(scored, Average::Macro));
