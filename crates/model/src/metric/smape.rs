//! The symmetric mean absolute percentage error, as a ratio from 0 to 2: of |error| / ((|target| + |prediction|) / 2).
//!
//! A row without error counts as 0, also where target and prediction are 0.

use super::{Metric, Tasks, mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("smape", Tasks::Regression, |scored| {
    mean(scored, "no error", |target, predicted| match (target - predicted[0]).abs() {
        0.0 => 0.0,
        error => error / (target.abs() / 2.0 + predicted[0].abs() / 2.0),
    })
});
