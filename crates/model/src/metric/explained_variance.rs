//! The explained variance: R² for predictions that may all be off by the same.
//!
//! 1 − variance of errors / variance of target, with the edges of `r2`. Known as scikit-learn `explained_variance_score`.

use super::spread::{Left, accounted_for};
use super::{Metric, Tasks};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("explained_variance", Tasks::Regression, |scored| accounted_for(scored, Left::Variance));
