//! Adds a boolean column that says where a value was missing.
//!
//! Learns: which of the columns had a null among the training rows; only those get an indicator.
//! Exact because it counts.
//! Known as feature-engine `AddMissingIndicator`, scikit-learn `MissingIndicator`. Differs: a null in a
//! column that was clean in training is no error; its indicator simply isn't there.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Next;
use evenstep_table::{Batch, Column, ColumnName, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{default_true, insert_new};
use crate::{Columns, Site, Step, StepError};

/// Adds `<column>_missing` where a value was missing.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingIndicator {
    /// The columns to watch.
    pub columns: Columns,
    /// Only columns that have a null in training get an indicator.
    #[serde(default = "default_true")]
    pub missing_only: bool,
}

impl Step for MissingIndicator {
    const NAME: &'static str = "missing_indicator";
    type Round = ();
    type Partial = BTreeMap<ColumnName, u64>;
    type Params = Vec<ColumnName>;

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns.resolve(schema, "any type", |_| true)
    }

    fn start(&self, _: &Site) -> Result<(), StepError> {
        Ok(())
    }

    fn observe(&self, site: &Site, (): &(), seen: &mut Self::Partial, batch: &Batch) {
        for name in &site.columns {
            *seen.entry(name.clone()).or_default() += batch.column(name).nulls() as u64;
        }
    }

    fn next(&self, site: &Site, (): (), seen: Self::Partial) -> Result<Next<(), Vec<ColumnName>>, StepError> {
        let wanted = |name: &&ColumnName| !self.missing_only || seen.get(*name).is_some_and(|nulls| *nulls > 0);
        Ok(Next::Done(site.columns.iter().filter(wanted).cloned().collect()))
    }

    fn apply(&self, _: &Site, watched: &Vec<ColumnName>, mut batch: Batch) -> Result<Batch, StepError> {
        for name in watched {
            let column = batch.column(name);
            let missing = (0..batch.rows()).map(|row| u8::from(column.is_null(row))).collect();
            insert_new(&mut batch, name.with_suffix("missing"), Column::Boolean(missing))?;
        }
        Ok(batch)
    }

    fn validate(&self, site: &Site, watched: &Vec<ColumnName>) -> Result<(), StepError> {
        match watched.iter().find(|name| site.columns.binary_search(name).is_err()) {
            Some(name) => Err(StepError::of(name, format!("`{}` doesn't watch the column `{name}`", site.name))),
            None => Ok(()),
        }
    }

    fn example() -> MissingIndicator {
        MissingIndicator { columns: Columns::of_type("number"), missing_only: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{boolean, check_live, numbers};

    #[test]
    fn only_columns_with_a_null_in_training_are_watched_unless_all_are() {
        let (clean, holed) = (|| numbers(&[Some(1.0), Some(2.0)]), || numbers(&[None, Some(2.0)]));
        let watch = |missing_only| MissingIndicator { columns: Columns::named(["a", "b"]), missing_only };
        let (training, live) = ([("a", clean()), ("b", holed())], [("a", holed()), ("b", clean())]);
        let (yes, no) = (boolean(&[Some(true), Some(false)]), boolean(&[Some(false), Some(false)]));
        let after = [("a", holed()), ("b", clean()), ("b_missing", no.clone())];
        check_live(watch(true), &training, &live, &after);
        let after = [("a", holed()), ("a_missing", yes), ("b", clean()), ("b_missing", no)];
        check_live(watch(false), &training, &live, &after);
    }
}
