//! Dates and times as they are written: ISO 8601, to the microsecond.

use jiff::civil;

use crate::Clock;

/// Days since 1970-01-01 as `2024-12-30`.
pub fn print_date(days: i32) -> String {
    date(days).map_or_else(|| format!("day {days}"), |date| date.to_string())
}

/// Microseconds since midnight as `13:45:00`, with a fraction when there is one.
pub fn print_time(micros: i64) -> String {
    civil::Time::midnight()
        .checked_add(jiff::SignedDuration::from_micros(micros))
        .map_or_else(|_| format!("{micros} µs"), |time| time.to_string())
}

/// Microseconds since the epoch as `2024-12-30T13:45:00`, with a `Z` for instants.
pub fn print_datetime(clock: Clock, micros: i64) -> String {
    let suffix = if clock == Clock::Instant { "Z" } else { "" };
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(at) => format!("{}{suffix}", jiff::tz::Offset::UTC.to_datetime(at)),
        Err(_) => format!("{micros} µs"),
    }
}

/// The day that is so many days after 1970-01-01; None beyond the calendar's range.
pub fn date(days: i32) -> Option<civil::Date> {
    civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}
