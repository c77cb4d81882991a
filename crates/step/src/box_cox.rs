//! Bends positive numbers so that they are as close to normally distributed as a power makes them.
//!
//! Learns: one λ a column, by maximum likelihood over the training rows that have a value: between −5
//! and 5, and such that no training value overflows, and that they keep half of their digits: their range
//! is at least 2⁻²⁶ of the largest, or what it was. A constant column gets λ = 1, which takes 1 away and
//! does no more. A training value that is not positive is an error; a live one becomes null, or,
//! with `on_domain = "error"`, is refused. Nulls stay null.
//! Exact because the derivative of the likelihood is made of exact sums over rows, and a fixed search
//! finds where it is 0, to 8 digits or more.
//! Known as feature-engine `BoxCoxTransformer`, scikit-learn `PowerTransformer(method="box-cox")`.
//! Differs: nothing is standardised (`standard_scale` does); their λ is not bounded.
//! Source: Box & Cox 1964, Journal of the Royal Statistical Society B 26.

use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Family, Likelihood, OnDomain, Search};
use crate::{Columns, EachNumber, Place, StepError};

/// Bends positive numbers towards a normal distribution.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoxCox {
    /// The columns to transform.
    pub columns: Columns,
    /// What becomes of live numbers that are not positive.
    #[serde(default)]
    pub on_domain: OnDomain,
}

impl EachNumber for BoxCox {
    const NAME: &'static str = "box_cox";
    type Round = Search;
    type Seen = Likelihood;
    type Learned = f64;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) -> Search {
        Search::Range
    }

    fn observe(&self, search: &Search, seen: &mut Likelihood, values: &[f64]) {
        search.observe(seen, values);
    }

    fn next(&self, place: Place<'_>, search: Search, seen: Likelihood) -> Result<Next<Search, f64>, StepError> {
        if seen.range.min().is_some_and(|min| min <= 0.0) {
            return Err(place
                .error("has values that are not positive, which Box–Cox can't bend")
                .help("use `yeo_johnson`, or add a constant with `expression`"));
        }
        Ok(search.next(Family::BoxCox, seen))
    }

    fn map(&self, column: &ColumnName, lambda: &f64, mut cells: Vec<f64>) -> Result<Column, StepError> {
        self.on_domain.check(column, "positive", || cells.iter().any(|x| *x <= 0.0))?;
        Family::BoxCox.transform(*lambda, &mut cells);
        Ok(Column::Number(cells))
    }

    fn accepts(&self, lambda: &f64) -> bool {
        lambda.is_finite()
    }

    fn example() -> BoxCox {
        BoxCox { columns: Columns::named(["income"]), on_domain: OnDomain::Null }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_live, numbers, refusal};

    #[test]
    fn what_is_not_positive_is_an_error_in_training_and_null_when_live() {
        let step = || BoxCox { columns: Columns::named(["x"]), on_domain: OnDomain::Null };
        let error = refusal(step(), &[Some(1.0), Some(0.0)]);
        assert_eq!(error.message, "column `x` has values that are not positive, which Box–Cox can't bend");
        let (constant, live) = (numbers(&[Some(3.0), None]), numbers(&[Some(3.0), Some(0.0), Some(-1.0), None]));
        check_live(step(), &[("x", constant)], &[("x", live)], &[("x", numbers(&[Some(2.0), None, None, None]))]);
    }
}
