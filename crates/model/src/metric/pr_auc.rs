//! The area under the precision-recall curve, by trapezoids from precision 1 at recall 0.
//!
//! It draws straight lines between points that can't be reached so: `average_precision` does not. Undefined if there is
//! one class only. Known as scikit-learn `auc` of `precision_recall_curve`.

use super::ranking::{Tally, of_both};
use super::weights::{float, sum};
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("pr_auc", Tasks::Binary, |scored| {
    of_both(scored, |ranking, weights, total| {
        let (mut above, mut before) = (Tally::default(), 1.0);
        let terms = ranking.runs(weights).map(|(_, tally)| {
            above.add(tally);
            let precision = above.precision();
            let mean = (before + precision) / 2.0;
            before = precision;
            float(tally.positive) * mean
        });
        sum(terms).value() / float(total.positive)
    })
});
