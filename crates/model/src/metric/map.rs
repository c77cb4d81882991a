//! The mean over groups of their average precision: of the share of relevant rows among those that score as high,
//! averaged over the relevant rows.
//!
//! A row is relevant if its target is above 0. A group without one is left out; undefined if there is no other.
//! A group has the mean weight of its rows; rows of weight 0 are in none.
//! Known as LightGBM `map`, XGBoost `map`.

use super::queries::mean_over;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("map", Tasks::Ranking, |scored| {
    mean_over(scored, |query| {
        let (mut found, mut sum) = (0, 0.0);
        for (start, run) in query.runs() {
            let here = run.iter().filter(|relevance| **relevance > 0.0).count();
            found += here;
            sum += here as f64 * (found as f64 / (start + run.len()) as f64);
        }
        (found > 0).then(|| sum / found as f64)
    })
});
