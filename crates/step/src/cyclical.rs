//! Replaces a number that goes round, such as a month, by the sine and cosine of its angle.
//!
//! Learns: nothing. `period` says after how much it comes round again: 12 for months, 7 for days of the
//! week, 24 for hours. The columns are `<column>_sin` and `<column>_cos`; the source is dropped unless
//! `keep` is set. Nulls stay null.
//! Exact because it looks at one cell at a time, and because the angle is reduced before it is
//! computed: at quarter turns sine and cosine are 0, 1 or −1, so that month 12 of 12 has sine 0 and
//! cosine 1.
//! Known as feature-engine `CyclicalFeatures(max_values=)`, skrub's periodic encoding. Differs:
//! feature-engine learns the period as the training maximum, so that a year without a December turns
//! every month by some degrees; here it must be given.

use std::f64::consts::FRAC_PI_2;

use evenstep_exact::maths;
use evenstep_table::{Batch, Column, ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Positive, insert_new};
use crate::{Columns, Site, Step, StepError};

/// Replaces a number that goes round by the sine and cosine of its angle.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cyclical {
    /// The columns that go round.
    pub columns: Columns,
    /// After how much they come round again.
    pub period: Positive,
    /// Keeps the source column.
    #[serde(default)]
    pub keep: bool,
}

/// Sine and cosine of x/period turns.
fn sin_cos(x: f64, period: f64) -> (f64, f64) {
    // Remainders are exact, and so is a product with 4 within the range of floats.
    let turned = x.abs() % period;
    let (turned, period) = if period > 1e300 { (turned / 8.0, period / 8.0) } else { (turned, period) };
    let quarters = 4.0 * turned;
    let beyond = quarters % period;
    let angle = FRAC_PI_2 * (beyond / period);
    let (sin, cos) = if angle == 0.0 { (0.0, 1.0) } else { (maths::sin(angle), maths::cos(angle)) };
    // The quotient itself may round up to the next quarter.
    let (sin, cos) = match ((quarters - beyond) / period).round() {
        0.0 => (sin, cos),
        1.0 => (cos, -sin),
        2.0 => (-sin, -cos),
        _ => (-cos, sin),
    };
    (if x < 0.0 { -sin } else { sin }, cos)
}

impl Step for Cyclical {
    const NAME: &'static str = "cyclical";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns.resolve(schema, "numbers", Kind::is_numeric)
    }

    fn apply(&self, site: &Site, (): &(), mut batch: Batch) -> Result<Batch, StepError> {
        for column in &site.columns {
            let cells = batch.column(column).to_numbers().expect("`reads` takes numbers only");
            let (sines, cosines) = cells.iter().map(|x| sin_cos(*x, self.period.get())).unzip();
            if !self.keep {
                batch.remove(column.as_str());
            }
            insert_new(&mut batch, column.with_suffix("sin"), Column::Number(sines))?;
            insert_new(&mut batch, column.with_suffix("cos"), Column::Number(cosines))?;
        }
        Ok(batch)
    }

    fn example() -> Cyclical {
        Cyclical { columns: Columns::named(["month"]), period: Positive::new(12.0), keep: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, integers, numbers};

    #[test]
    fn quarter_turns_are_exact() {
        let months = [3, 6, 9, 12, 0, -3, 120_000_000_003].map(Some);
        let step = Cyclical::example();
        check(
            step,
            &[("month", integers(&months))],
            &[
                ("month_sin", numbers(&[1.0, 0.0, -1.0, 0.0, 0.0, -1.0, 1.0].map(Some))),
                ("month_cos", numbers(&[0.0, -1.0, 0.0, 1.0, 1.0, 0.0, 0.0].map(Some))),
            ],
        );
    }

    #[test]
    fn sines_are_those_of_the_angle() {
        for x in 0..2400 {
            let x = f64::from(x) / 100.0;
            let (sin, cos) = sin_cos(x, 12.0);
            let angle = x / 12.0 * std::f64::consts::TAU;
            assert!((sin - maths::sin(angle)).abs() < 2e-15 && (cos - maths::cos(angle)).abs() < 2e-15, "{x}");
        }
    }

    #[test]
    fn quarters_of_any_period_are_told_apart() {
        for (x, period, expected) in [
            (0.975, 1.3, (-1.0, 0.0)),
            (1.275, 1.7, (-1.0, 0.0)),
            (0.0075, 0.01, (-1.0, 0.0)),
            (-0.12, 0.16, (1.0, 0.0)),
            (0.325, 1.3, (1.0, 0.0)),
        ] {
            let (sin, cos) = sin_cos(x, period);
            assert!((sin - expected.0).abs() < 1e-15 && (cos - expected.1).abs() < 1e-15, "{x}/{period}: {sin} {cos}");
        }
    }

    #[test]
    fn a_period_is_required() {
        let error = crate::parse("cyclical", serde_json::json!({"columns": "month"})).err().expect("no period");
        assert_eq!(error.message, "missing parameter `period`");
        assert!(crate::parse("cyclical", serde_json::json!({"columns": "month", "period": 0})).is_err());
    }
}
