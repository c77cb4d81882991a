//! The form of a sum whose bits span more than 128 places.

use super::round::round;

/// A two's complement integer of 64-bit limbs, least first, times 2^(64·base).
///
/// The last limb is sign only, 0 or all ones, so a carry has always somewhere to go.
#[derive(Clone, Default)]
pub(super) struct Wide {
    base: i32,
    limbs: Vec<u64>,
}

impl Wide {
    /// Adds mantissa·2^exponent.
    pub(super) fn add(&mut self, mantissa: i128, exponent: i32) {
        if mantissa == 0 {
            return;
        }
        let at = exponent.div_euclid(64);
        let shift = exponent.rem_euclid(64);
        let magnitude = mantissa.unsigned_abs();
        let (low, high) = (magnitude as u64, (magnitude >> 64) as u64);
        let low = u128::from(low) << shift;
        let high = u128::from(high) << shift;
        let middle = (low >> 64) + u128::from(high as u64);
        let terms = [low as u64, middle as u64, (high >> 64) as u64 + (middle >> 64) as u64];
        let from = self.make_room(at);
        let (limbs, mut carry) = (&mut self.limbs[from..], false);
        for (limb, i) in limbs.iter_mut().zip(0..) {
            let term = terms.get(i).copied().unwrap_or(0);
            if i >= terms.len() && !carry {
                break;
            }
            (*limb, carry) = if mantissa < 0 {
                let (difference, borrow) = limb.overflowing_sub(term);
                let (difference, borrow_too) = difference.overflowing_sub(u64::from(carry));
                (difference, borrow || borrow_too)
            } else {
                let (total, over) = limb.overflowing_add(term);
                let (total, over_too) = total.overflowing_add(u64::from(carry));
                (total, over || over_too)
            };
        }
        let last = *self.limbs.last().expect("there is room");
        if last != 0 && last != u64::MAX {
            self.limbs.push(if last >> 63 == 1 { u64::MAX } else { 0 });
        }
    }

    /// Grows until three limbs at `at` and one above them exist; gives the index of the first.
    fn make_room(&mut self, at: i32) -> usize {
        if self.limbs.is_empty() {
            (self.base, self.limbs) = (at, vec![0]);
        }
        if at < self.base {
            let below = (self.base - at) as usize;
            self.limbs.splice(..0, std::iter::repeat_n(0, below));
            self.base = at;
        }
        let from = (at - self.base) as usize;
        if self.limbs.len() < from + 4 {
            let sign = *self.limbs.last().expect("there is a limb");
            self.limbs.resize(from + 4, sign);
        }
        from
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs.iter().all(|limb| *limb == 0)
    }

    /// Sign, exponent and limbs of the magnitude.
    pub(super) fn magnitude(&self) -> (bool, i32, Vec<u64>) {
        let negative = self.limbs.last().is_some_and(|limb| *limb == u64::MAX);
        let mut limbs = self.limbs.clone();
        if negative {
            let mut carry = true;
            for limb in &mut limbs {
                (*limb, carry) = (!*limb).overflowing_add(u64::from(carry));
            }
        }
        (negative, 64 * self.base, limbs)
    }

    pub(super) fn value(&self) -> f64 {
        let (negative, exponent, limbs) = self.magnitude();
        let Some(top) = limbs.iter().rposition(|limb| *limb != 0) else {
            return 0.0;
        };
        let limb = |i: usize| limbs.get(i).copied().unwrap_or(0);
        // Three limbs give at least 65 bits after normalising; what is below them only sticks.
        let shift = limb(top).leading_zeros();
        let below = |i: usize| if i < 1 { 0 } else { limb(i - 1) };
        let mut magnitude = u128::from(limb(top)) << 64 | u128::from(below(top));
        let next = if top < 2 { 0 } else { limb(top - 2) };
        if shift > 0 {
            magnitude = magnitude << shift | u128::from(next >> (64 - shift));
        }
        let rest = next << shift;
        let sticky = rest != 0 || limbs[..top.saturating_sub(2)].iter().any(|limb| *limb != 0);
        let exponent = exponent + 64 * (top as i32 - 1) - shift as i32;
        round(negative, magnitude, sticky, exponent)
    }
}
