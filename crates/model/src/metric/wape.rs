//! The weighted absolute percentage error, as a ratio: Σ |error| / Σ |target|.
//!
//! Undefined if every target is 0.

use super::{Metric, Tasks, undefined};

pub(super) const METRIC: Metric = Metric::lower_is_better("wape", Tasks::Regression, |scored| {
    let errors = scored.terms("no error", |target, predicted| (target - predicted[0]).abs())?;
    let targets = scored.terms("no target", |target, _| target.abs())?;
    Ok(Box::new(move |weights| match weights.sum(&errors).divided_by(&weights.sum(&targets)) {
        Some(share) => Ok(share),
        None => undefined("every target is 0, of which no error is a share"),
    }))
});
