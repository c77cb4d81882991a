//! Means, variances and products of columns, rounded once at the end.

use serde::{Deserialize, Serialize};

use crate::maths;
use crate::reduce::Partial;
use crate::sum::{ExactSum, is_rounded_product};

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

/// A value's deviation, rounded; at most the largest float.
#[inline]
fn deviation(x: f64, centre: f64) -> f64 {
    (x - centre).clamp(f64::MIN, f64::MAX)
}

/// Adds weight·a·b, where only a·b is rounded, if a float can hold it.
#[inline]
fn add_weighted(sum: &mut ExactSum, a: f64, b: f64, weight: f64) {
    let product = a * b;
    if is_rounded_product(product, a, b) {
        return sum.add_product(product, weight);
    }
    let mut product = ExactSum::default();
    product.add_product(a, b);
    sum.merge(product.times_sum(&ExactSum::from_iter([weight])));
}

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

/// (products − a·b/weight) / (weight − ddof), rounded once.
fn covariance(products: &ExactSum, a: &ExactSum, b: &ExactSum, weight: &ExactSum, ddof: u32) -> Option<f64> {
    let mut free = weight.clone();
    free.add(-f64::from(ddof));
    if free <= ExactSum::default() {
        return None;
    }
    numerator(products, a, b, weight).divided_by(&weight.times_sum(&free))
}

/// products·weight − a·b, exactly.
fn numerator(products: &ExactSum, a: &ExactSum, b: &ExactSum, weight: &ExactSum) -> ExactSum {
    let mut numerator = products.times_sum(weight);
    numerator.subtract(&a.times_sum(b));
    numerator
}

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

/// Sums of products of every pair of columns: XᵀX, each product rounded once, summed exactly. A product that
/// no float holds, since it would overflow or underflow, is exact itself.
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
                sum.add_rounded_products(a.len(), |row| (a[row], b[row]));
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

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;
    use crate::reduce::{decode, encode};

    /// x in units of 2^−1074.
    fn whole(x: f64) -> BigInt {
        let biased = (x.to_bits() >> 52 & 0x7ff) as usize;
        let fraction = x.to_bits() & ((1 << 52) - 1);
        let magnitude =
            if biased == 0 { BigInt::from(fraction) } else { BigInt::from(fraction | 1 << 52) << (biased - 1) };
        if x < 0.0 { -magnitude } else { magnitude }
    }

    /// numerator / (denominator·2^places) to the nearest float: the standard library rounds decimals correctly,
    /// and a last digit tells it that some follow.
    fn rounded(numerator: &BigInt, denominator: &BigInt, places: usize) -> f64 {
        let (up, down) = (numerator * BigInt::from(10).pow(2400), denominator << places);
        let quotient = &up / &down;
        let more = if &quotient * &down == up { "0" } else { "1" };
        let x: f64 = format!("{quotient}{more}e-2401").parse().expect("a number");
        x + 0.0
    }

    fn mean(values: &[(f64, f64)]) -> Mean {
        let mut mean = Mean::default();
        values.iter().for_each(|(x, weight)| mean.observe_weighted(*x, *weight));
        mean
    }

    fn centred(values: &[(f64, f64)], centre: f64) -> Centred {
        let mut centred = Centred::default();
        values.iter().for_each(|(x, weight)| centred.observe_weighted(*x, centre, *weight));
        centred
    }

    fn cross(pairs: &[(f64, f64)], centres: (f64, f64)) -> Cross {
        let mut cross = Cross::default();
        pairs.iter().for_each(|pair| cross.observe(*pair, centres));
        cross
    }

    #[test]
    fn a_mean_is_rounded_once() {
        let mut tenths = Mean::default();
        assert_eq!(tenths.mean(), None);
        tenths.observe_slice(&[0.1; 10]);
        assert_eq!(tenths.mean(), Some(0.1));
        assert_eq!(mean(&[(1e308, 1.0), (1e308, 1.0), (3.0, 0.0)]).mean(), Some(1e308));
        assert_eq!(mean(&[(1.0, 0.1), (2.0, 0.2)]).mean(), Some(5.0 / 3.0));
        assert_eq!(mean(&[(5.0, 0.0)]).mean(), None);
    }

    #[test]
    fn slices_see_what_single_values_see() {
        let values: Vec<f64> = (0..3000).map(|i| f64::from(i) * 0.1 - 77.0).collect();
        let (mut one, mut all) = (Mean::default(), Mean::default());
        values.iter().for_each(|x| one.observe(*x));
        all.observe_slice(&values);
        assert_eq!(one, all);
        let (mut one, mut all) = (Centred::default(), Centred::default());
        values.iter().for_each(|x| one.observe(*x, 7.3));
        all.observe_slice(&values, 7.3);
        assert_eq!(one, all);
        let squares: Vec<f64> = values.iter().map(|x| x * x).collect();
        let (mut one, mut all) = (Cross::default(), Cross::default());
        values.iter().zip(&squares).for_each(|(x, y)| one.observe((*x, *y), (7.3, 1.0)));
        all.observe_slices(&values, &squares, (7.3, 1.0));
        assert_eq!(one, all);
        let (mut one, mut all) = (Extremes::default(), Extremes::default());
        values.iter().for_each(|x| one.observe(*x));
        all.observe_slice(&values);
        assert_eq!(one, all);
    }

    #[test]
    fn a_variance_names_its_degrees_of_freedom() {
        let values = [(1.0, 1.0), (2.0, 1.0), (4.0, 1.0)];
        let seen = centred(&values, 2.0);
        assert_eq!(seen.variance(0), Some(14.0 / 9.0));
        assert_eq!(seen.variance(1), Some(7.0 / 3.0));
        assert_eq!(seen.variance(3), None);
        assert_eq!(Centred::default().variance(0), None);
        // The centre need not be the mean, and a weight of 2 is a row twice.
        assert_eq!(centred(&values, 1000.0).variance(1), Some(7.0 / 3.0));
        assert_eq!(centred(&[(1.0, 2.0), (4.0, 1.0)], 2.0).variance(1), Some(3.0));
        assert_eq!(centred(&[(0.1, 1.0); 7], 0.1).variance(1), Some(0.0));
    }

    #[test]
    fn squares_beyond_floats_still_give_a_variance() {
        let scaled = |scale: f64| [1.0, 2.0, 4.0].map(|x| (x * scale, 1.0));
        assert_eq!(centred(&scaled(2e-200), 4e-200).variance(1), Some(0.0));
        assert_eq!(centred(&scaled(1e200), 2e200).variance(1), Some(f64::INFINITY));
        for scale in [1e200, 1e-200] {
            let pairs = scaled(scale).map(|(x, _)| (x, -x));
            let seen = cross(&pairs, (2.0 * scale, -2.0 * scale));
            assert_eq!(seen.correlation(), Some(-1.0));
        }
        assert_eq!(centred(&[(f64::MAX, 0.5), (f64::MIN, 0.5)], 0.0).variance(0), Some(f64::INFINITY));
        assert_eq!(centred(&[(f64::MAX, 0.5)], f64::MIN).variance(0), Some(0.0));
    }

    #[test]
    fn a_correlation_is_at_most_one_and_needs_two_columns_that_vary() {
        let line: Vec<(f64, f64)> = (0..10).map(|i| (f64::from(i) * 0.1, f64::from(i) * -0.3)).collect();
        assert_eq!(cross(&line, (0.45, -1.35)).correlation(), Some(-1.0));
        assert_eq!(cross(&[(1.0, 2.0), (1.0, 3.0)], (1.0, 2.5)).correlation(), None);
        assert_eq!(Cross::default().correlation(), None);
        let seen = cross(&[(1.0, 2.0), (2.0, 1.0), (3.0, 6.0)], (2.0, 3.0));
        assert_eq!((seen.covariance(0), seen.covariance(1)), (Some(4.0 / 3.0), Some(2.0)));
    }

    #[test]
    fn gram_sums_stand_where_their_columns_meet() {
        let (a, b, c) = ([1.0, 2.0], [3.0, 4.0], [5.0, 6.0]);
        let mut gram = Gram::default();
        gram.observe(&[&a[..1], &b[..1], &c[..1]]);
        let mut rest = Gram::default();
        rest.observe(&[&a[1..], &b[1..], &c[1..]]);
        rest.merge(Gram::default());
        gram.merge(rest);
        assert_eq!(gram.columns(), 3);
        let values = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)].map(|(i, j)| gram.sum(i, j).value());
        assert_eq!(values, [5.0, 11.0, 17.0, 25.0, 39.0, 61.0]);
        assert_eq!(gram.sum(2, 0), gram.sum(0, 2));
    }

    #[test]
    fn extremes_have_no_negative_zero() {
        let mut seen = Extremes::default();
        assert_eq!((seen.min(), seen.max()), (None, None));
        seen.observe_slice(&[-0.0, 0.0]);
        assert_eq!((seen.min().map(f64::to_bits), seen.max().map(f64::to_bits)), (Some(0), Some(0)));
        let mut other = Extremes::default();
        other.observe_slice(&[3.0, -2.0]);
        seen.merge(other);
        assert_eq!((seen.min(), seen.max(), seen.count()), (Some(-2.0), Some(3.0), 4));
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![-1e3..1e3, -1e300..1e300, (-4..4_i8).prop_map(f64::from)]
    }

    fn weight() -> impl Strategy<Value = f64> {
        prop_oneof![0.0..10.0, 1e-300..1e-200, (0..4_u8).prop_map(f64::from)]
    }

    /// Merges three parts in several ways, and compares values and bytes with the whole.
    fn check_merge<P: Partial + Clone + PartialEq + std::fmt::Debug>(
        whole: &P,
        [x, y, z]: [P; 3],
    ) -> Result<(), TestCaseError> {
        let merged = |mut x: P, y: P| {
            x.merge(y);
            x
        };
        for way in [
            merged(merged(x.clone(), y.clone()), z.clone()),
            merged(x.clone(), merged(y.clone(), z.clone())),
            merged(z, merged(y, x)),
        ] {
            prop_assert_eq!(&way, whole);
            prop_assert_eq!(encode(&way), encode(whole));
            prop_assert_eq!(&decode::<P>(&encode(&way)), whole);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_mean_is_the_rounded_exact_one(values in prop::collection::vec((value(), weight()), 0..20)) {
            let sum: BigInt = values.iter().map(|(x, w)| whole(*x) * whole(*w)).sum();
            let weight: BigInt = values.iter().map(|(_, w)| whole(*w)).sum();
            let expected = (weight != BigInt::from(0)).then(|| rounded(&sum, &weight, 1074).to_bits());
            prop_assert_eq!(mean(&values).mean().map(f64::to_bits), expected);
        }

        #[test]
        fn a_variance_is_rounded_once_from_its_terms(values in prop::collection::vec(-1e3..1e3, 2..20), centre in -1e3..1e3) {
            let n = BigInt::from(values.len());
            let squares: BigInt = values.iter().map(|x| whole((x - centre) * (x - centre))).sum();
            let sum: BigInt = values.iter().map(|x| whole(x - centre)).sum();
            let numerator = ((squares * &n) << 1074_usize) - &sum * &sum;
            let expected = rounded(&numerator, &(&n * (&n - 1)), 2 * 1074).max(0.0);
            let values: Vec<(f64, f64)> = values.into_iter().map(|x| (x, 1.0)).collect();
            prop_assert_eq!(centred(&values, centre).variance(1), Some(expected));
        }

        #[test]
        fn merging_is_blind_to_order_and_grouping(
            values in prop::collection::vec((value(), weight()), 0..30), a in 0..30_usize, b in 0..30_usize,
        ) {
            let (a, b) = (a.min(b).min(values.len()), a.max(b).min(values.len()));
            let parts = [&values[..a], &values[a..b], &values[b..]];
            check_merge(&mean(&values), parts.map(mean))?;
            check_merge(&centred(&values, 0.5), parts.map(|part| centred(part, 0.5)))?;
            check_merge(&cross(&values, (0.5, 1.5)), parts.map(|part| cross(part, (0.5, 1.5))))?;
            let extremes = |part: &[(f64, f64)]| {
                let mut seen = Extremes::default();
                part.iter().for_each(|(x, _)| seen.observe(*x));
                seen
            };
            check_merge(&extremes(&values), parts.map(extremes))?;
            let gram = |part: &[(f64, f64)]| {
                let (x, y): (Vec<f64>, Vec<f64>) = part.iter().copied().unzip();
                let mut gram = Gram::default();
                gram.observe(&[&x, &y]);
                gram
            };
            check_merge(&gram(&values), parts.map(gram))?;
        }
    }
}
