//! The form of a sum whose bits span at most 128 places.

use std::num::NonZeroU16;

use super::round::round;

/// A two's complement integer times a power of two, in 24 bytes.
///
/// The integer is kept in halves, since an `i128` would align the sum to 16 bytes; the
/// exponent is kept as a place that is never 0, which is where the tag of `Form` goes.
#[derive(Clone, Copy)]
pub(super) struct Window {
    low: u64,
    high: u64,
    place: NonZeroU16,
}

/// Every exponent of a product of eight floats is above −2^14, and what `moments` multiplies is no longer.
const BIAS: i32 = 1 << 14;

impl Window {
    pub(super) fn new(bits: i128, exponent: i32) -> Window {
        let place = NonZeroU16::new((exponent + BIAS) as u16).expect("exponents of floats are above the bias");
        Window { low: bits as u64, high: (bits >> 64) as u64, place }
    }

    #[inline]
    pub(super) fn bits(self) -> i128 {
        (u128::from(self.high) << 64 | u128::from(self.low)) as i128
    }

    #[inline]
    fn set(&mut self, bits: i128) {
        (self.low, self.high) = (bits as u64, (bits >> 64) as u64);
    }

    #[inline]
    pub(super) fn exponent(self) -> i32 {
        i32::from(self.place.get()) - BIAS
    }

    /// `try_add` for a mantissa below 2^54, which a shift of 72 places leaves in 127 bits.
    #[inline]
    pub(super) fn try_add_short(&mut self, mantissa: i64, exponent: i32) -> bool {
        let shift = exponent - self.exponent();
        if !(0..=72).contains(&shift) {
            return false;
        }
        match self.bits().checked_add(i128::from(mantissa) << shift) {
            Some(bits) => {
                self.set(bits);
                true
            }
            None => false,
        }
    }

    /// Adds if every bit has its place already.
    #[inline]
    pub(super) fn try_add(&mut self, mantissa: i128, exponent: i32) -> bool {
        let shift = exponent - self.exponent();
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
    pub(super) fn moved_to_hold(self, mantissa: i128, exponent: i32) -> Option<Window> {
        let own = self.bits();
        let (own_low, own_top) = span(own, self.exponent()).unwrap_or((i32::MAX, i32::MIN));
        let (low, top) = span(mantissa, exponent).expect("not zero");
        let (low, top) = (low.min(own_low), top.max(own_top));
        let spare = 125 - (top - low);
        if spare < 0 {
            return None;
        }
        // Half of the spare bits go below, where the next values may need them.
        let base = low - (spare / 2).min(40);
        let bits = place(own, self.exponent(), base) + place(mantissa, exponent, base);
        Some(Window::new(bits, base))
    }

    /// The quotient rounded once, where 128 bits are enough for it.
    pub(super) fn divided_by(self, divisor: Window) -> Option<f64> {
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
        let exponent = self.exponent() - up as i32 - divisor.exponent() - down as i32;
        Some(round((a < 0) != (b < 0), x / y, x % y != 0, exponent))
    }
}

/// The places of the lowest and one past the highest bit of bits·2^exponent.
fn span(bits: i128, exponent: i32) -> Option<(i32, i32)> {
    let magnitude = bits.unsigned_abs();
    (magnitude != 0)
        .then(|| (exponent + magnitude.trailing_zeros() as i32, exponent + 128 - magnitude.leading_zeros() as i32))
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
