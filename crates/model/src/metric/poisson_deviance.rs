//! The mean Poisson deviance: of 2·(y·ln(y/μ) − y + μ), μ being the prediction.
//!
//! Undefined if a target is below 0, or a prediction not above 0. Known as scikit-learn `mean_poisson_deviance`.

use super::{Metric, Tasks, deviance, mean};
use evenstep_exact::maths;

pub(super) const METRIC: Metric = Metric::lower_is_better("poisson_deviance", Tasks::Regression, |scored| {
    mean(scored, "a target below 0 or a prediction that is not above 0", |target, predicted| {
        let expected = predicted[0];
        if target < 0.0 || expected <= 0.0 {
            return f64::NAN;
        }
        let information = if target == 0.0 { 0.0 } else { target * maths::ln(target / expected) };
        deviance(information - target + expected)
    })
});
