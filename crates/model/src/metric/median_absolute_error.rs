//! The median absolute error, in the target's unit.
//!
//! Of an even number of rows the midpoint of the two in the middle; weighted, the midpoint where a half of
//! the weight is met exactly. Known as scikit-learn `median_absolute_error`.

use evenstep_exact::sort::{radix_sort_by_key, sortable};

use super::{Metric, Tasks, undefined};

pub(super) const METRIC: Metric = Metric::lower_is_better("median_absolute_error", Tasks::Regression, |scored| {
    let errors = scored.terms("no error", |target, predicted| (target - predicted[0]).abs())?;
    let mut order: Vec<(f64, usize)> = errors.into_iter().zip(0..).collect();
    radix_sort_by_key(&mut order, |(error, _)| sortable(*error));
    Ok(Box::new(move |weights| {
        let total: u128 = order.iter().map(|(_, row)| weights.units(*row)).sum();
        let mut below = 0;
        let mut weighty = order.iter().filter(|(_, row)| weights.units(*row) > 0);
        let middle = weighty.find(|(_, row)| {
            below += 2 * weights.units(*row);
            below >= total
        });
        match (middle, weighty.next()) {
            (Some((middle, _)), Some((next, _))) if below == total => Ok(middle / 2.0 + next / 2.0),
            (Some((middle, _)), _) => Ok(*middle),
            (None, _) => undefined("no row has a weight"),
        }
    }))
});
