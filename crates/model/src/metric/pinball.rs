//! The mean pinball loss of the median: half the absolute error.
//!
//! Known as scikit-learn `mean_pinball_loss(alpha=0.5)`.

use super::{Metric, Tasks, mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("pinball", Tasks::Regression, |scored| {
    mean(scored, "no error", |target, predicted| (target - predicted[0]).abs() * 0.5)
});
