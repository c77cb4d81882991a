//! The Matthews correlation of class and predicted class, from −1 to 1.
//!
//! Undefined if there is one class only, or one is always predicted. Known as scikit-learn `matthews_corrcoef`.
//! Differs: there it is 0 then. Source: Gorodkin 2004, Comput. Biol. Chem. 28(5), eq. 8.

use super::classes::{of_confusion, products};
use super::{Metric, Tasks, undefined};

pub(super) const METRIC: Metric = Metric::higher_is_better("matthews", Tasks::Classes, |scored| {
    of_confusion(scored, |confusion| {
        let total = confusion.total();
        let square = || products([(total, total)].into_iter());
        let (mut together, mut actual, mut predicted) =
            (products([(confusion.hits(), total)].into_iter()), square(), square());
        together.subtract(&products(confusion.classes().map(|class| (class.actual, class.predicted))));
        actual.subtract(&products(confusion.classes().map(|class| (class.actual, class.actual))));
        predicted.subtract(&products(confusion.classes().map(|class| (class.predicted, class.predicted))));
        if actual.is_zero() {
            return undefined("every row is of one class");
        }
        if predicted.is_zero() {
            return undefined("one class is always predicted");
        }
        let correlation = together.value() / (actual.value() * predicted.value()).sqrt();
        Ok(correlation.clamp(-1.0, 1.0))
    })
});
