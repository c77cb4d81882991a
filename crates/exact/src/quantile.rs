//! Exact quantiles.

use serde::{Deserialize, Serialize};

use crate::reduce::{Next, Partial};
use crate::sort::{from_sortable, radix_sort, sortable};
use crate::sum::ExactSum;

/// Which value stands at a share `p` of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The smallest value that at least the share `p` does not exceed (type 1).
    InvertedCdf,
    /// The same, but the middle of two values where the share is met exactly (type 2).
    AveragedInvertedCdf,
    /// Linear between neighbours at (n − 1)·p (type 7).
    Linear,
}

/// What is still sought.
#[derive(Clone, Debug)]
pub struct QuantileRound {
    probabilities: Vec<f64>,
    rule: Rule,
}

/// What was seen in one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranks {
    values: Distribution,
    weights: std::collections::BTreeMap<u64, ExactSum>,
}

impl QuantileRound {
    /// The first round: nothing is known.
    pub fn start(probabilities: &[f64], rule: Rule) -> QuantileRound {
        assert!(
            probabilities.iter().all(|p| (0.0..=1.0).contains(p)),
            "a probability lies in [0, 1]"
        );
        QuantileRound {
            probabilities: probabilities.to_vec(),
            rule,
        }
    }

    /// What the round led to: another round, or the quantiles in the order of the probabilities.
    /// `None` if there was no value.
    pub fn next(self, seen: Ranks) -> Next<QuantileRound, Option<Vec<f64>>> {
        Next::Done(
            self.probabilities
                .iter()
                .map(|p| seen.values.quantile(*p, self.rule))
                .collect(),
        )
    }
}

impl Ranks {
    /// Sees values; NaN is null and skipped.
    pub fn observe(&mut self, _round: &QuantileRound, values: &[f64]) {
        self.values.merge(Distribution::from_slice(values));
    }

    /// Sees values with weights, which are not negative; NaN and weight 0 are skipped.
    pub fn observe_weighted(&mut self, round: &QuantileRound, values: &[f64], weights: &[f64]) {
        assert_ne!(
            round.rule,
            Rule::Linear,
            "weighted quantiles are inverted distribution functions"
        );
        for (x, weight) in values.iter().zip(weights) {
            if !x.is_nan() && *weight != 0.0 {
                self.weights.entry(sortable(*x)).or_default().add(*weight);
            }
        }
    }
}

impl Partial for Ranks {
    fn merge(&mut self, other: Ranks) {
        self.values.merge(other.values);
        for (place, weight) in other.weights {
            self.weights.entry(place).or_default().merge(weight);
        }
    }
}

/// Every distinct value and how often it occurs, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    runs: Vec<(f64, u64)>,
}

impl Distribution {
    /// The distribution of some values; NaN is null and skipped.
    pub fn from_slice(values: &[f64]) -> Distribution {
        let mut places: Vec<u64> = values
            .iter()
            .filter(|x| !x.is_nan())
            .map(|x| sortable(*x))
            .collect();
        radix_sort(&mut places);
        let runs = places
            .chunk_by(|a, b| a == b)
            .map(|run| (from_sortable(run[0]), run.len() as u64));
        Distribution {
            runs: runs.collect(),
        }
    }

    /// Sees values; NaN is null and skipped.
    pub fn observe(&mut self, values: &[f64]) {
        self.merge(Distribution::from_slice(values));
    }

    /// Distinct values with their counts, in ascending order.
    pub fn runs(&self) -> &[(f64, u64)] {
        &self.runs
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|(_, count)| count).sum()
    }

    /// A quantile; `None` if there is no value.
    pub fn quantile(&self, p: f64, rule: Rule) -> Option<f64> {
        assert!((0.0..=1.0).contains(&p), "a probability lies in [0, 1]");
        let n = self.count();
        if n == 0 {
            return None;
        }
        let at = |rank: u64| {
            let mut below = 0;
            self.runs
                .iter()
                .find(|(_, count)| {
                    below += count;
                    rank < below
                })
                .expect("a rank below the count")
                .0
        };
        let h = n as f64 * p;
        Some(match rule {
            Rule::InvertedCdf => at((h.ceil() as u64).clamp(1, n) - 1),
            Rule::AveragedInvertedCdf => {
                let rank = (h.ceil() as u64).clamp(1, n);
                let next = if h == rank as f64 {
                    (rank + 1).min(n)
                } else {
                    rank
                };
                0.5 * at(rank - 1) + 0.5 * at(next - 1)
            }
            Rule::Linear => {
                let h = (n - 1) as f64 * p;
                let (low, high) = (at(h.floor() as u64), at(h.ceil() as u64));
                low + (h - h.floor()) * (high - low)
            }
        })
    }
}

impl Partial for Distribution {
    fn merge(&mut self, other: Distribution) {
        let mut merged: Vec<(f64, u64)> = Vec::with_capacity(self.runs.len() + other.runs.len());
        let (mut a, mut b) = (self.runs.iter().peekable(), other.runs.iter().peekable());
        loop {
            let run = match (a.peek(), b.peek()) {
                (Some(x), Some(y)) if x.0 == y.0 => {
                    let run = (x.0, x.1 + y.1);
                    a.next();
                    b.next();
                    run
                }
                (Some(x), Some(y)) if x.0 > y.0 => *b.next().expect("peeked"),
                (Some(_), _) => *a.next().expect("peeked"),
                (None, Some(_)) => *b.next().expect("peeked"),
                (None, None) => break,
            };
            merged.push(run);
        }
        self.runs = merged;
    }
}
