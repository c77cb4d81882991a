//! Covariances and correlations.

use serde::{Deserialize, Serialize};

use super::{add_weighted, covariance, deviation, numerator};
use crate::maths;
use crate::reduce::Partial;
use crate::sum::ExactSum;

/// Products of two columns' deviations from given centres, on the way to a covariance.
///
/// Each deviation and each product is rounded once to a float; their sums are exact. A product that no
/// float holds, since it would overflow or underflow, is exact itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cross {
    /// The exact sum of weight · deviation of x.
    pub x: ExactSum,
    /// The exact sum of weight · deviation of y.
    pub y: ExactSum,
    /// The exact sum of weight · deviation of x².
    pub xx: ExactSum,
    /// The exact sum of weight · deviation of x · deviation of y.
    pub xy: ExactSum,
    /// The exact sum of weight · deviation of y².
    pub yy: ExactSum,
    /// The exact sum of weights.
    pub weight: ExactSum,
    /// How many pairs there were.
    pub count: u64,
}

impl Cross {
    /// Sees a pair, with weight 1.
    #[inline]
    pub fn observe(&mut self, (x, y): (f64, f64), (centre_x, centre_y): (f64, f64)) {
        self.observe_weighted((x, y), (centre_x, centre_y), 1.0);
    }

    /// Sees a pair with a weight.
    #[inline]
    pub fn observe_weighted(&mut self, (x, y): (f64, f64), (centre_x, centre_y): (f64, f64), weight: f64) {
        let (dx, dy) = (deviation(x, centre_x), deviation(y, centre_y));
        self.x.add_product(dx, weight);
        self.y.add_product(dy, weight);
        add_weighted(&mut self.xx, dx, dx, weight);
        add_weighted(&mut self.xy, dx, dy, weight);
        add_weighted(&mut self.yy, dy, dy, weight);
        self.weight.add(weight);
        self.count += 1;
    }

    /// Sees the pairs of two slices, with weight 1.
    pub fn observe_slices(&mut self, x: &[f64], y: &[f64], (centre_x, centre_y): (f64, f64)) {
        assert_eq!(x.len(), y.len(), "columns of one table have one length");
        let n = x.len();
        let (dx, dy) = (|i: usize| deviation(x[i], centre_x), |i: usize| deviation(y[i], centre_y));
        self.x.add_terms(n, dx);
        self.y.add_terms(n, dy);
        self.xx.add_rounded_products(n, |i| (dx(i), dx(i)));
        self.xy.add_rounded_products(n, |i| (dx(i), dy(i)));
        self.yy.add_rounded_products(n, |i| (dy(i), dy(i)));
        self.weight.add_times(1.0, n as u64);
        self.count += n as u64;
    }

    /// The covariance, rounded once; `None` unless the weights sum to more than `ddof`.
    pub fn covariance(&self, ddof: u32) -> Option<f64> {
        covariance(&self.xy, &self.x, &self.y, &self.weight, ddof)
    }

    /// Pearson's correlation, in [−1, 1]; `None` if either column is constant.
    pub fn correlation(&self) -> Option<f64> {
        // The weight·weight below all three cancels, so that none of them overflows for lack of it.
        let xx = numerator(&self.xx, &self.x, &self.x, &self.weight);
        let yy = numerator(&self.yy, &self.y, &self.y, &self.weight);
        let xy = numerator(&self.xy, &self.x, &self.y, &self.weight);
        if xx <= ExactSum::default() || yy <= ExactSum::default() {
            return None;
        }
        // Of xy²/(xx·yy), which is exact up to here, both the quotient and the root are rounded.
        let square = xy.times_sum(&xy).divided_by(&xx.times_sum(&yy))?;
        let magnitude = maths::sqrt(square).min(1.0);
        Some(if xy < ExactSum::default() { -magnitude } else { magnitude } + 0.0)
    }
}

impl Partial for Cross {
    fn merge(&mut self, other: Cross) {
        self.x.merge(other.x);
        self.y.merge(other.y);
        self.xx.merge(other.xx);
        self.xy.merge(other.xy);
        self.yy.merge(other.yy);
        self.weight.merge(other.weight);
        self.count += other.count;
    }
}
