//! The Gini coefficient, or Somers' D: how much oftener a row of the positive class scores higher than one of the other
//! than lower. Twice the area under the ROC curve, less 1.
//!
//! Undefined if there is one class only.

use super::ranking::of_both;
use super::roc_auc::area;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("gini", Tasks::Binary, |scored| {
    of_both(scored, |ranking, weights, total| 2.0 * area(ranking, weights, total) - 1.0)
});
