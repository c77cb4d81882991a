//! Fills missing numbers with the column's median.
//!
//! Learns: one median a column, of the training rows that have a value; of an even number of values the
//! midpoint of the two in the middle. A filled column is a number, whatever it was.
//! Exact because a median is an order statistic: no grouping of rows moves it.
//! Known as feature-engine `MeanMedianImputer(imputation_method="median")`, scikit-learn
//! `SimpleImputer(strategy="median")`. Differs: a column without any value is an error, where
//! scikit-learn drops it without a word.

use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::fill_numbers;
use crate::{Columns, EachNumber, Place, StepError};

/// Fills missing numbers with the column's median.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImputeMedian {
    /// The columns to fill.
    pub columns: Columns,
}

impl EachNumber for ImputeMedian {
    const NAME: &'static str = "impute_median";
    type Round = QuantileRound;
    type Seen = Ranks;
    type Learned = f64;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) -> QuantileRound {
        QuantileRound::start(&[0.5], Rule::AveragedInvertedCdf)
    }

    fn observe(&self, round: &QuantileRound, seen: &mut Ranks, values: &[f64]) {
        seen.observe(round, values);
    }

    fn next(&self, place: Place<'_>, round: QuantileRound, seen: Ranks) -> Result<Next<QuantileRound, f64>, StepError> {
        match round.next(seen) {
            Next::Again(round) => Ok(Next::Again(round)),
            Next::Done(Some(medians)) => Ok(Next::Done(medians[0])),
            Next::Done(None) => Err(place.no_value()),
        }
    }

    fn map(&self, _: &ColumnName, median: &f64, cells: Vec<f64>) -> Result<Column, StepError> {
        Ok(fill_numbers(cells, *median))
    }

    fn accepts(&self, median: &f64) -> bool {
        median.is_finite()
    }

    fn example() -> ImputeMedian {
        ImputeMedian { columns: Columns::named(["age"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_numbers, refusal};

    #[test]
    fn nulls_become_the_median_of_the_other_values() {
        let step = || ImputeMedian { columns: Columns::named(["x"]) };
        check_numbers(step(), &[Some(9.0), None, Some(1.0), Some(2.0)], &[Some(9.0), Some(2.0), Some(1.0), Some(2.0)]);
        check_numbers(step(), &[Some(9.0), None, Some(1.0)], &[Some(9.0), Some(5.0), Some(1.0)]);
    }

    #[test]
    fn a_column_without_a_value_is_refused_by_name() {
        let error = refusal(ImputeMedian { columns: Columns::named(["x"]) }, &[None]);
        assert_eq!(error.message, "column `x` has no value among the training rows");
    }
}
