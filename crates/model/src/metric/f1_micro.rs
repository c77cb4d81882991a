//! `f1` of all classes together. Since a row has one class and one prediction, that is `accuracy`.
//!
//! Known as scikit-learn `f1_score(average="micro")`.

use super::classes::Average;
use super::{Metric, Tasks, f1};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("f1_micro", Tasks::Classes, |scored| f1::by(scored, Average::Micro));
