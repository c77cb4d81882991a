//! The mean over groups of the average precision of their first ten rows; see `map`.
//!
//! Averaged over as many relevant rows as could be among them. Any number of rows may stand for 10: `map@5`. Of rows of equal
//! scores, some of which are beyond the tenth, each counts in part. Known as LightGBM `map@10`, XGBoost `map@10`.

use super::{Metric, Parameter, Tasks, map};

pub(super) const METRIC: Metric =
    Metric::at("map", Tasks::Ranking, (Parameter::Rows, 10.0), |scored, most| map::at(scored, most as usize));
