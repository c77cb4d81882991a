//! Drops columns that hardly vary.
//!
//! Learns: of each column, whether the share of its most frequent value among the training rows is at
//! least `tolerance`; null counts as a value. With the default of 1, only constant columns go, and
//! those without any value.
//! Exact because counts are compared with the tolerance as fractions, the tolerance being the decimal
//! that is written.
//! Known as feature-engine `DropConstantFeatures(tol=1)`, scikit-learn `VarianceThreshold(0.0)`.
//! Differs: nulls are no error.

use evenstep_exact::reduce::{Next, Partial};
use evenstep_table::{Batch, Column, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Cell, Fraction, Tally, is_share};
use crate::{Columns, EachColumn, Place, StepError};

/// Drops columns that hardly vary.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropConstant {
    /// The columns that may go.
    pub columns: Columns,
    /// The share of a single value from which on a column goes.
    #[serde(default = "all")]
    pub tolerance: Fraction,
}

fn all() -> Fraction {
    Fraction::new(1.0)
}

/// Whether all cells are the same, null being one too.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
pub enum Sameness {
    /// No cell was seen.
    #[default]
    Unseen,
    /// All are this.
    All(Option<Cell>),
    /// Not all are the same.
    Varies,
}

impl Sameness {
    fn of(column: &Column) -> Sameness {
        let mut rows = 0..column.rows();
        let Some(first) = rows.next().map(|row| Cell::of(column, row)) else { return Sameness::Unseen };
        if rows.all(|row| Cell::of(column, row) == first) { Sameness::All(first) } else { Sameness::Varies }
    }
}

impl Partial for Sameness {
    fn merge(&mut self, other: Sameness) {
        match (&*self, other) {
            (_, Sameness::Unseen) => {}
            (Sameness::Unseen, other) => *self = other,
            (mine, other) if *mine == other => {}
            _ => *self = Sameness::Varies,
        }
    }
}

impl EachColumn for DropConstant {
    const NAME: &'static str = "drop_constant";
    const TAKES: &'static str = "any type";
    type Round = ();
    type Seen = (Sameness, Tally);
    type Learned = bool;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn takes(_: Kind) -> bool {
        true
    }

    fn start(&self, _: Place<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn observe(&self, place: Place<'_>, (): &(), (sameness, tally): &mut Self::Seen, batch: &Batch) {
        // Counting every value costs far more than finding a second one.
        if self.tolerance == all() {
            if *sameness != Sameness::Varies {
                sameness.merge(Sameness::of(place.cells(batch)));
            }
        } else {
            tally.observe(place.cells(batch));
        }
    }

    fn next(&self, _: Place<'_>, (): (), (sameness, tally): Self::Seen) -> Result<Next<(), bool>, StepError> {
        if self.tolerance == all() {
            return Ok(Next::Done(sameness != Sameness::Varies));
        }
        let most = tally.most_frequent().map_or(0, |(_, count)| count).max(tally.nulls);
        Ok(Next::Done(is_share(most, tally.rows(), self.tolerance)))
    }

    fn apply(&self, place: Place<'_>, drop: &bool, batch: &mut Batch) -> Result<(), StepError> {
        if *drop {
            batch.remove(place.column.as_str());
        }
        Ok(())
    }

    fn accepts(&self, _: Place<'_>, _: &bool) -> bool {
        true
    }

    fn example() -> DropConstant {
        DropConstant { columns: Columns::named(["country", "city"]), tolerance: all() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{fit, integers, numbers, strings};

    fn goes(tolerance: f64, column: Column) -> bool {
        let step = DropConstant { columns: Columns::named(["x"]), tolerance: Fraction::new(tolerance) };
        let fitted = fit(step, &[("x", column.clone())]).expect("it fits");
        fitted.apply(crate::testing::batch(&[("x", column)])).expect("it applies").get("x").is_none()
    }

    #[test]
    fn what_hardly_varies_goes() {
        for (tolerance, column, expected) in [
            (1.0, numbers(&[Some(1.0), Some(1.0)]), true),
            (1.0, numbers(&[Some(1.0), None]), false),
            (1.0, strings(&[None, None]), true),
            (1.0, strings(&[Some("a"), Some("b")]), false),
            (0.75, integers(&[Some(1), Some(1), None, Some(1)]), true),
            (0.75, integers(&[Some(1), None, None, Some(1)]), false),
            (0.5, strings(&[Some("a"), None, None, Some("b")]), true),
        ] {
            assert_eq!(goes(tolerance, column.clone()), expected, "{column:?} at {tolerance}");
        }
    }
}
