//! The area under the ROC curve of each class against the others: the mean over classes, by the weight of their rows.
//!
//! Undefined unless every class occurs. Known as scikit-learn `roc_auc_score(multi_class="ovr", average="weighted")`.

use super::classes::weighted_mean;
use super::{Metric, Tasks, Undefined, roc_auc};

pub(super) const METRIC: Metric = Metric::higher_is_better("roc_auc_ovr_weighted", Tasks::Multiclass, |scored| {
    let each = roc_auc::each(scored)?;
    Ok(Box::new(move |weights| {
        let rows = |class: usize| scored.ranking(class).total(weights).positive;
        let areas = each.iter().enumerate().map(|(class, area)| Ok((rows(class), area(weights)?)));
        weighted_mean(areas.collect::<Result<Vec<_>, Undefined>>()?)
    }))
});
