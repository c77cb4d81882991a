//! Variances.

use serde::{Deserialize, Serialize};

use super::{add_weighted, covariance, deviation};
use crate::reduce::Partial;
use crate::sum::ExactSum;

/// Deviations from a centre, on the way to a variance: the second pass, after the mean.
///
/// Each deviation and each square is rounded once to a float; their sums are exact. A square that no
/// float holds, since it would overflow or underflow, is exact itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Centred {
    /// The exact sum of weight · deviation.
    pub deviations: ExactSum,
    /// The exact sum of weight · deviation².
    pub squares: ExactSum,
    /// The exact sum of weights.
    pub weight: ExactSum,
    /// How many values there were.
    pub count: u64,
}

impl Centred {
    /// Sees a value, with weight 1.
    #[inline]
    pub fn observe(&mut self, x: f64, centre: f64) {
        let deviation = deviation(x, centre);
        self.deviations.add(deviation);
        self.squares.add_rounded_product(deviation, deviation);
        self.weight.add(1.0);
        self.count += 1;
    }

    /// Sees a value with a weight.
    #[inline]
    pub fn observe_weighted(&mut self, x: f64, centre: f64, weight: f64) {
        let deviation = deviation(x, centre);
        self.deviations.add_product(deviation, weight);
        add_weighted(&mut self.squares, deviation, deviation, weight);
        self.weight.add(weight);
        self.count += 1;
    }

    /// Sees every value of a slice, with weight 1.
    pub fn observe_slice(&mut self, values: &[f64], centre: f64) {
        let deviation = |i: usize| deviation(values[i], centre);
        self.deviations.add_terms(values.len(), deviation);
        self.squares.add_rounded_products(values.len(), |i| (deviation(i), deviation(i)));
        self.weight.add_times(1.0, values.len() as u64);
        self.count += values.len() as u64;
    }

    /// The variance: (Σwd² − (Σwd)²/Σw) / (Σw − ddof), rounded once. Weights count like repeated rows.
    ///
    /// `None` unless the weights sum to more than `ddof`. The second term makes up for a
    /// centre that is not quite the mean. Source: Chan, Golub & LeVeque 1983, eq. 1.7.
    pub fn variance(&self, ddof: u32) -> Option<f64> {
        covariance(&self.squares, &self.deviations, &self.deviations, &self.weight, ddof).map(|x| x.max(0.0))
    }
}

impl Partial for Centred {
    fn merge(&mut self, other: Centred) {
        self.deviations.merge(other.deviations);
        self.squares.merge(other.squares);
        self.weight.merge(other.weight);
        self.count += other.count;
    }
}
