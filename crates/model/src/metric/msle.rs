//! The mean squared error of ln(1 + x).
//!
//! Undefined if a target or prediction is −1 or less. Known as scikit-learn `mean_squared_log_error`.

use super::mse::squared;
use super::{Metric, Tasks, mean};
use evenstep_exact::maths;

pub(super) const METRIC: Metric = Metric::lower_is_better("msle", Tasks::Regression, |scored| {
    mean(scored, "a target or prediction of -1 or less, which has no such logarithm", |target, predicted| {
        squared(log_error(target, predicted[0]))
    })
});

/// ln(1 + target) − ln(1 + predicted), NaN if one of them is none.
pub(super) fn log_error(target: f64, predicted: f64) -> f64 {
    if target <= -1.0 || predicted <= -1.0 { f64::NAN } else { maths::log1p(target) - maths::log1p(predicted) }
}
