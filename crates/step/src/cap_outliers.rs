//! Caps numbers that are far out.
//!
//! Learns: the caps of each column, from the training rows that have a value. `gaussian`: mean ± fold
//! standard deviations; `iqr`: quartiles ± fold times the range between them; `mad`: median ± fold
//! times 1.4826 times the median distance from it; `quantiles`: the quantiles `fold` and 1 − `fold`.
//! `"auto"` is 3, 1.5, 3.29 and 0.05. Quantiles are interpolated linearly (type 7). A column is an
//! error whose spread is 0: its every other value would be capped. Nulls stay null.
//! Exact because sums are, and because quantiles are order statistics, rounded once.
//! Known as feature-engine `Winsorizer(capping_method="gaussian", tail="right", fold="auto")`. Differs:
//! what the deviation divides by is named; `ddof` is 0 by default, as there. For `mad`, feature-engine
//! divides by 0.67449.

use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::Next;
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{AutoOr, Positive, SpreadRound, SpreadSeen};
use crate::{Columns, EachNumber, Place, StepError};

/// Caps numbers that are far out.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapOutliers {
    /// The columns to cap.
    pub columns: Columns,
    /// How the caps are found.
    #[serde(default)]
    pub method: CapMethod,
    /// On which side there are caps.
    #[serde(default)]
    pub tail: Tail,
    /// How far out: a factor of the spread, or for `quantiles` the share of rows to cap on a side, below 0.5.
    #[serde(default = "AutoOr::<Positive>::auto")]
    pub fold: AutoOr<Positive>,
    /// The standard deviation of `gaussian` divides by the count less this.
    #[serde(default)]
    pub ddof: u32,
}

/// How caps are found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapMethod {
    /// By mean and standard deviation.
    #[default]
    Gaussian,
    /// By quartiles.
    Iqr,
    /// By median and median distance from it.
    Mad,
    /// By quantiles.
    Quantiles,
}

/// On which side values are far out.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tail {
    /// Above.
    #[default]
    Right,
    /// Below.
    Left,
    /// On both sides.
    Both,
}

/// The smallest and the largest number that is left as it is.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    lower: Option<f64>,
    upper: Option<f64>,
}

/// What is known of a column.
pub enum Round {
    /// Of its mean and deviation.
    Spread(SpreadRound),
    /// Of the quantiles of its values.
    Quantiles(QuantileRound),
    /// Its median, and of the quantiles of distances from it.
    Distances(f64, QuantileRound),
}

impl CapOutliers {
    fn fold(&self) -> f64 {
        match (self.fold, self.method) {
            (AutoOr::Is(fold), _) => fold.get(),
            (_, CapMethod::Gaussian) => 3.0,
            (_, CapMethod::Iqr) => 1.5,
            (_, CapMethod::Mad) => 3.29,
            (_, CapMethod::Quantiles) => 0.05,
        }
    }

    /// The caps that lie `fold` spreads out from these two numbers.
    fn caps(&self, place: Place<'_>, (low, high): (f64, f64), spread: f64, fold: f64) -> Result<Caps, StepError> {
        if self.method == CapMethod::Quantiles && self.fold() >= 0.5 {
            return Err(place
                .error(format!("can't be capped by quantiles: `fold` is {}, which is not below 0.5", self.fold()))
                .help("by `method = \"quantiles\"` `fold` is the share of rows to cap on a side"));
        }
        if spread <= 0.0 {
            let method = serde_json::to_string(&self.method).expect("a word");
            return Err(place
                .error(format!("has a spread of 0 by `method = {method}`"))
                .help("leave the column out of this step, or choose another method"));
        }
        let caps = Caps {
            lower: (self.tail != Tail::Right).then_some(low - fold * spread + 0.0),
            upper: (self.tail != Tail::Left).then_some(high + fold * spread + 0.0),
        };
        if caps.are_sound() { Ok(caps) } else { Err(place.error("has caps beyond all numbers")) }
    }
}

impl Caps {
    fn are_sound(&self) -> bool {
        let bounds = [self.lower, self.upper];
        bounds.iter().flatten().all(|cap| cap.is_finite())
            && self.lower.zip(self.upper).is_none_or(|(lower, upper)| lower <= upper)
    }
}

impl EachNumber for CapOutliers {
    const NAME: &'static str = "cap_outliers";
    type Round = Round;
    type Seen = (SpreadSeen, Ranks);
    type Learned = Caps;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) -> Round {
        let shares = match self.method {
            CapMethod::Gaussian => return Round::Spread(SpreadRound::Mean),
            CapMethod::Iqr => vec![0.25, 0.75],
            CapMethod::Mad => vec![0.5],
            CapMethod::Quantiles => {
                let fold = self.fold().min(0.5);
                vec![fold, 1.0 - fold]
            }
        };
        Round::Quantiles(QuantileRound::start(&shares, Rule::Linear))
    }

    fn observe(&self, round: &Round, (spread, ranks): &mut (SpreadSeen, Ranks), values: &[f64]) {
        match round {
            Round::Spread(round) => round.observe(spread, values),
            Round::Quantiles(round) => ranks.observe(round, values),
            Round::Distances(median, round) => {
                // A distance beyond the largest number is as far as there is.
                let distance = |x: &f64| (x - median).abs().min(f64::MAX);
                ranks.observe(round, &values.iter().map(distance).collect::<Vec<f64>>());
            }
        }
    }

    fn next(
        &self,
        place: Place<'_>,
        round: Round,
        (spread, ranks): (SpreadSeen, Ranks),
    ) -> Result<Next<Round, Caps>, StepError> {
        let few = || place.error(format!("has too few values for a standard deviation with `ddof = {}`", self.ddof));
        let fold = self.fold();
        let caps = match round {
            Round::Spread(round) => match round.next(spread, self.ddof) {
                Next::Again(round) => return Ok(Next::Again(Round::Spread(round))),
                Next::Done(found) => {
                    let spread = found.ok_or_else(few)?;
                    self.caps(place, (spread.mean, spread.mean), spread.sd, fold)
                }
            },
            Round::Quantiles(round) => match round.next(ranks) {
                Next::Again(round) => return Ok(Next::Again(Round::Quantiles(round))),
                Next::Done(found) => match *found.ok_or_else(|| place.no_value())? {
                    [median] => {
                        let round = QuantileRound::start(&[0.5], Rule::Linear);
                        return Ok(Next::Again(Round::Distances(median, round)));
                    }
                    [low, high] if self.method == CapMethod::Iqr => self.caps(place, (low, high), high - low, fold),
                    [low, high] => self.caps(place, (low, high), high - low, 0.0),
                    _ => unreachable!("one or two quantiles were asked for"),
                },
            },
            Round::Distances(median, round) => match round.next(ranks) {
                Next::Again(round) => return Ok(Next::Again(Round::Distances(median, round))),
                Next::Done(found) => {
                    let distance = found.ok_or_else(|| place.no_value())?[0];
                    self.caps(place, (median, median), 1.4826 * distance, fold)
                }
            },
        };
        caps.map(Next::Done)
    }

    fn map(&self, _: &ColumnName, caps: &Caps, mut cells: Vec<f64>) -> Result<Column, StepError> {
        let (lower, upper) = (caps.lower.unwrap_or(f64::NEG_INFINITY), caps.upper.unwrap_or(f64::INFINITY));
        for cell in cells.iter_mut().filter(|cell| !cell.is_nan()) {
            *cell = cell.clamp(lower, upper);
        }
        Ok(Column::Number(cells))
    }

    fn accepts(&self, caps: &Caps) -> bool {
        caps.are_sound()
    }

    fn example() -> CapOutliers {
        CapOutliers {
            columns: Columns::named(["income"]),
            method: CapMethod::Gaussian,
            tail: Tail::Right,
            fold: AutoOr::auto(),
            ddof: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_numbers, fit, numbers, refusal};

    fn step(spec: serde_json::Value) -> CapOutliers {
        let mut spec = spec;
        spec["columns"] = json!("x");
        serde_json::from_value(spec).expect("a spec")
    }

    #[test]
    fn values_beyond_the_caps_become_the_caps() {
        // Mean 5, standard deviation 2.
        let cells = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        for (spec, after) in [
            (json!({"fold": 1}), [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 7.0]),
            (json!({"fold": 1, "tail": "left"}), [3.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]),
            (json!({"fold": 1, "tail": "both"}), [3.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 7.0]),
            // Quartiles 4 and 5.5.
            (json!({"method": "iqr", "tail": "both"}), [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 7.75]),
            // Median 4.5, half of the values no more than 0.5 away.
            (
                json!({"method": "mad", "tail": "both", "fold": 2}),
                [4.5 - 1.4826, 4.0, 4.0, 4.0, 5.0, 5.0, 5.9826, 5.9826],
            ),
            (json!({"method": "quantiles", "tail": "both", "fold": 0.25}), [4.0, 4.0, 4.0, 4.0, 5.0, 5.0, 5.5, 5.5]),
        ] {
            check_numbers(step(spec), &cells.map(Some), &after.map(Some));
        }
    }

    /// feature-engine 1.9.4, `Winsorizer(tail="both", fold="auto")`, but for the last digits.
    #[test]
    fn caps_are_those_of_other_libraries() {
        for (method, lower, upper) in [
            ("gaussian", -10.165_818_036_383_03, 22.565_818_036_383_03),
            ("iqr", -7.0, 17.0),
            ("quantiles", 1.2, 14.4),
            // Theirs are -10.6333 and 18.6333, with 1/0.67449 for 1.4826.
            ("mad", 4.0 - 3.29 * 1.4826 * 3.0, 4.0 + 3.29 * 1.4826 * 3.0),
        ] {
            let cells = numbers(&[1.0, 2.0, 4.0, 8.0, 16.0].map(Some));
            let fitted = fit(step(json!({"method": method, "tail": "both"})), &[("x", cells)]).expect("it fits");
            let caps: Caps = serde_json::from_value(fitted.params()["x"].clone()).expect("caps");
            let near = |cap: Option<f64>, expected: f64| cap.is_some_and(|cap| (cap - expected).abs() < 1e-13);
            assert!(near(caps.lower, lower) && near(caps.upper, upper), "{method}: {caps:?}");
        }
    }

    #[test]
    fn half_of_the_rows_is_too_many_to_cap() {
        let error = refusal(step(json!({"method": "quantiles", "fold": 0.7})), &[Some(1.0), Some(2.0)]);
        assert_eq!(error.message, "column `x` can't be capped by quantiles: `fold` is 0.7, which is not below 0.5");
    }

    #[test]
    fn a_column_without_spread_is_refused() {
        let error = refusal(step(json!({"method": "iqr"})), &[Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(9.0)]);
        assert_eq!(error.message, "column `x` has a spread of 0 by `method = \"iqr\"`");
        let error = refusal(step(json!({"ddof": 1})), &[Some(1.0)]);
        assert_eq!(error.message, "column `x` has too few values for a standard deviation with `ddof = 1`");
    }
}
