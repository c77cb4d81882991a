//! Takes the mean away from numbers and divides by their standard deviation.
//!
//! Learns: mean and standard deviation of each column, over n, of the training rows that have a value.
//! A constant column is divided by 1. Nulls stay null.
//! Exact because sums are; and because it divides: a product with the reciprocal would round twice.
//! Known as scikit-learn `StandardScaler(with_mean=True, with_std=True)`. Differs: weights are not
//! taken; "constant" means that all values are equal, where scikit-learn forgives a rounding error.

use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Scale, SpreadRound, SpreadSeen, default_true};
use crate::{Columns, EachNumber, Place, StepError};

/// Takes the mean away from numbers and divides by their standard deviation.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandardScale {
    /// The columns to scale.
    pub columns: Columns,
    /// Takes the mean away.
    #[serde(default = "default_true")]
    pub with_mean: bool,
    /// Divides by the standard deviation.
    #[serde(default = "default_true")]
    pub with_sd: bool,
}

impl EachNumber for StandardScale {
    const NAME: &'static str = "standard_scale";
    type Round = SpreadRound;
    type Seen = SpreadSeen;
    type Learned = Scale;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) -> SpreadRound {
        SpreadRound::Mean
    }

    fn observe(&self, round: &SpreadRound, seen: &mut SpreadSeen, values: &[f64]) {
        round.observe(seen, values);
    }

    fn next(
        &self,
        place: Place<'_>,
        round: SpreadRound,
        seen: SpreadSeen,
    ) -> Result<Next<SpreadRound, Scale>, StepError> {
        let spread = match round.next(seen, 0) {
            Next::Again(round) => return Ok(Next::Again(round)),
            Next::Done(spread) => spread.ok_or_else(|| place.no_value())?,
        };
        let centre = if self.with_mean { spread.mean } else { 0.0 };
        Ok(Next::Done(Scale::new(centre, if self.with_sd { spread.sd } else { 1.0 })))
    }

    fn map(&self, _: &ColumnName, scale: &Scale, cells: Vec<f64>) -> Result<Column, StepError> {
        Ok(scale.map(cells))
    }

    fn accepts(&self, scale: &Scale) -> bool {
        scale.is_sound()
    }

    fn example() -> StandardScale {
        StandardScale { columns: Columns::named(["age", "income"]), with_mean: true, with_sd: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_numbers, fit, numbers};

    /// √29.76, rounded once. scikit-learn 1.9.1 has …343, the float beyond.
    #[test]
    fn the_divisor_is_the_float_nearest_to_the_deviation() {
        let cells = numbers(&[1.0, 2.0, 4.0, 8.0, 16.0].map(Some));
        let fitted = fit(StandardScale::example(), &[("age", cells.clone()), ("income", cells)]).expect("it fits");
        let scale: Scale = serde_json::from_value(fitted.params()["age"].clone()).expect("a scale");
        assert_eq!(scale, Scale { centre: 6.2, divisor: 5.455_272_678_794_342 });
    }

    #[test]
    fn numbers_are_centred_and_divided() {
        let step = || StandardScale { columns: Columns::named(["x"]), with_mean: true, with_sd: true };
        let cells = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].map(Some);
        check_numbers(step(), &cells, &[-1.5, -0.5, -0.5, -0.5, 0.0, 0.0, 1.0, 2.0].map(Some));
        check_numbers(step(), &[Some(0.1), None, Some(0.1), Some(0.1)], &[Some(0.0), None, Some(0.0), Some(0.0)]);
        let only_divided = StandardScale { with_mean: false, ..step() };
        check_numbers(only_divided, &cells, &[1.0, 2.0, 2.0, 2.0, 2.5, 2.5, 3.5, 4.5].map(Some));
    }
}
