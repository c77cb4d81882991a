//! All values, sorted.

use serde::{Deserialize, Serialize};

use super::Rule;
use super::fraction::Fraction;
use super::search::Wanted;
use super::tally::merge_runs;
use crate::reduce::Partial;
use crate::sort::{from_sortable, radix_sort, sortable};

/// Every distinct value and how often it occurs, in ascending order.
///
/// A merge costs the size of both sides, so build it from whole columns; `Ranks` is for streams.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    runs: Vec<(f64, u64)>,
}

impl Distribution {
    /// The distribution of some values; NaN is null and skipped, −0 is 0.
    pub fn from_slice(values: &[f64]) -> Distribution {
        let runs = count_few(values).unwrap_or_else(|| {
            let mut places: Vec<u64> = values.iter().filter(|x| !x.is_nan()).map(|x| sortable(*x)).collect();
            radix_sort(&mut places);
            places.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)).collect()
        });
        Distribution { runs: runs.into_iter().map(|(place, count)| (from_sortable(place), count)).collect() }
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
        self.quantiles(&[p], rule).map(|found| found[0])
    }

    /// Quantiles in the order of the probabilities; `None` if there is no value.
    pub fn quantiles(&self, probabilities: &[f64], rule: Rule) -> Option<Vec<f64>> {
        let mut count = 0;
        let up_to: Vec<u64> = self
            .runs
            .iter()
            .map(|run| {
                count += run.1;
                count
            })
            .collect();
        let find = |p: &f64| {
            let wanted = Wanted::new(Fraction::of(*p), rule, &count);
            let at = |target: usize| {
                let run = up_to.partition_point(|amount| !wanted.targets[target].is_met(amount));
                self.runs[run.min(self.runs.len() - 1)].0
            };
            wanted.blend.of(at(0), at(1))
        };
        (count > 0).then(|| probabilities.iter().map(find).collect())
    }
}

/// Places with their counts, in ascending order, if they are few: to count them is ten times as fast
/// as to sort the values. None as soon as there are more.
fn count_few(values: &[f64]) -> Option<Vec<(u64, u64)>> {
    const FEW: usize = 256;
    const SLOTS: usize = 4 * FEW;
    // No place of a number is the null's.
    let mut slots = vec![(u64::MAX, 0); SLOTS];
    let mut distinct = 0;
    for x in values.iter().filter(|x| !x.is_nan()) {
        let place = sortable(*x);
        let mut at = (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize;
        while slots[at].0 != place {
            if slots[at].1 == 0 {
                if distinct == FEW {
                    return None;
                }
                distinct += 1;
                slots[at].0 = place;
            } else {
                at = (at + 1) % SLOTS;
            }
        }
        slots[at].1 += 1;
    }
    slots.retain(|(_, count)| *count > 0);
    slots.sort_unstable();
    Some(slots)
}

impl Partial for Distribution {
    fn merge(&mut self, other: Distribution) {
        self.runs = merge_runs(std::mem::take(&mut self.runs), other.runs);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(values: &[f64], p: f64, expected: [f64; 3]) {
        let distribution = Distribution::from_slice(values);
        let rules = [Rule::InvertedCdf, Rule::AveragedInvertedCdf, Rule::Linear];
        assert_eq!(rules.map(|rule| distribution.quantile(p, rule).expect("values")), expected, "{p}");
    }

    #[test]
    fn rules_are_those_of_the_books() {
        let ten: Vec<f64> = (1..=10).rev().map(f64::from).collect();
        check(&ten, 0.0, [1.0, 1.0, 1.0]);
        check(&ten, 0.1, [1.0, 1.5, 1.9]);
        check(&ten, 0.25, [3.0, 3.0, 3.25]);
        check(&ten, 0.5, [5.0, 5.5, 5.5]);
        check(&ten, 0.7, [7.0, 7.5, 7.3]);
        check(&ten, 1.0, [10.0, 10.0, 10.0]);
        check(&[7.0], 0.3, [7.0, 7.0, 7.0]);
        check(&[-0.0, f64::NAN, 0.0], 0.5, [0.0, 0.0, 0.0]);
        check(&[1e308, -1e308], 0.5, [-1e308, 0.0, 0.0]);
        check(&[f64::MAX, f64::MAX], 0.5, [f64::MAX; 3]);
        check(&[0.0, 1.0, 2.0], 1.0 / 3.0, [0.0, 0.5, 2.0 / 3.0]);
    }

    #[test]
    fn few_values_are_counted_as_many_are_sorted() {
        for distinct in [1, 2, 255, 256, 257, 1000] {
            let values: Vec<f64> = (0..3000).map(|i| f64::from(i * 7919 % distinct) - 100.5).collect();
            let expected: Vec<f64> = (0..distinct).map(|i| f64::from(i) - 100.5).collect();
            let distribution = Distribution::from_slice(&values);
            assert_eq!(distribution.runs().iter().map(|run| run.0).collect::<Vec<_>>(), expected);
            assert_eq!(distribution.count(), 3000);
            assert_eq!(count_few(&values).is_some(), distinct <= 256);
        }
    }

    #[test]
    fn without_values_there_is_no_quantile() {
        assert_eq!(Distribution::from_slice(&[f64::NAN]).quantile(0.5, Rule::Linear), None);
    }

    proptest! {
        #[test]
        fn merging_is_blind_to_order_and_grouping(values in prop::collection::vec(-3..3_i8, 0..60), at in 0..60_usize) {
            let values: Vec<f64> = values.into_iter().map(|x| f64::from(x) / 2.0).collect();
            let (a, b) = values.split_at(at.min(values.len()));
            let whole = Distribution::from_slice(&values);
            for (x, y) in [(a, b), (b, a)] {
                let mut merged = Distribution::from_slice(x);
                merged.observe(y);
                prop_assert_eq!(&merged, &whole);
            }
            prop_assert_eq!(whole.count(), values.len() as u64);
        }
    }
}
