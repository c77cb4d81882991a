//! F-beta: the harmonic mean of precision and recall of the positive class, recall counting β times as much; of three
//! classes or more the mean over those that occur as a class or a prediction.
//!
//! (1 + β²)·hits / (β²·rows of the class + rows predicted so). Any β from 0.001 to 1000 may stand for 2: `f_beta@0.5` minds
//! precision more, and `f_beta@1` is `f1`. Undefined if the positive class neither occurs nor is predicted.
//! Known as scikit-learn `fbeta_score(beta=2)`, of several classes with `average="macro"`. Differs: there 0/0 is 0.

use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;

use super::classes::{Average, averaged};
use super::weights::{exact, times};
use super::{Metric, Parameter, Prepared, Scored, Tasks, Undefined};

pub(super) const METRIC: Metric =
    Metric::at("f_beta", Tasks::Classes, (Parameter::Beta, 2.0), |scored, beta| by(scored, beta, Average::Usual));

/// The same, averaged so.
pub(super) fn by(scored: &Scored, beta: f64, average: Average) -> Result<Prepared<'_>, Undefined> {
    let square = beta * beta;
    let both: ExactSum = [1.0, square].into_iter().collect();
    let of = move |class: super::classes::OfClass| {
        let mut whole = times(class.actual, square);
        whole.merge(exact(class.predicted));
        exact(class.hits).times_sum(&both).divided_by(&whole)
    };
    averaged(scored, average, of, "no row is {}, or predicted to be")
}
