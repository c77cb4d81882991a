//! Means.

use serde::{Deserialize, Serialize};

use crate::reduce::Partial;
use crate::sum::ExactSum;

/// A mean, weighted or not, on the way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The exact sum of weight · value.
    pub sum: ExactSum,
    /// The exact sum of weights; 1 for each unweighted value.
    pub weight: ExactSum,
    /// How many values there were.
    pub count: u64,
}

impl Mean {
    /// Sees a value, with weight 1.
    #[inline]
    pub fn observe(&mut self, x: f64) {
        self.sum.add(x);
        self.weight.add(1.0);
        self.count += 1;
    }

    /// Sees a value with a weight.
    #[inline]
    pub fn observe_weighted(&mut self, x: f64, weight: f64) {
        self.sum.add_product(x, weight);
        self.weight.add(weight);
        self.count += 1;
    }

    /// Sees every value of a slice, with weight 1.
    pub fn observe_slice(&mut self, values: &[f64]) {
        self.sum.add_slice(values);
        self.weight.add_times(1.0, values.len() as u64);
        self.count += values.len() as u64;
    }

    /// The mean, rounded once; `None` without any weight.
    pub fn mean(&self) -> Option<f64> {
        self.sum.divided_by(&self.weight)
    }
}

impl Partial for Mean {
    fn merge(&mut self, other: Mean) {
        self.sum.merge(other.sum);
        self.weight.merge(other.weight);
        self.count += other.count;
    }
}
