//! Exact quantiles in a few passes and little memory.
//!
//! Floats map to integers that sort like them. A pass counts them by their leading bits and
//! tells which bucket holds each wanted rank; the next pass looks only into those. A bucket
//! with few distinct values keeps them, which ends the search early: in one pass
//! for thousands of values, in two or three for millions, in five at most.

mod distribution;
mod fraction;
mod search;
mod tally;

pub use distribution::Distribution;

use serde::{Deserialize, Serialize};

use crate::reduce::{Next, Partial};
use crate::sort::{radix_sort_by_key, sortable};
use crate::sum::ExactSum;
use fraction::Fraction;
use search::{Narrowed, START};
use tally::{Amount, Sight, Tally};

/// Which value stands at a share `p` of the values.
///
/// A probability means the simplest fraction that rounds to it: 0.1 is a tenth, not the
/// float just above, so that a tenth of ten rows is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The smallest value that at least the share `p` does not exceed (type 1).
    InvertedCdf,
    /// The same, but the middle of two values where the share is met exactly (type 2).
    AveragedInvertedCdf,
    /// Linear between neighbours, at (n − 1)·p (type 7).
    Linear,
}

/// What is still sought.
#[derive(Clone, Debug)]
pub struct QuantileRound {
    probabilities: Vec<Fraction>,
    rule: Rule,
    search: Search,
}

#[derive(Clone, Debug)]
enum Search {
    Start,
    Counts(Narrowed<u64>),
    Weights(Narrowed<ExactSum>),
}

/// What was seen in one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranks {
    sight: Sight,
    seen: Seen,
}

/// One tally for each bucket of the round; nothing until a value falls into one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Seen {
    #[default]
    Nothing,
    Counts(Vec<Tally<u64>>),
    Weights(Vec<Tally<ExactSum>>),
}

impl QuantileRound {
    /// The first round, where nothing is known.
    pub fn start(probabilities: &[f64], rule: Rule) -> QuantileRound {
        let probabilities = probabilities.iter().map(|p| Fraction::of(*p)).collect();
        QuantileRound { probabilities, rule, search: Search::Start }
    }

    /// What the round led to: another one, or the quantiles in the order of the probabilities.
    /// `None` if there was no value.
    pub fn next(self, seen: Ranks) -> Next<QuantileRound, Option<Vec<f64>>> {
        let (probabilities, rule) = (&self.probabilities, self.rule);
        let next = match (self.search, seen.seen) {
            (Search::Start, Seen::Nothing) => return Next::Done(None),
            (Search::Start, Seen::Counts(tallies)) => {
                Narrowed::start(probabilities, rule, &tallies).next(&tallies, Search::Counts)
            }
            (Search::Start, Seen::Weights(tallies)) => {
                Narrowed::start(probabilities, rule, &tallies).next(&tallies, Search::Weights)
            }
            (Search::Counts(narrowed), Seen::Counts(tallies)) => narrowed.next(&tallies, Search::Counts),
            (Search::Weights(narrowed), Seen::Weights(tallies)) => narrowed.next(&tallies, Search::Weights),
            _ => panic!("every round of one search sees the same data"),
        };
        match next {
            Next::Again(search) => Next::Again(QuantileRound { search, ..self }),
            Next::Done(found) => Next::Done(Some(found)),
        }
    }

    fn sight(&self) -> Sight {
        match &self.search {
            Search::Start => START,
            Search::Counts(narrowed) => narrowed.sight,
            Search::Weights(narrowed) => narrowed.sight,
        }
    }

    fn prefixes(&self) -> &[u64] {
        match &self.search {
            Search::Start => &[0],
            Search::Counts(narrowed) => &narrowed.prefixes,
            Search::Weights(narrowed) => &narrowed.prefixes,
        }
    }
}

impl Ranks {
    /// Sees values; NaN is null and skipped.
    pub fn observe(&mut self, round: &QuantileRound, values: &[f64]) {
        let rows = values.iter().filter(|x| !x.is_nan()).map(|x| (sortable(*x), ()));
        let tallies = match &mut self.seen {
            Seen::Nothing => Vec::new(),
            Seen::Counts(tallies) => std::mem::take(tallies),
            Seen::Weights(_) => panic!("a column has weights or none"),
        };
        let tallies = observe(round, tallies, rows);
        if !tallies.is_empty() {
            (self.sight, self.seen) = (round.sight(), Seen::Counts(tallies));
        }
    }

    /// Sees values with weights, which are finite and not negative; NaN and weight 0 are skipped.
    /// Not for `Rule::Linear`.
    pub fn observe_weighted(&mut self, round: &QuantileRound, values: &[f64], weights: &[f64]) {
        assert_ne!(round.rule, Rule::Linear, "a weighted quantile is an inverted distribution function");
        assert_eq!(values.len(), weights.len(), "each value has a weight");
        assert!(weights.iter().all(|weight| *weight >= 0.0), "no weight is negative");
        let rows = values.iter().zip(weights).filter(|(x, weight)| !x.is_nan() && **weight > 0.0);
        let rows = rows.map(|(x, weight)| (sortable(*x), *weight));
        let tallies = match &mut self.seen {
            Seen::Nothing => Vec::new(),
            Seen::Weights(tallies) => std::mem::take(tallies),
            Seen::Counts(_) => panic!("a column has weights or none"),
        };
        let tallies = observe(round, tallies, rows);
        if !tallies.is_empty() {
            (self.sight, self.seen) = (round.sight(), Seen::Weights(tallies));
        }
    }
}

/// Adds rows to the tallies of their buckets. No tallies stand for empty ones.
fn observe<A: Amount>(
    round: &QuantileRound,
    mut tallies: Vec<Tally<A>>,
    rows: impl Iterator<Item = (u64, A::Term)>,
) -> Vec<Tally<A>> {
    // So that long slices are not sorted far beyond the number of values that are few.
    const CHUNK: usize = 8192;
    let (sight, prefixes) = (round.sight(), round.prefixes());
    let mut few = Vec::new();
    for (place, term) in rows {
        let Ok(bucket) = prefixes.binary_search(&sight.prefix(place)) else { continue };
        if tallies.is_empty() {
            tallies = vec![Tally::default(); prefixes.len()];
        }
        if !tallies[bucket].try_add(sight, place, term) {
            few.push((place, term));
            if few.len() == CHUNK {
                add_few(sight, prefixes, &mut tallies, &mut few);
            }
        }
    }
    add_few(sight, prefixes, &mut tallies, &mut few);
    tallies
}

/// Sorts rows, which groups them by bucket as well, and empties the list.
fn add_few<A: Amount>(sight: Sight, prefixes: &[u64], tallies: &mut [Tally<A>], rows: &mut Vec<(u64, A::Term)>) {
    radix_sort_by_key(rows, |row| row.0);
    for rows in rows.chunk_by(|a, b| sight.prefix(a.0) == sight.prefix(b.0)) {
        let bucket = prefixes.binary_search(&sight.prefix(rows[0].0)).expect("only rows of buckets are kept");
        tallies[bucket].add_sorted(sight, rows);
    }
    rows.clear();
}

impl Partial for Ranks {
    fn merge(&mut self, other: Ranks) {
        fn join<A: Amount>(sight: Sight, mine: &mut [Tally<A>], theirs: Vec<Tally<A>>) {
            assert_eq!(mine.len(), theirs.len(), "partials of one round have its buckets");
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                mine.merge(sight, theirs);
            }
        }
        match (&mut self.seen, other.seen) {
            (_, Seen::Nothing) => {}
            (Seen::Nothing, theirs) => (self.sight, self.seen) = (other.sight, theirs),
            (Seen::Counts(mine), Seen::Counts(theirs)) => join(self.sight, mine, theirs),
            (Seen::Weights(mine), Seen::Weights(theirs)) => join(self.sight, mine, theirs),
            _ => panic!("a column has weights or none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::draw::{Draws, Seed};
    use crate::reduce::{decode, encode};

    const RULES: [Rule; 3] = [Rule::InvertedCdf, Rule::AveragedInvertedCdf, Rule::Linear];

    /// Runs all rounds over chunks of the values; gives the quantiles and the number of passes.
    fn search(probabilities: &[f64], rule: Rule, values: &[f64], chunk: usize) -> (Option<Vec<f64>>, usize) {
        let mut round = QuantileRound::start(probabilities, rule);
        for passes in 1.. {
            let mut seen = Ranks::default();
            for (chunk, i) in values.chunks(chunk.max(1)).zip(0..) {
                let mut part = Ranks::default();
                part.observe(&round, chunk);
                // Every other part comes from elsewhere.
                if i % 2 == 0 { seen.merge(part) } else { seen.observe(&round, chunk) }
            }
            let seen = decode(&encode(&seen));
            round = match round.next(seen) {
                Next::Again(round) => round,
                Next::Done(found) => return (found, passes),
            };
        }
        unreachable!("a search ends")
    }

    fn search_weighted(probabilities: &[f64], rule: Rule, values: &[f64], weights: &[f64]) -> Option<Vec<f64>> {
        let mut round = QuantileRound::start(probabilities, rule);
        loop {
            let mut seen = Ranks::default();
            let half = values.len() / 2;
            seen.observe_weighted(&round, &values[half..], &weights[half..]);
            let mut other = Ranks::default();
            other.observe_weighted(&round, &values[..half], &weights[..half]);
            seen.merge(other);
            round = match round.next(seen) {
                Next::Again(round) => round,
                Next::Done(found) => return found,
            };
        }
    }

    fn normal(n: u32) -> Vec<f64> {
        let draws = Draws::new(Seed(7), "quantile tests");
        (0..n).map(|i| draws.normal(&u128::from(i).to_le_bytes(), 0)).collect()
    }

    #[test]
    fn without_values_there_is_no_quantile() {
        assert_eq!(search(&[0.5], Rule::Linear, &[], 1), (None, 1));
        assert_eq!(search(&[0.5], Rule::Linear, &[f64::NAN; 3], 2), (None, 1));
        assert_eq!(search_weighted(&[0.5], Rule::InvertedCdf, &[1.0, 2.0], &[0.0, 0.0]), None);
    }

    #[test]
    fn a_few_values_take_one_pass_and_many_take_few() {
        let probabilities: Vec<f64> = (0..=20).map(|i| f64::from(i) / 20.0).collect();
        for (n, most) in [(4096, 1), (20_000, 2), (300_000, 3)] {
            let values = normal(n);
            let sorted = Distribution::from_slice(&values);
            for rule in RULES {
                let (found, passes) = search(&probabilities, rule, &values, 8192);
                assert_eq!(found, sorted.quantiles(&probabilities, rule), "{rule:?} of {n}");
                assert!(passes <= most, "{passes} passes over {n} values");
            }
        }
    }

    #[test]
    fn values_that_differ_only_in_their_last_bits_take_five_passes() {
        let values: Vec<f64> = (0..10_000_u64).map(|i| f64::from_bits(1.0_f64.to_bits() + i)).collect();
        let (found, passes) = search(&[0.25, 0.5], Rule::Linear, &values, 1000);
        assert_eq!(found, Distribution::from_slice(&values).quantiles(&[0.25, 0.5], Rule::Linear));
        assert!(passes <= 5, "{passes}");
    }

    #[test]
    fn many_quantiles_share_the_memory() {
        let values = normal(200_000);
        let probabilities: Vec<f64> = (1..500).map(|i| f64::from(i) / 500.0).collect();
        let (found, _) = search(&probabilities, Rule::InvertedCdf, &values, 10_000);
        assert_eq!(found, Distribution::from_slice(&values).quantiles(&probabilities, Rule::InvertedCdf));
    }

    #[test]
    fn weights_count_like_repeated_rows() {
        let values = normal(30_000);
        let weights: Vec<f64> = (0..values.len()).map(|i| (i % 4) as f64).collect();
        let repeated: Vec<f64> =
            values.iter().zip(&weights).flat_map(|(x, weight)| std::iter::repeat_n(*x, *weight as usize)).collect();
        for rule in [Rule::InvertedCdf, Rule::AveragedInvertedCdf] {
            let expected = Distribution::from_slice(&repeated).quantiles(&[0.0, 0.1, 0.5, 1.0], rule);
            assert_eq!(search_weighted(&[0.0, 0.1, 0.5, 1.0], rule, &values, &weights), expected);
            let halves: Vec<f64> = weights.iter().map(|weight| weight / 2.0).collect();
            assert_eq!(search_weighted(&[0.0, 0.1, 0.5, 1.0], rule, &values, &halves), expected);
        }
    }

    #[test]
    fn weights_are_summed_exactly() {
        // In floats the small weights would vanish beside the large one, and 0.1 would not add up.
        let values = [1.0, 2.0, 3.0];
        let check = |weights: [f64; 3], expected| {
            let found = search_weighted(&[0.5], Rule::AveragedInvertedCdf, &values, &weights);
            assert_eq!(found, Some(vec![expected]), "{weights:?}");
        };
        check([1e300, 1e300, 0.0], 1.5);
        check([1e300, 1e300, 1e-300], 2.0);
        check([1e300, 1e-300, 1e300], 2.0);
        check([0.1, 0.2, 0.3], 2.0);
    }

    #[test]
    #[should_panic(expected = "has weights or none")]
    fn weighted_and_plain_rows_do_not_mix() {
        let round = QuantileRound::start(&[0.5], Rule::InvertedCdf);
        let mut seen = Ranks::default();
        seen.observe(&round, &[1.0]);
        seen.observe_weighted(&round, &[1.0], &[1.0]);
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_values(
            values in prop::collection::vec(prop_oneof![-2.0..2.0, (-3..3_i8).prop_map(f64::from), Just(f64::NAN)], 0..60),
            probabilities in prop::collection::vec(0.0..=1.0, 0..4),
            chunk in 1..20_usize,
        ) {
            for rule in RULES {
                let expected = Distribution::from_slice(&values).quantiles(&probabilities, rule);
                prop_assert_eq!(search(&probabilities, rule, &values, chunk).0, expected);
            }
        }

        #[test]
        fn merging_is_associative_and_commutative_to_the_byte(n in 0..12_000_usize, a in 0..12_000_usize, b in 0..12_000_usize) {
            let values = &normal(12_000)[..n];
            let (a, b) = (a.min(b).min(n), a.max(b).min(n));
            let round = QuantileRound::start(&[0.5], Rule::InvertedCdf);
            let part = |from: usize, to: usize| {
                let mut seen = Ranks::default();
                seen.observe(&round, &values[from..to]);
                seen
            };
            let merged = |mut x: Ranks, y: Ranks| { x.merge(y); x };
            let whole = encode(&part(0, n));
            let (x, y, z) = (part(0, a), part(a, b), part(b, n));
            prop_assert_eq!(encode(&merged(merged(x.clone(), y.clone()), z.clone())), &whole[..]);
            prop_assert_eq!(encode(&merged(x.clone(), merged(y.clone(), z.clone()))), &whole[..]);
            prop_assert_eq!(encode(&merged(z, merged(y, x))), &whole[..]);
        }
    }
}
