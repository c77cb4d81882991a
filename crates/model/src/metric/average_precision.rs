//! The average precision: precision at each distinct score, weighted by how much recall it adds.
//!
//! Undefined if there is one class only. Known as scikit-learn `average_precision_score`.

use super::ranking::{Tally, of_both};
use super::weights::{float, sum};
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("average_precision", Tasks::Binary, |scored| {
    of_both(scored, |ranking, weights, total| {
        let mut above = Tally::default();
        let terms = ranking.runs(weights).map(|(_, tally)| {
            above.add(tally);
            float(tally.positive) * above.precision()
        });
        sum(terms).value() / float(total.positive)
    })
});
