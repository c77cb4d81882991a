//! Of rows that are of the positive class or predicted so, the share that are both; of three classes or more the mean over
//! those that occur as a class or a prediction.
//!
//! Undefined if the positive class neither occurs nor is predicted. Known as scikit-learn `jaccard_score`, of
//! several classes with `average="macro"`. Differs: there 0/0 is 0.

use super::classes::{Average, averaged, share};
use super::{Metric, Prepared, Scored, Tasks, Undefined};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("jaccard", Tasks::Classes, |scored| by(scored, Average::Usual));

/// The same, averaged so.
pub(super) fn by(scored: &Scored, average: Average) -> Result<Prepared<'_>, Undefined> {
    averaged(
        scored,
        average,
        |class| share(class.hits, class.actual + class.predicted - class.hits),
        "no row is {}, or predicted to be",
    )
}
