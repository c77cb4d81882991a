//! The mean squared error.
//!
//! Known as scikit-learn `mean_squared_error`.

use super::{Metric, Tasks, mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("mse", Tasks::Regression, |scored| {
    mean(scored, "no error", |target, predicted| squared(target - predicted[0]))
});

/// Rounded once.
pub(super) fn squared(x: f64) -> f64 {
    x * x
}
