//! The normalised discounted cumulative gain: the mean over groups of Σ (2ʳ − 1) / log₂(position + 1), as a share of what
//! the best order would have.
//!
//! Rows of equal scores share the positions that they hold. A group without a relevant row is left out; undefined if
//! there is no other. A group has the mean weight of its rows; rows of weight 0 are in none.
//! Known as scikit-learn `ndcg_score` on gains of 2ʳ − 1, as LightGBM and XGBoost have them.

use super::queries::mean_over;
use super::{Metric, Prepared, Scored, Tasks, Undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("ndcg", Tasks::Ranking, |scored| at(scored, usize::MAX));

/// Of the first rows of each group only.
pub(super) fn at(scored: &Scored, most: usize) -> Result<Prepared<'_>, Undefined> {
    mean_over(scored, |query| (query.relevant() > 0).then(|| query.gain(most) / query.best_gain(most)))
}
