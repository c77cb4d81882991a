//! Smallest and largest values.

use serde::{Deserialize, Serialize};

use crate::reduce::Partial;

/// The smallest and the largest value, and how many there were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extremes {
    bounds: Option<(f64, f64)>,
    count: u64,
}

impl Extremes {
    /// Sees a value; −0 is 0.
    #[inline]
    pub fn observe(&mut self, x: f64) {
        assert!(!x.is_nan(), "NaN is null and has no place in an order");
        let x = x + 0.0;
        let (min, max) = self.bounds.unwrap_or((x, x));
        self.bounds = Some((min.min(x), max.max(x)));
        self.count += 1;
    }

    /// Sees every value of a slice.
    pub fn observe_slice(&mut self, values: &[f64]) {
        values.iter().for_each(|x| self.observe(*x));
    }

    /// The smallest value.
    pub fn min(&self) -> Option<f64> {
        self.bounds.map(|(min, _)| min)
    }

    /// The largest value.
    pub fn max(&self) -> Option<f64> {
        self.bounds.map(|(_, max)| max)
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl Partial for Extremes {
    fn merge(&mut self, other: Extremes) {
        self.bounds = match (self.bounds, other.bounds) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (mine, theirs) => mine.or(theirs),
        };
        self.count += other.count;
    }
}
