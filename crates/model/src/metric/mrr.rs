//! The mean over groups of 1 / the position of the first relevant row.
//!
//! Of rows of equal scores the first relevant one stands where it would on average. A row is relevant if its target is above 0.
//! A group without one is left out; undefined if there is no other. A group has the mean weight of its rows; rows of weight 0 are in none.

use super::queries::mean_over;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("mrr", Tasks::Ranking, |scored| {
    mean_over(scored, |query| {
        let first = query.runs().find_map(|(start, run)| {
            let relevant = run.iter().filter(|relevance| **relevance > 0.0).count();
            (relevant > 0).then(|| start as f64 + (run.len() + 1) as f64 / (relevant + 1) as f64)
        });
        first.map(|position| 1.0 / position)
    })
});
