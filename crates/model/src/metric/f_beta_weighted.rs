//! `f_beta@2` of each class: the mean over those that occur, by the weight of their rows.
//!
//! Known as scikit-learn `fbeta_score(beta=2, average="weighted")`. Any number may stand for 2, as for `f_beta`.

use super::classes::Average;
use super::{Metric, Parameter, Tasks, f_beta};

pub(super) const METRIC: Metric =
    Metric::at("f_beta_weighted", Tasks::Classes, (Parameter::Beta, 2.0), |scored, beta| {
        f_beta::by(scored, beta, Average::Weighted)
    });
