//! The share of a class's rows that are predicted so, as the mean over the classes that occur.
//!
//! Known as scikit-learn `balanced_accuracy_score`.

use super::classes::{mean, of_confusion};
use super::weights::ratio;
use super::{Metric, Tasks};

pub(super) const METRIC: Metric = Metric::higher_is_better("balanced_accuracy", Tasks::Classes, |scored| {
    of_confusion(scored, |confusion| {
        let present = confusion.classes().filter(|class| class.actual > 0);
        mean(present.map(|class| ratio(class.hits, class.actual)).collect())
    })
});
