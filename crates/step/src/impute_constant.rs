//! Fills missing values with one that is given.
//!
//! Learns: nothing. A number can fill a column of numbers, and one of integers if it is whole; a string
//! fills a category or text, and a date or time if it is written in ISO 8601. The column keeps its
//! type.
//! Exact because it looks at one cell at a time.
//! Known as feature-engine `ArbitraryNumberImputer` (999) and `CategoricalImputer` ("Missing"),
//! scikit-learn `SimpleImputer(strategy="constant")`. Differs: the value has no default, and one that
//! the column's type can't hold is an error before training.

use evenstep_exact::canonical::large_integer;
use evenstep_table::{Batch, ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Cell, replace};
use crate::{Columns, Site, Step, StepError};

/// Fills missing values with one that is given.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImputeConstant {
    /// The columns to fill.
    pub columns: Columns,
    /// What stands for a missing value: a number, a string, or true or false.
    pub value: Constant,
}

/// A value as it is written.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number, a text, true or false")]
pub enum Constant {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any number.
    Number(f64),
    /// A string.
    Text(String),
}

impl Constant {
    /// The value as a cell of a column of that type, if it can be one.
    fn cell(&self, kind: Kind) -> Option<Cell> {
        let cell = match (self, kind) {
            (Constant::Boolean(yes), _) => Cell::Boolean(*yes),
            (Constant::Integer(n), Kind::Number) => Cell::Number(*n as f64),
            (Constant::Integer(n), Kind::Integer) => Cell::Integer(*n),
            (Constant::Number(x), Kind::Integer) if x.fract() == 0.0 && x.abs() < (1_u64 << 63) as f64 => {
                Cell::Integer(*x as i64)
            }
            (Constant::Number(x), _) => Cell::Number(*x + 0.0),
            (Constant::Text(text), Kind::Category | Kind::Text) => Cell::Text(text.as_str().into()),
            // As a bundle holds the spec.
            (Constant::Text(text), Kind::Integer | Kind::Number) => {
                return Constant::Integer(large_integer(text)?).cell(kind);
            }
            (Constant::Text(text), _) => Cell::Integer(evenstep_table::iso::parse_as(kind, text)?),
            (Constant::Integer(_), _) => return None,
        };
        cell.fits(kind).then_some(cell)
    }
}

impl Step for ImputeConstant {
    const NAME: &'static str = "impute_constant";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        let columns = self.columns.resolve(schema, "any type", |_| true)?;
        for column in &columns {
            let kind = schema[column];
            if self.value == Constant::Text(String::new()) {
                let message =
                    format!("column `{column}` can't be filled with an empty text, which files have for null");
                return Err(StepError::of(column, message).help("fill it with a word, such as \"unknown\""));
            }
            if self.value.cell(kind).is_none() {
                let value = serde_json::to_string(&self.value).expect("a constant is plain data");
                let message = format!("column `{column}` is of type {}, which can't hold {value}", kind.word());
                return Err(StepError::of(column, message).help("use the step once for each type"));
            }
        }
        Ok(columns)
    }

    fn apply(&self, site: &Site, (): &(), mut batch: Batch) -> Result<Batch, StepError> {
        for column in &site.columns {
            let cell = self.value.cell(site.schema[column]).expect("`reads` has checked that the value fits");
            replace(&mut batch, column, |mut column| {
                Cell::fill(&mut column, |_| &cell);
                Ok(column)
            })?;
        }
        Ok(batch)
    }

    fn example() -> ImputeConstant {
        ImputeConstant { columns: Columns::named(["city"]), value: Constant::Text("unknown".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{apply, boolean, check, dates, integers, numbers, strings};

    fn step(value: serde_json::Value) -> ImputeConstant {
        ImputeConstant { columns: Columns::named(["x"]), value: serde_json::from_value(value).expect("a constant") }
    }

    #[test]
    fn nulls_become_the_value_and_the_column_keeps_its_type() {
        for (value, before, after) in [
            (json!(0), numbers(&[None, Some(1.5)]), numbers(&[Some(0.0), Some(1.5)])),
            (json!(-1.0), integers(&[None, Some(3)]), integers(&[Some(-1), Some(3)])),
            (json!("unknown"), strings(&[None, Some("a")]), strings(&[Some("unknown"), Some("a")])),
            (json!("a"), strings(&[None, Some("a")]), strings(&[Some("a"), Some("a")])),
            (json!("1970-01-03"), dates(&[None, Some(0)]), dates(&[Some(2), Some(0)])),
            (json!(true), boolean(&[None, Some(false)]), boolean(&[Some(true), Some(false)])),
        ] {
            check(step(value), &[("x", before)], &[("x", after)]);
        }
    }

    #[test]
    fn an_empty_text_is_refused() {
        let error = apply(step(json!("")), &[("x", strings(&[None]))]).expect_err("it is empty");
        assert_eq!(error.message, "column `x` can't be filled with an empty text, which files have for null");
    }

    #[test]
    fn a_value_that_the_type_cannot_hold_is_refused_before_training() {
        for (value, column) in [
            (json!("a"), numbers(&[None])),
            (json!(1.5), integers(&[None])),
            (json!(1e300), integers(&[None])),
            (json!(1), strings(&[None])),
            (json!("yesterday"), dates(&[None])),
            (json!(0), boolean(&[None])),
        ] {
            let error = apply(step(value.clone()), &[("x", column)]).expect_err("the value does not fit");
            assert!(error.message.contains("can't hold"), "{value}: {error}");
        }
    }
}
