//! What columns look like: for the report now, and for telling later whether live rows still do.

use std::borrow::Cow;
use std::collections::BTreeMap;

use evenstep_exact::moments::Mean;
use evenstep_exact::quantile::{QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::{Next, Partial, Workers};
use evenstep_exact::simd::widest;
use serde::{Deserialize, Serialize};

use crate::{Batch, Column, ColumnName, Kind, NULL_DATE, NULL_INTEGER, Schema};

/// The probabilities of a profile's quantiles.
pub const PROBABILITIES: [f64; 9] = [0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0];
/// So many of a column's categories are listed.
const TOP: usize = 20;
/// So many bins has a histogram.
const BINS: usize = 24;

/// What the columns of some rows look like.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Profile {
    /// How many rows were looked at.
    pub rows: u64,
    /// By column.
    pub columns: BTreeMap<ColumnName, ColumnProfile>,
}

/// What one column looks like. Numbers are those that the column stores: days, microseconds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its type.
    pub kind: Kind,
    /// How many cells are null.
    pub nulls: u64,
    /// How many distinct strings there are; None for other types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<u64>,
    /// The exact mean, rounded once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The quantiles at `PROBABILITIES`; empty without values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quantiles: Vec<f64>,
    /// The bounds of the histogram's bins, one more than counts; a value on a bound is in the bin above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<f64>,
    /// How many values each bin has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<u64>,
    /// The most frequent strings with their counts, ties in the order of their bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<(String, u64)>,
}

impl Profile {
    /// Looks at all columns of the rows.
    pub fn of(batches: &[Batch], workers: &Workers) -> Profile {
        let schema = batches.first().map(Batch::schema).unwrap_or_default();
        let rows = batches.iter().map(|batch| batch.rows() as u64).sum();
        let mut first: BTreeMap<ColumnName, FirstLook> =
            workers.fold(batches.len(), |task, seen: &mut BTreeMap<_, FirstLook>| {
                for (name, column) in batches[task].columns() {
                    seen.entry(name.clone()).or_default().observe(column);
                }
            });
        let quantiles = quantiles(batches, &schema, workers);
        let bounds: BTreeMap<ColumnName, Vec<f64>> =
            quantiles.iter().map(|(name, quantiles)| (name.clone(), bounds(quantiles))).collect();
        let mut counts = histograms(batches, &bounds, workers);
        let columns = schema.into_iter().map(|(name, kind)| {
            let FirstLook { nulls, mean, strings } = first.remove(&name).unwrap_or_default();
            let is_string = matches!(kind, Kind::Category | Kind::Text);
            let profile = ColumnProfile {
                kind,
                nulls,
                distinct: is_string.then_some(strings.len() as u64),
                mean: mean.mean(),
                quantiles: quantiles.get(&name).cloned().unwrap_or_default(),
                bounds: bounds.get(&name).cloned().unwrap_or_default(),
                counts: counts.remove(&name).unwrap_or_default(),
                top: top(strings),
            };
            (name, profile)
        });
        Profile { rows, columns: columns.collect() }
    }
}

#[derive(Default, Serialize, Deserialize)]
struct FirstLook {
    nulls: u64,
    mean: Mean,
    strings: BTreeMap<String, u64>,
}

impl FirstLook {
    fn observe(&mut self, column: &Column) {
        self.nulls += column.nulls() as u64;
        if let Some(coded) = column.coded() {
            for (value, count) in coded.values.iter().zip(coded.counts()).filter(|(_, count)| *count > 0) {
                match self.strings.get_mut(&**value) {
                    Some(so_far) => *so_far += count,
                    None => drop(self.strings.insert(value.to_string(), count)),
                }
            }
        } else {
            let values: Vec<f64> = stored(column).iter().copied().filter(|x| !x.is_nan()).collect();
            self.mean.observe_slice(&values);
        }
    }
}

impl Partial for FirstLook {
    fn merge(&mut self, other: FirstLook) {
        self.nulls += other.nulls;
        self.mean.merge(other.mean);
        Partial::merge(&mut self.strings, other.strings);
    }
}

/// The numbers that a column stores, NaN for null; empty for strings.
pub fn stored(column: &Column) -> Cow<'_, [f64]> {
    match column {
        Column::Date(days) => {
            days.iter().map(|day| if *day == NULL_DATE { f64::NAN } else { f64::from(*day) }).collect()
        }
        Column::Time(micros) | Column::Datetime(_, micros) => {
            micros.iter().map(|at| if *at == NULL_INTEGER { f64::NAN } else { *at as f64 }).collect()
        }
        _ => column.to_numbers().unwrap_or_default(),
    }
}

fn quantiles(batches: &[Batch], schema: &Schema, workers: &Workers) -> BTreeMap<ColumnName, Vec<f64>> {
    let numeric = schema.iter().filter(|(_, kind)| !matches!(kind, Kind::Category | Kind::Text));
    let mut rounds: BTreeMap<ColumnName, QuantileRound> =
        numeric.map(|(name, _)| (name.clone(), QuantileRound::start(&PROBABILITIES, Rule::Linear))).collect();
    let mut done = BTreeMap::new();
    while !rounds.is_empty() {
        let mut seen: BTreeMap<ColumnName, Ranks> =
            workers.fold(batches.len(), |task, seen: &mut BTreeMap<_, Ranks>| {
                for (name, round) in &rounds {
                    seen.entry(name.clone()).or_default().observe(round, &stored(batches[task].column(name)));
                }
            });
        rounds = rounds
            .into_iter()
            .filter_map(|(name, round)| match round.next(seen.remove(&name).unwrap_or_default()) {
                Next::Again(round) => Some((name, round)),
                Next::Done(quantiles) => {
                    done.insert(name, quantiles.unwrap_or_default());
                    None
                }
            })
            .collect();
    }
    done
}

/// Equal bins over the bulk of the values; the outer ones reach to the extremes.
fn bounds(quantiles: &[f64]) -> Vec<f64> {
    let [least, low, .., high, most] = quantiles else { return Vec::new() };
    if least == most {
        return vec![*least, *most];
    }
    let (from, to) = if low < high { (*low, *high) } else { (*least, *most) };
    let inner = (1..BINS).map(|n| {
        let (share, range) = (n as f64 / BINS as f64, to - from);
        if range.is_finite() { from + range * share } else { from * (1.0 - share) + to * share }
    });
    let mut bounds: Vec<f64> = std::iter::once(*least).chain(inner).chain([*most]).collect();
    bounds.dedup();
    bounds
}

fn histograms(
    batches: &[Batch],
    bounds: &BTreeMap<ColumnName, Vec<f64>>,
    workers: &Workers,
) -> BTreeMap<ColumnName, Vec<u64>> {
    workers.fold(batches.len(), |task, seen: &mut BTreeMap<ColumnName, Vec<u64>>| {
        for (name, bounds) in bounds.iter().filter(|(_, bounds)| !bounds.is_empty()) {
            let counts = seen.entry(name.clone()).or_insert_with(|| vec![0; bounds.len() - 1]);
            let stored = stored(batches[task].column(name));
            let values = stored.iter().copied().filter(|value| !value.is_nan());
            // So few bounds are compared faster than searched.
            let below = |value: f64| bounds.iter().map(|bound| u64::from(*bound <= value)).sum::<u64>() as usize;
            let bins = counts.len();
            widest!(values.for_each(|value| counts[below(value).clamp(1, bins) - 1] += 1));
        }
    })
}

fn top(strings: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut sorted: Vec<(String, u64)> = strings.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted.truncate(TOP);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Coded, RowKey};

    fn batch(numbers: Vec<f64>, strings: Vec<Option<&str>>) -> Batch {
        let mut batch = Batch::new(vec![RowKey([0; 16]); numbers.len()]);
        batch.insert(ColumnName::new("number").expect("a name"), Column::Number(numbers));
        batch.insert(ColumnName::new("string").expect("a name"), Column::Category(Coded::from_strings(strings)));
        batch
    }

    #[test]
    fn a_profile_does_not_depend_on_the_grouping_of_rows() {
        let whole = [batch(vec![3.0, 1.0, f64::NAN, 2.0], vec![Some("b"), None, Some("a"), Some("b")])];
        let parts = [
            batch(vec![f64::NAN, 2.0], vec![Some("a"), Some("b")]),
            batch(vec![1.0], vec![None]),
            batch(vec![3.0], vec![Some("b")]),
        ];
        let profile = Profile::of(&whole, &Workers::threads(1));
        assert_eq!(profile, Profile::of(&parts, &Workers::threads(2)));
        let number = &profile.columns["number"];
        assert_eq!((number.nulls, number.mean), (1, Some(2.0)));
        assert_eq!(number.quantiles[4], 2.0);
        assert_eq!(number.counts.iter().sum::<u64>(), 3);
        let string = &profile.columns["string"];
        assert_eq!(string.top, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
    }

    #[test]
    fn bins_of_any_range_have_finite_bounds() {
        let ends = (0..100).map(|row| [f64::MAX, f64::MIN][row % 2]).collect();
        let profile = Profile::of(&[batch(ends, vec![None; 100])], &Workers::threads(1));
        let number = &profile.columns["number"];
        assert!(number.bounds.iter().all(|bound| bound.is_finite()), "{:?}", number.bounds);
        assert_eq!(number.counts.iter().sum::<u64>(), 100);
    }
}
