//! D² by pinball loss: how much of the loss of always predicting the quantile of the target predictions do away with.
//!
//! 1 − loss / loss of that constant, with the q of `pinball`. 1 is perfect, 0 no better than the constant, and there is no
//! lower bound. Of a target that never varies it is 1 if every prediction is right, else 0; of fewer than two rows undefined.
//! Known as scikit-learn `d2_pinball_score(alpha=q)`.

use evenstep_exact::sort::{radix_sort_by_key, sortable};

use super::pinball::loss;
use super::weights::float;
use super::{Metric, Tasks, Weights, undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("d2_pinball", Tasks::Regression, |scored| {
    let quantile = scored.quantile();
    let losses = scored.terms("no error", |target, predicted| loss(target - predicted[0], quantile))?;
    let targets = scored.terms("no target", |target, _| target)?;
    let mut order: Vec<(f64, usize)> = targets.iter().copied().zip(0..).collect();
    radix_sort_by_key(&mut order, |(target, _)| sortable(*target));
    Ok(Box::new(move |weights| {
        let mut weighty = order.iter().filter(|(_, row)| weights.units(*row) > 0).map(|(target, _)| *target);
        let (lowest, highest) = match (weighty.next(), weighty.next_back()) {
            (Some(lowest), Some(highest)) => (lowest, highest),
            _ => return undefined("one row has no spread"),
        };
        if !(highest - lowest).is_finite() {
            return undefined("a difference is beyond the largest number");
        }
        if lowest == highest {
            // Of a constant target all is said by being right, or not.
            let perfect = (0..losses.len()).all(|row| losses[row] == 0.0 || weights.of(row) == 0.0);
            return Ok(f64::from(u8::from(perfect)));
        }
        let constant = at(&order, quantile, weights);
        let by_constant = weights.sum_of(targets.len(), |row| (row, loss(targets[row] - constant, quantile)));
        let mut less = by_constant.clone();
        less.subtract(&weights.sum(&losses));
        less.divided_by(&by_constant).map_or_else(|| undefined("the target's spread is below the smallest number"), Ok)
    }))
});

/// The lowest of the targets in ascending order at which the share of the weight is reached. Rounding may take one of its
/// neighbours, of which the loss is the same then.
fn at(order: &[(f64, usize)], share: f64, weights: Weights<'_>) -> f64 {
    let total: u128 = order.iter().map(|(_, row)| weights.units(*row)).sum();
    let mut below = 0;
    let found = order.iter().find(|(_, row)| {
        below += weights.units(*row);
        below > 0 && float(below) >= share * float(total)
    });
    found.expect("all of the weight is reached").0
}
