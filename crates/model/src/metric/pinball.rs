//! The mean pinball loss: each unit by which a prediction is too low costs q, one by which it is too high 1 − q.
//!
//! q is the quantile that the model predicts (`objective = "quantile"`), of any other model 0.5: half the absolute error.
//! Known as scikit-learn `mean_pinball_loss(alpha=q)`.

use super::{Metric, Tasks, mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("pinball", Tasks::Regression, |scored| {
    let quantile = scored.quantile();
    mean(scored, "no error", move |target, predicted| loss(target - predicted[0], quantile))
});

/// What an error costs: target less prediction.
pub(super) fn loss(error: f64, quantile: f64) -> f64 {
    error.abs() * if error < 0.0 { 1.0 - quantile } else { quantile }
}
