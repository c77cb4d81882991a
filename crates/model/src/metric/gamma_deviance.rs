//! The mean Gamma deviance: of 2·(ln(μ/y) + y/μ − 1), μ being the prediction.
//!
//! Undefined if a target or prediction is not above 0. Known as scikit-learn `mean_gamma_deviance`.

use super::{Metric, Tasks, deviance, mean};
use evenstep_exact::maths;

pub(super) const METRIC: Metric = Metric::lower_is_better("gamma_deviance", Tasks::Regression, |scored| {
    mean(scored, "a target or prediction that is not above 0", |target, predicted| {
        let expected = predicted[0];
        if target <= 0.0 || expected <= 0.0 {
            return f64::NAN;
        }
        deviance(maths::ln(expected / target) + target / expected - 1.0)
    })
});
