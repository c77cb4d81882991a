//! Bends numbers of either sign so that they are as close to normally distributed as a power makes
//! them.
//!
//! Learns: one λ a column, by maximum likelihood over the training rows that have a value: between −5
//! and 5, and such that no training value overflows, and that they keep half of their digits: their range
//! is at least 2⁻²⁶ of the largest, or what it was. λ = 1 leaves numbers as they are; a constant column
//! gets it. Nulls stay null.
//! Exact because the derivative of the likelihood is made of exact sums over rows, and a fixed search
//! finds where it is 0, to 8 digits or more.
//! Known as feature-engine `YeoJohnsonTransformer`, scikit-learn
//! `PowerTransformer(method="yeo-johnson")`. Differs: nothing is standardised (`standard_scale` does);
//! their λ is not bounded, and for the years 1950, 1997, 2000, 2003 and 2009 reaches 31.8.
//! Source: Yeo & Johnson 2000, Biometrika 87(4).

use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Family, Likelihood, Search};
use crate::{Columns, EachNumber, Place, StepError};

/// Bends numbers of either sign towards a normal distribution.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct YeoJohnson {
    /// The columns to transform.
    pub columns: Columns,
}

impl EachNumber for YeoJohnson {
    const NAME: &'static str = "yeo_johnson";
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

    fn next(&self, _: Place<'_>, search: Search, seen: Likelihood) -> Result<Next<Search, f64>, StepError> {
        Ok(search.next(Family::YeoJohnson, seen))
    }

    fn map(&self, _: &ColumnName, lambda: &f64, mut cells: Vec<f64>) -> Result<Column, StepError> {
        Family::YeoJohnson.transform(*lambda, &mut cells);
        Ok(Column::Number(cells))
    }

    fn accepts(&self, lambda: &f64) -> bool {
        lambda.is_finite()
    }

    fn example() -> YeoJohnson {
        YeoJohnson { columns: Columns::named(["balance"]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_numbers, fit, numbers};

    #[test]
    fn years_stay_finite_and_a_constant_stays_as_it_is() {
        let step = || YeoJohnson { columns: Columns::named(["x"]) };
        let years = numbers(&[2003.0, 1950.0, 1997.0, 2000.0, 2009.0].map(Some));
        assert_eq!(fit(step(), &[("x", years)]).expect("it fits").params(), serde_json::json!({"x": 5.0}));
        check_numbers(step(), &[Some(0.1), None, Some(0.1)], &[Some(0.1), None, Some(0.1)]);
    }
}
