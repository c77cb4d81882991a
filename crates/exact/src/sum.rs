//! Exact sums of floats: no addition is rounded, so no order or grouping of rows shows.
//!
//! A sum is an integer times a power of two. It stays in a 128-bit window while its
//! bits fit (24 bytes a sum, as there may be millions of them, one for each category)
//! and moves to limbs on the heap when they do not.

mod blocks;
mod round;
mod wide;
mod window;

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigUint;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reduce::Partial;
use round::round;
use wide::Wide;
use window::Window;

/// The exact sum of any finite floats and products of floats.
///
/// Equal sums are equal, and have equal bytes, however they came about.
#[derive(Clone)]
pub struct ExactSum(Form);

#[derive(Clone)]
enum Form {
    Window(Window),
    Wide(Box<Wide>),
}

/// A sum as sign, odd magnitude and exponent: the one form that every equal sum has.
#[derive(PartialEq, Eq)]
struct Canonical {
    negative: bool,
    exponent: i32,
    limbs: Vec<u64>,
}

impl ExactSum {
    /// Adds one value, which must be finite.
    #[inline]
    pub fn add(&mut self, x: f64) {
        let (mantissa, exponent) = parts(x);
        if let Form::Window(window) = &mut self.0
            && window.try_add_short(mantissa, exponent)
        {
            return;
        }
        self.add_with_room(i128::from(mantissa), exponent);
    }

    /// Adds every value of a slice, several times faster than one by one: in cache faster than
    /// a plain loop of additions, and otherwise as fast as memory.
    pub fn add_slice(&mut self, values: &[f64]) {
        blocks::add_slice(self, values);
    }

    /// Adds `term(0)`, `term(1)`, … `term(count - 1)`, each rounded to a float by whoever computes it.
    /// Fast where the compiler can vectorise `term`, so index slices of just that length.
    #[inline]
    pub fn add_terms(&mut self, count: usize, term: impl Fn(usize) -> f64) {
        blocks::add_terms(self, count, term);
    }

    /// Adds the exact product of two values, no bit of it rounded.
    #[inline]
    pub fn add_product(&mut self, a: f64, b: f64) {
        let ((a, exponent_a), (b, exponent_b)) = (parts(a), parts(b));
        self.add_scaled(i128::from(a) * i128::from(b), exponent_a + exponent_b);
    }

    /// Adds a·b rounded to a float; or exactly, where a float would overflow or underflow.
    #[inline]
    pub fn add_rounded_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        if is_rounded_product(product, a, b) { self.add(product) } else { self.add_product(a, b) }
    }

    /// Adds the rounded products of `factors(0)`, `factors(1)`, … `factors(count - 1)`, as `add_rounded_product` does.
    /// Fast where the compiler can vectorise `factors`, so index slices of just that length.
    #[inline]
    pub fn add_rounded_products(&mut self, count: usize, factors: impl Fn(usize) -> (f64, f64)) {
        blocks::add_rounded_products(self, count, factors);
    }

    /// Adds the exact product of a value and a count.
    #[inline]
    pub fn add_times(&mut self, x: f64, count: u64) {
        let (mantissa, exponent) = parts(x);
        self.add_scaled(i128::from(mantissa) * i128::from(count), exponent);
    }

    /// The sum, rounded once to the nearest float, ties to even.
    ///
    /// Never −0; infinite only if the exact sum is beyond the largest float.
    pub fn value(&self) -> f64 {
        match &self.0 {
            Form::Window(window) => {
                let bits = window.bits();
                round(bits < 0, bits.unsigned_abs(), false, window.exponent())
            }
            Form::Wide(wide) => wide.value(),
        }
    }

    /// Is the exact sum zero?
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Form::Window(window) => window.bits() == 0,
            Form::Wide(wide) => wide.is_zero(),
        }
    }

    /// The exact quotient of two sums, rounded once; `None` if the divisor is zero.
    pub fn divided_by(&self, divisor: &ExactSum) -> Option<f64> {
        if divisor.is_zero() {
            return None;
        }
        if let (Form::Window(a), Form::Window(b)) = (&self.0, &divisor.0)
            && let Some(quotient) = a.divided_by(*b)
        {
            return Some(quotient);
        }
        let (a, b) = (self.canonical(), divisor.canonical());
        Some(divide(&a, &b))
    }

    /// This sum times a count, exactly.
    #[must_use]
    pub fn times(&self, count: u64) -> ExactSum {
        let mut product = ExactSum::default();
        let own = self.canonical();
        for (limb, at) in own.limbs.iter().zip(0..) {
            let term = u128::from(*limb) * u128::from(count);
            for (half, shift) in [(term as u64, 0), ((term >> 64) as u64, 64)] {
                let half = i128::from(half);
                product.add_scaled(if own.negative { -half } else { half }, own.exponent + 64 * at + shift);
            }
        }
        product
    }

    /// This sum times another, exactly.
    #[must_use]
    pub fn times_sum(&self, other: &ExactSum) -> ExactSum {
        let mut product = ExactSum::default();
        let (a, b) = (self.canonical(), other.canonical());
        for (x, i) in a.limbs.iter().zip(0..) {
            for (y, j) in b.limbs.iter().zip(0..) {
                let term = u128::from(*x) * u128::from(*y);
                for (half, shift) in [(term as u64, 0), ((term >> 64) as u64, 64)] {
                    let half = i128::from(half);
                    let signed = if a.negative != b.negative { -half } else { half };
                    product.add_scaled(signed, a.exponent + b.exponent + 64 * (i + j) + shift);
                }
            }
        }
        product
    }

    /// Takes another sum away.
    pub fn subtract(&mut self, other: &ExactSum) {
        self.add_sum(other, true);
    }

    fn add_sum(&mut self, other: &ExactSum, negated: bool) {
        match &other.0 {
            Form::Window(window) if window.bits() != i128::MIN => {
                let bits = window.bits();
                self.add_scaled(if negated { -bits } else { bits }, window.exponent());
            }
            _ => {
                let theirs = other.canonical();
                for (limb, at) in theirs.limbs.iter().zip(0..) {
                    let limb = i128::from(*limb);
                    let signed = if theirs.negative != negated { -limb } else { limb };
                    self.add_scaled(signed, theirs.exponent + 64 * at);
                }
            }
        }
    }

    /// Adds mantissa·2^exponent.
    #[inline]
    fn add_scaled(&mut self, mantissa: i128, exponent: i32) {
        if let Form::Window(window) = &mut self.0
            && window.try_add(mantissa, exponent)
        {
            return;
        }
        self.add_with_room(mantissa, exponent);
    }

    #[cold]
    #[inline(never)]
    fn add_with_room(&mut self, mantissa: i128, exponent: i32) {
        if mantissa == 0 {
            return;
        }
        match &mut self.0 {
            Form::Window(window) => match window.moved_to_hold(mantissa, exponent) {
                Some(moved) => *window = moved,
                None => {
                    let mut wide = Wide::default();
                    wide.add(window.bits(), window.exponent());
                    wide.add(mantissa, exponent);
                    self.0 = Form::Wide(Box::new(wide));
                }
            },
            Form::Wide(wide) => wide.add(mantissa, exponent),
        }
    }

    fn canonical(&self) -> Canonical {
        let (negative, exponent, limbs) = match &self.0 {
            Form::Window(window) => {
                let magnitude = window.bits().unsigned_abs();
                let limbs = vec![magnitude as u64, (magnitude >> 64) as u64];
                (window.bits() < 0, window.exponent(), limbs)
            }
            Form::Wide(wide) => wide.magnitude(),
        };
        Canonical::new(negative, exponent, limbs)
    }
}

impl Canonical {
    fn new(negative: bool, exponent: i32, mut limbs: Vec<u64>) -> Canonical {
        let Some(first) = limbs.iter().position(|limb| *limb != 0) else {
            return Canonical { negative: false, exponent: 0, limbs: Vec::new() };
        };
        limbs.drain(..first);
        let shift = limbs[0].trailing_zeros();
        if shift > 0 {
            for i in 0..limbs.len() {
                let above = limbs.get(i + 1).copied().unwrap_or(0);
                limbs[i] = limbs[i] >> shift | above << (64 - shift);
            }
        }
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        let exponent = exponent + 64 * i32::try_from(first).expect("sums have few limbs") + shift as i32;
        Canonical { negative, exponent, limbs }
    }

    fn to_big(&self) -> BigUint {
        let halves = self.limbs.iter().flat_map(|limb| [*limb as u32, (*limb >> 32) as u32]);
        BigUint::new(halves.collect())
    }

    /// The magnitude's bytes, least first, without zeros at the end.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        bytes
    }
}

/// The quotient of two magnitudes and exponents, rounded once. The divisor is not zero.
fn divide(a: &Canonical, b: &Canonical) -> f64 {
    let (mut dividend, mut divisor) = (a.to_big(), b.to_big());
    // 66 bits of quotient and a sticky remainder are enough to round 53 of them.
    let shift = 66 + divisor.bits() as i64 - dividend.bits() as i64;
    if shift > 0 {
        dividend <<= shift as u64;
    } else {
        divisor <<= shift.unsigned_abs();
    }
    let quotient = &dividend / &divisor;
    let sticky = &quotient * &divisor != dividend;
    let quotient = u128::try_from(quotient).expect("at most 67 bits");
    round(a.negative != b.negative, quotient, sticky, a.exponent - b.exponent - shift as i32)
}

/// Is the float a product with a relative error of at most 2^−53?
#[inline]
pub(crate) fn is_rounded_product(product: f64, a: f64, b: f64) -> bool {
    let magnitude = product.abs();
    (f64::MIN_POSITIVE..=f64::MAX).contains(&magnitude) | (a == 0.0) | (b == 0.0)
}

/// A float as mantissa·2^exponent.
#[inline]
fn parts(x: f64) -> (i64, i32) {
    assert!(x.is_finite(), "only finite values are summed, not {x}");
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let mantissa = if biased == 0 { fraction } else { fraction | 1 << 52 };
    (if x < 0.0 { -mantissa } else { mantissa }, biased.max(1) - 1075)
}

impl Default for ExactSum {
    fn default() -> ExactSum {
        ExactSum(Form::Window(Window::new(0, 0)))
    }
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &ExactSum) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for ExactSum {}

impl Ord for ExactSum {
    fn cmp(&self, other: &ExactSum) -> Ordering {
        let mut difference = self.clone();
        difference.subtract(other);
        let Canonical { negative, limbs, .. } = difference.canonical();
        match (limbs.is_empty(), negative) {
            (true, _) => Ordering::Equal,
            (false, true) => Ordering::Less,
            (false, false) => Ordering::Greater,
        }
    }
}

impl PartialOrd for ExactSum {
    fn partial_cmp(&self, other: &ExactSum) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Partial for ExactSum {
    fn merge(&mut self, other: ExactSum) {
        self.add_sum(&other, false);
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> ExactSum {
        let mut sum = ExactSum::default();
        values.into_iter().for_each(|x| sum.add(x));
        sum
    }
}

impl fmt::Debug for ExactSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExactSum({:?})", self.value())
    }
}

impl Serialize for ExactSum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let canonical = self.canonical();
        (canonical.negative, canonical.exponent, canonical.bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ExactSum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ExactSum, D::Error> {
        let (negative, exponent, bytes) = <(bool, i32, Vec<u8>)>::deserialize(deserializer)?;
        if !(-8192..=8192).contains(&exponent) || bytes.len() > 2048 {
            return Err(D::Error::custom("an exact sum beyond all sums of floats"));
        }
        let mut sum = ExactSum::default();
        for (limb, at) in bytes.chunks(8).zip(0..) {
            let mut whole = [0; 8];
            whole[..limb.len()].copy_from_slice(limb);
            let limb = i128::from(u64::from_le_bytes(whole));
            sum.add_scaled(if negative { -limb } else { limb }, exponent + 64 * at);
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use num_bigint::BigInt;
    use proptest::prelude::*;

    use super::*;
    use crate::reduce::{decode, encode};

    /// The sum in units of 2^−2148, by other means.
    #[derive(Clone, Default)]
    struct Reference(BigInt);

    impl Reference {
        fn add(&mut self, mantissa: i128, exponent: i32) {
            self.0 += BigInt::from(mantissa) << (exponent + 2148) as usize;
        }

        fn of(values: &[f64]) -> Reference {
            let mut sum = Reference::default();
            for x in values {
                let (mantissa, exponent) = parts(*x);
                sum.add(i128::from(mantissa), exponent);
            }
            sum
        }

        /// The standard library rounds decimals correctly, and s·2^−n is s·5^n·10^−n.
        fn value(&self) -> f64 {
            let x: f64 = format!("{}e-2148", &self.0 * BigInt::from(5).pow(2148)).parse().expect("a number");
            x + 0.0
        }
    }

    fn sum(values: &[f64]) -> ExactSum {
        values.iter().copied().collect()
    }

    fn sum_of_slice(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        sum.add_slice(values);
        sum
    }

    #[track_caller]
    fn check(values: &[f64], expected: f64) {
        for way in [sum(values), sum_of_slice(values)] {
            assert_eq!(way.value().to_bits(), expected.to_bits(), "{way:?} is not {expected:e}");
        }
        assert_eq!(Reference::of(values).value().to_bits(), expected.to_bits(), "the expectation is wrong");
    }

    const TINY: f64 = f64::from_bits(1);

    #[test]
    fn sums_are_rounded_once_to_even() {
        check(&[], 0.0);
        check(&[-0.0, -0.0], 0.0);
        check(&[1.0, -1.0], 0.0);
        check(&[0.1, 0.2, 0.3], 0.6);
        check(&[0.1; 10], 1.0);
        check(&[1e308, 1.0, -1e308], 1.0);
        check(&[1e308, 1e308, -1e308, -1e308, TINY], TINY);
        check(&[TINY, TINY, -TINY], TINY);
        check(&[f64::MIN_POSITIVE, -TINY], f64::from_bits((1 << 52) - 1));
        // Halfway between two floats: to the even one, unless a bit anywhere below decides.
        check(&[1.0, two_to(-53)], 1.0);
        check(&[1.0, two_to(-53), TINY], 1.0 + f64::EPSILON);
        check(&[1.0, two_to(-53), -TINY], 1.0);
        check(&[1.0 + f64::EPSILON, two_to(-53)], 1.0 + 2.0 * f64::EPSILON);
        check(&[-1.0, -two_to(-53), -TINY], -1.0 - f64::EPSILON);
    }

    #[test]
    fn only_a_sum_beyond_the_largest_float_is_infinite() {
        let half_unit = two_to(970);
        check(&[f64::MAX, f64::MAX], f64::INFINITY);
        check(&[-f64::MAX, -f64::MAX], f64::NEG_INFINITY);
        check(&[f64::MAX, half_unit], f64::INFINITY);
        check(&[f64::MAX, half_unit, -TINY], f64::MAX);
        check(&[f64::MAX, f64::MAX, -f64::MAX], f64::MAX);
    }

    fn two_to(n: i32) -> f64 {
        f64::from_bits(((n + 1023) as u64) << 52)
    }

    #[test]
    fn a_sum_is_24_bytes_and_stays_so_for_common_values() {
        assert_eq!(size_of::<ExactSum>(), 24);
        let mut sum = ExactSum::default();
        for i in 0..100_000 {
            sum.add(f64::from(i) * 0.1);
            sum.add(-1e6 / f64::from(i + 1));
            sum.add(f64::from(i) * 1e4);
        }
        assert!(matches!(sum.0, Form::Window(_)));
    }

    #[test]
    #[should_panic(expected = "only finite values are summed")]
    fn infinity_is_refused() {
        sum(&[f64::INFINITY]);
    }

    #[test]
    fn infinity_and_nan_are_refused_in_slices() {
        for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            for at in [0, 17, 999] {
                let mut values = [1.0; 1000];
                values[at] = bad;
                let refused = std::panic::catch_unwind(|| sum_of_slice(&values));
                assert!(refused.is_err(), "{bad} at {at}");
            }
        }
    }

    #[test]
    fn the_largest_values_do_not_overflow_a_block() {
        let mut values = vec![f64::MAX; 5000];
        values.extend(vec![-f64::MAX; 4999]);
        check(&values, f64::MAX);
        let mut values = vec![1.0 + f64::EPSILON; 5000];
        values.extend(vec![-1.0; 5000]);
        check(&values, 5000.0 * f64::EPSILON);
    }

    #[test]
    fn many_additions_are_counted_by_merging() {
        // 2^62 times the largest float, less as much.
        let mut up = sum(&[f64::MAX]);
        let mut down = sum(&[-f64::MAX, 1.0]);
        for _ in 0..62 {
            let (u, d) = (up.clone(), down.clone());
            up.merge(u);
            down.merge(d);
        }
        assert_eq!(up.value(), f64::INFINITY);
        up.merge(down);
        assert_eq!(up.value(), two_to(62));
    }

    #[test]
    fn products_are_exact_where_floats_underflow_and_overflow() {
        let mut sum = ExactSum::default();
        sum.add_product(TINY, TINY);
        assert!(!sum.is_zero());
        assert_eq!(sum.value(), 0.0);
        sum.add_product(f64::MAX, f64::MAX);
        assert_eq!(sum.value(), f64::INFINITY);
        sum.add_product(-f64::MAX, f64::MAX);
        sum.add_product(TINY, -TINY);
        assert!(sum.is_zero());
        assert_eq!(sum, ExactSum::default());
    }

    #[test]
    fn quotients_are_rounded_once() {
        let quotient = |a: &[f64], b: &[f64]| sum(a).divided_by(&sum(b));
        assert_eq!(quotient(&[1.0], &[3.0]), Some(1.0 / 3.0));
        assert_eq!(quotient(&[-0.1, -0.2, -0.3], &[3.0]), Some(-0.2));
        assert_eq!(quotient(&[0.0], &[3.0]), Some(0.0));
        assert_eq!(quotient(&[1.0], &[0.0]), None);
        assert_eq!(quotient(&[f64::MAX, f64::MAX], &[2.0]), Some(f64::MAX));
        assert_eq!(quotient(&[TINY], &[2.0]), Some(0.0));
        assert_eq!(quotient(&[TINY, TINY, TINY], &[2.0]), Some(2.0 * TINY));
        assert_eq!(quotient(&[1e300, 1.0, -1e300], &[1e-300, 3.0]), Some(1.0 / 3.0));
    }

    #[test]
    fn bytes_of_equal_sums_are_equal() {
        let ways = [
            sum(&[1.5]),
            sum(&[1e300, 1.5, -1e300]),
            sum(&[0.5, 1.0]),
            sum(&[1e-300, 1.5, -1e-300]),
            sum_of_slice(&[0.015625; 96]),
        ];
        let bytes: HashSet<Vec<u8>> = ways.iter().map(encode).collect();
        assert_eq!(bytes.len(), 1);
        assert_eq!(bytes.into_iter().next(), Some(vec![0, 1, 1, 3]));
    }

    #[test]
    fn absurd_bytes_are_refused() {
        for bytes in [encode(&(false, 1_000_000_i32, vec![1_u8])), encode(&(true, 0_i32, vec![1_u8; 3000]))] {
            assert!(postcard::from_bytes::<ExactSum>(&bytes).is_err());
        }
    }

    /// Finite floats: common ones, and of every exponent.
    fn finite() -> impl Strategy<Value = f64> {
        prop_oneof![
            -1e3..1e3,
            any::<f64>().prop_filter("finite", |x| x.is_finite()),
            any::<i16>().prop_map(f64::from),
            Just(0.0),
            Just(-0.0),
        ]
    }

    proptest! {
        #[test]
        fn any_sum_is_the_rounded_exact_one(values in prop::collection::vec(finite(), 0..200)) {
            let expected = Reference::of(&values).value().to_bits();
            prop_assert_eq!(sum(&values).value().to_bits(), expected);
            prop_assert_eq!(sum_of_slice(&values).value().to_bits(), expected);
        }

        #[test]
        fn close_values_go_the_fast_way_and_agree(
            values in prop::collection::vec(-1e3..1e3, 16..3000),
            scale in -1000..900_i32,
        ) {
            let scaled: Vec<f64> = values.iter().map(|x| x * two_to(scale)).collect();
            prop_assert_eq!(sum_of_slice(&scaled), sum(&scaled));
        }

        #[test]
        fn merging_is_associative_commutative_and_blind_to_grouping(
            values in prop::collection::vec(finite(), 0..100), a in 0..100_usize, b in 0..100_usize,
        ) {
            let (a, b) = (a.min(b).min(values.len()), a.max(b).min(values.len()));
            let part = |from: usize, to: usize| sum(&values[from..to]);
            let merged = |mut x: ExactSum, y: ExactSum| { x.merge(y); x };
            let (x, y, z) = (part(0, a), part(a, b), part(b, values.len()));
            let whole = sum(&values);
            let left = merged(merged(x.clone(), y.clone()), z.clone());
            let right = merged(x.clone(), merged(y.clone(), z.clone()));
            let turned = merged(z, merged(y, x));
            for way in [&left, &right, &turned] {
                prop_assert_eq!(way, &whole);
                prop_assert_eq!(encode(way), encode(&whole));
            }
            prop_assert_eq!(decode::<ExactSum>(&encode(&whole)), whole);
        }

        #[test]
        fn products_are_exact(pairs in prop::collection::vec((finite(), finite()), 0..30), count: u64) {
            let (mut sum, mut expected) = (ExactSum::default(), Reference::default());
            for (a, b) in pairs {
                let ((x, e), (y, f)) = (parts(a), parts(b));
                sum.add_product(a, b);
                expected.add(i128::from(x) * i128::from(y), e + f);
                sum.add_times(a, count);
                expected.add(i128::from(x) * i128::from(count), e);
            }
            prop_assert_eq!(sum.value().to_bits(), expected.value().to_bits());
        }

        #[test]
        fn rounded_products_are_floats_where_floats_can_hold_them(
            pairs in prop::collection::vec((finite(), finite()), 0..3000),
        ) {
            let (mut one, mut all, mut expected) = (ExactSum::default(), ExactSum::default(), ExactSum::default());
            for (a, b) in &pairs {
                one.add_rounded_product(*a, *b);
                if (a * b).is_normal() { expected.add(a * b) } else { expected.add_product(*a, *b) }
            }
            all.add_rounded_products(pairs.len(), |i| pairs[i]);
            prop_assert_eq!(&one, &expected);
            prop_assert_eq!(&all, &expected);
        }

        #[test]
        fn order_is_that_of_the_exact_values(a in prop::collection::vec(finite(), 0..4), b in prop::collection::vec(finite(), 0..4)) {
            prop_assert_eq!(sum(&a).cmp(&sum(&b)), Reference::of(&a).0.cmp(&Reference::of(&b).0));
        }

        #[test]
        fn sums_multiply_exactly(a in prop::collection::vec(finite(), 0..4), b in prop::collection::vec(finite(), 0..4), n: u64) {
            let product = sum(&a).times_sum(&sum(&b));
            let mut expected = ExactSum::default();
            a.iter().for_each(|x| b.iter().for_each(|y| expected.add_product(*x, *y)));
            prop_assert_eq!(product, expected);
            let mut expected = ExactSum::default();
            a.iter().for_each(|x| expected.add_times(*x, n));
            prop_assert_eq!(sum(&a).times(n), expected);
        }

        #[test]
        fn short_quotients_agree_with_long_ones(a in prop::collection::vec(finite(), 1..4), n in 1..u64::MAX) {
            let (a, n) = (sum(&a), ExactSum::default().plus_times(1.0, n));
            prop_assert_eq!(a.divided_by(&n), Some(divide(&a.canonical(), &n.canonical())));
        }
    }

    impl ExactSum {
        fn plus_times(mut self, x: f64, count: u64) -> ExactSum {
            self.add_times(x, count);
            self
        }
    }
}
