//! Fills missing numbers with the column's mean.
//!
//! Learns: one mean a column, of the training rows that have a value. A filled column is a number,
//! whatever it was.
//! Exact because the values are summed without rounding, and the quotient is rounded once.
//! Known as feature-engine `MeanMedianImputer(imputation_method="mean")`, scikit-learn
//! `SimpleImputer(strategy="mean")`. Differs: a column without any value is an error, where
//! scikit-learn drops it without a word; rows in another order give the same mean, bit for bit.

use evenstep_exact::moments::Mean;
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::fill_numbers;
use crate::{Columns, EachNumber, Place, StepError};

/// Fills missing numbers with the column's mean.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImputeMean {
    /// The columns to fill.
    pub columns: Columns,
}

impl EachNumber for ImputeMean {
    const NAME: &'static str = "impute_mean";
    type Round = ();
    type Seen = Mean;
    type Learned = f64;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) {}

    fn observe(&self, (): &(), seen: &mut Mean, values: &[f64]) {
        seen.observe_slice(values);
    }

    fn next(&self, place: Place<'_>, (): (), seen: Mean) -> Result<Next<(), f64>, StepError> {
        seen.mean().map(Next::Done).ok_or_else(|| place.no_value())
    }

    fn map(&self, _: &ColumnName, mean: &f64, cells: Vec<f64>) -> Result<Column, StepError> {
        Ok(fill_numbers(cells, *mean))
    }

    fn accepts(&self, mean: &f64) -> bool {
        mean.is_finite()
    }

    fn example() -> ImputeMean {
        ImputeMean { columns: Columns::named(["age"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_numbers, refusal};

    #[test]
    fn nulls_become_the_mean_of_the_other_values() {
        let step = || ImputeMean { columns: Columns::named(["x"]) };
        check_numbers(step(), &[Some(1.0), None, Some(2.0), Some(6.0)], &[Some(1.0), Some(3.0), Some(2.0), Some(6.0)]);
        // A naive sum gives 0 for these; the exact mean is 1/4.
        check_numbers(
            step(),
            &[Some(1e308), Some(1.0), Some(-1e308), None, Some(0.0)],
            &[Some(1e308), Some(1.0), Some(-1e308), Some(0.25), Some(0.0)],
        );
    }

    #[test]
    fn a_column_without_a_value_is_refused_by_name() {
        let error = refusal(ImputeMean { columns: Columns::named(["x"]) }, &[None, None]);
        assert_eq!(error.message, "column `x` has no value among the training rows");
    }
}
