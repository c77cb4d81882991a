//! The Kolmogorov–Smirnov statistic: the largest difference of the shares of both classes that lie above one
//! and the same score, the positive class's less the other's.
//!
//! Undefined if there is one class only.

use super::ranking::{Tally, of_both};
use super::weights::ratio;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("ks", Tasks::Binary, |scored| {
    of_both(scored, |ranking, weights, total| {
        let (mut above, mut largest) = (Tally::default(), 0.0);
        for (_, tally) in ranking.runs(weights) {
            above.add(tally);
            let shares = (ratio(above.positive, total.positive), ratio(above.negative, total.negative));
            largest = f64::max(largest, shares.0 - shares.1);
        }
        largest
    })
});
