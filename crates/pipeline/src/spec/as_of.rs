//! `as_of`: the moment by which rows must have been known.

use std::fmt;

use evenstep_table::{Clock, calendar, iso};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment; written as a date or datetime of TOML, or as text in ISO 8601.
#[derive(Clone, Copy, PartialEq, Eq, Debug, JsonSchema)]
#[schemars(with = "String")]
pub enum AsOf {
    /// The end of a day, in days since 1970-01-01.
    Day(i32),
    /// What a clock on the wall shows, in microseconds since 1970-01-01T00:00.
    Civil(i64),
    /// A point in time, in microseconds since 1970-01-01T00:00 in UTC.
    Instant(i64),
}

impl fmt::Display for AsOf {
    /// One text for each moment, whatever offset it was written with.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            AsOf::Day(days) => calendar::print_date(*days),
            AsOf::Civil(micros) => calendar::print_datetime(Clock::Civil, *micros),
            AsOf::Instant(micros) => calendar::print_datetime(Clock::Instant, *micros),
        })
    }
}

impl Serialize for AsOf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AsOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AsOf, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a date, a datetime or an instant, such as 2026-11-01T00:00:00Z")]
        enum Written {
            Datetime(toml::value::Datetime),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Datetime(datetime) => datetime.to_string(),
            Written::Text(text) => text,
        };
        match iso::parse(&text) {
            Some(iso::Iso::Date(days)) => Ok(AsOf::Day(days)),
            Some(iso::Iso::Civil(micros)) => Ok(AsOf::Civil(micros)),
            Some(iso::Iso::Instant(micros)) => Ok(AsOf::Instant(micros)),
            Some(iso::Iso::Time(_)) | None => Err(serde::de::Error::custom(format!(
                "`{text}` is no date and no datetime, such as 2026-11-01 or 2026-11-01T00:00:00Z"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expected: &str) {
        let read = toml::from_str::<std::collections::BTreeMap<String, AsOf>>(&format!("as_of = {written}"));
        let said = read.map_or_else(|error| error.message().to_owned(), |read| read["as_of"].to_string());
        assert_eq!(said, expected, "{written}");
    }

    #[test]
    fn a_moment_is_written_in_toml_or_as_text_and_has_one_text() {
        check("2026-11-01", "2026-11-01");
        check("2026-11-01T08:30:00", "2026-11-01T08:30:00");
        check("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z");
        check("2026-11-01T01:00:00+01:00", "2026-11-01T00:00:00Z");
        check("\"2026-11-01 01:00+01:00\"", "2026-11-01T00:00:00Z");
        let no_moment =
            |text: &str| format!("`{text}` is no date and no datetime, such as 2026-11-01 or 2026-11-01T00:00:00Z");
        check("\"November\"", &no_moment("November"));
        check("08:30:00", &no_moment("08:30:00"));
        check("2026", "a date, a datetime or an instant, such as 2026-11-01T00:00:00Z");
    }
}
