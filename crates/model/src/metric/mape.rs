//! The mean absolute percentage error, as a ratio: of |error| / |target|.
//!
//! Undefined if a target is 0. Known as scikit-learn `mean_absolute_percentage_error`. Differs: there a target
//! of 0 makes the mean some 10^15.

use super::{Metric, Tasks, mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("mape", Tasks::Regression, |scored| {
    mean(scored, "a target of 0, of which no error is a share", |target, predicted| {
        if target == 0.0 { f64::NAN } else { (target - predicted[0]).abs() / target.abs() }
    })
});
