//! Takes the median away from numbers and divides by the range between two quantiles.
//!
//! Learns: the median of each column and the range, by default between the quartiles, among the
//! training rows that have a value; quantiles are interpolated linearly (type 7). A range of 0 divides
//! by 1. Nulls stay null.
//! Exact because quantiles are order statistics, rounded once.
//! Known as scikit-learn `RobustScaler(quantile_range=(25.0, 75.0))`. Differs: nothing but the last bit
//! of a quantile.

use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::Scale;
use crate::{Columns, EachNumber, Place, StepError};

/// Takes the median away from numbers and divides by the range between two quantiles.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RobustScale {
    /// The columns to scale.
    pub columns: Columns,
    /// The two quantiles, in percent.
    #[serde(default)]
    pub quantile_range: Percents,
}

/// Two percentages, the lower one first.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "[f64; 2]", into = "[f64; 2]")]
pub struct Percents([f64; 2]);

impl Default for Percents {
    fn default() -> Percents {
        Percents([25.0, 75.0])
    }
}

impl TryFrom<[f64; 2]> for Percents {
    type Error = String;

    fn try_from([low, high]: [f64; 2]) -> Result<Percents, String> {
        if 0.0 <= low && low < high && high <= 100.0 {
            Ok(Percents([low, high]))
        } else {
            Err(format!("{low} and {high} are not two percentages, the lower one first"))
        }
    }
}

impl From<Percents> for [f64; 2] {
    fn from(percents: Percents) -> [f64; 2] {
        percents.0
    }
}

impl EachNumber for RobustScale {
    const NAME: &'static str = "robust_scale";
    type Round = QuantileRound;
    type Seen = Ranks;
    type Learned = Scale;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) -> QuantileRound {
        let [low, high] = self.quantile_range.0;
        QuantileRound::start(&[low / 100.0, 0.5, high / 100.0], Rule::Linear)
    }

    fn observe(&self, round: &QuantileRound, seen: &mut Ranks, values: &[f64]) {
        seen.observe(round, values);
    }

    fn next(
        &self,
        place: Place<'_>,
        round: QuantileRound,
        seen: Ranks,
    ) -> Result<Next<QuantileRound, Scale>, StepError> {
        let found = match round.next(seen) {
            Next::Again(round) => return Ok(Next::Again(round)),
            Next::Done(found) => found.ok_or_else(|| place.no_value())?,
        };
        let scale = Scale::new(found[1], found[2] - found[0]);
        if scale.is_sound() { Ok(Next::Done(scale)) } else { Err(place.error("spans more than the largest number")) }
    }

    fn map(&self, _: &ColumnName, scale: &Scale, cells: Vec<f64>) -> Result<Column, StepError> {
        Ok(scale.map(cells))
    }

    fn accepts(&self, scale: &Scale) -> bool {
        scale.is_sound()
    }

    fn example() -> RobustScale {
        RobustScale { columns: Columns::named(["income"]), quantile_range: Percents::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::check_numbers;

    #[test]
    fn numbers_are_measured_in_interquartile_ranges_from_the_median() {
        let step = || RobustScale { columns: Columns::named(["x"]), quantile_range: Percents::default() };
        // Quartiles 2, 3 and 4, whatever the outlier.
        check_numbers(step(), &[1.0, 2.0, 3.0, 4.0, 100.0].map(Some), &[-1.0, -0.5, 0.0, 0.5, 48.5].map(Some));
        // scikit-learn 1.9.1, `RobustScaler(quantile_range=(10, 80))`: 4 and 8.2, where it says 8.200000000000001.
        let wide = || RobustScale { quantile_range: Percents([10.0, 80.0]), ..step() };
        let cells = [1.0, 2.0, 4.0, 8.0, 16.0].map(Some);
        check_numbers(wide(), &cells, &[-3.0 / 8.2, -2.0 / 8.2, 0.0, 4.0 / 8.2, 12.0 / 8.2].map(Some));
        check_numbers(step(), &[Some(1.0), None, Some(1.0)], &[Some(0.0), None, Some(0.0)]);
    }

    #[test]
    fn quantiles_must_be_percentages_in_order() {
        for range in ["[75, 25]", "[-1, 50]", "[50, 101]", "[50]"] {
            assert!(serde_json::from_str::<Percents>(range).is_err(), "{range}");
        }
    }
}
