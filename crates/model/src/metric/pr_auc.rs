//! The area under the precision-recall curve, by trapezoids from precision 1 at recall 0.
//!
//! It draws straight lines between points that can't be reached so: `average_precision` does not. Undefined if there is
//! one class only. Known as scikit-learn `auc` of `precision_recall_curve`.

use evenstep_exact::sum::ExactSum;

use super::ranking::{Tally, of_both};
use super::weights::float;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("pr_auc", Tasks::Binary, |scored| {
    of_both(scored, |ranking, weights, total| {
        let (mut above, mut sum, mut before) = (Tally::default(), ExactSum::default(), 1.0);
        for (_, tally) in ranking.runs(weights) {
            above.add(tally);
            let precision = above.precision();
            if tally.positive > 0 {
                sum.add_product(float(tally.positive), (before + precision) / 2.0);
            }
            before = precision;
        }
        sum.value() / float(total.positive)
    })
});
