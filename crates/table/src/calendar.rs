//! Dates and times as they are written: ISO 8601, to the microsecond.

use jiff::civil;
use jiff::tz::TimeZone;

use crate::Clock;
pub use crate::iso::DAY;

/// The calendar's days, by how many after 1970-01-01 they are: of the years 0000 to 9999, which ISO 8601 writes.
const DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// Whether the calendar has the day that is so many days after 1970-01-01.
pub(crate) fn has_day(days: i64) -> bool {
    DAYS.contains(&days)
}

/// Whether the calendar has what is so many microseconds after the start of 1970.
pub(crate) fn has_moment(micros: i64) -> bool {
    has_day(micros.div_euclid(DAY))
}

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
    datetime(micros).map_or_else(|| format!("{micros} µs"), |at| format!("{at}{suffix}"))
}

/// Whether there is a time zone of that name.
pub fn is_zone(zone: &str) -> bool {
    TimeZone::get(zone).is_ok()
}

/// What clocks in a zone show at an instant, both in microseconds; None beyond the calendar's range, or without such a zone.
pub fn shown_at(zone: &str, instant: i64) -> Option<i64> {
    let at = jiff::Timestamp::from_microsecond(instant).ok()?;
    let shown = TimeZone::get(zone).ok()?.to_datetime(at);
    Some(TimeZone::UTC.to_timestamp(shown).ok()?.as_microsecond())
}

/// The instant at which clocks in a zone show that, both in microseconds; where they show it twice the earlier, where they
/// never do what they would have been at without the jump. None beyond the calendar's range, or without such a zone.
pub fn instant_when(zone: &str, shown: i64) -> Option<i64> {
    let shown = TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(shown).ok()?);
    Some(TimeZone::get(zone).ok()?.to_timestamp(shown).ok()?.as_microsecond())
}

/// The day that is so many days after 1970-01-01; None beyond the calendar's range.
pub fn date(days: i32) -> Option<civil::Date> {
    civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// What clocks show so many microseconds after they showed the start of 1970; None beyond the calendar's range.
pub fn datetime(micros: i64) -> Option<civil::DateTime> {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(at) => Some(jiff::tz::Offset::UTC.to_datetime(at)),
        // Instants end a day before the calendar does, whose last day stands for "never" in many tables.
        Err(_) => civil::date(1970, 1, 1).at(0, 0, 0, 0).checked_add(jiff::SignedDuration::from_micros(micros)).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso;

    fn micros(text: &str) -> i64 {
        match iso::parse(text) {
            Some(iso::Iso::Civil(micros) | iso::Iso::Instant(micros)) => micros,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_calendar_ends_where_dates_can_no_longer_be_written() {
        assert_eq!([*DAYS.start(), *DAYS.end()].map(|days| print_date(days as i32)), ["0000-01-01", "9999-12-31"]);
        for days in [DAYS.start() - 1, DAYS.end() + 1] {
            assert!(!has_day(days) && !has_moment(days * DAY), "{days}");
        }
        let read = |text| crate::parse::moment(crate::Kind::Datetime(Clock::Instant), None, text);
        assert!(read("9999-12-31T23:59:59Z").is_some() && read("9999-12-31T23:59:59-05:00").is_none());
    }

    #[test]
    fn clocks_and_instants_are_told_from_each_other_also_where_clocks_jump() {
        let shown = |instant: &str| shown_at("Europe/Berlin", micros(instant));
        assert_eq!(shown("2026-07-01T10:00Z"), Some(micros("2026-07-01T12:00")));
        assert_eq!(shown("2026-11-01T10:00Z"), Some(micros("2026-11-01T11:00")));
        let instant = |shown: &str| instant_when("Europe/Berlin", micros(shown));
        assert_eq!(instant("2026-07-01T12:00"), Some(micros("2026-07-01T10:00Z")));
        assert_eq!(instant("2026-10-25T02:30"), Some(micros("2026-10-25T00:30Z")), "shown twice");
        assert_eq!(instant("2026-03-29T02:30"), Some(micros("2026-03-29T01:30Z")), "never shown");
        assert!(is_zone("Asia/Kathmandu") && !is_zone("Mars/Olympus"));
        assert_eq!((shown_at("Mars/Olympus", 0), instant_when("UTC", i64::MAX)), (None, None));
    }
}
