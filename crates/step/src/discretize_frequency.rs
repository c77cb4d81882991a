//! Replaces numbers by the bin that they fall into, of bins that hold equally many training rows.
//!
//! Learns: the edges of the bins, quantiles by inverted CDF: training values, or the floats next to one, where
//! a bin begins after it. A value so frequent that two edges fall on it has a bin of its own, so that there are
//! fewer bins than asked for and no column is constant that wasn't: eight 0s, a 1 and a 2 in 3 bins are {0}
//! and {1, 2}. Values beyond those of training fall into the first or the last bin, and every bin has a row of
//! training. Nulls stay null.
//! Exact because quantiles are order statistics of all rows, and bins have rows or none: nothing is sampled.
//! Known as feature-engine `EqualFrequencyDiscretiser(q=10)`, scikit-learn
//! `KBinsDiscretizer(strategy="quantile")`. Differs: scikit-learn samples 200,000 rows by position, so
//! that 855 of 250,000 change their bin when rows are shuffled; both put all of the example into one
//! bin. Edges are at values that occur, where they interpolate. `closed` is the right end, as in
//! feature-engine.

use std::collections::BTreeSet;

use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::{Next, Partial};
use evenstep_table::{Column, ColumnName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{BinAs, BinCount, Closed, Edges};
use crate::{Columns, EachNumber, Place, StepError};

/// Replaces numbers by their bin, of bins that hold equally many training rows.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscretizeFrequency {
    /// The columns to cut into bins.
    pub columns: Columns,
    /// How many bins, at most.
    #[serde(default = "ten")]
    pub bins: BinCount,
    /// Which end of a bin belongs to it.
    #[serde(default)]
    pub closed: Closed,
    /// What a bin is called.
    #[serde(default, rename = "as")]
    pub bin_as: BinAs,
}

fn ten() -> BinCount {
    BinCount::new(10)
}

/// What is looked for: the quantiles, then which of the bins between them have rows.
pub enum Search {
    Quantiles(QuantileRound),
    Filled(Vec<f64>),
}

/// What rows say of either.
#[derive(Default, Serialize, Deserialize)]
pub struct Found {
    ranks: Ranks,
    filled: BTreeSet<usize>,
}

impl Partial for Found {
    fn merge(&mut self, other: Found) {
        self.ranks.merge(other.ranks);
        self.filled.extend(other.filled);
    }
}

/// The edges between bins closed on the right, given the quantiles at 0, 1/bins, … 1.
fn edges(quantiles: &[f64]) -> Vec<f64> {
    let last = quantiles.len() - 1;
    let (min, max) = (quantiles[0], quantiles[last]);
    let mut edges = Vec::new();
    for edge in &quantiles[1..last] {
        let own_bin = quantiles.iter().filter(|quantile| *quantile == edge).count() > 1;
        if own_bin {
            edges.push(edge.next_down());
        }
        edges.push(*edge);
    }
    edges.retain(|edge| min <= *edge && *edge < max);
    edges
}

impl EachNumber for DiscretizeFrequency {
    const NAME: &'static str = "discretize_frequency";
    type Round = Search;
    type Seen = Found;
    type Learned = Edges;

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn start(&self) -> Search {
        let bins = self.bins.get();
        let shares: Vec<f64> = (0..=bins).map(|i| f64::from(i) / f64::from(bins)).collect();
        Search::Quantiles(QuantileRound::start(&shares, Rule::InvertedCdf))
    }

    fn observe(&self, round: &Search, seen: &mut Found, values: &[f64]) {
        let mirrored: Vec<f64>;
        let values = match self.closed {
            Closed::Right => values,
            // Bins closed on the left are those of the negated values, seen in a mirror.
            Closed::Left => {
                mirrored = values.iter().map(|x| -x).collect();
                &mirrored
            }
        };
        match round {
            Search::Quantiles(round) => seen.ranks.observe(round, values),
            Search::Filled(edges) => {
                seen.filled.extend(values.iter().map(|x| edges.partition_point(|edge| edge < x)));
            }
        }
    }

    fn next(&self, place: Place<'_>, round: Search, seen: Found) -> Result<Next<Search, Edges>, StepError> {
        let edges = match round {
            Search::Quantiles(round) => {
                return Ok(Next::Again(match round.next(seen.ranks) {
                    Next::Again(round) => Search::Quantiles(round),
                    Next::Done(quantiles) => Search::Filled(edges(&quantiles.ok_or_else(|| place.no_value())?)),
                }));
            }
            Search::Filled(edges) => edges,
        };
        // An edge below a frequent value may leave nothing between itself and the one before.
        let filled = |(at, edge): (usize, f64)| seen.filled.contains(&at).then_some(edge);
        let edges: Vec<f64> = edges.into_iter().enumerate().filter_map(filled).collect();
        Ok(Next::Done(Edges::new(match self.closed {
            Closed::Right => edges,
            Closed::Left => edges.into_iter().map(|edge| 0.0 - edge).collect(),
        })))
    }

    fn map(&self, _: &ColumnName, edges: &Edges, cells: Vec<f64>) -> Result<Column, StepError> {
        Ok(edges.map(&cells, self.closed, self.bin_as))
    }

    fn accepts(&self, edges: &Edges) -> bool {
        edges.are_sound()
    }

    fn example() -> DiscretizeFrequency {
        DiscretizeFrequency {
            columns: Columns::named(["income"]),
            bins: ten(),
            closed: Closed::Right,
            bin_as: BinAs::Integer,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check as check_step, integers, numbers};

    fn check(bins: u32, closed: &str, cells: &[f64], after: &[i64]) {
        let spec = json!({"columns": "x", "bins": bins, "closed": closed});
        let step: DiscretizeFrequency = serde_json::from_value(spec).expect("a spec");
        let cells: Vec<Option<f64>> = cells.iter().map(|x| Some(*x)).collect();
        let after: Vec<Option<i64>> = after.iter().map(|bin| Some(*bin)).collect();
        check_step(step, &[("x", numbers(&cells))], &[("x", integers(&after))]);
    }

    #[test]
    fn bins_hold_equally_many_rows() {
        check(2, "right", &[1.0, 2.0, 3.0, 4.0], &[0, 0, 1, 1]);
        check(3, "right", &[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], &[2, 2, 1, 1, 0, 0]);
        check(2, "left", &[1.0, 2.0, 3.0, 4.0], &[0, 0, 1, 1]);
        check(10, "right", &[1.0, 1.0], &[0, 0]);
    }

    /// feature-engine 1.9.4, `EqualFrequencyDiscretiser(q=4)`.
    #[test]
    fn bins_are_those_of_other_libraries() {
        let cells = [1.2, 3.4, 2.2, 9.1, 5.5, 7.7, 0.3, 4.4, 6.1, 8.8, 2.9, 9.9];
        check(4, "right", &cells, &[0, 1, 0, 3, 2, 2, 0, 1, 2, 3, 1, 3]);
    }

    #[test]
    fn a_frequent_value_has_a_bin_of_its_own() {
        check(3, "right", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        check(3, "right", &[1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0], &[0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
        check(4, "right", &[1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0], &[0, 1, 1, 1, 1, 1, 1, 2]);
        check(3, "left", &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        check(3, "left", &[1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0], &[0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn every_bin_has_a_row() {
        let cells = [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0];
        for closed in ["right", "left"] {
            check(10, closed, &cells, &[0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
            check(10, closed, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        }
    }
}
