//! The harmonic mean of precision and recall of the positive class; of three classes or more the mean over
//! those that occur as a class or a prediction.
//!
//! Undefined if the positive class neither occurs nor is predicted. Known as scikit-learn `f1_score`, of several
//! classes with `average="macro"`. Differs: there 0/0 is 0.

use super::classes::{Average, averaged, share};
use super::{Metric, Prepared, Scored, Tasks, Undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("f1", Tasks::Classes, |scored| by(scored, Average::Usual));

/// The same, averaged so.
pub(super) fn by(scored: &Scored, average: Average) -> Result<Prepared<'_>, Undefined> {
    averaged(
        scored,
        average,
        |class| share(2 * class.hits, class.actual + class.predicted),
        "no row is {}, or predicted to be",
    )
}
