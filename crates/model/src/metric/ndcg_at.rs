//! The normalised discounted cumulative gain of each group's first ten rows; see `ndcg`.
//!
//! Any number of rows may stand for 10: `ndcg@5`. Rows of equal scores share the positions that they hold, also those beyond
//! the tenth. Known as scikit-learn `ndcg_score(k=10)`, LightGBM `ndcg@10`, XGBoost `ndcg@10`.

use super::{Metric, Parameter, Tasks, ndcg};

pub(super) const METRIC: Metric =
    Metric::at("ndcg", Tasks::Ranking, (Parameter::Rows, 10.0), |scored, most| ndcg::at(scored, most as usize));
