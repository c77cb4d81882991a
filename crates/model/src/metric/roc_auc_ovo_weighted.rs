//! The area under the ROC curve of each two classes among their own rows: the mean over pairs of classes, by the weight of
//! their rows; see `roc_auc_ovo`.
//!
//! Undefined unless every class occurs. Known as scikit-learn `roc_auc_score(multi_class="ovo", average="weighted")`, which
//! takes no weights.

use super::{Metric, Tasks, roc_auc_ovo};

pub(super) const METRIC: Metric = Metric::higher_is_better("roc_auc_ovo_weighted", Tasks::Multiclass, |scored| {
    roc_auc_ovo::of_pairs(scored, |rows| rows)
});
