//! The share of rows whose class is among the two most probable ones.
//!
//! A class that ties with another for the last place counts as a miss. Known as scikit-learn
//! `top_k_accuracy_score(k=2)`. Differs: there the tie goes to the class that is listed last.

use super::{Metric, Tasks, mean};

/// How many classes may be named.
const K: usize = 2;

pub(super) const METRIC: Metric = Metric::higher_is_better("top_k_accuracy", Tasks::Multiclass, |scored| {
    mean(scored, "no probability", |class, predicted| {
        let class = class as usize;
        let others = predicted.iter().enumerate().filter(|(other, _)| *other != class);
        let ahead = others.filter(|(_, probability)| **probability >= predicted[class]).count();
        if ahead < K { 1.0 } else { 0.0 }
    })
});
