//! Raises numbers to a power.
//!
//! Learns: nothing. What is no number, such as a root of a negative one, becomes null, or, with
//! `on_domain = "error"`, is refused. Nulls stay null.
//! Exact because it looks at one cell at a time, by functions with the same bits on every host.
//! Known as feature-engine `PowerTransformer(exp=0.5)`; scikit-learn's `PowerTransformer` is
//! `yeo_johnson` or `box_cox`. Differs: one bad row does not fail the batch unless asked to.

use evenstep_exact::maths;
use evenstep_table::{Batch, Column, ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{OnDomain, map_numbers};
use crate::{Columns, Site, Step, StepError};

/// Raises numbers to a power.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// The columns to transform.
    pub columns: Columns,
    /// The power.
    #[serde(default = "half")]
    pub exponent: f64,
    /// What becomes of numbers without such a power.
    #[serde(default)]
    pub on_domain: OnDomain,
}

fn half() -> f64 {
    0.5
}

impl Power {
    fn power(&self, x: f64) -> f64 {
        match self.exponent {
            0.5 => maths::sqrt(x),
            // The power 0 of a null is null too.
            _ if x.is_nan() => x,
            exponent => maths::pow(x, exponent),
        }
    }
}

impl Step for Power {
    const NAME: &'static str = "power";
    learns_nothing!();

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns.resolve(schema, "numbers", Kind::is_numeric)
    }

    fn apply(&self, site: &Site, (): &(), mut batch: Batch) -> Result<Batch, StepError> {
        for column in &site.columns {
            map_numbers(&mut batch, column, |mut cells| {
                let domain = format_args!("in the domain of the power {}", self.exponent);
                let has_none = |x: &f64| !x.is_nan() && !self.power(*x).is_finite();
                self.on_domain.check(column, domain, || cells.iter().any(has_none))?;
                cells.iter_mut().for_each(|x| *x = self.power(*x));
                Ok(Column::Number(cells))
            })?;
        }
        Ok(batch)
    }

    fn example() -> Power {
        Power { columns: Columns::named(["income"]), exponent: half(), on_domain: OnDomain::Null }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{apply, check_numbers, numbers};

    #[test]
    fn what_has_no_power_becomes_null_or_is_refused() {
        let step = |exponent, on_domain| Power { columns: Columns::named(["x"]), exponent, on_domain };
        let cells = [Some(4.0), Some(-4.0), Some(0.0), None];
        check_numbers(step(0.5, OnDomain::Null), &cells, &[Some(2.0), None, Some(0.0), None]);
        check_numbers(step(2.0, OnDomain::Null), &cells, &[Some(16.0), Some(16.0), Some(0.0), None]);
        check_numbers(step(-1.0, OnDomain::Null), &cells, &[Some(0.25), Some(-0.25), None, None]);
        check_numbers(step(0.0, OnDomain::Null), &cells, &[Some(1.0), Some(1.0), Some(1.0), None]);
        assert!(apply(step(0.5, OnDomain::Error), &[("x", numbers(&cells))]).is_err());
    }
}
