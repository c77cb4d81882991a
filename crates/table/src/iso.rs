//! Dates and times as ISO 8601 writes them: `2024-12-30`, `13:45:00.25`, and both joined by `T` or a space.
//!
//! Years have four digits. Minutes are needed, seconds are not. Digits beyond the microsecond
//! must be zero, as nothing is rounded. `Z` or an offset (`+02:00`, `+0200`, `+02`) makes an instant.

use crate::{Clock, Kind, calendar};

/// Microseconds in a day.
pub const DAY: i64 = 86_400_000_000;

/// What a text writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Iso {
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01T00:00 on the wall.
    Civil(i64),
    /// Microseconds since 1970-01-01T00:00 in UTC.
    Instant(i64),
}

/// The date or time that the text writes, if it is one in ISO 8601, to the microsecond.
#[inline]
pub fn parse(text: &str) -> Option<Iso> {
    parse_cut(text).and_then(|(iso, exact)| exact.then_some(iso))
}

/// The same with digits beyond the microsecond cut off; false if one of them wasn't zero.
pub(crate) fn parse_cut(text: &str) -> Option<(Iso, bool)> {
    let bytes = text.as_bytes();
    if bytes.get(2) == Some(&b':') {
        return match time(bytes)? {
            (micros, exact, []) => Some((Iso::Time(micros), exact)),
            _ => None,
        };
    }
    if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = two(&bytes[0..2])? * 100 + two(&bytes[2..4])?;
    let days = day_number(year, two(&bytes[5..7])?, two(&bytes[8..10])?)?;
    let [joint, rest @ ..] = &bytes[10..] else { return Some((Iso::Date(days), true)) };
    if !matches!(joint, b'T' | b't' | b' ') {
        return None;
    }
    let (micros, exact, rest) = time(rest)?;
    let civil = i64::from(days) * DAY + micros;
    let iso = match rest {
        [] => Some(Iso::Civil(civil)),
        [b'Z' | b'z'] => Some(Iso::Instant(civil)),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let minutes = match rest {
                [_, _] => two(rest)? * 60,
                [a, b, c, d] | [a, b, b':', c, d] => two(&[*a, *b])? * 60 + sixtieth(&[*c, *d])?,
                _ => return None,
            };
            let offset = i64::from(minutes) * 60_000_000;
            (offset < DAY).then(|| Iso::Instant(if *sign == b'+' { civil - offset } else { civil + offset }))
        }
        _ => None,
    };
    iso.map(|iso| (iso, exact))
}

/// The cell that the text writes in a column of that kind: days for a date, else microseconds.
///
/// A day is also a civil datetime, and a civil midnight is also a day.
pub fn parse_as(kind: Kind, text: &str) -> Option<i64> {
    match (kind, parse(text)?) {
        (Kind::Date, Iso::Date(days)) => Some(days.into()),
        (Kind::Date, Iso::Civil(micros)) => (micros.rem_euclid(DAY) == 0).then(|| micros.div_euclid(DAY)),
        (Kind::Time, Iso::Time(micros)) => Some(micros),
        (Kind::Datetime(Clock::Civil), Iso::Civil(micros)) => Some(micros),
        (Kind::Datetime(Clock::Civil), Iso::Date(days)) => Some(i64::from(days) * DAY),
        (Kind::Datetime(Clock::Instant), Iso::Instant(micros)) => Some(micros),
        _ => None,
    }
}

/// The canonical text of what `parse_as` gives.
pub fn print_as(kind: Kind, cell: i64) -> String {
    match kind {
        Kind::Date => calendar::print_date(cell as i32),
        Kind::Datetime(clock) => calendar::print_datetime(clock, cell),
        _ => calendar::print_time(cell),
    }
}

/// A time of day, whether all its digits are in it, and what follows.
fn time(bytes: &[u8]) -> Option<(i64, bool, &[u8])> {
    let (&[h0, h1, b':', m0, m1], mut rest) = bytes.split_first_chunk::<5>()? else { return None };
    let hour = two(&[h0, h1]).filter(|hour| *hour < 24)?;
    let mut seconds = i64::from(hour * 60 + sixtieth(&[m0, m1])?) * 60;
    let (mut micros, mut exact) = (0, true);
    if let [b':', s0, s1, after @ ..] = rest {
        seconds += i64::from(sixtieth(&[*s0, *s1])?);
        rest = after;
        if let [b'.' | b',', fraction @ ..] = after {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            exact = fraction[digits.min(6)..digits].iter().all(|digit| *digit == b'0');
            let zeros = std::iter::repeat(&b'0');
            for digit in fraction[..digits].iter().chain(zeros).take(6) {
                micros = micros * 10 + i64::from(digit - b'0');
            }
            rest = &fraction[digits..];
        }
    }
    Some((seconds * 1_000_000 + micros, exact, rest))
}

fn two(digits: &[u8]) -> Option<i32> {
    let (tens, ones) = (digits[0].wrapping_sub(b'0'), digits[1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i32::from(tens) * 10 + i32::from(ones))
}

fn sixtieth(digits: &[u8; 2]) -> Option<i32> {
    two(digits).filter(|n| *n < 60)
}

/// Days since 1970-01-01 of a day of the Gregorian calendar, extended backwards.
// Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil.
fn day_number(year: i32, month: i32, day: i32) -> Option<i32> {
    const LENGTHS: [i32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = LENGTHS.get(usize::try_from(month - 1).ok()?)? + i32::from(leap && month == 2);
    if day < 1 || day > length {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<Iso>) {
        assert_eq!(parse(text), expected, "{text}");
    }

    #[test]
    fn days_times_and_both_are_read() {
        check("1970-01-01", Some(Iso::Date(0)));
        check("2024-12-30", Some(Iso::Date(20_087)));
        check("00:00", Some(Iso::Time(0)));
        check("23:59:59.999999", Some(Iso::Time(DAY - 1)));
        check("1970-01-02T00:00", Some(Iso::Civil(DAY)));
        check("1970-01-01 00:00:01.5", Some(Iso::Civil(1_500_000)));
        check("1970-01-01T00:00:00.123456000", Some(Iso::Civil(123_456)));
        check("1970-01-01T02:00:00+02:00", Some(Iso::Instant(0)));
        check("1970-01-01T02:00:00+0200", Some(Iso::Instant(0)));
        check("1969-12-31T22:30:00-01:30", Some(Iso::Instant(0)));
        check("1970-01-01T00:00:00z", Some(Iso::Instant(0)));
    }

    #[test]
    fn what_only_looks_like_a_date_is_none() {
        for text in [
            "",
            "2024",
            "2024-13-01",
            "2023-02-29",
            "1900-02-29",
            "2024-1-1",
            "20241230",
            "01/02/2024",
            "24:00",
            "12:60",
            "1970-01-01T00:00:60",
            "1970-01-01T00:00:00.1234567",
            "1970-01-01T",
            "1970-01-01T00:00:00+",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00 Z",
            "1970-01-01X00:00",
            "12:30:",
            "12:30:00.",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn every_day_agrees_with_the_calendar() {
        let mut day = jiff::civil::date(1, 1, 1);
        for _ in 0..9_000 {
            let days = day.since(jiff::civil::date(1970, 1, 1)).expect("in range").get_days();
            check(&day.to_string(), Some(Iso::Date(days)));
            let Ok(next) = day.checked_add(jiff::Span::new().days(401)) else { break };
            day = next;
        }
    }
}
