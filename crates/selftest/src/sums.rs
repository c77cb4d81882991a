//! Exact sums and what is made of them, each thread into its own partial.

use evenstep_exact::moments::{Centred, Cross, Extremes, Gram, Mean};
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::sum::ExactSum;

use crate::{Item, bits, points};

/// Rows of a task: tasks are what threads share out.
const CHUNK: usize = 97;

pub(crate) fn items(workers: &Workers) -> Vec<Item> {
    let hostile: Vec<f64> = points(10_000, -1.0, 1.0).filter(|x| x.is_finite()).collect();
    let tame: Vec<f64> = points(20_001, -1e3, 1e5).skip(1).step_by(2).collect();
    let weights: Vec<f64> = tame.iter().map(|x| (x.abs() / 7.0).floor() / 3.0).collect();
    let sum: ExactSum = observed(workers, &hostile, |sum: &mut ExactSum, rows| sum.add_slice(rows));
    let products: ExactSum = observed(workers, &hostile, |sum: &mut ExactSum, rows| {
        rows.iter().for_each(|x| sum.add_product(*x, 1.0 / 3.0));
    });
    let mean: Mean = observed(workers, &tame, |mean: &mut Mean, rows| mean.observe_slice(rows));
    let centre = mean.mean().unwrap_or(f64::NAN);
    let weighted: Mean =
        workers.fold(tame.len(), |row, mean: &mut Mean| mean.observe_weighted(tame[row], weights[row]));
    let centred: Centred = observed(workers, &tame, |seen: &mut Centred, rows| seen.observe_slice(rows, centre));
    let cross: Cross = workers.fold(tame.len(), |row, seen: &mut Cross| {
        seen.observe((tame[row], weights[row]), (centre, 0.0));
    });
    let extremes: Extremes = observed(workers, &tame, |seen: &mut Extremes, rows| seen.observe_slice(rows));
    let gram: Gram = workers.fold(tame.len() / CHUNK, |task, seen: &mut Gram| {
        let rows = task * CHUNK..(task + 1) * CHUNK;
        seen.observe(&[&tame[rows.clone()], &weights[rows]]);
    });
    let or_nan = |x: Option<f64>| x.unwrap_or(f64::NAN);
    let found = [
        ("sum", vec![sum.value(), sum.times(3).value(), sum.times_sum(&products).value()]),
        ("sum of products", vec![products.value(), or_nan(sum.divided_by(&products))]),
        ("mean", vec![centre, or_nan(weighted.mean())]),
        ("variance", vec![or_nan(centred.variance(0)), or_nan(centred.variance(1))]),
        ("correlation", vec![or_nan(cross.covariance(1)), or_nan(cross.correlation())]),
        ("extremes", vec![or_nan(extremes.min()), or_nan(extremes.max())]),
        ("matrix of products", vec![gram.sum(0, 0).value(), gram.sum(0, 1).value(), gram.sum(1, 1).value()]),
    ];
    found.into_iter().map(|(name, numbers)| (name.to_owned(), bits(numbers))).collect()
}

/// What is seen of values, some at a time.
fn observed<P: Partial>(workers: &Workers, values: &[f64], see: impl Fn(&mut P, &[f64]) + Sync) -> P {
    let chunks: Vec<&[f64]> = values.chunks(CHUNK).collect();
    workers.fold(chunks.len(), |task, seen| see(seen, chunks[task]))
}
