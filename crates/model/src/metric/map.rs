//! The mean over groups of their average precision: of the share of relevant rows among those that score as high,
//! averaged over the relevant rows.
//!
//! A row is relevant if its target is above 0. A group without one is left out; undefined if there is no other.
//! A group has the mean weight of its rows; rows of weight 0 are in none.
//! Known as LightGBM `map`, XGBoost `map`.

use super::queries::mean_over;
use super::{Metric, Prepared, Scored, Tasks, Undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("map", Tasks::Ranking, |scored| at(scored, usize::MAX));

/// Of the first rows of each group only.
pub(super) fn at(scored: &Scored, most: usize) -> Result<Prepared<'_>, Undefined> {
    mean_over(scored, |query| {
        let sum: f64 = query.relevant_within(most).map(|(precision, relevant)| relevant * precision).sum();
        let relevant = query.relevant();
        (relevant > 0).then(|| sum / relevant.min(most) as f64)
    })
}
