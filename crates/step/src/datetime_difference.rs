//! Adds the time from one column to another, as a number in a given unit.
//!
//! Learns: nothing. The number is negative where `to` comes before `from`, and null where either is.
//! Both must be days or wall-clock readings, or both instants, or both times of day: between a reading
//! and an instant there is no difference without knowing where the clock hangs. The difference of
//! instants counts what passed, whatever clocks were set to meanwhile; that of readings what the clock shows, also where `[data] zone`
//! says where it hangs. The columns stay.
//! Exact because microseconds are counted in integers, and divided once.
//! Known as feature-engine `DatetimeSubtraction(output_unit="D")`. Differs: the new column is named.

use evenstep_table::{Batch, Clock, Column, ColumnName, Kind, NULL_DATE, NULL_INTEGER, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::insert_new;
use crate::{Site, Step, StepError, find};

/// Adds the time from one column to another.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatetimeDifference {
    /// The column that is counted from.
    pub from: String,
    /// The column that is counted to.
    pub to: String,
    /// The name of the new column.
    #[schemars(with = "String")]
    pub new: ColumnName,
    /// What is counted.
    #[serde(default)]
    pub unit: Unit,
}

/// A stretch of time of fixed length.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// 7 days.
    Weeks,
    /// 24 hours.
    #[default]
    Days,
    /// 60 minutes.
    Hours,
    /// 60 seconds.
    Minutes,
    /// 1,000 milliseconds.
    Seconds,
    /// 1,000 microseconds.
    Milliseconds,
    /// What datetimes are counted in.
    Microseconds,
}

impl Unit {
    fn micros(self) -> i64 {
        match self {
            Unit::Weeks => 7 * 86_400_000_000,
            Unit::Days => 86_400_000_000,
            Unit::Hours => 3_600_000_000,
            Unit::Minutes => 60_000_000,
            Unit::Seconds => 1_000_000,
            Unit::Milliseconds => 1_000,
            Unit::Microseconds => 1,
        }
    }
}

/// What two columns must share to have a difference.
#[derive(PartialEq)]
enum Line {
    Wall,
    Instant,
    Day,
}

fn line(kind: Kind) -> Option<Line> {
    match kind {
        Kind::Date | Kind::Datetime(Clock::Civil) => Some(Line::Wall),
        Kind::Datetime(Clock::Instant) => Some(Line::Instant),
        Kind::Time => Some(Line::Day),
        _ => None,
    }
}

/// Microseconds from the line's origin; None for a null.
fn micros(column: &Column, row: usize) -> Option<i128> {
    match column {
        Column::Date(days) => Some(i128::from(days[row]) * 86_400_000_000).filter(|_| days[row] != NULL_DATE),
        Column::Time(cells) | Column::Datetime(_, cells) => {
            Some(i128::from(cells[row])).filter(|_| cells[row] != NULL_INTEGER)
        }
        other => panic!("a column of type {} is no date", other.kind().word()),
    }
}

impl Step for DatetimeDifference {
    const NAME: &'static str = "datetime_difference";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        let ((from, from_kind), (to, to_kind)) = (find(schema, &self.from)?, find(schema, &self.to)?);
        for (column, kind) in [(from, from_kind), (to, to_kind)] {
            if line(kind).is_none() {
                let message =
                    format!("column `{column}` is of type {}, and this step takes dates and times", kind.word());
                return Err(StepError::of(column, message));
            }
        }
        if line(from_kind) != line(to_kind) {
            let words = |kind| match kind {
                Kind::Datetime(Clock::Instant) => "an instant",
                Kind::Datetime(Clock::Civil) => "a wall clock's reading",
                Kind::Date => "a day",
                _ => "a time of day",
            };
            let message = format!(
                "there is no difference between `{from}`, which is {}, and `{to}`, which is {}",
                words(from_kind),
                words(to_kind)
            );
            return Err(StepError::of(to, message));
        }
        let mut columns = vec![from.clone(), to.clone()];
        columns.sort();
        columns.dedup();
        Ok(columns)
    }

    fn apply(&self, _: &Site, (): &(), mut batch: Batch) -> Result<Batch, StepError> {
        let column = |name: &str| batch.get(name).unwrap_or_else(|| panic!("the plan counts on column `{name}`"));
        let (from, to) = (column(&self.from), column(&self.to));
        let unit = self.unit.micros() as f64;
        let cell = |row| match (micros(from, row), micros(to, row)) {
            (Some(from), Some(to)) => (to - from) as f64 / unit,
            _ => f64::NAN,
        };
        let cells = (0..batch.rows()).map(cell).collect();
        insert_new(&mut batch, self.new.clone(), Column::Number(cells))?;
        Ok(batch)
    }

    fn example() -> DatetimeDifference {
        DatetimeDifference {
            from: "born".to_owned(),
            to: "signed_up".to_owned(),
            new: ColumnName::new("age_at_sign_up").expect("a name"),
            unit: Unit::Days,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{apply, batch, dates, instants, numbers, wall};

    #[test]
    fn time_is_counted_in_the_unit_and_either_way() {
        let day = 86_400_000_000;
        let from = ("a", wall(&[Some(0), Some(day), None, Some(0)]));
        let to = ("b", wall(&[Some(day / 4), Some(0), Some(0), None]));
        for (unit, first, second) in [("days", 0.25, -1.0), ("hours", 6.0, -24.0), ("seconds", 21600.0, -86400.0)] {
            let step =
                serde_json::from_value::<DatetimeDifference>(json!({"from": "a", "to": "b", "new": "c", "unit": unit}));
            let after = apply(step.expect("a spec"), &[from.clone(), to.clone()]).expect("it applies");
            let expected = batch(&[from.clone(), to.clone(), ("c", numbers(&[Some(first), Some(second), None, None]))]);
            crate::testing::assert_equal(&after, &expected);
        }
    }

    #[test]
    fn a_reading_and_an_instant_have_no_difference() {
        let step = serde_json::from_value::<DatetimeDifference>(json!({"from": "a", "to": "b", "new": "c"}));
        let error =
            apply(step.expect("a spec"), &[("a", dates(&[None])), ("b", instants(&[None]))]).expect_err("refused");
        assert_eq!(error.message, "there is no difference between `a`, which is a day, and `b`, which is an instant");
    }
}
