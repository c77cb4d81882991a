//! Of rows that are of the positive class or predicted so, the share that are both; of three classes or more the mean over
//! those that occur as a class or a prediction.
//!
//! Undefined if the positive class neither occurs nor is predicted. Known as scikit-learn `jaccard_score`, of
//! several classes with `average="macro"`. Differs: there 0/0 is 0.

use super::classes::of_each;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("jaccard", Tasks::Classes, |scored| {
    of_each(
        scored,
        |class| (class.hits, class.actual + class.predicted - class.hits),
        "no row is {}, or predicted to be",
    )
});
