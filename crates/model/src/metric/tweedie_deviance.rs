//! The mean Tweedie deviance: of 2·(y^(2−p)/((1−p)·(2−p)) − y·μ^(1−p)/(1−p) + μ^(2−p)/(2−p)), μ being the prediction.
//!
//! p is the `tweedie_power` of the model, of any other model 1.5. Undefined if a target is below 0, or a prediction not
//! above 0. Known as scikit-learn `mean_tweedie_deviance(power=p)`.

use super::{Metric, Tasks, deviance, mean};
use evenstep_exact::maths;

pub(super) const METRIC: Metric = Metric::lower_is_better("tweedie_deviance", Tasks::Regression, |scored| {
    let power = scored.power();
    let (one, two) = (1.0 - power, 2.0 - power);
    mean(scored, "a target below 0 or a prediction that is not above 0", move |target, predicted| {
        let expected = predicted[0];
        if target < 0.0 || expected <= 0.0 {
            return f64::NAN;
        }
        let of_target = maths::pow(target, two) / (one * two);
        deviance(of_target - target * maths::pow(expected, one) / one + maths::pow(expected, two) / two)
    })
});
