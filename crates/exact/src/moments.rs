//! Means, variances and products of columns, rounded once at the end.
//!
//! Values and weights are finite: null is for the caller to leave out.

mod centred;
mod cross;
mod extremes;
mod gram;
mod mean;

pub use centred::Centred;
pub use cross::Cross;
pub use extremes::Extremes;
pub use gram::Gram;
pub use mean::Mean;

use crate::reduce::Partial;
use crate::sum::{ExactSum, is_rounded_product};

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
        fn a_covariance_is_rounded_once_from_its_terms(
            pairs in prop::collection::vec((-1e3..1e3, -1e3..1e3), 2..20), (x, y) in (-1e3..1e3, -1e3..1e3),
        ) {
            let n = BigInt::from(pairs.len());
            let products: BigInt = pairs.iter().map(|(a, b)| whole((a - x) * (b - y))).sum();
            let sums = pairs.iter().map(|(a, b)| (whole(a - x), whole(b - y)));
            let (sum_x, sum_y) = sums.fold(<(BigInt, BigInt)>::default(), |(x, y), (a, b)| (x + a, y + b));
            let numerator = ((products * &n) << 1074_usize) - sum_x * sum_y;
            let expected = rounded(&numerator, &(&n * (&n - 1)), 2 * 1074);
            prop_assert_eq!(cross(&pairs, (x, y)).covariance(1), Some(expected));
        }

        #[test]
        fn extremes_are_the_ends_of_the_exact_order(values in prop::collection::vec(value(), 0..20)) {
            let mut seen = Extremes::default();
            seen.observe_slice(&values);
            let exact = || values.iter().map(|x| whole(*x));
            prop_assert_eq!(seen.min().map(whole), exact().min());
            prop_assert_eq!(seen.max().map(whole), exact().max());
            prop_assert_eq!(seen.count(), values.len() as u64);
        }

        #[test]
        fn a_gram_sum_is_that_of_its_rounded_products(
            rows in prop::collection::vec((-1e3..1e3, -1e3..1e3, -1e-3..1e-3), 1..20), batch in 1..20_usize,
        ) {
            let column = |of: fn(&(f64, f64, f64)) -> f64| rows.iter().map(of).collect::<Vec<f64>>();
            let columns = [column(|row| row.0), column(|row| row.1), column(|row| row.2)];
            let mut gram = Gram::default();
            for from in (0..rows.len()).step_by(batch) {
                let part = columns.each_ref().map(|column| &column[from..(from + batch).min(rows.len())]);
                gram.observe(&part);
            }
            for (i, a) in columns.iter().enumerate() {
                for (j, b) in columns.iter().enumerate() {
                    let exact: BigInt = a.iter().zip(b).map(|(a, b)| whole(a * b)).sum();
                    prop_assert_eq!(gram.sum(i, j).value(), rounded(&exact, &BigInt::from(1), 1074));
                }
            }
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
