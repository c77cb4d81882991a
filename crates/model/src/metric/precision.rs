//! The share of rows predicted to be of the positive class that are; of three classes or more the mean over
//! those that occur as a class or a prediction.
//!
//! Undefined if a class is never predicted. Known as scikit-learn `precision_score`, of several classes with
//! `average="macro"`. Differs: there 0/0 is 0.

use super::classes::of_each;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("precision", Tasks::Classes, |scored| {
    of_each(scored, |class| (class.hits, class.predicted), "no row is predicted to be {}")
});
