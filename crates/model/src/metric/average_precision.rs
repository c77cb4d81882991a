//! The average precision: precision at each distinct score, weighted by how much recall it adds.
//!
//! Undefined if there is one class only. Known as scikit-learn `average_precision_score`.

use evenstep_exact::sum::ExactSum;

use super::ranking::{Tally, of_both};
use super::weights::float;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("average_precision", Tasks::Binary, |scored| {
    of_both(scored, |ranking, weights, total| {
        let (mut above, mut sum) = (Tally::default(), ExactSum::default());
        for (_, tally) in ranking.runs(weights) {
            above.add(tally);
            if tally.positive > 0 {
                sum.add_product(float(tally.positive), above.precision());
            }
        }
        sum.value() / float(total.positive)
    })
});
