//! The features as the solvers see them: a column of ones, then centred and scaled columns.

use std::ops::Range;

use evenstep_exact::moments::Extremes;
use evenstep_exact::reduce::{Partial, Workers};
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Column, ColumnName, NULL_BOOLEAN, NULL_INTEGER};
use serde::{Deserialize, Serialize};

use super::{exponent_above, nulls, power_of_two};
use crate::{Importance, ModelError, Training};

/// Rows that are worked on together: as many as `gram` can multiply within 64 bits.
pub(super) const BLOCK: usize = 256;
/// Rows that one thread takes at a time, however large the batches are.
const TASK: usize = 32 * BLOCK;
/// A column's unit becomes finer by no more than two to this, so that no score overflows.
const FINER: i32 = 200;
/// Beyond this the difference of two values might be no float.
const LARGEST: f64 = 1e300;

/// The training rows as a matrix.
///
/// Column 0 holds ones, so that an intercept is a coefficient like any other. Each other
/// column is a feature less its mean, in a unit that is a power of two: `(x − centre) / 2^exponent`,
/// rounded once, and at most 1 in magnitude. A feature that never varies has no column.
pub(crate) struct Design<'a> {
    data: Training<'a>,
    columns: Vec<Scaled<'a>>,
    tasks: Vec<(usize, Range<usize>)>,
    /// Weights are counted in units of 2^this, so that the largest is at most 1.
    weight_exponent: i32,
    total: f64,
}

/// A feature's centre and unit.
struct Scaled<'a> {
    name: &'a ColumnName,
    centre: f64,
    exponent: i32,
}

/// Up to [`BLOCK`] rows of the matrix.
pub(crate) struct Block<'b> {
    cells: &'b [f64],
    /// The target of each row.
    pub(crate) target: &'b [f64],
    /// The weight of each row, at most 1.
    pub(crate) weight: &'b [f64],
}

/// What the first pass sees: by feature, and the weights.
#[derive(Default, Serialize, Deserialize)]
struct Seen {
    features: Vec<FeatureSeen>,
    weight: ExactSum,
    weights: Extremes,
}

#[derive(Default, Serialize, Deserialize)]
struct FeatureSeen {
    /// The sum of weight · value.
    sum: ExactSum,
    /// Of rows that weigh something.
    range: Extremes,
    nulls: u64,
}

/// How much each row bends a loss: the range of it, and the sums of it times each column.
#[derive(Default, Serialize, Deserialize)]
struct Bends {
    range: Extremes,
    columns: Vec<ExactSum>,
}

impl Partial for Bends {
    fn merge(&mut self, other: Bends) {
        self.range.merge(other.range);
        self.columns.merge(other.columns);
    }
}

impl<'a> Design<'a> {
    /// Looks at every feature once.
    ///
    /// # Errors
    /// A null in a feature, or no row that weighs anything.
    pub(crate) fn new(family: &str, data: &Training<'a>, workers: &Workers) -> Result<Design<'a>, ModelError> {
        let tasks: Vec<(usize, Range<usize>)> = (0..data.batches.len())
            .flat_map(|batch| {
                let rows = data.batches[batch].rows();
                (0..rows).step_by(TASK).map(move |from| (batch, from..rows.min(from + TASK)))
            })
            .collect();
        let seen: Seen = workers.fold(tasks.len(), |task, seen: &mut Seen| {
            let (batch, rows) = &tasks[task];
            seen.observe(data, *batch, rows.clone());
        });
        for (name, feature) in data.features.keys().zip(&seen.features) {
            if feature.nulls > 0 {
                return Err(nulls(family, name, feature.nulls));
            }
        }
        let Some(heaviest) = seen.weights.max().filter(|heaviest| *heaviest > 0.0) else {
            return Err(ModelError::new("there is no row with a weight to learn from"));
        };
        let mut columns = Vec::new();
        for (name, feature) in data.features.keys().zip(&seen.features) {
            columns.extend(feature.scaled(family, name, &seen.weight)?);
        }
        let weight_exponent = exponent_above(heaviest);
        let total = seen.weight.value() * power_of_two(-weight_exponent);
        Ok(Design { data: *data, columns, tasks, weight_exponent, total })
    }

    /// How many columns the matrix has, the ones included.
    pub(crate) fn width(&self) -> usize {
        1 + self.columns.len()
    }

    /// The sum of all weights, in the matrix's unit.
    pub(crate) fn total(&self) -> f64 {
        self.total
    }

    /// The feature of each column but the ones.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a ColumnName> {
        self.columns.iter().map(|column| column.name)
    }

    /// What a penalty of `strength` on the square of each coefficient is in the matrix's units; none on the intercept.
    pub(crate) fn penalties(&self, strength: f64) -> Vec<f64> {
        let strength = strength * power_of_two(-self.weight_exponent);
        let of = |column: &Scaled| {
            let inverse = power_of_two(-column.exponent);
            (strength * inverse * inverse).min(1e300)
        };
        [0.0].into_iter().chain(self.columns.iter().map(of)).collect()
    }

    /// The same rows with other centres and units: those of the rows that still bend a loss, each as much as `bend`
    /// leaves in place of its first score. Says in units of which power of two the largest bend is at most 1, too;
    /// None if no row bends the loss.
    ///
    /// A row whose class is as good as certain counts in neither, however far from the others it lies.
    pub(crate) fn focused(
        &self,
        workers: &Workers,
        coefficients: &[f64],
        bend: impl Fn(&Block<'_>, &mut [f64]) + Sync,
    ) -> Option<(Design<'a>, i32)> {
        let width = self.width();
        let bends = self.fold_scores(workers, coefficients, |block, scores, seen: &mut Bends| {
            bend(block, scores);
            let bends = &scores[..block.rows()];
            bends.iter().for_each(|bend| seen.range.observe(*bend));
            seen.columns.resize_with(width, ExactSum::default);
            for (column, sum) in seen.columns.iter_mut().enumerate() {
                let cells = block.column(column);
                sum.add_terms(bends.len(), |row| bends[row] * cells[row]);
            }
        });
        let exponent = exponent_above(bends.range.max().filter(|most| *most > 0.0)?);
        let means: Vec<f64> =
            bends.columns.iter().map(|sum| sum.divided_by(&bends.columns[0]).unwrap_or(0.0)).collect();
        let reach = self.fold_scores(workers, coefficients, |block, scores, seen: &mut Vec<Extremes>| {
            bend(block, scores);
            let unit = power_of_two(-exponent);
            seen.resize_with(width, Extremes::default);
            for (column, reach) in seen.iter_mut().enumerate() {
                let cells = block.column(column).iter().zip(&scores[..block.rows()]);
                let far = cells.map(|(cell, bend)| (cell - means[column]).abs() * (bend * unit).sqrt());
                reach.observe(far.fold(0.0, f64::max));
            }
        });
        let columns = self.columns.iter().zip(&means[1..]).zip(&reach[1..]).map(|((column, mean), reach)| {
            let finer = exponent_above(reach.max().expect("there are rows")).clamp(-FINER, 1);
            let exponent = (column.exponent + finer).clamp(-1000, 1000);
            Scaled { name: column.name, centre: column.centre + mean * power_of_two(column.exponent), exponent }
        });
        let design = Design {
            data: self.data,
            columns: columns.collect(),
            tasks: self.tasks.clone(),
            weight_exponent: self.weight_exponent,
            total: self.total,
        };
        Some((design, exponent))
    }

    /// Coefficients of this matrix as those of another one of the same rows.
    pub(crate) fn translated(&self, to: &Design<'_>, coefficients: &[f64]) -> Vec<f64> {
        let translated = coefficients.chunks_exact(self.width()).flat_map(|coefficients| {
            let mut intercept = ExactSum::from_iter([coefficients[0]]);
            let mut scaled = vec![0.0];
            for ((from, to), coefficient) in self.columns.iter().zip(&to.columns).zip(&coefficients[1..]) {
                intercept.add_product(*coefficient, (to.centre - from.centre) * power_of_two(-from.exponent));
                scaled.push(coefficient * power_of_two(to.exponent - from.exponent));
            }
            scaled[0] = intercept.value();
            scaled
        });
        translated.collect()
    }

    /// Coefficients of the matrix as an intercept and coefficients of all features, in the
    /// features' own units; None if one is no finite number.
    pub(crate) fn unscaled(&self, coefficients: &[f64]) -> Option<(ExactSum, Vec<f64>)> {
        assert_eq!(coefficients.len(), self.width(), "one coefficient a column");
        let scaled = self.columns.iter().zip(&coefficients[1..]);
        let scaled: Vec<f64> = scaled.map(|(column, x)| x * power_of_two(-column.exponent)).collect();
        if !coefficients[0].is_finite() || scaled.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let mut intercept = ExactSum::default();
        intercept.add(coefficients[0]);
        for (column, coefficient) in self.columns.iter().zip(&scaled) {
            intercept.add_product(-coefficient, column.centre);
        }
        Some((intercept, self.by_feature(&scaled)))
    }

    /// Each feature's share of the absolute coefficients, each times its column's standard deviation.
    pub(crate) fn importance(&self, coefficients: &[f64], deviations: &[f64]) -> Vec<Importance> {
        let mut strengths = vec![0.0; self.width()];
        for output in coefficients.chunks_exact(self.width()) {
            for ((strength, coefficient), deviation) in strengths.iter_mut().zip(output).zip(deviations) {
                *strength += coefficient.abs() * deviation;
            }
        }
        let total = strengths[1..].iter().fold(0.0, |sum, strength| sum + strength);
        let shares = self.by_feature(&strengths[1..]).into_iter();
        let shares = shares.map(|strength| if total > 0.0 { strength / total } else { 0.0 });
        let names = self.data.features.keys().cloned();
        names.zip(shares).map(|(feature, share)| Importance { feature, share, splits: None, cover: None }).collect()
    }

    /// Spreads numbers by column over all features, in canonical order, with 0 for those that never vary.
    fn by_feature(&self, columns: &[f64]) -> Vec<f64> {
        let mut of = self.names().zip(columns).peekable();
        let features = self.data.features.keys();
        features.map(|name| of.next_if(|(column, _)| *column == name).map_or(0.0, |(_, x)| *x)).collect()
    }

    /// Folds all rows, block by block.
    pub(super) fn fold<P: Partial>(&self, workers: &Workers, observe: impl Fn(&Block<'_>, &mut P) + Sync) -> P {
        workers.fold(self.tasks.len(), |task, seen: &mut P| {
            let (batch, rows) = &self.tasks[task];
            let labels = self.data.batches[*batch].training();
            let mut cells = vec![1.0; self.width() * BLOCK];
            let mut weight = [1.0; BLOCK];
            for from in rows.clone().step_by(BLOCK) {
                let rows = from..rows.end.min(from + BLOCK);
                for (column, cells) in self.columns.iter().zip(cells[BLOCK..].chunks_exact_mut(BLOCK)) {
                    let scale = power_of_two(-column.exponent);
                    let shift = column.centre * scale;
                    let cells = &mut cells[..rows.len()];
                    load(self.data.batches[*batch].column(column.name), rows.clone(), cells);
                    cells.iter_mut().for_each(|x| *x = *x * scale - shift);
                }
                let unit = power_of_two(-self.weight_exponent);
                weight.iter_mut().zip(rows.clone()).for_each(|(weight, row)| *weight = labels.weight(row) * unit);
                let weight = &weight[..rows.len()];
                for weightless in (0..rows.len()).filter(|row| weight[*row] == 0.0) {
                    cells[BLOCK..].chunks_exact_mut(BLOCK).for_each(|cells| cells[weightless] = 0.0);
                }
                observe(&Block { cells: &cells, target: &labels.target[rows], weight }, seen);
            }
        })
    }

    /// Folds all rows with their scores by some coefficients, one set after the other for each output: output by output,
    /// [`Block::STRIDE`] apart.
    pub(crate) fn fold_scores<P: Partial>(
        &self,
        workers: &Workers,
        coefficients: &[f64],
        observe: impl Fn(&Block<'_>, &mut [f64], &mut P) + Sync,
    ) -> P {
        let (width, outputs) = (self.width(), coefficients.len() / self.width());
        assert_eq!(coefficients.len(), width * outputs, "one coefficient a column and output");
        self.fold(workers, |block, seen: &mut P| {
            let mut scores = vec![0.0; outputs.max(1) * BLOCK];
            for (scores, coefficients) in scores.chunks_exact_mut(BLOCK).zip(coefficients.chunks_exact(width)) {
                block.scores(coefficients, &mut scores[..block.rows()]);
            }
            observe(block, &mut scores, seen);
        })
    }

    /// The slope of a loss at some coefficients.
    ///
    /// `judge` is given the scores of a block, as in [`Design::fold_scores`]. It leaves in
    /// their place what each adds to the slope, and in the last argument each row's loss;
    /// both with the row's weight.
    pub(crate) fn slope(
        &self,
        workers: &Workers,
        coefficients: &[f64],
        judge: impl Fn(&Block<'_>, &mut [f64], &mut [f64]) + Sync,
    ) -> Slope {
        let width = self.width();
        let slope = self.fold_scores(workers, coefficients, |block, scores, seen: &mut Slope| {
            let rows = block.rows();
            seen.columns.resize_with(coefficients.len(), ExactSum::default);
            let mut losses = [0.0; BLOCK];
            judge(block, scores, &mut losses[..rows]);
            seen.loss.add_slice(&losses[..rows]);
            for (residuals, sums) in scores.chunks_exact(BLOCK).zip(seen.columns.chunks_exact_mut(width)) {
                for (column, sum) in sums.iter_mut().enumerate() {
                    let cells = block.column(column);
                    sum.add_terms(rows, |row| residuals[row] * cells[row]);
                }
            }
        });
        assert_eq!(slope.columns.len(), coefficients.len(), "there are rows, as the first pass found");
        slope
    }
}

impl Block<'_> {
    /// How far apart the columns of a block lie, and the scores of its outputs.
    pub(crate) const STRIDE: usize = BLOCK;

    /// How many rows it has.
    pub(crate) fn rows(&self) -> usize {
        self.target.len()
    }

    /// The cells of a row.
    pub(crate) fn row(&self, row: usize) -> Vec<f64> {
        self.cells.iter().skip(row).step_by(BLOCK).copied().collect()
    }

    /// A column's cells.
    pub(super) fn column(&self, column: usize) -> &[f64] {
        &self.cells[column * BLOCK..][..self.rows()]
    }

    /// Adds up coefficient times column, in canonical order.
    fn scores(&self, coefficients: &[f64], scores: &mut [f64]) {
        for (column, coefficient) in coefficients.iter().enumerate() {
            for (score, x) in scores.iter_mut().zip(self.column(column)) {
                *score += coefficient * x;
            }
        }
    }
}

/// The slope of a loss by coefficient, and the loss itself: sums over all rows.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Slope {
    /// By output, then column.
    pub(crate) columns: Vec<ExactSum>,
    /// The sum of losses.
    pub(crate) loss: ExactSum,
}

impl Partial for Slope {
    fn merge(&mut self, other: Slope) {
        self.columns.merge(other.columns);
        self.loss.merge(other.loss);
    }
}

impl Seen {
    fn observe(&mut self, data: &Training<'_>, batch: usize, rows: Range<usize>) {
        let batch = &data.batches[batch];
        let labels = batch.training();
        let weights: Vec<f64> = rows.clone().map(|row| labels.weight(row)).collect();
        self.weight.add_slice(&weights);
        weights.iter().for_each(|weight| self.weights.observe(*weight));
        self.features.resize_with(data.features.len(), FeatureSeen::default);
        let mut cells = vec![0.0; rows.len()];
        for (name, feature) in data.features.keys().zip(&mut self.features) {
            load(batch.column(name), rows.clone(), &mut cells);
            // Whatever stands in a row that counts in nothing.
            cells.iter_mut().zip(&weights).filter(|(_, weight)| **weight == 0.0).for_each(|(cell, _)| *cell = 0.0);
            feature.observe(&cells, &weights);
        }
    }
}

impl FeatureSeen {
    /// The feature's centre and unit; None if it never varies.
    fn scaled<'a>(
        &self,
        family: &str,
        name: &'a ColumnName,
        weight: &ExactSum,
    ) -> Result<Option<Scaled<'a>>, ModelError> {
        let (Some(min), Some(max)) = (self.range.min(), self.range.max()) else { return Ok(None) };
        if min == max {
            return Ok(None);
        }
        let largest = max.max(-min);
        if largest > LARGEST {
            let message = format!("`{name}` has values as large as {largest:e}, which `{family}` can't multiply");
            return Err(ModelError::of(name, message).help(format!("add `log` or `cap_outliers` for `{name}`")));
        }
        let centre = self.sum.divided_by(weight).expect("some row has a weight").clamp(min, max);
        Ok(Some(Scaled { name, centre, exponent: exponent_above((max - centre).max(centre - min)) }))
    }

    fn observe(&mut self, cells: &[f64], weights: &[f64]) {
        let nulls = cells.iter().filter(|x| x.is_nan()).count() as u64;
        self.nulls += nulls;
        if nulls > 0 {
            return;
        }
        self.sum.add_terms(cells.len(), |row| (cells[row] * weights[row]).clamp(f64::MIN, f64::MAX));
        let weighty = cells.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
        let (min, max) =
            weighty.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), (x, _)| (min.min(*x), max.max(*x)));
        if min <= max {
            self.range.observe(min);
            self.range.observe(max);
        }
    }
}

impl Partial for Seen {
    fn merge(&mut self, other: Seen) {
        self.features.merge(other.features);
        self.weight.merge(other.weight);
        self.weights.merge(other.weights);
    }
}

impl Partial for FeatureSeen {
    fn merge(&mut self, other: FeatureSeen) {
        self.sum.merge(other.sum);
        self.range.merge(other.range);
        self.nulls += other.nulls;
    }
}

/// Some cells of a numeric column as numbers, NaN for null.
fn load(column: &Column, rows: Range<usize>, cells: &mut [f64]) {
    match column {
        Column::Number(from) => cells.copy_from_slice(&from[rows]),
        Column::Integer(from) => cells
            .iter_mut()
            .zip(&from[rows])
            .for_each(|(x, n)| *x = if *n == NULL_INTEGER { f64::NAN } else { *n as f64 }),
        Column::Boolean(from) => cells
            .iter_mut()
            .zip(&from[rows])
            .for_each(|(x, b)| *x = if *b == NULL_BOOLEAN { f64::NAN } else { f64::from(*b) }),
        _ => panic!("`check` lets only numbers through"),
    }
}
