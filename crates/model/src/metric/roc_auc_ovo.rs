//! The area under the ROC curve of each two classes among their own rows: the mean over pairs of classes.
//!
//! Of a pair it is the mean of two areas, by the probabilities of the one class and by those of the other, so that how frequent
//! classes are moves nothing. Undefined unless every class occurs. Known as scikit-learn `roc_auc_score(multi_class="ovo")`,
//! which takes no weights. Source: Hand & Till 2001, Mach. Learn. 45(2), eq. 7.

use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;

use super::classes::weighted_mean;
use super::weights::{exact, float};
use super::{Metric, Prepared, Scored, Tasks, Undefined, Weights, undefined};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("roc_auc_ovo", Tasks::Multiclass, |scored| of_pairs(scored, |_| 1));

/// The mean over pairs of classes, each counting what `count` makes of the weight of its rows.
pub(super) fn of_pairs(scored: &Scored, count: fn(u128) -> u128) -> Result<Prepared<'_>, Undefined> {
    Ok(Box::new(move |weights| {
        let names = scored.task().classes();
        let mut rows = vec![0; names.len()];
        (0..scored.rows()).for_each(|row| rows[scored.class(row)] += weights.units(row));
        if let Some(class) = rows.iter().position(|rows| *rows == 0) {
            return undefined(format!("no row is `{}`", names[class]));
        }
        let won: Vec<Vec<ExactSum>> = (0..names.len()).map(|class| pairs_won(scored, class, weights)).collect();
        let pairs = (0..names.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        weighted_mean(pairs.map(|(one, other)| {
            let mut both = won[one][other].clone();
            both.merge(won[other][one].clone());
            let all = exact(rows[one]).times_sum(&exact(rows[other])).times(4);
            (count(rows[one] + rows[other]), both.divided_by(&all).expect("both classes have rows"))
        }))
    }))
}

/// By other class: twice the pairs of a row of the class and one of the other that is less probably of the class, and once
/// those that are as probably.
fn pairs_won(scored: &Scored, class: usize, weights: Weights<'_>) -> Vec<ExactSum> {
    let mut won = vec![ExactSum::default(); scored.task().classes().len()];
    let (mut above, mut here, mut others) = (0, 0, Vec::new());
    for (row, is_last) in scored.ranking(class).rows() {
        match (scored.class(row), weights.units(row)) {
            (of, units) if of == class => here += units,
            other => others.push(other),
        }
        if is_last {
            let ahead = float(2 * above + here);
            others.drain(..).for_each(|(other, units)| won[other].add_product(float(units), ahead));
            above += here;
            here = 0;
        }
    }
    won
}
