//! The mean squared difference of probability and outcome: from 0 to 1 for two classes; for more the
//! sum over classes, from 0 to 2.
//!
//! Known as scikit-learn `brier_score_loss`.

use super::mse::squared;
use super::{Metric, Tasks, mean};

pub(super) const METRIC: Metric = Metric::lower_is_better("brier", Tasks::Classes, |scored| {
    mean(scored, "no probability", |class, predicted| match predicted {
        [positive] => squared(positive - class),
        classes => {
            let outcome = |other: usize| if other == class as usize { 1.0 } else { 0.0 };
            classes
                .iter()
                .enumerate()
                .fold(0.0, |sum, (other, probability)| sum + squared(probability - outcome(other)))
        }
    })
});
