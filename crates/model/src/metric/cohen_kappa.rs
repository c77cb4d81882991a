//! Cohen's kappa: how much oftener class and predicted class agree than they would by chance.
//!
//! 1 is perfect, 0 chance. Undefined if one class is all there is on both sides. Known as scikit-learn `cohen_kappa_score`.

use super::classes::{of_confusion, products};
use super::{Metric, Tasks, undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("cohen_kappa", Tasks::Classes, |scored| {
    of_confusion(scored, |confusion| {
        let total = confusion.total();
        let by_chance = products(confusion.classes().map(|class| (class.actual, class.predicted)));
        let mut more = products([(confusion.hits(), total)].into_iter());
        let mut possible = products([(total, total)].into_iter());
        more.subtract(&by_chance);
        possible.subtract(&by_chance);
        more.divided_by(&possible).map_or_else(|| undefined("every row is of one class and predicted so"), Ok)
    })
});
