//! One grammar and one printer for numbers, in every format.
//!
//! A number is an optional sign, digits, optionally a point and digits, optionally an
//! exponent. No `inf`, `nan`, hexadecimal, underscores or spaces: whoever allows spaces
//! trims first.

use std::fmt;

/// The float that a text writes, correctly rounded; `None` if the text is no number, or too large.
///
/// −0 is 0.
pub fn parse_number(text: &str) -> Option<f64> {
    let decimal = Decimal::read(text.as_bytes())?;
    if let Some(x) = decimal.exact() {
        return Some(x);
    }
    // The standard library rounds any decimal correctly, and reads more than this grammar.
    let x: f64 = text.parse().expect("the grammar is part of the standard library's");
    x.is_finite().then_some(x + 0.0)
}

/// The integer that a text of a sign and digits writes; `None` if it is none or does not fit.
///
/// The smallest `i64` is refused: in columns it marks null.
pub fn parse_integer(text: &str) -> Option<i64> {
    let (negative, digits) = signed(text.as_bytes());
    if digits.is_empty() {
        return None;
    }
    let mut n = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n.checked_mul(10)?.checked_add(i64::from(digit))?;
    }
    Some(if negative { -n } else { n })
}

/// The shortest text that reads back as this float, as ECMAScript writes it.
///
/// # Panics
/// If the float is NaN or infinite, which no text writes.
pub fn print_number(x: f64) -> String {
    finite(x, &mut ryu_js::Buffer::new()).to_owned()
}

/// Writes what `print_number` gives.
///
/// # Panics
/// If the float is NaN or infinite, which no text writes.
pub fn write_number(out: &mut impl fmt::Write, x: f64) -> fmt::Result {
    out.write_str(finite(x, &mut ryu_js::Buffer::new()))
}

fn finite(x: f64, buffer: &mut ryu_js::Buffer) -> &str {
    assert!(x.is_finite(), "{x} is no number");
    buffer.format_finite(x + 0.0)
}

/// mantissa · 10^exponent, as far as a quick reading goes.
struct Decimal {
    negative: bool,
    /// Wrapped around if there are more than 19 digits.
    mantissa: u64,
    digits: usize,
    exponent: i64,
}

impl Decimal {
    /// Reads the grammar.
    #[inline]
    fn read(text: &[u8]) -> Option<Decimal> {
        let (negative, text) = signed(text);
        let (whole, rest) = read_digits(0, text);
        if whole.1 == 0 {
            return None;
        }
        let mut decimal = Decimal { negative, mantissa: whole.0, digits: whole.1, exponent: 0 };
        let rest = match rest {
            [b'.', fraction @ ..] => {
                let ((mantissa, digits), rest) = read_digits(decimal.mantissa, fraction);
                if digits == 0 {
                    return None;
                }
                decimal.mantissa = mantissa;
                decimal.digits += digits;
                decimal.exponent = -(digits as i64);
                rest
            }
            rest => rest,
        };
        match rest {
            [] => Some(decimal),
            [b'e' | b'E', exponent @ ..] => {
                let (below_one, exponent) = signed(exponent);
                let ((exponent, digits), rest) = read_digits(0, exponent);
                if digits == 0 || !rest.is_empty() {
                    return None;
                }
                // A longer exponent may have wrapped around: let the slow path see it.
                let exponent = if digits <= 9 { exponent as i64 } else { 1 << 32 };
                decimal.exponent += if below_one { -exponent } else { exponent };
                Some(decimal)
            }
            _ => None,
        }
    }

    /// The float, where one operation on exact floats gives it.
    ///
    /// Source: Clinger 1990, "How to read floating point numbers accurately".
    #[inline]
    fn exact(&self) -> Option<f64> {
        if self.digits > 19 || self.mantissa > 1 << 53 {
            return None;
        }
        let mantissa = self.mantissa as f64;
        let power = *POWERS.get(self.exponent.unsigned_abs() as usize)?;
        let x = if self.exponent < 0 { mantissa / power } else { mantissa * power };
        Some(if self.negative { 0.0 - x } else { x })
    }
}

/// The powers of ten that are floats.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Is there a minus, and what follows the sign?
#[inline]
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// Appends digits to a number; gives it and how many there were, and what follows.
#[inline]
fn read_digits(mut number: u64, text: &[u8]) -> ((u64, usize), &[u8]) {
    let mut digits = 0;
    while let Some(digit) = text.get(digits).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit <= 9) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        digits += 1;
    }
    ((number, digits), &text[digits..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: f64) {
        let found = parse_number(text);
        assert_eq!(found.map(f64::to_bits), Some(expected.to_bits()), "`{text}` is not {found:?}");
    }

    #[test]
    fn the_grammar_is_sign_digits_fraction_exponent() {
        check("0", 0.0);
        check("-0", 0.0);
        check("-0.00e5", 0.0);
        check("+1.5", 1.5);
        check("007", 7.0);
        check("0.1", 0.1);
        check("-12.5e-3", -0.0125);
        check("1E+2", 100.0);
        check("9007199254740993", 9_007_199_254_740_992.0);
        check("1.7976931348623157e308", f64::MAX);
        check("5e-324", f64::from_bits(1));
        check("1e-400", 0.0);
        check("-1e-99999999999", 0.0);
        check("0.1000000000000000055511151231257827021181583404541015625", 0.1);
        check("100000000000000000000000e-23", 1.0);
    }

    #[test]
    fn nothing_else_is_a_number() {
        for text in [
            "",
            "+",
            "-",
            ".",
            ".5",
            "5.",
            "1e",
            "1e+",
            "e5",
            "1.e5",
            "--1",
            "+-1",
            " 1",
            "1 ",
            "1_000",
            "1,5",
            "0x10",
            "inf",
            "-inf",
            "infinity",
            "nan",
            "NaN",
            "1f",
            "1e5.0",
            "١",
            "1e400",
            "-1e400",
            "1e99999999999",
            "1e18446744073709551617",
        ] {
            assert_eq!(parse_number(text), None, "`{text}`");
        }
    }

    #[test]
    fn integers_have_a_sign_and_digits_only() {
        assert_eq!(parse_integer("-0012"), Some(-12));
        assert_eq!(parse_integer("+5"), Some(5));
        assert_eq!(parse_integer("9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_integer("-9223372036854775807"), Some(-i64::MAX));
        for text in ["", "-", "+-1", "1.0", "1e3", " 1", "9223372036854775808", "-9223372036854775808", "1_0", "١"] {
            assert_eq!(parse_integer(text), None, "`{text}`");
        }
    }

    #[test]
    fn numbers_print_as_ecmascript_prints_them() {
        let check = |x: f64, expected: &str| assert_eq!(print_number(x), expected);
        check(0.0, "0");
        check(-0.0, "0");
        check(-1.0, "-1");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1e20, "100000000000000000000");
        check(1e21, "1e+21");
        check(1e-6, "0.000001");
        check(1e-7, "1e-7");
        check(f64::MAX, "1.7976931348623157e+308");
        check(f64::from_bits(1), "5e-324");
        check(f64::from(0.1_f32), "0.10000000149011612");
    }

    #[test]
    #[should_panic(expected = "NaN is no number")]
    fn nan_is_not_printed() {
        print_number(f64::NAN);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(x in any::<f64>().prop_filter("finite", |x| x.is_finite())) {
            let mut text = String::new();
            write_number(&mut text, x).expect("a string takes all");
            prop_assert_eq!(parse_number(&text).map(f64::to_bits), Some((x + 0.0).to_bits()));
        }

        #[test]
        fn decimals_are_read_as_the_standard_library_reads_them(text in "[+-]?[0-9]{1,22}(\\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?") {
            let expected: f64 = text.parse().expect("a number");
            let expected = Some(expected + 0.0).filter(|x| x.is_finite());
            prop_assert_eq!(parse_number(&text).map(f64::to_bits), expected.map(f64::to_bits));
        }

        #[test]
        fn integers_read_back(n: i64) {
            prop_assert_eq!(parse_integer(&n.to_string()), Some(n).filter(|n| *n != i64::MIN));
        }
    }
}
