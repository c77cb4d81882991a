//! Takes the natural logarithm of numbers after adding a constant.
//!
//! Learns: with `constant = "auto"` one constant a column: 0 if its smallest training value is
//! positive, else that value's magnitude plus 1. A number that is still not positive, such as a live
//! one below all of training, becomes null, or, with `on_domain = "error"`, is refused. Nulls stay
//! null.
//! Exact because a minimum is.
//! Known as feature-engine `LogCpTransformer(C="auto")`. Differs: one bad row does not fail the batch
//! unless asked to.

use evenstep_exact::maths;
use evenstep_exact::moments::Extremes;
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{AutoOr, OnDomain};
use crate::{Columns, EachNumber, Place, StepError};

/// Takes the natural logarithm of numbers after adding a constant.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogPlusConstant {
    /// The columns to transform.
    pub columns: Columns,
    /// What is added.
    #[serde(default = "AutoOr::<f64>::auto")]
    pub constant: AutoOr<f64>,
    /// What becomes of numbers that are not positive even so.
    #[serde(default)]
    pub on_domain: OnDomain,
}

impl EachNumber for LogPlusConstant {
    const NAME: &'static str = "log_plus_constant";
    type Round = ();
    type Seen = Extremes;
    type Learned = f64;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) {}

    fn observe(&self, (): &(), seen: &mut Extremes, values: &[f64]) {
        values.iter().for_each(|x| seen.observe(*x));
    }

    fn next(&self, place: Place<'_>, (): (), seen: Extremes) -> Result<Next<(), f64>, StepError> {
        let constant = match (self.constant, seen.min().ok_or_else(|| place.no_value())?) {
            (AutoOr::Is(constant), _) => constant,
            (AutoOr::Auto(_), min) if min > 0.0 => 0.0,
            // From 2^53 on, 1 is lost in the sum.
            (AutoOr::Auto(_), min) => (min.abs() + 1.0).max(min.abs().next_up()),
        };
        if constant.is_finite() {
            Ok(Next::Done(constant))
        } else {
            Err(place.error("needs a constant beyond all numbers"))
        }
    }

    fn map(&self, column: &ColumnName, constant: &f64, mut cells: Vec<f64>) -> Result<Column, StepError> {
        cells.iter_mut().for_each(|x| *x += constant);
        self.on_domain.check(column, format_args!("above {}", -constant), || cells.iter().any(|x| *x <= 0.0))?;
        maths::ln_slice(&mut cells);
        Ok(Column::Number(cells))
    }

    fn accepts(&self, constant: &f64) -> bool {
        constant.is_finite()
    }

    fn example() -> LogPlusConstant {
        LogPlusConstant { columns: Columns::named(["balance"]), constant: AutoOr::auto(), on_domain: OnDomain::Null }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_live, check_numbers, numbers};

    #[test]
    fn the_smallest_training_value_maps_to_0_unless_all_are_positive() {
        let step =
            || LogPlusConstant { columns: Columns::named(["x"]), constant: AutoOr::auto(), on_domain: OnDomain::Null };
        let five = 1.609_437_912_434_100_3;
        check_numbers(step(), &[Some(-3.0), Some(1.0), None], &[Some(0.0), Some(five), None]);
        check_numbers(step(), &[Some(5.0), Some(1.0)], &[Some(five), Some(0.0)]);
        let two = std::f64::consts::LN_2;
        check_numbers(step(), &[Some(-9_007_199_254_740_992.0)], &[Some(two)]);
        let live = numbers(&[Some(-4.0), Some(-5.0)]);
        check_live(step(), &[("x", numbers(&[Some(-3.0)]))], &[("x", live)], &[("x", numbers(&[None, None]))]);
        let fixed = LogPlusConstant { constant: AutoOr::Is(2.0), ..step() };
        check_numbers(fixed, &[Some(3.0), Some(-1.0)], &[Some(five), Some(0.0)]);
    }
}
