//! The share of rows whose class is predicted: the positive one from a probability of 0.5 on, or the most
//! probable one, of equals the first.
//!
//! Known as scikit-learn `accuracy_score`.

use super::classes::of_confusion;
use super::weights::ratio;
use super::{Metric, Tasks, undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("accuracy", Tasks::Classes, |scored| {
    of_confusion(scored, |confusion| match confusion.total() {
        0 => undefined("no row has a weight"),
        total => Ok(ratio(confusion.hits(), total)),
    })
});
