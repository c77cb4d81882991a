//! The share of the positive class's rows that are predicted so; of three classes or more the mean over
//! those that occur as a class or a prediction.
//!
//! Undefined if a class never occurs. Known as scikit-learn `recall_score`, of several classes with
//! `average="macro"`. Differs: there 0/0 is 0.

use super::classes::of_each;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("recall", Tasks::Classes, |scored| {
    of_each(scored, |class| (class.hits, class.actual), "no row is {}")
});
