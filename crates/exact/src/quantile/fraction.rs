//! What a probability written as a float stands for.

/// numerator / denominator, in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) numerator: u64,
    pub(super) denominator: u64,
}

impl Fraction {
    /// The simplest fraction that rounds to `p`: 0.1 is 1/10 and 1.0 / 3.0 is 1/3.
    ///
    /// So a tenth of 10 rows is one row, although the float 0.1 is more than a tenth.
    /// Below 2^−62, a share that no number of rows resolves, it is 0.
    pub(super) fn of(p: f64) -> Fraction {
        assert!((0.0..=1.0).contains(&p), "a probability lies in [0, 1], not {p}");
        if p < 2.0_f64.recip() / (1_u64 << 61) as f64 {
            return Fraction { numerator: 0, denominator: 1 };
        }
        let exponent = 1076 - (p.to_bits() >> 52) as u32;
        let mantissa = u128::from(p.to_bits() & ((1 << 52) - 1) | 1 << 52);
        let unit = 1_u128 << exponent;
        let (numerator, denominator) = simplest((2 * mantissa - 1, unit), (2 * mantissa + 1, unit));
        let fits = "a fraction near a float has no large terms";
        Fraction {
            numerator: u64::try_from(numerator).expect(fits),
            denominator: u64::try_from(denominator).expect(fits),
        }
    }
}

/// The fraction with the smallest terms between two, by continued fractions.
fn simplest(low: (u128, u128), high: (u128, u128)) -> (u128, u128) {
    let whole = low.0 / low.1;
    if low.0.is_multiple_of(low.1) {
        return (whole, 1);
    }
    if whole < high.0 / high.1 {
        return (whole + 1, 1);
    }
    let (a, b) = simplest((high.1, high.0 % high.1), (low.1, low.0 % low.1));
    (whole * a + b, a)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(p: f64, numerator: u64, denominator: u64) {
        assert_eq!(Fraction::of(p), Fraction { numerator, denominator }, "{p}");
    }

    #[test]
    fn a_float_stands_for_the_simplest_fraction() {
        check(0.0, 0, 1);
        check(1.0, 1, 1);
        check(0.5, 1, 2);
        check(0.1, 1, 10);
        check(0.07, 7, 100);
        check(0.999, 999, 1000);
        check(1.0 / 3.0, 1, 3);
        check(254.0 / 255.0, 254, 255);
        check(1e-9, 1, 1_000_000_000);
        check(1.0 - f64::EPSILON / 2.0, 6_004_799_503_160_661, 6_004_799_503_160_662);
        check(f64::MIN_POSITIVE, 0, 1);
    }

    proptest! {
        #[test]
        fn small_fractions_come_back(a in 0..1_000_000_u64, b in 1..1_000_000_u64) {
            let (a, b) = (a.min(b), a.max(b));
            let Fraction { numerator, denominator } = Fraction::of(a as f64 / b as f64);
            prop_assert_eq!(u128::from(numerator) * u128::from(b), u128::from(denominator) * u128::from(a));
        }

        #[test]
        fn the_fraction_rounds_to_the_float(p in 1e-6..1.0) {
            let Fraction { numerator, denominator } = Fraction::of(p);
            prop_assert!(denominator < 1 << 53);
            prop_assert_eq!(numerator as f64 / denominator as f64, p);
        }

        #[test]
        fn small_floats_have_fractions_too(p in 1e-18..1e-6) {
            let Fraction { numerator, denominator } = Fraction::of(p);
            prop_assert!((numerator as f64 / denominator as f64 / p - 1.0).abs() < 1e-15);
        }
    }
}
