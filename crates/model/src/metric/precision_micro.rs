//! `precision` of all classes together. Since a row has one class and one prediction, that is `accuracy`.
//!
//! Known as scikit-learn `precision_score(average="micro")`.

use super::classes::Average;
use super::{Metric, Tasks, precision};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("precision_micro", Tasks::Classes, |scored| precision::by(scored, Average::Micro));
