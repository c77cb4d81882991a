//! Fills missing values of any type with the column's most frequent value.
//!
//! Learns: one value a column, from the training rows that have one; of equally frequent values the
//! smallest, numbers by size and strings by their bytes. The column keeps its type.
//! Exact because it counts.
//! Known as feature-engine `CategoricalImputer(imputation_method="frequent")`, scikit-learn
//! `SimpleImputer(strategy="most_frequent")`. Differs: feature-engine refuses a tie; a column without
//! any value is an error.

use evenstep_exact::reduce::Next;
use evenstep_table::{Batch, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Cell, Tally, replace};
use crate::{Columns, EachColumn, Place, StepError};

/// Fills missing values of any type with the column's most frequent value.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImputeMostFrequent {
    /// The columns to fill.
    pub columns: Columns,
}

impl EachColumn for ImputeMostFrequent {
    const NAME: &'static str = "impute_most_frequent";
    const TAKES: &'static str = "any type";
    type Round = ();
    type Seen = Tally;
    type Learned = Cell;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(_: Kind) -> bool {
        true
    }

    fn start(&self, _: Place<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), seen: &mut Tally, batch: &Batch) {
        seen.observe(place.cells(batch));
    }

    fn next(&self, place: Place<'_>, (): (), seen: Tally) -> Result<Next<(), Cell>, StepError> {
        seen.most_frequent().map(|(cell, _)| Next::Done(cell)).ok_or_else(|| place.no_value())
    }

    fn apply(&self, place: Place<'_>, learned: &Cell, batch: &mut Batch) -> Result<(), StepError> {
        replace(batch, place.column, |mut column| {
            Cell::fill(&mut column, |_| learned);
            Ok(column)
        })
    }

    fn accepts(&self, place: Place<'_>, learned: &Cell) -> bool {
        learned.fits(place.kind())
    }

    fn example() -> ImputeMostFrequent {
        ImputeMostFrequent { columns: Columns::named(["city", "children", "member", "born"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, dates, integers, strings};

    fn step() -> ImputeMostFrequent {
        ImputeMostFrequent { columns: Columns::named(["x"]) }
    }

    #[test]
    fn nulls_become_the_value_seen_most_often_and_the_column_keeps_its_type() {
        let column = strings(&[Some("b"), Some("a"), None, Some("b")]);
        check(step(), &[("x", column)], &[("x", strings(&[Some("b"), Some("a"), Some("b"), Some("b")]))]);
        let column = dates(&[Some(3), None, Some(3), Some(1)]);
        check(step(), &[("x", column)], &[("x", dates(&[Some(3), Some(3), Some(3), Some(1)]))]);
    }

    #[test]
    fn of_equally_frequent_values_the_smallest_is_taken() {
        let column = strings(&[Some("b"), Some("a"), None]);
        check(step(), &[("x", column)], &[("x", strings(&[Some("b"), Some("a"), Some("a")]))]);
        let column = integers(&[Some(10), Some(9), None]);
        check(step(), &[("x", column)], &[("x", integers(&[Some(10), Some(9), Some(9)]))]);
    }
}
