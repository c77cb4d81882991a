//! How well coefficients account for the classes of some rows, how steeply, and how it bends.

use evenstep_exact::maths;
use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;
use evenstep_table::Task;
use serde::{Deserialize, Serialize};

use super::{Classes, LogisticRegression};
use crate::class_weights::rows_of_classes;
use crate::linear::{Block, Curvature, Design, Weighted, too_large};
use crate::{ModelError, Run, Training};

/// A row whose score a step moves further than this may bend the loss no more where the step ends.
const MOVED: f64 = 0.5;

/// How much of the curvature is due to rows that a step moves far.
#[derive(Default, Serialize, Deserialize)]
struct Moved(ExactSum);

impl Partial for Moved {
    fn merge(&mut self, other: Moved) {
        self.0.merge(other.0);
    }
}

/// The penalised likelihood of some rows: how well coefficients account for their classes.
pub(super) struct Likelihood<'a> {
    pub(super) design: Design<'a>,
    /// The classes that have rows, in order.
    seen: Vec<usize>,
    /// Two classes have one score; more have one for each that was seen.
    of_two: bool,
    /// On the square of each coefficient, in the features' own units.
    penalty: f64,
    penalties: Vec<f64>,
    pub(super) curvature: Curvature,
    pub(super) start: Vec<f64>,
}

/// What coefficients are worth: means over the rows' weight.
pub(super) struct Worth {
    pub(super) loss: f64,
    pub(super) penalised: f64,
    /// Of the penalised loss.
    pub(super) slope: Vec<f64>,
}

impl<'a> Likelihood<'a> {
    pub(super) fn new(
        family: &LogisticRegression,
        design: Design<'a>,
        data: &Training<'_>,
        run: &Run<'_>,
    ) -> Result<Likelihood<'a>, ModelError> {
        let shares = rows_of_classes(data, run);
        let seen: Vec<usize> = (0..shares.len()).filter(|class| shares[*class] > 0.0).collect();
        if let [only] = seen[..] {
            return Err(ModelError::new(format!(
                "every training row is `{}`, and `logistic_regression` learns from at least two classes",
                data.task.classes()[only]
            )));
        }
        let of_two = matches!(data.task, Task::Binary { .. });
        let penalty = 1.0 / family.c;
        let penalties = design.penalties(penalty);
        let curvature = Curvature::of(&design, run.workers, if of_two { 0.25 } else { 0.5 }, &penalties);
        // From intercepts that give each class its share.
        let logarithms: Vec<f64> = seen.iter().map(|class| maths::ln(shares[*class])).collect();
        let intercepts = if of_two {
            vec![logarithms[1] - logarithms[0]]
        } else {
            // Of scores that differ by a constant, those that sum to 0.
            let mean = logarithms.iter().fold(0.0, |sum, x| sum + x) / seen.len() as f64;
            logarithms.iter().map(|x| x - mean).collect()
        };
        let mut start = vec![0.0; intercepts.len() * design.width()];
        start.iter_mut().step_by(design.width()).zip(intercepts).for_each(|(start, intercept)| *start = intercept);
        Ok(Likelihood { design, seen, of_two, penalty, penalties, curvature, start })
    }

    pub(super) fn at(&self, coefficients: &[f64], run: &Run<'_>) -> Worth {
        let (width, total) = (self.design.width(), self.design.total());
        let seen = if self.of_two {
            self.design.slope(run.workers, coefficients, of_two)
        } else {
            self.design
                .slope(run.workers, coefficients, |block, scores, losses| of_many(&self.seen, block, scores, losses))
        };
        let loss = seen.loss.value() / total;
        let mut penalised = seen.loss;
        let columns = seen.columns.into_iter().zip(coefficients).enumerate();
        let slope = columns.map(|(index, (mut sum, coefficient))| {
            let pull = self.penalties[index % width] * coefficient;
            sum.add(pull);
            penalised.add(0.5 * pull * coefficient);
            sum.value() / total
        });
        let slope = slope.collect();
        Worth { loss, penalised: penalised.value() / total, slope }
    }

    /// The same likelihood by the curvature that it has at some coefficients, in a design for it; None if it has none.
    pub(super) fn measured(&self, coefficients: &[f64], run: &Run<'_>) -> Option<Likelihood<'a>> {
        let bend = |block: &Block<'_>, scores: &mut [f64]| self.bend(block, scores);
        let (design, exponent) = self.design.focused(run.workers, coefficients, bend)?;
        let penalties = design.penalties(self.penalty);
        let start = self.design.translated(&design, coefficients);
        let curvature = Curvature::measured(&design, run.workers, &start, exponent, bend, &penalties);
        let (seen, of_two, penalty) = (self.seen.clone(), self.of_two, self.penalty);
        Some(Likelihood { design, seen, of_two, penalty, penalties, curvature, start })
    }

    /// Leaves how much each row bends the loss, with its weight, in place of its first score. For more than two classes this
    /// is a bound, twice the largest p·(1 − p): the curvature diag(p) − p·pᵀ is a Laplacian of degrees p·(1 − p).
    fn bend(&self, block: &Block<'_>, scores: &mut [f64]) {
        let mut of_row = vec![0.0; self.seen.len()];
        for (row, weight) in block.weight.iter().enumerate() {
            let bend = if self.of_two {
                let e = maths::exp(-scores[row].abs());
                e / ((1.0 + e) * (1.0 + e))
            } else {
                let cells = (row..scores.len()).step_by(Block::STRIDE);
                of_row.iter_mut().zip(cells).for_each(|(score, cell)| *score = scores[cell]);
                softmax(&mut of_row);
                of_row.iter().fold(0.0, |most: f64, p| most.max(2.0 * p * (1.0 - p)))
            };
            scores[row] = weight * bend;
        }
    }

    /// Whether the curvature that was measured at some coefficients holds as far as a step from there leads: rows whose
    /// scores it moves far make up no more than half of it in any direction.
    pub(super) fn trusts(&self, coefficients: &[f64], step: &[f64], run: &Run<'_>) -> bool {
        let outputs = coefficients.len() / self.design.width();
        let both = [coefficients, step].concat();
        let moved = self.design.fold_scores(run.workers, &both, |block, scores, moved: &mut Moved| {
            let (scores, steps) = scores.split_at_mut(outputs * Block::STRIDE);
            self.bend(block, scores);
            for (row, bend) in scores.iter().enumerate().take(block.rows()) {
                let of_row = steps.iter().skip(row).step_by(Block::STRIDE);
                let start = if self.of_two { (0.0, 0.0) } else { (f64::INFINITY, f64::NEG_INFINITY) };
                let (least, most) = of_row.fold(start, |(least, most), x| (x.min(least), x.max(most)));
                if most - least > MOVED && *bend > 0.0 {
                    moved.0.add((bend * self.curvature.promise(&block.row(row))).min(1.0));
                }
            }
        });
        moved.0.value() <= 0.5
    }

    /// Twice what the step that the slope asks for is to lower the mean loss by.
    pub(super) fn promise(&self, slope: &[f64]) -> f64 {
        let total = self.design.total();
        let whole: Vec<f64> = slope.iter().map(|x| x * total).collect();
        let promises = whole.chunks_exact(self.design.width()).map(|slope| self.curvature.promise(slope));
        promises.fold(0.0, |sum, promise| sum + promise) / total
    }

    /// The step that the slope asks for, class by class.
    pub(super) fn solve(&self, slope: &[f64]) -> Vec<f64> {
        let whole: Vec<f64> = slope.iter().map(|x| x * self.design.total()).collect();
        whole.chunks_exact(self.design.width()).flat_map(|slope| self.curvature.solve(slope)).collect()
    }

    pub(super) fn model(&self, coefficients: &[f64], data: &Training<'_>) -> Result<Classes, ModelError> {
        let (classes, features) = (data.task.classes().len(), data.features.len());
        let outputs = if self.of_two { 1 } else { classes };
        let mut scores = Weighted { intercepts: vec![0.0; outputs], coefficients: vec![0.0; outputs * features] };
        for (at, coefficients) in coefficients.chunks_exact(self.design.width()).enumerate() {
            let output = if self.of_two { 0 } else { self.seen[at] };
            let (intercept, coefficients) = self.design.unscaled(coefficients).ok_or_else(too_large)?;
            scores.intercepts[output] = intercept.value();
            scores.coefficients[output * features..][..features].copy_from_slice(&coefficients);
        }
        if scores.intercepts.iter().any(|x| !x.is_finite()) {
            return Err(too_large());
        }
        let seen = if self.of_two { 0 } else { classes };
        Ok(Classes { scores, seen: (0..seen).map(|class| self.seen.contains(&class)).collect() })
    }
}

/// The logistic loss −ln(1/(1 + e^−score)), the score negated for the negative class, and its slope.
fn of_two(block: &Block<'_>, scores: &mut [f64], losses: &mut [f64]) {
    let rows = scores.iter_mut().zip(losses).zip(block.target.iter().zip(block.weight));
    for ((score, loss), (target, weight)) in rows {
        let e = maths::exp(-score.abs());
        let probability = (if *score < 0.0 { e } else { 1.0 }) / (1.0 + e);
        let against = if *target == 1.0 { -*score } else { *score };
        *loss = weight * (against.max(0.0) + maths::log1p(e));
        *score = weight * (probability - target);
    }
}

/// The same with a score for each class that was seen.
fn of_many(seen: &[usize], block: &Block<'_>, scores: &mut [f64], losses: &mut [f64]) {
    let mut of_row = vec![0.0; seen.len()];
    for (row, loss) in losses.iter_mut().enumerate() {
        let cells = (row..scores.len()).step_by(Block::STRIDE);
        of_row.iter_mut().zip(cells.clone()).for_each(|(score, cell)| *score = scores[cell]);
        // A row of another class weighs nothing, and so does what is made of it here.
        let own = seen.binary_search(&(block.target[row] as usize)).unwrap_or(0);
        let own_score = of_row[own];
        *loss = block.weight[row] * (softmax(&mut of_row) - own_score);
        of_row[own] -= 1.0;
        cells.zip(&of_row).for_each(|(cell, probability)| scores[cell] = block.weight[row] * probability);
    }
}

/// Scores become probabilities; gives ln Σ e^score. Added in the order of the classes.
pub(super) fn softmax(scores: &mut [f64]) -> f64 {
    let largest = scores.iter().fold(f64::NEG_INFINITY, |largest, score| largest.max(*score));
    scores.iter_mut().for_each(|score| *score = maths::exp(*score - largest));
    let sum = scores.iter().fold(0.0, |sum, e| sum + e);
    scores.iter_mut().for_each(|score| *score /= sum);
    largest + maths::ln(sum)
}
