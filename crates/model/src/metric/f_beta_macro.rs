//! `f_beta@2` of each class, of two as of more: the mean over those that occur as a class or a prediction.
//!
//! Known as scikit-learn `fbeta_score(beta=2, average="macro")`. Any number may stand for 2, as for `f_beta`.

use super::classes::Average;
use super::{Metric, Parameter, Tasks, f_beta};

pub(super) const METRIC: Metric = Metric::at("f_beta_macro", Tasks::Classes, (Parameter::Beta, 2.0), |scored, beta| {
    f_beta::by(scored, beta, Average::Macro)
});
