//! `recall` of each class, of two as of more: the mean over those that occur as a class or a prediction.
//!
//! Undefined if one of these never occurs. Known as scikit-learn `recall_score(average="macro")`. Differs: there
//! 0/0 is 0.

use super::classes::Average;
use super::{Metric, Tasks, recall};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("recall_macro", Tasks::Classes, |scored| recall::by(scored, Average::Macro));
