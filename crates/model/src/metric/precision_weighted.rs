//! `precision` of each class: the mean over those that occur, by the weight of their rows.
//!
//! Undefined if one of these is never predicted. Known as scikit-learn `precision_score(average="weighted")`.
//! Differs: there 0/0 is 0.

use super::classes::Average;
use super::{Metric, Tasks, precision};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("precision_weighted", Tasks::Classes, |scored| precision::by(scored, Average::Weighted));
