//! How far a metric could be off for the rows that happened to be held out.

use evenstep_exact::draw::Draws;
use evenstep_exact::quantile::{Distribution, Rule};
use evenstep_exact::reduce::Workers;
use evenstep_table::RowKey;

use super::{Metric, Prepared, Scored, Weights};

/// Resamples of each interval.
pub const REPLICATES: u32 = 200;
/// The share of resamples within an interval.
pub const LEVEL: f64 = 0.95;
/// Rows times resamples, at most: of more rows there are fewer resamples, but never fewer than 50.
/// An interval of so many rows is narrow, and its ends need fewer digits.
const ROWS: usize = 40_000_000;
const FEWEST: u32 = 50;

/// The interval that holds [`LEVEL`] of the metric's values over resamples; None where the metric, or
/// more than a tenth of the resamples, is undefined.
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
    intervals(&[metric], scored, keys, draws, workers).pop().flatten()
}

/// The intervals of several metrics, which share their resamples.
pub fn intervals(
    metrics: &[&Metric],
    scored: &Scored,
    keys: &[RowKey],
    draws: &Draws,
    workers: &Workers,
) -> Vec<Option<(f64, f64)>> {
    assert_eq!(keys.len(), scored.rows(), "every row has a key");
    let prepared: Vec<Option<Prepared<'_>>> = metrics.iter().map(|metric| metric.prepared(scored).ok()).collect();
    let fewer = u32::try_from(ROWS / keys.len().max(1)).unwrap_or(u32::MAX);
    let replicates: Vec<u32> = (0..fewer.clamp(FEWEST, REPLICATES)).collect();
    let resamples = workers.map(replicates, |replicate| {
        let counts: Vec<u8> = keys.iter().map(|key| draws.bootstrap_count(&key.0, replicate) as u8).collect();
        let weights = Weights { counts: &counts, ..scored.weights() };
        prepared.iter().map(|metric| metric.as_ref()?(weights).ok()).collect::<Vec<Option<f64>>>()
    });
    let of = |metric: usize| {
        let values: Vec<f64> = resamples.iter().filter_map(|values| values[metric]).collect();
        if values.len() * 10 < resamples.len() * 9 {
            return None;
        }
        let values = Distribution::from_slice(&values);
        let at = |share: f64| values.quantile(share, Rule::Linear);
        Some((at((1.0 - LEVEL) / 2.0)?, at((1.0 + LEVEL) / 2.0)?))
    };
    (0..metrics.len()).map(of).collect()
}
