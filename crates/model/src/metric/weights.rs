//! How much each row counts.

use evenstep_exact::sum::ExactSum;

/// Bits of the largest weight's integer; so many rows more than any machine holds add up in 128.
const BITS: i32 = 90;

/// How much each row counts: its own weight, times how often a resample holds it.
/// An empty slice means 1 for each row.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    pub(super) own: &'a [f64],
    /// `own` as integers, in one unit.
    pub(super) units: &'a [u128],
    pub(super) counts: &'a [u8],
}

impl Weights<'_> {
    /// The row's weight.
    #[inline]
    pub(super) fn of(&self, row: usize) -> f64 {
        let own = self.own.get(row).copied().unwrap_or(1.0);
        if self.counts.is_empty() { own } else { own * f64::from(self.counts[row]) }
    }

    /// How often a resample holds the row.
    pub(super) fn count(&self, row: usize) -> u8 {
        self.counts.get(row).copied().unwrap_or(1)
    }

    /// The row's weight as an integer, in a unit that all rows share.
    #[inline]
    pub(super) fn units(&self, row: usize) -> u128 {
        let own = self.units.get(row).copied().unwrap_or(1);
        if self.counts.is_empty() { own } else { own * u128::from(self.counts[row]) }
    }

    /// The sum of the weights of so many rows.
    pub(super) fn total(&self, rows: usize) -> ExactSum {
        let mut total = ExactSum::default();
        match (self.own.is_empty(), self.counts.is_empty()) {
            (true, true) => total.add_times(1.0, rows as u64),
            (true, false) => total.add_times(1.0, self.counts.iter().map(|count| u64::from(*count)).sum()),
            (false, _) => total.add_terms(rows, |row| self.of(row)),
        }
        total
    }

    /// Σ weight · term over all rows.
    pub(super) fn sum(&self, terms: &[f64]) -> ExactSum {
        match (self.own.is_empty(), self.counts.is_empty()) {
            (true, true) => {
                let mut sum = ExactSum::default();
                sum.add_slice(terms);
                sum
            }
            _ => self.sum_of(terms.len(), |row| (row, terms[row])),
        }
    }

    /// Σ weight · term over so many (row, term). Exact where rows have their own weights, as if they were
    /// repeated; in a resample each product is rounded once, which is several times as fast.
    pub(super) fn sum_of(&self, count: usize, term: impl Fn(usize) -> (usize, f64)) -> ExactSum {
        let mut sum = ExactSum::default();
        let factors = |at| {
            let (row, term) = term(at);
            (self.of(row), term)
        };
        match (self.own.is_empty(), self.counts.is_empty()) {
            (true, true) => sum.add_terms(count, |at| term(at).1),
            (false, true) => (0..count).map(term).for_each(|(row, term)| sum.add_product(term, self.own[row])),
            (_, false) => sum.add_rounded_products(count, factors),
        }
        sum
    }
}

/// The sum of some numbers, gathered in blocks since that is several times as fast.
pub(super) fn sum(numbers: impl Iterator<Item = f64>) -> ExactSum {
    let (mut sum, mut block) = (ExactSum::default(), Vec::with_capacity(1024));
    for x in numbers {
        block.push(x);
        if block.len() == block.capacity() {
            sum.add_slice(&block);
            block.clear();
        }
    }
    sum.add_slice(&block);
    sum
}

/// Weights as integers in one unit, so that whatever is made of their sums alone is exact.
///
/// Whole weights below 2^53 stay as they are. Others are exact unless the smallest is
/// 2^37 times smaller than the largest; bits below 2^−90 of the largest are cut off.
pub(super) fn units(weights: &[f64]) -> Vec<u128> {
    let whole = |weight: &f64| *weight <= (1_u64 << 53) as f64 && weight.fract() == 0.0;
    if weights.iter().all(whole) {
        return weights.iter().map(|weight| *weight as u128).collect();
    }
    let parts = |weight: f64| {
        let bits = weight.to_bits();
        let biased = (bits >> 52 & 0x7ff) as i32;
        let fraction = u128::from(bits & ((1 << 52) - 1));
        (if biased == 0 { fraction } else { fraction | 1 << 52 }, biased.max(1))
    };
    let largest = weights.iter().fold(0.0_f64, |largest, weight| largest.max(*weight));
    let unit = parts(largest).1 + 53 - BITS;
    let integer = |weight: &f64| {
        let (mantissa, exponent) = parts(*weight);
        match exponent - unit {
            up @ 0.. => mantissa << up,
            down @ -63.. => mantissa >> -down,
            _ => 0,
        }
    };
    weights.iter().map(integer).collect()
}

/// The nearest float.
#[inline]
pub(super) fn float(units: u128) -> f64 {
    // Nearly always so, and several times faster.
    if let Ok(small) = u64::try_from(units) { small as f64 } else { units as f64 }
}

/// An integer as a sum.
pub(super) fn exact(units: u128) -> ExactSum {
    let mut sum = ExactSum::default();
    for (half, shift) in [(units as u64, 1.0), ((units >> 64) as u64, 18_446_744_073_709_551_616.0)] {
        sum.add_times(shift, half);
    }
    sum
}

/// The product of an integer and a float, no bit of it rounded.
pub(super) fn times(units: u128, x: f64) -> ExactSum {
    exact(units).times_sum(&[x].into_iter().collect())
}

/// The quotient of two integers, rounded once. The divisor is not 0.
pub(super) fn ratio(part: u128, whole: u128) -> f64 {
    if whole <= 1 << 53 && part <= 1 << 53 {
        return float(part) / float(whole);
    }
    exact(part).divided_by(&exact(whole)).expect("a whole is not 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_weights_stay_as_they_are_and_others_share_a_unit() {
        assert_eq!(units(&[0.0, 1.0, 3.0]), [0, 1, 3]);
        let of = units(&[0.5, 0.1, 0.0, 1e-40]);
        assert_eq!(of[0], 1 << 89);
        assert_eq!((of[1] as f64) / (of[0] as f64), 0.2);
        assert_eq!((of[2], of[3]), (0, 0));
    }

    #[test]
    fn ratios_are_rounded_once() {
        assert_eq!(ratio(1, 3), 1.0 / 3.0);
        assert_eq!(ratio(1 << 100, 3 << 100), 1.0 / 3.0);
        assert_eq!(ratio((1 << 100) + 1, 1 << 100), 1.0);
        assert_eq!(ratio(0, 5), 0.0);
    }
}
