//! `recall` of all classes together. Since a row has one class and one prediction, that is `accuracy`.
//!
//! Known as scikit-learn `recall_score(average="micro")`.

use super::classes::Average;
use super::{Metric, Tasks, recall};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("recall_micro", Tasks::Classes, |scored| recall::by(scored, Average::Micro));
