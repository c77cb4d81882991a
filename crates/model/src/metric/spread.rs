//! How much of the target's spread predictions account for.

use std::ops::RangeInclusive;

use evenstep_exact::sum::ExactSum;

use super::{Prepared, Scored, Undefined, Weights, undefined};
use crate::linear::{exponent_above, power_of_two};

/// Squares of what lies between are far from the ends of floats.
const SQUARES: RangeInclusive<f64> = 1e-100..=1e100;

/// Numbers less a constant near their mean, and their squares, each rounded once.
pub(super) struct Deviations {
    values: Vec<f64>,
    squares: Vec<f64>,
}

impl Deviations {
    /// From the mean of the rows that weigh something, so that little cancels later. Others don't deviate.
    pub(super) fn from_mean(mut numbers: Vec<f64>, weights: Weights<'_>) -> Deviations {
        let is_weighty = |row: &usize| weights.of(*row) > 0.0;
        let weighty: Vec<f64> = (0..numbers.len()).filter(is_weighty).map(|row| numbers[row]).collect();
        let (min, max) = weighty.iter().fold((f64::MAX, f64::MIN), |(min, max), x| (min.min(*x), max.max(*x)));
        let count: ExactSum = [weighty.len() as f64].into_iter().collect();
        let mut sum = ExactSum::default();
        sum.add_slice(&weighty);
        // Of equal numbers the mean is one of them, whatever the rounding.
        let mean = sum.divided_by(&count).map_or(0.0, |mean| mean.max(min).min(max));
        (0..numbers.len()).filter(|row| !is_weighty(row)).for_each(|row| numbers[row] = mean);
        Deviations::from(mean, numbers)
    }

    /// From a given constant.
    pub(super) fn from(constant: f64, mut numbers: Vec<f64>) -> Deviations {
        numbers.iter_mut().for_each(|x| *x -= constant);
        let squares = numbers.iter().map(|x| x * x).collect();
        Deviations { values: numbers, squares }
    }

    fn largest(&self) -> f64 {
        self.values.iter().fold(0.0, |largest, x| largest.max(x.abs()))
    }

    fn scale(&mut self, unit: f64) {
        self.values.iter_mut().for_each(|x| *x *= unit);
        self.squares = self.values.iter().map(|x| x * x).collect();
    }

    /// W · Σ w d².
    fn square_sum(&self, weights: Weights<'_>, total: &ExactSum) -> ExactSum {
        weights.sum(&self.squares).times_sum(total)
    }

    /// W · Σ w (d − mean d)², which is W · Σ w d² − (Σ w d)².
    fn variance(&self, weights: Weights<'_>, total: &ExactSum) -> ExactSum {
        let sum = weights.sum(&self.values);
        let mut variance = self.square_sum(weights, total);
        variance.subtract(&sum.times_sum(&sum));
        variance
    }
}

/// What is left of the errors: all of their square, or only what varies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Squares,
    Variance,
}

/// 1 less what is left of the errors over the spread of the target, rounded once.
pub(super) fn accounted_for(scored: &Scored, left: Left) -> Result<Prepared<'_>, Undefined> {
    let errors = scored.terms("no error", |target, predicted| target - predicted[0])?;
    let targets = scored.terms("no target", |target, _| target)?;
    let mut errors = match left {
        Left::Squares => Deviations::from(0.0, errors),
        Left::Variance => Deviations::from_mean(errors, scored.weights()),
    };
    let mut targets = Deviations::from_mean(targets, scored.weights());
    let largest = errors.largest().max(targets.largest());
    if !largest.is_finite() {
        return undefined("a difference is beyond the largest number");
    }
    if !SQUARES.contains(&largest) {
        let unit = power_of_two(-exponent_above(largest));
        errors.scale(unit);
        targets.scale(unit);
    }
    Ok(Box::new(move |weights| {
        let rows = targets.values.len();
        let weighty = || (0..rows).filter(move |row| weights.of(*row) > 0.0);
        if weighty().take(2).count() < 2 {
            return undefined("one row has no spread");
        }
        let first = weighty().next().unwrap_or(0);
        let constant = |numbers: &Deviations| weighty().all(|row| numbers.values[row] == numbers.values[first]);
        if constant(&targets) {
            // Of a constant target all is said by being right, or not.
            let perfect = match left {
                Left::Squares => weighty().all(|row| errors.values[row] == 0.0),
                Left::Variance => constant(&errors),
            };
            return Ok(f64::from(u8::from(perfect)));
        }
        let total = weights.total(rows);
        let spread = targets.variance(weights, &total);
        let mut rest = spread.clone();
        rest.subtract(&match left {
            Left::Squares => errors.square_sum(weights, &total),
            Left::Variance => errors.variance(weights, &total),
        });
        rest.divided_by(&spread).map_or_else(|| undefined("the target's spread is below the smallest number"), Ok)
    }))
}
