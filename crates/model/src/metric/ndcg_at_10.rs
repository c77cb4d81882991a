//! The normalised discounted cumulative gain of each group's first ten rows; see `ndcg`.
//!
//! Known as scikit-learn `ndcg_score(k=10)`, LightGBM `ndcg@10`, XGBoost `ndcg@10`.

use super::{Metric, Tasks, ndcg};

pub(super) const METRIC: Metric = Metric::higher_is_better("ndcg@10", Tasks::Ranking, |scored| ndcg::at(scored, 10));
