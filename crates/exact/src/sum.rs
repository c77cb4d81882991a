//! Exact sums of floats: no addition is rounded, so no order or grouping of rows shows.
//!
//! A sum is an integer times a power of two. It stays in a 128-bit window while its
//! bits fit (24 bytes a sum, as there may be millions of them, one for each category)
//! and moves to limbs on the heap when they do not.

mod blocks;
mod round;
mod wide;

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigUint;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reduce::Partial;
use round::round;
use wide::Wide;

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

/// `(high, low)`, a two's complement integer, times 2^exponent. Two halves, since an
/// `i128` would align the sum to 16 bytes and make it a third larger.
#[derive(Clone, Copy)]
struct Window {
    low: u64,
    high: u64,
    exponent: i16,
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
        self.add_scaled(i128::from(mantissa), exponent);
    }

    /// Adds every value of a slice, several times faster than one by one.
    pub fn add_slice(&mut self, values: &[f64]) {
        self.add_terms(values.len(), |i| values[i]);
    }

    /// Adds `term(0)`, `term(1)`, … `term(count - 1)`, each rounded to a float by whoever computes it.
    /// Fast where the compiler can vectorise `term`.
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
                round(
                    bits < 0,
                    bits.unsigned_abs(),
                    false,
                    i32::from(window.exponent),
                )
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
                product.add_scaled(
                    if own.negative { -half } else { half },
                    own.exponent + 64 * at + shift,
                );
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
                    let signed = if a.negative != b.negative {
                        -half
                    } else {
                        half
                    };
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
                self.add_scaled(
                    if negated { -bits } else { bits },
                    i32::from(window.exponent),
                );
            }
            _ => {
                let theirs = other.canonical();
                for (limb, at) in theirs.limbs.iter().zip(0..) {
                    let limb = i128::from(*limb);
                    let signed = if theirs.negative != negated {
                        -limb
                    } else {
                        limb
                    };
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
                    wide.add(window.bits(), i32::from(window.exponent));
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
                (window.bits() < 0, i32::from(window.exponent), limbs)
            }
            Form::Wide(wide) => wide.magnitude(),
        };
        Canonical::new(negative, exponent, limbs)
    }
}

impl Canonical {
    fn new(negative: bool, exponent: i32, mut limbs: Vec<u64>) -> Canonical {
        let Some(first) = limbs.iter().position(|limb| *limb != 0) else {
            return Canonical {
                negative: false,
                exponent: 0,
                limbs: Vec::new(),
            };
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
        let exponent =
            exponent + 64 * i32::try_from(first).expect("sums have few limbs") + shift as i32;
        Canonical {
            negative,
            exponent,
            limbs,
        }
    }

    fn to_big(&self) -> BigUint {
        let halves = self
            .limbs
            .iter()
            .flat_map(|limb| [*limb as u32, (*limb >> 32) as u32]);
        BigUint::new(halves.collect())
    }

    /// The magnitude's bytes, least first, without zeros at the end.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self
            .limbs
            .iter()
            .flat_map(|limb| limb.to_le_bytes())
            .collect();
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
    round(
        a.negative != b.negative,
        quotient,
        sticky,
        a.exponent - b.exponent - shift as i32,
    )
}

impl Window {
    fn new(bits: i128, exponent: i32) -> Window {
        Window {
            low: bits as u64,
            high: (bits >> 64) as u64,
            exponent: exponent as i16,
        }
    }

    #[inline]
    fn bits(self) -> i128 {
        (u128::from(self.high) << 64 | u128::from(self.low)) as i128
    }

    #[inline]
    fn set(&mut self, bits: i128) {
        (self.low, self.high) = (bits as u64, (bits >> 64) as u64);
    }

    /// Adds if every bit has its place already.
    #[inline]
    fn try_add(&mut self, mantissa: i128, exponent: i32) -> bool {
        let shift = exponent - i32::from(self.exponent);
        if !(0..=126).contains(&shift) {
            return false;
        }
        let shifted = mantissa << shift;
        if shifted >> shift != mantissa {
            return false;
        }
        match self.bits().checked_add(shifted) {
            Some(bits) => {
                self.set(bits);
                true
            }
            None => false,
        }
    }

    /// The window with the value added, placed anew so that both fit, if they can.
    fn moved_to_hold(self, mantissa: i128, exponent: i32) -> Option<Window> {
        let own = self.bits();
        let (own_low, own_top) =
            span(own, i32::from(self.exponent)).unwrap_or((i32::MAX, i32::MIN));
        let (low, top) = span(mantissa, exponent).expect("not zero");
        let (low, top) = (low.min(own_low), top.max(own_top));
        let spare = 125 - (top - low);
        if spare < 0 {
            return None;
        }
        // Half of the spare bits go below, where the next values may need them.
        let base = low - (spare / 2).min(40);
        let bits = place(own, i32::from(self.exponent), base) + place(mantissa, exponent, base);
        Some(Window::new(bits, base))
    }

    /// The quotient rounded once, where 128 bits are enough for it.
    fn divided_by(self, divisor: Window) -> Option<f64> {
        let (a, b) = (self.bits(), divisor.bits());
        let (x, y) = (a.unsigned_abs(), b.unsigned_abs());
        if x == 0 {
            return Some(0.0);
        }
        let down = y.trailing_zeros();
        let y = y >> down;
        if y >> 60 != 0 {
            return None;
        }
        let up = x.leading_zeros();
        let x = x << up;
        let exponent =
            i32::from(self.exponent) - up as i32 - i32::from(divisor.exponent) - down as i32;
        Some(round((a < 0) != (b < 0), x / y, x % y != 0, exponent))
    }
}

/// The places of the lowest and one past the highest bit of bits·2^exponent.
fn span(bits: i128, exponent: i32) -> Option<(i32, i32)> {
    let magnitude = bits.unsigned_abs();
    (magnitude != 0).then(|| {
        (
            exponent + magnitude.trailing_zeros() as i32,
            exponent + 128 - magnitude.leading_zeros() as i32,
        )
    })
}

/// bits·2^exponent in units of 2^base, which loses no bit.
fn place(bits: i128, exponent: i32, base: i32) -> i128 {
    let shift = exponent - base;
    match bits {
        0 => 0,
        _ if shift >= 0 => bits << shift,
        _ => bits >> -shift,
    }
}

/// A float as mantissa·2^exponent.
#[inline]
fn parts(x: f64) -> (i64, i32) {
    assert!(x.is_finite(), "only finite values are summed, not {x}");
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let mantissa = if biased == 0 {
        fraction
    } else {
        fraction | 1 << 52
    };
    (
        if x < 0.0 { -mantissa } else { mantissa },
        biased.max(1) - 1075,
    )
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
        let Canonical {
            negative, limbs, ..
        } = difference.canonical();
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
        if !(-3000..=3000).contains(&exponent) || bytes.len() > 700 {
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
