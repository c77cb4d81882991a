//! The mean over groups of the share of relevant rows among their first ten, or among all where there are fewer.
//!
//! Any number of rows may stand for 10: `precision@5`. Of rows of equal scores, some of which are beyond the tenth, each counts
//! in part. A row is relevant if its target is above 0. A group without one is left out; undefined if there is no other.
//! A group has the mean weight of its rows; rows of weight 0 are in none. Known as XGBoost `pre@10`.

use super::queries::mean_over;
use super::{Metric, Parameter, Tasks};

pub(super) const METRIC: Metric = Metric::at("precision", Tasks::Ranking, (Parameter::Rows, 10.0), |scored, most| {
    let most = most as usize;
    mean_over(scored, |query| {
        let found: f64 = query.relevant_within(most).map(|(_, relevant)| relevant).sum();
        (query.relevant() > 0).then(|| found / query.rows().min(most) as f64)
    })
});
