//! The root of the mean squared error, in the target's unit.
//!
//! Known as scikit-learn `root_mean_squared_error`.

use super::mse::squared;
use super::{Metric, Tasks, root_mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("rmse", Tasks::Regression, |scored| {
    root_mean(scored, "no error", |target, predicted| squared(target - predicted[0]))
});
