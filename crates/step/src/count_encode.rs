//! Replaces each category by how often it occurs among the training rows.
//!
//! Learns: the count of every value and of null, which is counted like a value. With `normalize`, the
//! share of all training rows. A value that training never saw is 0; so is a null, if there was none.
//! Exact because it counts; a share is rounded once.
//! Known as feature-engine `CountFrequencyEncoder(encoding_method="count")` or `"frequency"`,
//! category_encoders `CountEncoder(normalize=False)`. Differs: feature-engine makes unseen values null.

use std::sync::Arc;

use evenstep_exact::reduce::Next;
use evenstep_table::{Batch, Column, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Dictionary, Levels, WITH_LEVELS, count_levels, has_levels, levels, look_up, replace};
use crate::{Columns, EachColumn, Place, StepError};

/// Replaces each category by how often it occurs among the training rows.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountEncode {
    /// The columns to encode.
    pub columns: Columns,
    /// Shares instead of counts.
    #[serde(default)]
    pub normalize: bool,
}

/// How often each value occurred.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    values: Dictionary<u64>,
    null: u64,
    rows: u64,
}

impl EachColumn for CountEncode {
    const NAME: &'static str = "count_encode";
    const TAKES: &'static str = WITH_LEVELS;
    type Round = ();
    type Seen = Levels;
    type Learned = Counts;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(kind: Kind) -> bool {
        has_levels(kind)
    }

    fn start(&self, _: Place<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), seen: &mut Levels, batch: &Batch) {
        count_levels(&levels(place.cells(batch)), seen);
    }

    fn next(&self, place: Place<'_>, (): (), seen: Levels) -> Result<Next<(), Counts>, StepError> {
        let (null, rows) = (seen.count(&None), seen.total());
        if null == rows {
            return Err(place.no_value());
        }
        let values = seen.iter().filter_map(|(level, count)| Some((level.clone()?, count))).collect();
        Ok(Next::Done(Counts { values, null, rows }))
    }

    fn apply(&self, place: Place<'_>, learned: &Counts, batch: &mut Batch) -> Result<(), StepError> {
        replace(batch, place.column, |column| {
            let count = |value: &Arc<str>| learned.values.get(value).copied().unwrap_or(0);
            let counts = look_up(&levels(&column), learned.null, count);
            Ok(if self.normalize {
                Column::Number(counts.into_iter().map(|count| count as f64 / learned.rows as f64).collect())
            } else {
                Column::Integer(counts.into_iter().map(|count| count as i64).collect())
            })
        })
    }

    fn accepts(&self, _: Place<'_>, learned: &Counts) -> bool {
        // No more rows than an integer column can count.
        learned.rows <= i64::MAX as u64
            && learned.null <= learned.rows
            && learned.values.all(|count| (1..=learned.rows).contains(count))
    }

    fn example() -> CountEncode {
        CountEncode { columns: Columns::named(["city"]), normalize: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_live, integers, numbers, strings};

    #[test]
    fn values_become_their_counts_or_shares_and_unseen_ones_0() {
        let training = || strings(&[Some("a"), Some("b"), Some("a"), None]);
        let live = || strings(&[Some("a"), Some("b"), Some("c"), None]);
        let step = |normalize| CountEncode { columns: Columns::named(["x"]), normalize };
        let counts = integers(&[Some(2), Some(1), Some(0), Some(1)]);
        check_live(step(false), &[("x", training())], &[("x", live())], &[("x", counts)]);
        let shares = numbers(&[Some(0.5), Some(0.25), Some(0.0), Some(0.25)]);
        check_live(step(true), &[("x", training())], &[("x", live())], &[("x", shares)]);
    }
}
