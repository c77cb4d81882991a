//! The root of the mean squared error of ln(1 + x).
//!
//! Undefined if a target or prediction is −1 or less. Known as scikit-learn `root_mean_squared_log_error`.

use super::mse::squared;
use super::msle::log_error;
use super::{Metric, Tasks, root_mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("rmsle", Tasks::Regression, |scored| {
    root_mean(scored, "a target or prediction of -1 or less, which has no such logarithm", |target, predicted| {
        squared(log_error(target, predicted[0]))
    })
});
