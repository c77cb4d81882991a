//! The mean absolute error, in the target's unit.
//!
//! Known as scikit-learn `mean_absolute_error`.

use super::{Metric, Tasks, mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("mae", Tasks::Regression, |scored| {
    mean(scored, "no error", |target, predicted| (target - predicted[0]).abs())
});
