//! Adds a column computed from others by a formula.
//!
//! Learns: nothing. A formula has numbers, `"texts"`, `true`, `false` and `null`; columns by name, in
//! backticks if the name is more than letters, digits and underscores; `+ - * /`; `< <= > >= == !=`;
//! `and`, `or`, `not`; `if(condition, then, else)`, `coalesce(a, b, …)`, `is_null(a)`, `abs`, `min(a,
//! b, …)`, `max(a, b, …)`, `ln`, `log1p`, `exp`, `sqrt`, `pow(a, b)`, `floor`, `ceil` and `round`
//! (halves away from 0). It gives a number, a boolean or a category, and types are checked before
//! training: a category equals a text, and nothing else is compared with it. Integers are taken as
//! numbers. Null in, null out, but for `coalesce` and `is_null`, and where the other side decides:
//! `false and null` is false, `true or null` is true. What is no finite number, such as 1/0, is null at
//! once; rows that end as null because of it are counted.
//! Exact because it looks at one row at a time, by functions with the same bits on every host.
//! Known as feature-engine `MathFeatures` and `RelativeFeatures`, scikit-learn `FunctionTransformer`.
//! Differs: a formula is data, not code, so that it can be shipped and checked; feature-engine refuses
//! a division by 0.

use evenstep_table::{Batch, ColumnName, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Formula, insert_new};
use crate::{Site, Step, StepError};

/// Adds a column computed from others by a formula.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expression {
    /// The name of the new column.
    #[schemars(with = "String")]
    pub new: ColumnName,
    /// What it holds.
    pub formula: Formula,
}

impl Step for Expression {
    const NAME: &'static str = "expression";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.formula.columns(schema)
    }

    fn apply(&self, _: &Site, (): &(), mut batch: Batch) -> Result<Batch, StepError> {
        let (column, lost) = self.formula.evaluate(&batch);
        insert_new(&mut batch, self.new.clone(), column)?;
        batch.note_no_numbers(&self.new, lost);
        Ok(batch)
    }

    fn example() -> Expression {
        let formula = "if(city == \"Paris\", income / coalesce(children + 1, 1), ln(income))".to_owned();
        Expression {
            new: ColumnName::new("income_a_head").expect("a name"),
            formula: Formula::try_from(formula).unwrap_or_else(|fault| panic!("{fault}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{apply, check, integers, numbers};

    fn step(formula: &str) -> Expression {
        serde_json::from_value(json!({"new": "z", "formula": formula})).expect("a formula")
    }

    #[test]
    fn the_new_column_joins_the_others() {
        let rooms = || ("TotRms.AbvGrd", integers(&[Some(3), Some(4), None]));
        let area = || ("area", numbers(&[Some(2.0), Some(0.0), Some(1.0)]));
        let per_area = ("z", numbers(&[Some(1.5), None, None]));
        check(step("`TotRms.AbvGrd` / area"), &[rooms(), area()], &[rooms(), area(), per_area]);
    }

    #[test]
    fn a_result_that_is_no_number_is_counted_and_a_null_that_was_asked_for_is_not() {
        let lost = |formula: &str| {
            let x = numbers(&[Some(4.0), Some(0.0), Some(-1.0), None]);
            let y = numbers(&[None, Some(2.0), Some(1e308), Some(1.0)]);
            let mut after = apply(step(formula), &[("x", x), ("y", y)]).expect("it applies");
            after.take_no_numbers().iter().map(|(column, cells)| format!("{column} {cells}")).collect::<Vec<_>>()
        };
        assert_eq!(lost("x + y"), [""; 0]);
        assert_eq!(lost("ln(x)"), ["z 2"]);
        assert_eq!(lost("1 / x"), ["z 1"]);
        assert_eq!(lost("y * 10"), ["z 1"]);
        assert_eq!(lost("1 / (2 - 2)"), ["z 4"]);
        assert_eq!(lost("if(x > 0, null, x)"), [""; 0]);
        // What was lost is found again, is never asked for, or is asked for after all.
        assert_eq!(lost("coalesce(ln(x), 0) + y"), [""; 0]);
        assert_eq!(lost("if(x > 0, ln(x), 0)"), [""; 0]);
        assert_eq!(lost("if(x > 0, y, ln(x))"), ["z 2"]);
        assert_eq!(lost("if(x >= 0, y, 1 / x)"), [""; 0]);
        assert_eq!(lost("if(ln(x) > 0, 1, 0)"), ["z 2"]);
        assert_eq!(lost("is_null(ln(x))"), [""; 0]);
    }

    #[test]
    fn a_fault_is_told_where_it_stands() {
        let error = crate::parse("expression", json!({"new": "z", "formula": "a +"})).err().expect("a fault");
        assert_eq!(error.path, ["formula"]);
        assert!(error.message.ends_with("a +\n     ^"), "{error}");
        let error = apply(step("are * 2"), &[("area", numbers(&[None]))]).expect_err("no such column");
        assert_eq!(error.help.as_deref(), Some("did you mean `area`?"));
        let error =
            apply(step("area"), &[("area", numbers(&[None])), ("z", numbers(&[None]))]).expect_err("z is there");
        assert_eq!(error.message, "the new column `z` has the name of one that is there already");
    }
}
