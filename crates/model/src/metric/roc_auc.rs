//! The area under the ROC curve: how often a row of the positive class scores higher than one of the other, ties
//! counting half. Of three classes or more the mean over classes, each against the others.
//!
//! Undefined unless every class occurs. Known as scikit-learn `roc_auc_score`, of several classes with
//! `multi_class="ovr"`.

use evenstep_exact::sum::ExactSum;
use evenstep_table::Task;

use super::classes::mean;
use super::ranking::{Ranking, Tally, of_class};
use super::weights::{Weights, float};
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

/// Twice the pairs won, ties once, over twice the pairs: in integers, as long as they are below 2^53.
pub(super) fn area(ranking: &Ranking, weights: Weights<'_>, total: Tally) -> f64 {
    let (mut above, mut won) = (Tally::default(), ExactSum::default());
    for (_, tally) in ranking.runs(weights) {
        if tally.negative > 0 {
            won.add_product(float(tally.negative), float(2 * above.positive + tally.positive));
        }
        above.add(tally);
    }
    let mut pairs = ExactSum::default();
    pairs.add_product(float(total.negative), float(2 * total.positive));
    won.divided_by(&pairs).expect("there are both classes")
}
