//! Text cells to typed cells: one grammar, whatever file or request the text comes from.
//!
//! Spaces around numbers, booleans, dates and times are no part of them; in strings they are.

use evenstep_exact::number::{parse_integer, parse_number};
use jiff::fmt::strtime::{self, BrokenDownTime};

use crate::{Clock, Kind, calendar, iso};

/// A finite number, correctly rounded: an optional sign, digits, a point and digits, an exponent.
#[inline]
pub fn number(text: &str) -> Option<f64> {
    number_of(text, short_decimal(text.as_bytes()))
}

/// The number of a text that has been tried as a decimal.
#[inline]
pub(crate) fn number_of(text: &str, decimal: Option<Decimal>) -> Option<f64> {
    match decimal {
        Some(decimal) => Some(decimal.value()),
        None => parse_number(text.trim_ascii()),
    }
}

/// An integer: its digits, or a number without a fraction, such as `1.0` or `1e3`.
#[inline]
pub fn integer(text: &str) -> Option<i64> {
    integer_of(text, short_decimal(text.as_bytes()))
}

/// The integer of a text that has been tried as a decimal.
#[inline]
pub(crate) fn integer_of(text: &str, decimal: Option<Decimal>) -> Option<i64> {
    match decimal {
        Some(Decimal { negative, digits, places: 0 }) => Some(if negative { -(digits as i64) } else { digits as i64 }),
        Some(decimal) => whole(decimal.value()),
        None => {
            let text = text.trim_ascii();
            let only_digits = !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
            // Written with a point or an exponent it is a float, as it is in other formats.
            if only_digits { parse_integer(text) } else { whole(parse_number(text)?) }
        }
    }
}

/// The number as an integer, if it has no fraction and fits.
#[inline]
pub fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.trunc() == number && number < LIMIT && number > -LIMIT).then_some(number as i64)
}

/// Whether no other integer has the same float: those below 2⁵³ have their own.
#[inline]
pub fn is_sure(whole: f64) -> bool {
    whole.abs() < 9_007_199_254_740_992.0
}

/// `true` or `false`, also `True`, `TRUE`, `False`, `FALSE`; nothing else.
#[inline]
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ if text.len() != text.trim_ascii().len() => boolean(text.trim_ascii()),
        _ => None,
    }
}

/// A date, time or datetime as the column stores it, written in ISO 8601 or in `format`.
#[inline]
pub fn moment(kind: Kind, format: Option<&str>, text: &str) -> Option<i64> {
    let cell = match format {
        None => iso::parse_as(kind, text).or_else(|| {
            let trimmed = text.trim_ascii();
            if trimmed.len() < text.len() { iso::parse_as(kind, trimmed) } else { None }
        }),
        Some(format) => {
            let parts = strtime::parse(format, text.trim_ascii()).ok()?;
            if has_short_year(&parts, text) {
                return None;
            }
            cell(kind, &parts)
        }
    };
    // An offset may lead beyond the calendar.
    cell.filter(|cell| match kind {
        Kind::Date => calendar::has_day(*cell),
        Kind::Datetime(_) => calendar::has_moment(*cell),
        _ => true,
    })
}

/// Whether the text is none in that format for its year alone, which has fewer than four digits.
pub(crate) fn lacks_digits_of_year(format: &str, text: &str) -> bool {
    strtime::parse(format, text.trim_ascii()).is_ok_and(|parts| has_short_year(&parts, text))
}

/// `%Y` would read 24 as the year 24. ISO 8601 and Python's `strptime` ask for four digits, too.
fn has_short_year(parts: &BrokenDownTime, text: &str) -> bool {
    let year = parts.year().or_else(|| parts.iso_week_year());
    year.is_some_and(|year| year < 1000 && !text.contains(&format!("{year:04}")))
}

/// A decimal of at most 15 digits: what most cells are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    pub(crate) negative: bool,
    /// All digits, without the point; below 10¹⁵.
    pub(crate) digits: u64,
    /// How many of them follow the point.
    pub(crate) places: usize,
}

impl Decimal {
    /// Digits and power of ten are exact floats, so their quotient is rounded once, correctly.
    // Clinger 1990, "How to read floating point numbers accurately", the fast path.
    #[inline]
    pub(crate) fn value(self) -> f64 {
        const POWERS: [f64; 16] =
            [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
        let magnitude = self.digits as f64 / POWERS[self.places];
        if self.negative { 0.0 - magnitude } else { magnitude }
    }
}

/// The decimal that the bytes write, when they have no exponent, plus sign or spaces, and at most 15 digits.
#[inline]
pub(crate) fn short_decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let (mut digits, mut point) = (0u64, None);
    for (place, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            digits = digits * 10 + u64::from(digit);
        } else if *byte == b'.' && point.is_none() {
            point = Some(place);
        } else {
            return None;
        }
    }
    let places = match point {
        None if text.len() <= 15 => 0,
        None => return None,
        Some(0) => return None,
        Some(place) => text.len() - place - 1,
    };
    (point.is_none() || places > 0).then_some(Decimal { negative, digits, places })
}

/// Whether datetimes written in this format are instants: it has an offset or counts from the epoch.
pub fn format_clock(format: &str) -> Clock {
    let mut directive = false;
    for character in format.chars() {
        match character {
            '%' => directive = !directive,
            'z' | 'Q' | 's' | 'Z' if directive => return Clock::Instant,
            ':' | '-' | '_' | '^' | '.' | '0'..='9' if directive => {}
            _ => directive = false,
        }
    }
    Clock::Civil
}

/// Refuses a format that cannot be read, or that lacks a part of what the column holds: what it writes reads back the same.
pub(crate) fn check_format(kind: Kind, format: &str) -> Result<(), String> {
    // A format of months gives their first day. Half of a clock can't tell the afternoon.
    let day = jiff::civil::date(2001, 12, 1);
    let sample =
        |hour| jiff::tz::TimeZone::UTC.to_zoned_datetime(day.at(hour, 0, 0, 0)).expect("UTC has every time of day");
    let write = |hour| strtime::format(format, &sample(hour));
    let check = || {
        let hour = match kind {
            Kind::Date => 0,
            // One that tells days alone gives their midnights, as ISO 8601 does.
            Kind::Datetime(_) if write(0)? == write(16)? => 0,
            _ => 16,
        };
        let read = strtime::parse(format, write(hour)?)?;
        Ok(cell(kind, &read).is_some_and(|read| Some(read) == cell(kind, &(&sample(hour)).into())))
    };
    match check() {
        Err::<_, jiff::Error>(error) => Err(format!("`{format}` is no format: {error}")),
        Ok(false) => Err(format!("the format `{format}` does not give a whole {}", kind.word())),
        Ok(true) => Ok(()),
    }
}

/// The date that the parts tell: of a month alone its first day.
fn date_of(parts: &BrokenDownTime) -> Option<jiff::civil::Date> {
    let of_month = || jiff::civil::Date::new(parts.year()?, parts.month()?, 1).ok();
    let tells_day = parts.day().is_some() || parts.day_of_year().is_some() || parts.weekday().is_some();
    if tells_day { parts.to_date().ok() } else { parts.to_date().ok().or_else(of_month) }
}

/// The parts that a format found as the column stores them; nothing finer than a microsecond.
fn cell(kind: Kind, parts: &BrokenDownTime) -> Option<i64> {
    let exact = |nanos: i128| (nanos % 1000 == 0).then(|| i64::try_from(nanos / 1000).ok()).flatten();
    match kind {
        Kind::Date => {
            let date = date_of(parts)?;
            if parts.to_time().is_ok_and(|time| time != jiff::civil::Time::midnight()) {
                return None;
            }
            Some(date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days().into())
        }
        Kind::Time => exact(parts.to_time().ok()?.duration_since(jiff::civil::Time::midnight()).as_nanos()),
        Kind::Datetime(Clock::Civil) => {
            let datetime = parts.to_datetime().ok()?;
            exact(datetime.duration_since(jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0)).as_nanos())
        }
        Kind::Datetime(Clock::Instant) => exact(parts.to_timestamp().ok()?.as_nanosecond()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_follow_one_grammar() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(number(text).map(f64::to_bits), expected.map(f64::to_bits), "{text}");
        };
        check("1", Some(1.0));
        check(" -1.5 ", Some(-1.5));
        check("-0", Some(0.0));
        check("-0.00", Some(0.0));
        check("+2", Some(2.0));
        check("1e3", Some(1000.0));
        check("0.1", Some(0.1));
        check("123456789012345.6", Some(123_456_789_012_345.6));
        check("9007199254740993", Some(9_007_199_254_740_992.0));
        for text in
            ["", " ", "1e400", "inf", "-inf", "nan", "NaN", "0x10", "1_000", "1,5", ".5", "5.", "1.2.3", "--1", "."]
        {
            check(text, None);
        }
    }

    #[test]
    fn integers_may_be_written_with_an_empty_fraction() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(integer(text), expected, "{text}");
        check("7", Some(7));
        check("-7", Some(-7));
        check("007", Some(7));
        check("1.0", Some(1));
        check("1e3", Some(1000));
        check("-0.0", Some(0));
        check("9007199254740993", Some(9_007_199_254_740_993));
        check("9223372036854775807", Some(i64::MAX));
        for (text, expected) in [
            // A float is the nearest that there is.
            ("9007199254740993.0", 9_007_199_254_740_992),
            (" +9007199254740993.000", 9_007_199_254_740_992),
            ("-90071992547409930E-1", -9_007_199_254_740_992),
            ("1.9588562608159738e17", 195_885_626_081_597_376),
            ("1e18", 1_000_000_000_000_000_000),
            ("0.0000000000000000000e5", 0),
            ("100000000000000000000e-2", 1_000_000_000_000_000_000),
        ] {
            check(text, Some(expected));
        }
        for text in ["9223372036854775807.0", "15e-1", "1e19", "1e99999999999", "9223372036854775808.0"] {
            check(text, None);
        }
        for text in ["9223372036854775808", "-9223372036854775808", "1.5", "1e30", "", "true"] {
            check(text, None);
        }
    }

    #[test]
    fn booleans_are_words_in_three_cases() {
        for (text, expected) in [("true", true), ("True", true), ("TRUE", true), (" false", false), ("FALSE", false)] {
            assert_eq!(boolean(text), Some(expected));
        }
        for text in ["", "1", "0", "yes", "t", "tRUE"] {
            assert_eq!(boolean(text), None);
        }
    }

    #[test]
    fn formats_read_dates_that_iso_does_not_write() {
        let check = |kind, format, text, expected| assert_eq!(moment(kind, Some(format), text), expected, "{text}");
        check(Kind::Date, "%d.%m.%Y", "30.12.2024", Some(20_087));
        check(Kind::Date, "%d.%m.%Y", "2024-12-30", None);
        check(Kind::Time, "%I:%M %p", "01:30 PM", Some(13 * 3_600_000_000 + 30 * 60_000_000));
        check(Kind::Datetime(Clock::Civil), "%d.%m.%Y %H:%M", "01.01.1970 00:01", Some(60_000_000));
        let last = iso::parse_as(Kind::Datetime(Clock::Civil), "9999-12-31T23:59");
        check(Kind::Datetime(Clock::Civil), "%d.%m.%Y %H:%M", "31.12.9999 23:59", last);
        check(Kind::Datetime(Clock::Instant), "%d.%m.%Y %H:%M %z", "01.01.1970 02:00 +0200", Some(0));
        for (format, short) in
            [("%d.%m.%Y", "01.02.24"), ("%d.%m.%Y", "01.02.7"), ("%Y-%m-%d", "24-01-05"), ("%Y/%m", "24/01")]
        {
            check(Kind::Date, format, short, None);
            assert!(lacks_digits_of_year(format, short), "{short}");
        }
        check(Kind::Datetime(Clock::Civil), "%d.%m.%Y %H:%M", "01.02.24 00:01", None);
        check(Kind::Date, "%d.%m.%y", "30.12.24", Some(20_087));
        check(Kind::Date, "%d.%m.%Y", "01.01.0024", iso::parse_as(Kind::Date, "0024-01-01"));
        assert!(!lacks_digits_of_year("%d.%m.%Y", "2024-12-30"));
        assert_eq!(format_clock("%Y %H:%M %:z"), Clock::Instant);
        assert_eq!(format_clock("%Y %%z"), Clock::Civil);
    }

    #[test]
    fn a_format_gives_all_that_the_column_holds() {
        let civil = Kind::Datetime(Clock::Civil);
        for (kind, format) in [
            (Kind::Date, "%d.%m.%Y"),
            (Kind::Date, "%m/%y"),
            (Kind::Date, "%m/%d/%Y %I:%M %p"),
            (Kind::Date, "%G-W%V-%u"),
            (Kind::Time, "%H:%M:%S%.f"),
            (Kind::Time, "%H"),
            (Kind::Time, "%I:%M %p"),
            (civil, "%d.%m.%Y %H"),
            (civil, "%d.%m.%Y"),
            (Kind::Datetime(Clock::Instant), "%Y-%m-%d %H:%M %z"),
            (Kind::Datetime(Clock::Instant), "%s"),
        ] {
            assert_eq!(check_format(kind, format), Ok(()), "{format}");
        }
        let check = |kind, format| check_format(kind, format).expect_err(format);
        insta::assert_snapshot!(check(Kind::Date, "%d.%m"), @"the format `%d.%m` does not give a whole date");
        insta::assert_snapshot!(check(Kind::Time, "%d.%m.%Y"), @"the format `%d.%m.%Y` does not give a whole time");
        insta::assert_snapshot!(check(Kind::Time, "%I:%M"), @"the format `%I:%M` does not give a whole time");
        for (kind, format) in [
            (Kind::Date, "%H:%M"),
            (Kind::Date, "%Y"),
            (Kind::Date, "%d.%m.%Y %I:%M"),
            (Kind::Time, "%d"),
            (Kind::Time, "%p"),
            (civil, "%d.%m.%Y %I:%M"),
            (civil, "%d.%m.%Y %p"),
            (civil, "%d.%m.%Y %M"),
            (civil, "%Y-%m"),
            (civil, "%H:%M"),
        ] {
            assert!(
                check(kind, format).contains("does not give a whole") || check(kind, format).contains("is no format"),
                "{format}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_fast_path_gives_what_the_grammar_gives(text in "-?[0-9]{0,17}(\\.[0-9]{0,17})?") {
            if let Some(decimal) = short_decimal(text.as_bytes()) {
                prop_assert_eq!(Some(decimal.value().to_bits()), parse_number(&text).map(f64::to_bits));
            }
        }
    }
}
