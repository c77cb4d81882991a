//! The mean of −ln of the probability that was given to the row's class.
//!
//! Probabilities are clipped to 2^−52 and 1 − 2^−52, so that the worst row counts 36.04 and not without limit.
//! Known as scikit-learn `log_loss`.

use super::{Metric, Tasks, mean};
use evenstep_exact::maths;

pub(super) const METRIC: Metric = Metric::lower_is_better("log_loss", Tasks::Classes, |scored| {
    mean(scored, "no probability", |class, predicted| {
        let probability = match predicted {
            [positive] => {
                if class == 1.0 {
                    *positive
                } else {
                    1.0 - positive
                }
            }
            classes => classes[class as usize],
        };
        -maths::ln(probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON))
    })
});
