//! The largest absolute error, in the target's unit; of rows that weigh something.
//!
//! Known as scikit-learn `max_error`.

use super::{Metric, Tasks, undefined};

pub(super) const METRIC: Metric = Metric::lower_is_better("max_error", Tasks::Regression, |scored| {
    let errors = scored.terms("no error", |target, predicted| (target - predicted[0]).abs())?;
    Ok(Box::new(move |weights| {
        let weighty = (0..errors.len()).filter(|row| weights.of(*row) > 0.0);
        let largest = weighty.map(|row| errors[row]).reduce(f64::max);
        largest.map_or_else(|| undefined("no row has a weight"), Ok)
    }))
});
