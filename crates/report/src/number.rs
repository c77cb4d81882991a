//! Numbers as people read them.
//!
//! Digits come from `core`'s exact decimal conversion and the order of magnitude from its
//! exponent, so that no logarithm is needed and the text is the same on every host.

/// At most four significant digits, whole below ten million, thousands apart: `23,147`, `0.8312`.
pub(crate) fn human(x: f64) -> String {
    if !x.is_finite() {
        return "–".to_owned();
    }
    let size = x.abs();
    let text = match magnitude(size) {
        _ if size == 0.0 => "0".to_owned(),
        exponent @ (..-4 | 15..) => scientific(size, exponent),
        12.. => format!("{} trillion", significant(size / 1e12)),
        9.. => format!("{} billion", significant(size / 1e9)),
        7.. => format!("{} million", significant(size / 1e6)),
        3.. => thousands(&format!("{size:.0}")),
        _ => significant(size),
    };
    signed(x < 0.0, &text)
}

/// How many: every digit, thousands apart.
pub(crate) fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// How many of what: `1 row`, `2 rows`.
pub(crate) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A share as a percentage: `87.1%`, and never 0% or 100% unless it is.
pub(crate) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "–".to_owned();
    }
    let (size, negative) = (share.abs(), share < 0.0);
    let text = match size * 100.0 {
        0.0 => "0%".to_owned(),
        p if p < 0.05 => return format!("{}0.1%", if negative { "> −" } else { "< " }),
        p if p > 99.9 && p < 100.0 => return format!("{}99.9%", if negative { "< −" } else { "> " }),
        p if p >= 1000.0 => format!("{}%", human(p)),
        p => format!("{}%", trimmed(format!("{p:.1}"))),
    };
    signed(negative, &text)
}

/// A part of a whole as a share; 0 of nothing is 0.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A column's number as its kind prints it.
pub(crate) fn cell(kind: &str, x: f64) -> String {
    const MICROS_A_DAY: f64 = 86_400e6;
    match kind {
        _ if !x.is_finite() => "–".to_owned(),
        "date" => date(x),
        "time" => time(x),
        "datetime" => {
            let day = (x / MICROS_A_DAY).floor();
            format!("{} {}", date(day), time(x - day * MICROS_A_DAY))
        }
        _ => human(x),
    }
}

/// The power of ten of the leading digit, once rounded to four digits.
pub(crate) fn magnitude(x: f64) -> i32 {
    let text = format!("{x:.3e}");
    text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// The labels of an axis' ticks, all in the same unit with the same decimals.
///
/// Ticks are `n`-fold multiples of a step of `units` × 10^`exponent`.
pub(crate) fn ticks(multiples: &[i64], units: i64, exponent: i32) -> Vec<String> {
    let value = |n: i64| format!("{}e{exponent}", n * units).parse::<f64>().unwrap_or(0.0);
    let largest = multiples.iter().map(|n| value(*n).abs()).fold(0.0, f64::max);
    let (power, suffix) = match magnitude(largest) {
        12.. | ..=-5 => {
            let text = |n: i64| match value(n) {
                0.0 => "0".to_owned(),
                x => signed(x < 0.0, &scientific(x.abs(), magnitude(x))),
            };
            return multiples.iter().map(|n| text(*n)).collect();
        }
        9.. => (9, " bn"),
        6.. => (6, "M"),
        4.. => (3, "k"),
        _ => (0, ""),
    };
    let decimals = (power - exponent).max(0) as usize;
    let text = |n: i64| {
        let x = format!("{}e{}", n * units, exponent - power).parse::<f64>().unwrap_or(0.0);
        let digits = thousands(&format!("{:.decimals$}", x.abs()));
        let suffix = if n == 0 { "" } else { suffix };
        signed(n < 0, &format!("{}{suffix}", if n == 0 { "0" } else { &digits }))
    };
    multiples.iter().map(|n| text(*n)).collect()
}

fn signed(negative: bool, text: &str) -> String {
    if negative { format!("−{text}") } else { text.to_owned() }
}

fn significant(size: f64) -> String {
    let decimals = (3 - magnitude(size)).max(0) as usize;
    trimmed(format!("{size:.decimals$}"))
}

fn scientific(size: f64, exponent: i32) -> String {
    let text = format!("{size:.3e}");
    let mantissa = trimmed(text.split('e').next().unwrap_or_default().to_owned());
    let raised = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + (digit as u32 - '0' as u32)).unwrap_or(digit),
    };
    format!("{mantissa}×10{}", exponent.to_string().chars().map(raised).collect::<String>())
}

fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Four digits stay together: many are years.
fn thousands(text: &str) -> String {
    let digits = text.split_once('.').map_or(text, |(whole, _)| whole).len();
    if digits > 4 { grouped(text) } else { text.to_owned() }
}

fn grouped(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// Days since 1970-01-01 as `2024-12-30`.
/// Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
fn date(days: f64) -> String {
    if days.abs() > 4e6 {
        return format!("day {}", human(days));
    }
    let z = days.round() as i64 + 719_468;
    let (era, day_of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (month, day) = ((shifted + 2) % 12 + 1, day_of_year - (153 * shifted + 2) / 5 + 1);
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Microseconds since midnight as `13:45`, with seconds if there are any.
fn time(micros: f64) -> String {
    let seconds = (micros / 1e6).floor() as i64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if seconds == 0 { format!("{hours:02}:{minutes:02}") } else { format!("{hours:02}:{minutes:02}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        let check = |x: f64, text: &str| assert_eq!(human(x), text);
        check(0.0, "0");
        check(-0.0, "0");
        check(0.871249, "0.8712");
        check(-0.5, "−0.5");
        check(0.00012345, "0.0001234");
        check(0.0000831, "8.31×10⁻⁵");
        check(3.0, "3");
        check(34.567, "34.57");
        check(999.96, "1000");
        check(1996.4, "1996");
        check(23147.22, "23,147");
        check(-1234567.0, "−1,234,567");
        check(12_345_678.0, "12.35 million");
        check(4.2e9, "4.2 billion");
        check(1e15, "1×10¹⁵");
        check(6.02214e23, "6.022×10²³");
        check(f64::NAN, "–");
        check(f64::INFINITY, "–");
        check(5e-324, "4.941×10⁻³²⁴");
    }

    #[test]
    fn percentages_are_never_rounded_to_none_or_all() {
        let check = |x: f64, text: &str| assert_eq!(percent(x), text);
        check(0.0, "0%");
        check(0.00001, "< 0.1%");
        check(0.0831, "8.3%");
        check(0.5, "50%");
        check(0.99999, "> 99.9%");
        check(1.0, "100%");
        check(-0.25, "−25%");
        check(20.0, "2000%");
        check(f64::NAN, "–");
    }

    #[test]
    fn cells_read_as_their_kind() {
        let check = |kind: &str, x: f64, text: &str| assert_eq!(cell(kind, x), text);
        check("integer", 2010.0, "2010");
        check("integer", 12010.0, "12,010");
        check("date", 0.0, "1970-01-01");
        check("date", 20_087.0, "2024-12-30");
        check("date", -1.0, "1969-12-31");
        check("date", -719_468.0, "0000-03-01");
        check("time", 49_500e6, "13:45");
        check("datetime", 20_087.0 * 86_400e6 + 49_501e6, "2024-12-30 13:45:01");
        check("datetime", 20_087.0 * 86_400e6 + 86_399_999_999.0, "2024-12-30 23:59:59");
        check("datetime", f64::NAN, "–");
        check("number", 1.5, "1.5");
    }

    #[test]
    fn ticks_of_an_axis_share_unit_and_decimals() {
        let check = |multiples: &[i64], units, exponent, labels: &[&str]| {
            assert_eq!(ticks(multiples, units, exponent), labels);
        };
        check(&[0, 1, 2], 2, -1, &["0", "0.2", "0.4"]);
        check(&[0, 1, 2, 3], 5, -1, &["0", "0.5", "1.0", "1.5"]);
        check(&[-1, 0, 1], 2, 5, &["−200k", "0", "200k"]);
        check(&[2, 3], 1, 3, &["2000", "3000"]);
        check(&[1, 2], 5, 5, &["0.5M", "1.0M"]);
        check(&[0, 1], 1, 20, &["0", "1×10²⁰"]);
        check(&[0, 1], 1, -9, &["0", "1×10⁻⁹"]);
    }
}
