//! Drops columns that say what another one says: of two that correlate, one goes.
//!
//! Learns: which columns go, and for which other one. Columns are gone through from the one with the
//! fewest nulls among the training rows to the one with the most, equals in the order of their names;
//! each is kept unless the magnitude of its correlation with a kept one exceeds `threshold`. The
//! correlation is Pearson's, over the rows where both have a value; a constant column has none.
//! Exact because sums of products are, and because order is by name.
//! Known as feature-engine `DropCorrelatedFeatures(method="pearson", threshold=0.8)` and
//! `SmartCorrelatedSelection(selection_method="missing_values")`, skrub `DropSimilar`. Differs: they
//! keep the column that stands first.

use std::collections::BTreeMap;

use evenstep_exact::moments::{Cross, Extremes, Mean};
use evenstep_exact::reduce::{Next, Partial};
use evenstep_table::{Batch, ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kit::{Fraction, power_of_two_near};
use crate::{Columns, Site, Step, StepError};

/// Of two columns that correlate, drops one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropCorrelated {
    /// The columns that may go.
    pub columns: Columns,
    /// The magnitude of a correlation beyond which one of two goes.
    #[serde(default = "default_threshold")]
    pub threshold: Fraction,
}

fn default_threshold() -> Fraction {
    Fraction::new(0.8)
}

/// What is known before a pass.
pub enum Round {
    /// Nothing.
    Means,
    /// How each column is measured, and how many nulls it has.
    Products(Vec<Measure>),
}

/// A column's mean and a power of two that brings its values near 1, so that no product overflows.
#[derive(Clone, Copy)]
pub struct Measure {
    scale: f64,
    centre: f64,
    nulls: u64,
}

/// What a pass gathers.
#[derive(Default, Serialize, Deserialize)]
pub struct Seen {
    columns: Vec<(u64, (Mean, Extremes))>,
    /// For each column those with every later one.
    pairs: Vec<Cross>,
}

impl Partial for Seen {
    fn merge(&mut self, other: Seen) {
        self.columns.merge(other.columns);
        self.pairs.merge(other.pairs);
    }
}

impl Measure {
    fn new((nulls, (mean, extremes)): (u64, (Mean, Extremes))) -> Measure {
        let largest = extremes.min().unwrap_or(0.0).abs().max(extremes.max().unwrap_or(0.0).abs());
        let scale = 1.0 / power_of_two_near(largest);
        Measure { scale, centre: mean.mean().unwrap_or(0.0) * scale, nulls }
    }
}

/// The places of all pairs of `n` things, in the order that `Seen::pairs` has.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

impl Step for DropCorrelated {
    const NAME: &'static str = "drop_correlated";
    type Round = Round;
    type Partial = Seen;
    type Params = BTreeMap<ColumnName, ColumnName>;

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns.resolve(schema, "numbers", Kind::is_numeric)
    }

    fn start(&self, _: &Site) -> Result<Round, StepError> {
        Ok(Round::Means)
    }

    fn observe(&self, site: &Site, round: &Round, seen: &mut Seen, batch: &Batch) {
        let cells: Vec<_> = site.columns.iter().map(|name| batch.column(name).to_numbers().expect("numbers")).collect();
        match round {
            Round::Means => {
                seen.columns.resize_with(cells.len(), Default::default);
                for (cells, (nulls, (mean, extremes))) in cells.iter().zip(&mut seen.columns) {
                    let values: Vec<f64> = cells.iter().copied().filter(|x| !x.is_nan()).collect();
                    *nulls += (cells.len() - values.len()) as u64;
                    mean.observe_slice(&values);
                    values.iter().for_each(|x| extremes.observe(*x));
                }
            }
            Round::Products(measures) => {
                let near_one = |(cells, measure): (&std::borrow::Cow<'_, [f64]>, &Measure)| -> Vec<f64> {
                    cells.iter().map(|x| x * measure.scale).collect()
                };
                let cells: Vec<Vec<f64>> = cells.iter().zip(measures).map(near_one).collect();
                seen.pairs.resize_with(pairs(cells.len()).count(), Cross::default);
                for ((i, j), cross) in pairs(cells.len()).zip(&mut seen.pairs) {
                    let centres = (measures[i].centre, measures[j].centre);
                    if measures[i].nulls + measures[j].nulls == 0 {
                        cross.observe_slices(&cells[i], &cells[j], centres);
                    } else {
                        let both = cells[i].iter().zip(&cells[j]).filter(|(x, y)| !x.is_nan() && !y.is_nan());
                        let (x, y): (Vec<f64>, Vec<f64>) = both.map(|(x, y)| (*x, *y)).unzip();
                        cross.observe_slices(&x, &y, centres);
                    }
                }
            }
        }
    }

    fn next(&self, site: &Site, round: Round, seen: Seen) -> Result<Next<Round, Self::Params>, StepError> {
        let measures = match round {
            Round::Means if seen.columns.is_empty() => return Ok(Next::Done(BTreeMap::new())),
            Round::Means => {
                return Ok(Next::Again(Round::Products(seen.columns.into_iter().map(Measure::new).collect())));
            }
            Round::Products(measures) => measures,
        };
        let correlated: BTreeMap<(usize, usize), bool> = pairs(measures.len())
            .zip(&seen.pairs)
            .map(|(pair, cross)| (pair, cross.correlation().is_some_and(|r| r.abs() > self.threshold.get())))
            .collect();
        let mut order: Vec<usize> = (0..measures.len()).collect();
        order.sort_by_key(|column| measures[*column].nulls);
        let (mut kept, mut dropped) = (Vec::new(), BTreeMap::new());
        for column in order {
            let says_the_same = |other: &&usize| correlated[&(column.min(**other), column.max(**other))];
            match kept.iter().find(says_the_same) {
                Some(other) => {
                    dropped.insert(site.columns[column].clone(), site.columns[*other].clone());
                }
                None => kept.push(column),
            }
        }
        Ok(Next::Done(dropped))
    }

    fn apply(&self, _: &Site, dropped: &Self::Params, batch: Batch) -> Result<Batch, StepError> {
        Ok(batch.retain(|name| !dropped.contains_key(name)))
    }

    fn validate(&self, site: &Site, dropped: &Self::Params) -> Result<(), StepError> {
        match dropped.keys().find(|name| site.columns.binary_search(name).is_err()) {
            Some(name) => {
                Err(StepError::of(name, format!("`{}` doesn't read the column `{name}` that it drops", site.name)))
            }
            None => Ok(()),
        }
    }

    fn example() -> DropCorrelated {
        DropCorrelated { columns: Columns::named(["age", "income", "balance"]), threshold: default_threshold() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, numbers, refusal_of};

    fn step() -> DropCorrelated {
        DropCorrelated { columns: Columns::named(["a", "b", "c"]), threshold: default_threshold() }
    }

    #[test]
    fn of_two_that_correlate_the_one_with_fewer_nulls_stays_then_the_first_by_name() {
        let up = || numbers(&[1.0, 2.0, 3.0, 4.0].map(Some));
        let down = || numbers(&[-10.0, -20.0, -30.0, -41.0].map(Some));
        let other = || numbers(&[1.0, -1.0, -1.0, 1.0].map(Some));
        let holes = || numbers(&[Some(1.0), None, Some(3.0), Some(4.0)]);
        check(step(), &[("a", up()), ("b", down()), ("c", other())], &[("a", up()), ("c", other())]);
        check(step(), &[("a", holes()), ("b", down()), ("c", other())], &[("b", down()), ("c", other())]);
        let huge = || numbers(&[1e308, 1.5e308, -1e308, -1.5e308].map(Some));
        let tiny = || numbers(&[1e-308, 1.5e-308, -1e-308, -1.5e-308].map(Some));
        check(step(), &[("a", huge()), ("b", tiny()), ("c", other())], &[("a", huge()), ("c", other())]);
    }

    #[test]
    fn parameters_that_drop_what_the_step_does_not_read_are_refused() {
        let columns =
            [("a", numbers(&[None])), ("b", numbers(&[None])), ("c", numbers(&[None])), ("d", numbers(&[None]))];
        refusal_of(step(), &columns, serde_json::json!({"d": "a"}));
    }
}
