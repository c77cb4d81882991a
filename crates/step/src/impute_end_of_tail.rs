//! Fills missing numbers with one at the end of the column's distribution, where they stand out.
//!
//! Learns: one number a column, from the training rows that have a value. `gaussian`: mean ± fold
//! standard deviations; `iqr`: the upper quartile plus, or the lower minus, fold times the
//! interquartile range; `max`: fold times the largest value, whatever the tail. A filled column is a
//! number, whatever it was.
//! Exact because sums are exact and quartiles are order statistics, type 7.
//! Known as feature-engine `EndTailImputer`. Differs: what the deviation divides by is named; `ddof` is
//! 1 by default, as there.

use evenstep_exact::moments::Extremes;
use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Positive, SpreadRound, SpreadSeen, fill_numbers};
use crate::{Columns, EachNumber, Place, StepError};

/// Fills missing numbers with one at the end of the column's distribution.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImputeEndOfTail {
    /// The columns to fill.
    pub columns: Columns,
    /// How the end is found.
    #[serde(default)]
    pub method: EndMethod,
    /// Which end.
    #[serde(default)]
    pub tail: End,
    /// How far out: a factor of the deviation, the interquartile range or the largest value.
    #[serde(default = "three")]
    pub fold: Positive,
    /// The standard deviation divides by the count less this.
    #[serde(default = "one")]
    pub ddof: u32,
}

/// How the end of a distribution is found.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndMethod {
    /// By mean and standard deviation.
    #[default]
    Gaussian,
    /// By quartiles.
    Iqr,
    /// By the largest value.
    Max,
}

/// An end of a distribution.
#[derive(Clone, Copy, PartialEq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The upper.
    #[default]
    Right,
    /// The lower.
    Left,
}

fn three() -> Positive {
    Positive::new(3.0)
}

fn one() -> u32 {
    1
}

/// What is known of a column.
pub enum Round {
    /// Of its mean and deviation.
    Spread(SpreadRound),
    /// Of its quartiles.
    Quartiles(QuantileRound),
    /// Of its largest value.
    Max,
}

impl EachNumber for ImputeEndOfTail {
    const NAME: &'static str = "impute_end_of_tail";
    type Round = Round;
    type Seen = (SpreadSeen, (Ranks, Extremes));
    type Learned = f64;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) -> Round {
        match self.method {
            EndMethod::Gaussian => Round::Spread(SpreadRound::Mean),
            EndMethod::Iqr => Round::Quartiles(QuantileRound::start(&[0.25, 0.75], Rule::Linear)),
            EndMethod::Max => Round::Max,
        }
    }

    fn observe(&self, round: &Round, (spread, (ranks, extremes)): &mut Self::Seen, values: &[f64]) {
        match round {
            Round::Spread(round) => round.observe(spread, values),
            Round::Quartiles(round) => ranks.observe(round, values),
            Round::Max => values.iter().for_each(|x| extremes.observe(*x)),
        }
    }

    fn next(
        &self,
        place: Place<'_>,
        round: Round,
        (spread, (ranks, extremes)): Self::Seen,
    ) -> Result<Next<Round, f64>, StepError> {
        let fold = self.fold.get();
        let out = match self.tail {
            End::Right => fold,
            End::Left => -fold,
        };
        let end = match round {
            Round::Spread(round) => match round.next(spread, self.ddof) {
                Next::Again(round) => return Ok(Next::Again(Round::Spread(round))),
                Next::Done(found) => found.map(|spread| spread.mean + out * spread.sd),
            },
            Round::Quartiles(round) => match round.next(ranks) {
                Next::Again(round) => return Ok(Next::Again(Round::Quartiles(round))),
                Next::Done(found) => found.map(|quartiles| {
                    let near = if self.tail == End::Right { quartiles[1] } else { quartiles[0] };
                    near + out * (quartiles[1] - quartiles[0])
                }),
            },
            Round::Max => extremes.max().map(|max| max * fold),
        };
        let end = end.ok_or_else(|| {
            place.error(format!("has too few values for a standard deviation with `ddof = {}`", self.ddof))
        })?;
        if end.is_finite() {
            Ok(Next::Done(end + 0.0))
        } else {
            Err(place.error("has a tail that ends beyond all numbers"))
        }
    }

    fn map(&self, _: &ColumnName, end: &f64, cells: Vec<f64>) -> Result<Column, StepError> {
        Ok(fill_numbers(cells, *end))
    }

    fn accepts(&self, end: &f64) -> bool {
        end.is_finite()
    }

    fn example() -> ImputeEndOfTail {
        let method = EndMethod::Gaussian;
        ImputeEndOfTail { columns: Columns::named(["age"]), method, tail: End::Right, fold: three(), ddof: one() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{fit, numbers, refusal};

    /// feature-engine 1.9.4, but for the last digits.
    #[test]
    fn ends_are_those_of_other_libraries() {
        for (spec, expected) in [
            (json!({"columns": "x"}), 24.497_540_818_372_29),
            (json!({"columns": "x", "tail": "left"}), -12.097_540_818_372_291),
            (json!({"columns": "x", "method": "iqr"}), 26.0),
            (json!({"columns": "x", "method": "iqr", "tail": "left"}), -16.0),
            (json!({"columns": "x", "method": "max"}), 48.0),
            (json!({"columns": "x", "ddof": 0, "fold": 1}), 11.655_272_678_794_343),
        ] {
            let step: ImputeEndOfTail = serde_json::from_value(spec.clone()).expect("a spec");
            let cells = [Some(1.0), Some(2.0), Some(4.0), Some(8.0), Some(16.0), None];
            let fitted = fit(step, &[("x", numbers(&cells))]).expect("it fits");
            let end = fitted.params()["x"].as_f64().expect("a number");
            assert!((end - expected).abs() < 1e-13, "{spec}: {end}");
        }
    }

    #[test]
    fn one_value_has_no_deviation_over_n_less_1() {
        let step: ImputeEndOfTail = serde_json::from_value(json!({"columns": "x"})).expect("a spec");
        let error = refusal(step, &[Some(1.0), None]);
        assert_eq!(error.message, "column `x` has too few values for a standard deviation with `ddof = 1`");
    }
}
