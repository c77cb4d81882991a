//! Takes dates and times apart into numbers: `<column>_<part>`.
//!
//! Learns: nothing. Parts are `year`, `quarter` and `month` from 1, `iso_year` and `iso_week`,
//! `day_of_year` and `day_of_month` from 1, `day_of_week` from 0 for Monday, `weekend` (a boolean),
//! `hour`, `minute` and `second`. Without `parts`, `month`, `year`, `day_of_week`, `day_of_month`,
//! `hour`, `minute` and `second` are taken, as far as the column's type has them. An instant is read in
//! `zone`, or else where the contract says, which is UTC if it says nothing; what a clock on the wall showed
//! is taken as it is. The source column is dropped unless `keep` is set. A null, or a day beyond the
//! years −9999 to 9999, gives nulls.
//! Exact because it looks at one cell at a time; zones are those of one database that is built in.
//! Known as feature-engine `DatetimeFeatures(features_to_extract=)`, skrub `DatetimeEncoder`. Differs:
//! texts are not parsed here, so that no batch is guessed on its own; the ISO week comes with its year,
//! as 2024-12-30 lies in week 1 of 2025.

use evenstep_table::{Batch, Clock, Column, ColumnName, Kind, NULL_BOOLEAN, NULL_DATE, NULL_INTEGER, Schema, calendar};
use jiff::civil::{DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Auto, insert_new};
use crate::{Columns, Site, Step, StepError};

/// Takes dates and times apart into numbers.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatetimeParts {
    /// The columns to take apart.
    pub columns: Columns,
    /// The parts to take.
    #[serde(default = "auto")]
    pub parts: Parts,
    /// Where the calendar of an instant is read, if not where the contract says.
    #[serde(default)]
    pub zone: Option<Zone>,
    /// Keeps the source column.
    #[serde(default)]
    pub keep: bool,
}

/// Parts of a date or time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "\"auto\" or a list of year, quarter, month, iso_year, iso_week, day_of_year, \
    day_of_month, day_of_week, weekend, hour, minute, second"
)]
pub enum Parts {
    /// The usual ones that the column's type has.
    Auto(Auto),
    /// The parts that are named, as `["year", "month"]`.
    Listed(Vec<Part>),
}

fn auto() -> Parts {
    Parts::Auto(Auto::Auto)
}

/// A part of a date or time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The year.
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// The year that the ISO week belongs to.
    IsoYear,
    /// 1 to 53.
    IsoWeek,
    /// 1 to 366.
    DayOfYear,
    /// 1 to 31.
    DayOfMonth,
    /// 0 for Monday to 6 for Sunday.
    DayOfWeek,
    /// Saturday or Sunday.
    Weekend,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 0 to 59.
    Second,
}

const USUAL: [Part; 7] =
    [Part::Month, Part::Year, Part::DayOfWeek, Part::DayOfMonth, Part::Hour, Part::Minute, Part::Second];

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Year => "year",
            Part::Quarter => "quarter",
            Part::Month => "month",
            Part::IsoYear => "iso_year",
            Part::IsoWeek => "iso_week",
            Part::DayOfYear => "day_of_year",
            Part::DayOfMonth => "day_of_month",
            Part::DayOfWeek => "day_of_week",
            Part::Weekend => "weekend",
            Part::Hour => "hour",
            Part::Minute => "minute",
            Part::Second => "second",
        }
    }

    fn is_of_day(self) -> bool {
        !matches!(self, Part::Hour | Part::Minute | Part::Second)
    }

    fn exists_in(self, kind: Kind) -> bool {
        match kind {
            Kind::Date => self.is_of_day(),
            Kind::Time => !self.is_of_day(),
            _ => true,
        }
    }

    fn of(self, at: DateTime) -> i64 {
        match self {
            Part::Year => at.year().into(),
            Part::Quarter => i64::from(at.month() + 2) / 3,
            Part::Month => at.month().into(),
            Part::IsoYear => at.date().iso_week_date().year().into(),
            Part::IsoWeek => at.date().iso_week_date().week().into(),
            Part::DayOfYear => at.day_of_year().into(),
            Part::DayOfMonth => at.day().into(),
            Part::DayOfWeek => at.weekday().to_monday_zero_offset().into(),
            Part::Weekend => i64::from(at.weekday().to_monday_zero_offset() >= 5),
            Part::Hour => at.hour().into(),
            Part::Minute => at.minute().into(),
            Part::Second => at.second().into(),
        }
    }
}

/// A time zone by its name in the IANA database, such as `Europe/Berlin`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Default for Zone {
    fn default() -> Zone {
        Zone { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Zone, String> {
        if name == "UTC" {
            return Ok(Zone::default());
        }
        match TimeZoneDatabase::bundled().get(&name) {
            Ok(zone) => Ok(Zone { name, zone }),
            Err(_) => Err(format!("no time zone is called `{name}`")),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> String {
        zone.name
    }
}

impl DatetimeParts {
    fn parts(&self, kind: Kind) -> Vec<Part> {
        match &self.parts {
            Parts::Auto(_) => USUAL.into_iter().filter(|part| part.exists_in(kind)).collect(),
            Parts::Listed(parts) => parts.clone(),
        }
    }

    /// What calendar and clock show for each cell; None for a null, or beyond the calendar.
    fn readings(column: &Column, zone: &TimeZone) -> Vec<Option<DateTime>> {
        let each = |cells: &[i64], of: &dyn Fn(i64) -> Option<DateTime>| {
            cells.iter().map(|cell| if *cell == NULL_INTEGER { None } else { of(*cell) }).collect()
        };
        match column {
            Column::Date(days) => {
                let day = |day: &i32| calendar::date(*day).filter(|_| *day != NULL_DATE);
                days.iter().map(|cell| Some(day(cell)?.to_datetime(Time::midnight()))).collect()
            }
            Column::Time(cells) => each(cells, &|micros| {
                let time = Time::midnight().checked_add(SignedDuration::from_micros(micros)).ok()?;
                Some(calendar::date(0)?.to_datetime(time))
            }),
            Column::Datetime(Clock::Civil, cells) => each(cells, &calendar::datetime),
            Column::Datetime(Clock::Instant, cells) => {
                each(cells, &|micros| match Timestamp::from_microsecond(micros) {
                    Ok(instant) => Some(zone.to_datetime(instant)),
                    // Within a day of the calendar's ends, where it has the offset of the nearest instant that is known.
                    Err(_) => {
                        let nearest = if micros > 0 { Timestamp::MAX } else { Timestamp::MIN };
                        calendar::datetime(micros + i64::from(zone.to_offset(nearest).seconds()) * 1_000_000)
                    }
                })
            }
            other => panic!("a column of type {} is no date", other.kind().word()),
        }
    }
}

fn is_date_or_time(kind: Kind) -> bool {
    matches!(kind, Kind::Date | Kind::Time | Kind::Datetime(_))
}

impl Step for DatetimeParts {
    const NAME: &'static str = "datetime_parts";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        let columns = self.columns.resolve(schema, "dates, times and datetimes", is_date_or_time)?;
        for column in &columns {
            let kind = schema[column];
            if let Some(part) = self.parts(kind).into_iter().find(|part| !part.exists_in(kind)) {
                let message = format!("column `{column}` is of type {}, which has no {}", kind.word(), part.name());
                return Err(StepError::of(column, message));
            }
        }
        Ok(columns)
    }

    fn apply(&self, site: &Site, (): &(), mut batch: Batch) -> Result<Batch, StepError> {
        for name in &site.columns {
            let zone = match (&self.zone, site.zones.get(name)) {
                (Some(zone), _) => zone.clone(),
                (None, Some(named)) => Zone::try_from(named.clone()).map_err(|error| StepError::of(name, error))?,
                (None, None) => Zone::default(),
            };
            let readings = DatetimeParts::readings(batch.column(name), &zone.zone);
            if !self.keep {
                batch.remove(name.as_str());
            }
            for part in self.parts(site.schema[name]) {
                let cell = |at: &Option<DateTime>| at.map(|at| part.of(at));
                let cells = readings.iter().map(cell);
                let column = match part {
                    Part::Weekend => {
                        Column::Boolean(cells.map(|cell| cell.map_or(NULL_BOOLEAN, |n| n as u8)).collect())
                    }
                    _ => Column::Integer(cells.map(|cell| cell.unwrap_or(NULL_INTEGER)).collect()),
                };
                insert_new(&mut batch, name.with_suffix(part.name()), column)?;
            }
        }
        Ok(batch)
    }

    fn example() -> DatetimeParts {
        let columns = Columns::named(["seen_at"]);
        DatetimeParts { columns, parts: auto(), zone: None, keep: false }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{apply, batch, dates, instants, wall};

    const ALL: [&str; 12] = [
        "year",
        "quarter",
        "month",
        "iso_year",
        "iso_week",
        "day_of_year",
        "day_of_month",
        "day_of_week",
        "weekend",
        "hour",
        "minute",
        "second",
    ];

    fn parts(mut spec: Value, column: Column, parts: &[&str]) -> Vec<Vec<Option<String>>> {
        spec["columns"] = json!("x");
        spec["parts"] = json!(parts);
        let step: DatetimeParts = serde_json::from_value(spec).expect("a spec");
        let after = apply(step, &[("x", column)]).expect("it applies");
        let part = |part: &&str| crate::testing::column_texts(after.get(&format!("x_{part}")).expect("a part"));
        parts.iter().map(part).collect()
    }

    #[track_caller]
    fn check(spec: Value, column: Column, expected: &str) {
        let names = if column.kind() == Kind::Date { &ALL[..9] } else { &ALL };
        let found = parts(spec, column, names);
        let found: Vec<&str> = found.iter().map(|cells| cells[0].as_deref().unwrap_or("null")).collect();
        assert_eq!(found.join(" "), expected);
    }

    fn micros(text: &str, clock: Clock) -> Option<i64> {
        evenstep_table::iso::parse_as(Kind::Datetime(clock), text)
    }

    #[test]
    fn dates_and_times_are_taken_apart() {
        let day = |text| Some(evenstep_table::iso::parse_as(Kind::Date, text).expect("a day") as i32);
        check(json!({}), dates(&[day("2024-12-30")]), "2024 4 12 2025 1 365 30 0 false");
        check(json!({}), dates(&[day("2021-01-03")]), "2021 1 1 2020 53 3 3 6 true");
        check(json!({}), dates(&[None]), "null null null null null null null null null");
        check(json!({}), dates(&[Some(i32::MAX)]), "null null null null null null null null null");
        let at = micros("1969-12-31T23:59:58.5", Clock::Civil);
        check(json!({}), wall(&[at]), "1969 4 12 1970 1 365 31 2 false 23 59 58");
        let last = micros("9999-12-31T23:59:59.999999", Clock::Civil);
        check(json!({}), wall(&[last]), "9999 4 12 9999 52 365 31 4 false 23 59 59");
        check(json!({}), wall(&[last.map(|at| at + 1)]), "null null null null null null null null null null null null");
    }

    #[test]
    fn an_instant_is_read_in_utc_or_where_the_spec_says() {
        // The same instant in two spellings; half an hour before Berlin's clocks go back.
        for text in ["2024-10-27T00:30:00Z", "2024-10-27T02:30:00+02:00"] {
            let at = instants(&[micros(text, Clock::Instant)]);
            check(json!({}), at.clone(), "2024 4 10 2024 43 301 27 6 true 0 30 0");
            check(json!({"zone": "Europe/Berlin"}), at, "2024 4 10 2024 43 301 27 6 true 2 30 0");
        }
        let after = instants(&[micros("2024-10-27T01:30:00Z", Clock::Instant)]);
        check(json!({"zone": "Europe/Berlin"}), after, "2024 4 10 2024 43 301 27 6 true 2 30 0");
        // What is written for "never" has a day, though no clock of any zone shows it for sure.
        let never = instants(&[micros("9999-12-31T12:00:00Z", Clock::Instant)]);
        check(json!({}), never.clone(), "9999 4 12 9999 52 365 31 4 false 12 0 0");
        check(json!({"zone": "Asia/Tokyo"}), never, "9999 4 12 9999 52 365 31 4 false 21 0 0");
        let civil = wall(&[micros("2024-10-27T02:30:00", Clock::Civil)]);
        check(json!({"zone": "Europe/Berlin"}), civil, "2024 4 10 2024 43 301 27 6 true 2 30 0");
        assert!(serde_json::from_value::<Zone>(json!("Europe/Atlantis")).is_err());
    }

    #[test]
    fn an_instant_is_read_where_the_contract_says_unless_the_spec_says_otherwise() {
        let columns = [("x", instants(&[micros("2024-10-27T00:30:00Z", Clock::Instant)]))];
        for (spec, hour) in [(json!({}), "2"), (json!({"zone": "UTC"}), "0"), (json!({"zone": "Asia/Tokyo"}), "9")] {
            let written = json!({"columns": "x", "parts": ["hour"], "zone": spec["zone"]});
            let step: Box<dyn crate::AnyStep> = crate::parse("datetime_parts", written).expect("a spec");
            let rows = batch(&columns);
            let mut site =
                crate::testing::site(&*step, &rows, evenstep_table::Task::Regression).expect("the column is there");
            site.zones.insert(site.columns[0].clone(), "Europe/Berlin".to_owned());
            let fitted = step.fit(site, &[], &evenstep_exact::reduce::Workers::threads(1)).expect("nothing to learn");
            let after = fitted.apply(rows).expect("it applies");
            assert_eq!(after.get("x_hour").and_then(|hours| hours.text(0)).as_deref(), Some(hour), "{spec}");
        }
    }

    #[test]
    fn a_part_that_a_type_lacks_is_refused_if_asked_for_and_else_left_out() {
        let step = |spec: Value| serde_json::from_value::<DatetimeParts>(spec).expect("a spec");
        let columns = [("x", dates(&[Some(0)]))];
        let error = apply(step(json!({"columns": "x", "parts": ["hour"]})), &columns).expect_err("no hour");
        assert_eq!(error.message, "column `x` is of type date, which has no hour");
        let after = apply(step(json!({"columns": "x", "keep": true})), &columns).expect("it applies");
        let names: Vec<&str> = after.columns().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x", "x_day_of_month", "x_day_of_week", "x_month", "x_year"]);
        let time = Column::Time(vec![86_399_999_999, NULL_INTEGER, -5, i64::MAX]);
        let found = parts(json!({}), time, &["hour", "minute", "second"]);
        assert!(found.iter().all(|cells| cells[1..].iter().all(Option::is_none)), "{found:?}");
        assert_eq!(batch(&columns).rows(), 1);
    }
}
