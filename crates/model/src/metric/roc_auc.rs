//! The area under the ROC curve: how often a row of the positive class scores higher than one of the other, ties
//! counting half. Of three classes or more the mean over classes, each against the others.
//!
//! Undefined unless every class occurs. Known as scikit-learn `roc_auc_score`, of several classes with
//! `multi_class="ovr"`, or as `roc_auc_ovr`.

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
    let each = each(scored)?;
    Ok(Box::new(move |weights| mean(each.iter().map(|of| of(weights)).collect::<Result<_, _>>()?)))
}

/// The area of each class against the others.
pub(super) fn each(scored: &Scored) -> Result<Vec<Prepared<'_>>, Undefined> {
    (0..scored.task().classes().len()).map(|class| of_class(scored, class, area)).collect()
}

/// Twice the pairs won, ties once, over twice the pairs: in integers, unless weights are such that there are
/// too many; then each run's pairs are rounded once.
pub(super) fn area(ranking: &Ranking, weights: Weights<'_>, total: Tally) -> f64 {
    if let Some(won) = ranking.pairs_won(weights) {
        return ratio(won.into(), total.negative * (2 * total.positive));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_rows_have_the_area_of_rows_that_weigh_as_much() {
        let scores: Vec<f64> = (0..1000_u32).map(|row| f64::from(row * 7919 % 97)).collect();
        let ranking = Ranking::new(scores.iter().copied(), |row| row * 31 % 5 < 2);
        let counts: Vec<u8> = (0..1000_u32).map(|row| (row * 17 % 4) as u8).collect();
        let (own, units): (Vec<f64>, Vec<u128>) =
            counts.iter().map(|count| (f64::from(*count), u128::from(*count))).unzip();
        let counted = Weights { own: &[], units: &[], counts: &counts };
        let weighed = Weights { own: &own, units: &units, counts: &[] };
        let total = ranking.total(weighed);
        assert_eq!(ranking.total(counted), total);
        assert!(ranking.pairs_won(counted).is_some() && ranking.pairs_won(weighed).is_none());
        assert_eq!(area(&ranking, counted, total), area(&ranking, weighed, total));
    }
}
