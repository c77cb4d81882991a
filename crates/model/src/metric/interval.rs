//! How far a metric could be off for the rows that happened to be held out.

use evenstep_exact::draw::Draws;
use evenstep_exact::quantile::{Distribution, Rule};
use evenstep_exact::reduce::Workers;
use evenstep_exact::simd::widest;
use evenstep_table::RowKey;

use super::{Metric, Prepared, Scored, Weights};

/// Resamples of each interval.
pub const REPLICATES: u32 = 200;
/// The share of resamples within an interval.
pub const LEVEL: f64 = 0.95;
/// Rows times resamples, at most: of more rows there are fewer resamples, but never fewer than 52.
/// An interval of so many rows is narrow, and its ends need fewer digits.
const ROWS: usize = 40_000_000;
const FEWEST: u32 = 52;
/// Resamples that share a draw of 2 · 64 bits: to draw takes longer than most metrics do.
const TOGETHER: u32 = 8;
/// Rows for which draws are counted together: they stay in the first-level cache.
const BLOCK_ROWS: usize = 512;
/// ⌊2^16 · P(count ≤ k)⌋ of a Poisson distribution with mean 1. What 16 bits can't tell is a millionth of the rows.
const POISSON_ONE: [u16; 8] = [0x5e2d, 0xbc5a, 0xeb71, 0xfb23, 0xff10, 0xffd9, 0xfffa, 0xffff];

/// The interval that holds [`LEVEL`] of the metric's values over resamples; None where the metric, or
/// more than a tenth of the resamples, is undefined, or where the metric itself lies outside: resamples that often lack
/// a class, of which there are a few rows, say nothing of it.
///
/// In each resample a row counts as often as a Poisson variable of mean 1, drawn by its key: rows of
/// equal keys stay together, and the same rows give the same interval whatever their order.
/// Source: Hanley & MacGibbon 2006, "Creating non-parametric bootstrap samples using Poisson frequencies".
pub fn interval(
    metric: &Metric,
    scored: &Scored,
    keys: &[RowKey],
    draws: &Draws,
    workers: &Workers,
) -> Option<(f64, f64)> {
    intervals(&[*metric], scored, keys, draws, workers).pop().flatten()
}

/// The intervals of several metrics, which share their resamples.
pub fn intervals(
    metrics: &[Metric],
    scored: &Scored,
    keys: &[RowKey],
    draws: &Draws,
    workers: &Workers,
) -> Vec<Option<(f64, f64)>> {
    let resamples = Resamples::new(metrics, &[scored], keys, draws, workers);
    (0..metrics.len()).map(|metric| resamples.interval(|values| values[metric])).collect()
}

/// What resamples tell of a model and a baseline.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Compared {
    /// The interval of the model's metric.
    pub interval: Option<(f64, f64)>,
    /// That of by how much it is better than the baseline's in the same resample: below 0 it is worse.
    pub better_by: Option<(f64, f64)>,
}

/// The intervals of several metrics of a model, and of how much better than a baseline it is on the same rows. What is
/// hard to predict is so for both, so that the difference varies less than either.
pub fn compare(
    metrics: &[Metric],
    model: &Scored,
    baseline: &Scored,
    keys: &[RowKey],
    draws: &Draws,
    workers: &Workers,
) -> Vec<Compared> {
    let resamples = Resamples::new(metrics, &[model, baseline], keys, draws, workers);
    let compared = metrics.iter().enumerate().map(|(at, metric)| Compared {
        interval: resamples.interval(|values| values[at]),
        better_by: resamples.interval(|values| {
            let (model, baseline) = values[at].zip(values[metrics.len() + at])?;
            Some(if metric.higher_is_better { model - baseline } else { baseline - model })
        }),
    });
    compared.collect()
}

/// Metrics of some scores of the same rows: each metric of the first scores, then each of the next.
struct Resamples {
    all_rows: Vec<Option<f64>>,
    resamples: Vec<Vec<Option<f64>>>,
}

impl Resamples {
    fn new(metrics: &[Metric], of: &[&Scored], keys: &[RowKey], draws: &Draws, workers: &Workers) -> Resamples {
        assert!(of.iter().all(|scored| keys.len() == scored.rows()), "every row has a key");
        let prepared: Vec<(&Scored, Option<Prepared<'_>>)> = of
            .iter()
            .flat_map(|scored| metrics.iter().map(move |metric| (*scored, metric.prepared(scored).ok())))
            .collect();
        let evaluate = |counts: &[u8]| {
            let value = |(scored, metric): &(&Scored, Option<Prepared<'_>>)| {
                metric.as_ref()?(Weights { counts, ..scored.weights() }).ok()
            };
            prepared.iter().map(value).collect::<Vec<Option<f64>>>()
        };
        let fewer = u32::try_from(ROWS / keys.len().max(1)).unwrap_or(u32::MAX);
        let draw: Vec<u32> = (0..fewer.clamp(FEWEST, REPLICATES).div_ceil(TOGETHER)).collect();
        let resamples = workers.map(draw, |draw| counts(draws, keys, draw).map(|counts| evaluate(&counts)));
        Resamples { all_rows: evaluate(&[]), resamples: resamples.into_iter().flatten().collect() }
    }

    /// The interval of what is made of the metrics of a resample.
    fn interval(&self, of: impl Fn(&[Option<f64>]) -> Option<f64>) -> Option<(f64, f64)> {
        let values: Vec<f64> = self.resamples.iter().filter_map(|values| of(values)).collect();
        if values.len() * 10 < self.resamples.len() * 9 {
            return None;
        }
        let values = Distribution::from_slice(&values);
        let at = |share: f64| values.quantile(share, Rule::Linear);
        let (low, high) = (at((1.0 - LEVEL) / 2.0)?, at((1.0 + LEVEL) / 2.0)?);
        (low..=high).contains(&of(&self.all_rows)?).then_some((low, high))
    }
}

/// How often each of the resamples of a draw holds each row.
fn counts(draws: &Draws, keys: &[RowKey], draw: u32) -> [Vec<u8>; TOGETHER as usize] {
    let mut counts = [(); TOGETHER as usize].map(|()| vec![0; keys.len()]);
    let mut drawn = [[0_u16; BLOCK_ROWS]; TOGETHER as usize];
    for (at, keys) in keys.chunks(BLOCK_ROWS).enumerate() {
        widest!(for (row, key) in keys.iter().enumerate() {
            let [low, high] = draws.pair(&key.0, draw);
            for shift in 0..4 {
                drawn[shift][row] = (low >> (16 * shift)) as u16;
                drawn[shift + 4][row] = (high >> (16 * shift)) as u16;
            }
        });
        for (counts, drawn) in counts.iter_mut().zip(&drawn) {
            let counts = counts[at * BLOCK_ROWS..].iter_mut().zip(&drawn[..keys.len()]);
            let count = |bits: u16| POISSON_ONE.iter().map(|bound| u16::from(bits >= *bound)).sum::<u16>() as u8;
            widest!(counts.for_each(|(place, bits)| *place = count(*bits)));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenstep_exact::draw::Seed;

    #[test]
    fn a_row_is_held_once_on_average_with_variance_one() {
        let draws = Draws::new(Seed(5), "interval");
        let keys: Vec<RowKey> = (0..100_000_u128).map(|row| RowKey(row.to_le_bytes())).collect();
        for counts in counts(&draws, &keys, 3) {
            let mean = counts.iter().map(|count| f64::from(*count)).sum::<f64>() / 1e5;
            let square = counts.iter().map(|count| f64::from(*count) * f64::from(*count)).sum::<f64>() / 1e5;
            assert!((mean - 1.0).abs() < 0.015 && (square - 2.0).abs() < 0.05, "{mean} {square}");
        }
    }
}
