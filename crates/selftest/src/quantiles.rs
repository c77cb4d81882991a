//! Exact quantiles, in as many passes as they take, and sorting.

use evenstep_exact::quantile::{Distribution, QuantileRound, Ranks, Rule};
use evenstep_exact::reduce::{Next, Workers};
use evenstep_exact::sort::sort_floats;

use crate::{Item, bits, points};

const PROBABILITIES: [f64; 9] = [0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0];
const CHUNK: usize = 1000;

pub(crate) fn items(workers: &Workers) -> Vec<Item> {
    let values: Vec<f64> = points(30_000, -1e3, 1e3).filter(|x| x.is_finite()).collect();
    let weights: Vec<f64> = (0..values.len()).map(|row| (row % 11) as f64 / 4.0).collect();
    let few: Vec<f64> = values.iter().map(|x| (x.abs() % 20.0).floor()).collect();
    let mut sorted = values.clone();
    sort_floats(&mut sorted);
    let distribution = |rule| Distribution::from_slice(&few).quantiles(&PROBABILITIES, rule).unwrap_or_default();
    let found = [
        ("linear", quantiles(workers, &values, None, Rule::Linear)),
        ("inverted", quantiles(workers, &values, None, Rule::InvertedCdf)),
        ("averaged", quantiles(workers, &values, None, Rule::AveragedInvertedCdf)),
        ("weighted", quantiles(workers, &values, Some(&weights), Rule::AveragedInvertedCdf)),
        ("few values", [distribution(Rule::Linear), distribution(Rule::InvertedCdf)].concat()),
        ("sorted", sorted),
    ];
    found.into_iter().map(|(name, numbers)| (name.to_owned(), bits(numbers))).collect()
}

fn quantiles(workers: &Workers, values: &[f64], weights: Option<&[f64]>, rule: Rule) -> Vec<f64> {
    let mut round = QuantileRound::start(&PROBABILITIES, rule);
    loop {
        let seen = workers.fold(values.len().div_ceil(CHUNK), |task, seen: &mut Ranks| {
            let rows = task * CHUNK..values.len().min((task + 1) * CHUNK);
            match weights {
                Some(weights) => seen.observe_weighted(&round, &values[rows.clone()], &weights[rows]),
                None => seen.observe(&round, &values[rows]),
            }
        });
        match round.next(seen) {
            Next::Again(again) => round = again,
            Next::Done(found) => return found.unwrap_or_default(),
        }
    }
}
