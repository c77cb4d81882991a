//! The share of the positive class's rows that are predicted so; of three classes or more the mean over
//! those that occur as a class or a prediction.
//!
//! Undefined if a class never occurs. Known as scikit-learn `recall_score`, of several classes with
//! `average="macro"`. Differs: there 0/0 is 0.

use super::classes::{Average, averaged, share};
use super::{Metric, Prepared, Scored, Tasks, Undefined};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("recall", Tasks::Classes, |scored| by(scored, Average::Usual));

/// The same, averaged so.
pub(super) fn by(scored: &Scored, average: Average) -> Result<Prepared<'_>, Undefined> {
    averaged(scored, average, |class| share(class.hits, class.actual), "no row is {}")
}
