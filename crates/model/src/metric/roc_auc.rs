//! The area under the ROC curve: how often a row of the positive class scores higher than one of the other, ties
//! counting half. Of three classes or more the mean over classes, each against the others.
//!
//! Undefined unless every class occurs. Known as scikit-learn `roc_auc_score`, of several classes with
//! `multi_class="ovr"`.

use evenstep_table::Task;

use super::classes::mean;
use super::ranking::{Ranking, Tally, of_class};
use super::weights::{Weights, float, ratio, sum};
use super::{Metric, Prepared, Scored, Tasks, Undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("roc_auc", Tasks::Classes, prepare);

fn prepare(scored: &Scored) -> Result<Prepared<'_>, Undefined> {
    if let Task::Binary { .. } = scored.task() {
        return of_class(scored, 0, area);
    }
    let classes = 0..scored.task().classes().len();
    let each: Vec<Prepared<'_>> = classes.map(|class| of_class(scored, class, area)).collect::<Result<_, _>>()?;
    Ok(Box::new(move |weights| mean(each.iter().map(|of| of(weights)).collect::<Result<_, _>>()?)))
}

/// Twice the pairs won, ties once, over twice the pairs: in integers, unless weights are such that there are
/// too many; then each run's pairs are rounded once.
pub(super) fn area(ranking: &Ranking, weights: Weights<'_>, total: Tally) -> f64 {
    let mut above = 0;
    let runs = ranking.runs(weights).map(|(_, tally)| {
        let ahead = 2 * above + tally.positive;
        above += tally.positive;
        (tally.negative, ahead)
    });
    match total.negative.checked_mul(2 * total.positive) {
        Some(pairs) => ratio(runs.map(|(negative, ahead)| negative * ahead).sum(), pairs),
        None => {
            let won = sum(runs.map(|(negative, ahead)| float(negative) * float(ahead)));
            won.value() / (float(total.negative) * float(2 * total.positive))
        }
    }
}
