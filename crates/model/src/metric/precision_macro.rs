//! `precision` of each class, of two as of more: the mean over those that occur as a class or a prediction.
//!
//! Undefined if one of these is never predicted. Known as scikit-learn `precision_score(average="macro")`. Differs:
//! there 0/0 is 0.

use super::classes::Average;
use super::{Metric, Tasks, precision};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("precision_macro", Tasks::Classes, |scored| precision::by(scored, Average::Macro));
