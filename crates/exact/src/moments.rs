//! Means, variances and products of columns, rounded once at the end.

use serde::{Deserialize, Serialize};

use crate::maths;
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

/// Deviations from a centre, on the way to a variance: the second pass, after the mean.
///
/// Each deviation and each square is rounded once to a float; their sums are exact.
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
        let deviation = x - centre;
        self.deviations.add(deviation);
        self.squares.add(deviation * deviation);
        self.weight.add(1.0);
        self.count += 1;
    }

    /// Sees a value with a weight.
    #[inline]
    pub fn observe_weighted(&mut self, x: f64, centre: f64, weight: f64) {
        let deviation = x - centre;
        self.deviations.add_product(deviation, weight);
        self.squares.add_product(deviation * deviation, weight);
        self.weight.add(weight);
        self.count += 1;
    }

    /// Sees every value of a slice, with weight 1.
    pub fn observe_slice(&mut self, values: &[f64], centre: f64) {
        self.deviations.add_terms(values.len(), |i| values[i] - centre);
        self.squares.add_terms(values.len(), |i| (values[i] - centre) * (values[i] - centre));
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

/// (products − a·b/weight) / (weight − ddof), rounded once.
fn covariance(products: &ExactSum, a: &ExactSum, b: &ExactSum, weight: &ExactSum, ddof: u32) -> Option<f64> {
    let mut free = weight.clone();
    free.add(-f64::from(ddof));
    if free <= ExactSum::default() {
        return None;
    }
    let mut numerator = products.times_sum(weight);
    numerator.subtract(&a.times_sum(b));
    numerator.divided_by(&weight.times_sum(&free))
}

/// Products of two columns' deviations from given centres, on the way to a covariance.
///
/// Each deviation and each product is rounded once to a float; their sums are exact.
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
        let (dx, dy) = (x - centre_x, y - centre_y);
        self.x.add_product(dx, weight);
        self.y.add_product(dy, weight);
        self.xx.add_product(dx * dx, weight);
        self.xy.add_product(dx * dy, weight);
        self.yy.add_product(dy * dy, weight);
        self.weight.add(weight);
        self.count += 1;
    }

    /// Sees the pairs of two slices, with weight 1.
    pub fn observe_slices(&mut self, x: &[f64], y: &[f64], (centre_x, centre_y): (f64, f64)) {
        assert_eq!(x.len(), y.len(), "columns of one table have one length");
        let n = x.len();
        self.x.add_terms(n, |i| x[i] - centre_x);
        self.y.add_terms(n, |i| y[i] - centre_y);
        self.xx.add_terms(n, |i| (x[i] - centre_x) * (x[i] - centre_x));
        self.xy.add_terms(n, |i| (x[i] - centre_x) * (y[i] - centre_y));
        self.yy.add_terms(n, |i| (y[i] - centre_y) * (y[i] - centre_y));
        self.weight.add_times(1.0, n as u64);
        self.count += n as u64;
    }

    /// The covariance, rounded once; `None` unless the weights sum to more than `ddof`.
    pub fn covariance(&self, ddof: u32) -> Option<f64> {
        covariance(&self.xy, &self.x, &self.y, &self.weight, ddof)
    }

    /// Pearson's correlation, in [−1, 1]; `None` if either column is constant.
    pub fn correlation(&self) -> Option<f64> {
        let xx = covariance(&self.xx, &self.x, &self.x, &self.weight, 0)?;
        let yy = covariance(&self.yy, &self.y, &self.y, &self.weight, 0)?;
        let xy = self.covariance(0)?;
        let scale = maths::sqrt(xx) * maths::sqrt(yy);
        (scale > 0.0).then(|| (xy / scale).clamp(-1.0, 1.0))
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

/// Sums of products of every pair of columns: XᵀX, each product rounded once, summed exactly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gram {
    columns: usize,
    /// The upper triangle, row by row.
    sums: Vec<ExactSum>,
}

impl Gram {
    /// Sees rows, given as columns of one length.
    pub fn observe(&mut self, columns: &[&[f64]]) {
        if self.sums.is_empty() {
            self.columns = columns.len();
            self.sums = vec![ExactSum::default(); self.columns * (self.columns + 1) / 2];
        }
        assert_eq!(self.columns, columns.len(), "every batch of one matrix has its columns");
        let mut sums = self.sums.iter_mut();
        for (i, a) in columns.iter().enumerate() {
            for b in &columns[i..] {
                assert_eq!(a.len(), b.len(), "columns of one table have one length");
                let sum = sums.next().expect("one sum for each pair");
                sum.add_terms(a.len(), |row| a[row] * b[row]);
            }
        }
    }

    /// How many columns there are; 0 before the first batch.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The exact sum of products of two columns.
    pub fn sum(&self, i: usize, j: usize) -> &ExactSum {
        let (i, j) = (i.min(j), i.max(j));
        assert!(j < self.columns, "column {j} of {}", self.columns);
        &self.sums[i * self.columns - i * (i + 1) / 2 + j]
    }
}

impl Partial for Gram {
    fn merge(&mut self, other: Gram) {
        self.columns = self.columns.max(other.columns);
        self.sums.merge(other.sums);
    }
}

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
