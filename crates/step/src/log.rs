//! Takes the logarithm of numbers.
//!
//! Learns: nothing. Numbers that are not positive have no logarithm: they become null, or, with
//! `on_domain = "error"`, are refused. Nulls stay null.
//! Exact because it looks at one cell at a time, by functions with the same bits on every host.
//! Known as feature-engine `LogTransformer(base="e")`. Differs: feature-engine refuses the whole batch
//! for one bad row; base 2 exists.

use evenstep_exact::maths;
use evenstep_table::{Batch, Column, ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{OnDomain, map_numbers};
use crate::{Columns, Site, Step, StepError};

/// Takes the logarithm of numbers.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The columns to transform.
    pub columns: Columns,
    /// The base.
    #[serde(default)]
    pub base: Base,
    /// What becomes of numbers that are not positive.
    #[serde(default)]
    pub on_domain: OnDomain,
}

/// The base of a logarithm.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub enum Base {
    /// 2.718…
    #[default]
    #[serde(rename = "e")]
    E,
    /// 2
    #[serde(rename = "2")]
    Two,
    /// 10
    #[serde(rename = "10")]
    Ten,
}

impl Step for Log {
    const NAME: &'static str = "log";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns.resolve(schema, "numbers", Kind::is_numeric)
    }

    fn apply(&self, site: &Site, (): &(), mut batch: Batch) -> Result<Batch, StepError> {
        for column in &site.columns {
            map_numbers(&mut batch, column, |mut cells| {
                self.on_domain.check(column, "positive", || cells.iter().any(|x| *x <= 0.0))?;
                match self.base {
                    Base::E => maths::ln_slice(&mut cells),
                    Base::Two => cells.iter_mut().for_each(|x| *x = maths::log2(*x)),
                    Base::Ten => cells.iter_mut().for_each(|x| *x = maths::log10(*x)),
                }
                Ok(Column::Number(cells))
            })?;
        }
        Ok(batch)
    }

    fn example() -> Log {
        Log { columns: Columns::named(["income"]), base: Base::E, on_domain: OnDomain::Null }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply, check_numbers, numbers};

    #[test]
    fn what_has_no_logarithm_becomes_null_or_is_refused() {
        let step = |base, on_domain| Log { columns: Columns::named(["x"]), base, on_domain };
        let cells = [Some(1.0), Some(8.0), Some(0.0), Some(-1.0), None];
        check_numbers(step(Base::Two, OnDomain::Null), &cells, &[Some(0.0), Some(3.0), None, None, None]);
        check_numbers(step(Base::Ten, OnDomain::Error), &[Some(1000.0), None], &[Some(3.0), None]);
        check_numbers(step(Base::E, OnDomain::Null), &[Some(5.0)], &[Some(1.609_437_912_434_100_3)]);
        let mut after = apply(step(Base::E, OnDomain::Null), &[("x", numbers(&cells))]).expect("it applies");
        assert_eq!(after.take_no_numbers().iter().map(|(_, cells)| *cells).collect::<Vec<_>>(), [2]);
        let error = apply(step(Base::E, OnDomain::Error), &[("x", numbers(&cells))]).expect_err("0 has no logarithm");
        assert_eq!(error.message, "column `x` has a value that is not positive");
    }
}
