//! Many terms at once.

use super::ExactSum;

pub(super) fn add_terms(sum: &mut ExactSum, count: usize, term: impl Fn(usize) -> f64) {
    for i in 0..count {
        sum.add(term(i));
    }
}
