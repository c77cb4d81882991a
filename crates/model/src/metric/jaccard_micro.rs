//! `jaccard` of all classes together: hits as a share of twice the rows, less the hits.
//!
//! Known as scikit-learn `jaccard_score(average="micro")`.

use super::classes::Average;
use super::{Metric, Tasks, jaccard};

pub(super) const METRIC: Metric =
    Metric::higher_is_better("jaccard_micro", Tasks::Classes, |scored| jaccard::by(scored, Average::Micro));
