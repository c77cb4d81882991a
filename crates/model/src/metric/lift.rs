//! The lift: how many times as large as among all rows the share of the positive class is among the ten percent that
//! score highest.
//!
//! Any percentage may stand for 10: `lift@1`, `lift@0.5`. Rows count by their weight, and those of equal scores, some of which
//! are beyond the cut, in part. 1 is chance. Undefined if there is one class only.

use evenstep_exact::reduce::Partial;

use super::ranking::{Tally, of_both};
use super::weights::{exact, float, times};
use super::{Metric, Parameter, Tasks};

pub(super) const METRIC: Metric = Metric::at("lift", Tasks::Binary, (Parameter::Percent, 10.0), |scored, percent| {
    of_both(scored, move |ranking, weights, total| {
        let (mut above, all) = (Tally::default(), total.positive + total.negative);
        // Of runs that end about the cut each gives the same, so that it may be looked for among rounded numbers.
        let cut = |above: Tally, run: Tally| 100.0 * float(above.all() + run.all()) >= percent * float(all);
        for (_, run) in ranking.runs(weights) {
            if !cut(above, run) {
                above.add(run);
                continue;
            }
            // Above the cut are hits + run.positive · (percent/100 · all − above) / run.
            let mut room = times(all, percent);
            room.subtract(&exact(above.all()).times(100));
            let mut hits = exact(above.positive).times_sum(&exact(run.all())).times(100);
            hits.merge(exact(run.positive).times_sum(&room));
            let by_chance = exact(run.all()).times_sum(&times(total.positive, percent));
            return hits.divided_by(&by_chance).expect("rows of both classes weigh something");
        }
        unreachable!("the last run ends at all rows")
    })
});
