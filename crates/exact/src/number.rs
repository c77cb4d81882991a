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
    if !is_number(text.as_bytes()) {
        return None;
    }
    let x: f64 = text.parse().ok()?;
    x.is_finite().then_some(x + 0.0)
}

/// The integer that a text of a sign and digits writes; `None` if it is none or does not fit.
///
/// The smallest `i64` is refused: in columns it marks null.
pub fn parse_integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|n| *n != i64::MIN)
}

/// The shortest text that reads back as this float, as ECMAScript writes it.
pub fn print_number(x: f64) -> String {
    ryu_js::Buffer::new().format(x).to_owned()
}

/// Writes what `print_number` gives.
pub fn write_number(out: &mut impl fmt::Write, x: f64) -> fmt::Result {
    out.write_str(ryu_js::Buffer::new().format(x))
}

fn is_number(text: &[u8]) -> bool {
    let text = text
        .strip_prefix(b"+")
        .or(text.strip_prefix(b"-"))
        .unwrap_or(text);
    let Some(text) = after_digits(text) else {
        return false;
    };
    let text = match text.strip_prefix(b".") {
        Some(fraction) => match after_digits(fraction) {
            Some(text) => text,
            None => return false,
        },
        None => text,
    };
    match text.strip_prefix(b"e").or(text.strip_prefix(b"E")) {
        Some(exponent) => {
            let digits = exponent
                .strip_prefix(b"+")
                .or(exponent.strip_prefix(b"-"))
                .unwrap_or(exponent);
            after_digits(digits).is_some_and(<[u8]>::is_empty)
        }
        None => text.is_empty(),
    }
}

/// What follows one or more digits.
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits > 0).then(|| &text[digits..])
}
