//! `f_beta@2` of all classes together. Since a row has one class and one prediction, that is `accuracy`.
//!
//! Known as scikit-learn `fbeta_score(beta=2, average="micro")`. Any number may stand for 2, as for `f_beta`.

use super::classes::Average;
use super::{Metric, Parameter, Tasks, f_beta};

pub(super) const METRIC: Metric = Metric::at("f_beta_micro", Tasks::Classes, (Parameter::Beta, 2.0), |scored, beta| {
    f_beta::by(scored, beta, Average::Micro)
});
