//! R²: the share of the target's spread that predictions account for, 1 − Σ error² / Σ (target − mean)².
//!
//! 1 is perfect, 0 no better than the mean, and there is no lower bound. Of a target that never varies it is 1
//! if every prediction is right, else 0; of fewer than two rows undefined. Known as scikit-learn `r2_score`.

use super::spread::{Left, accounted_for};
use super::{Metric, Tasks};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("r2", Tasks::Regression, |scored| accounted_for(scored, Left::Squares));
