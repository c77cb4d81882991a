//! Logistic regression: the probability of each class from a linear function of the features.
//!
//! Learns: for two classes, one coefficient a feature and an intercept; for more, one set a class. They
//! minimise `C` · Σ weight · (−ln probability of the row's class) + ½ Σ coefficient²; intercepts are not penalised.
//!
//! Exact because every round sums the loss and its slope over all rows without rounding, and steps from
//! there in the order of the features. The curvature is bounded once, before the first round,
//! by a quarter (with more classes a half) of the features' Gram (Böhning & Lindsay 1988, Ann. Inst. Statist.
//! Math. 40(4)), and L-BFGS learns what it really is on the way. So a round costs one look at each cell, and
//! separable classes, whose coefficients grow as far as the penalty lets them, end like any others.
//!
//! Known as scikit-learn `LogisticRegression`. Differs: `tol` is about what the model says, not about the
//! slope in whatever units the features have: the search ends when the next step promises to lower the mean loss
//! by less than `tol²`, which is to move log-odds by less than `tol`, root mean square, wherever they matter. A class without
//! training rows has probability 0; a feature that is a sum of multiples of others gets coefficient 0 and a note.

use std::cell::Cell;

use evenstep_exact::maths;
use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Batch, ColumnName, Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::linear::{Block, Curvature, Design, Minimum, Rule, Weighted, minimise, numbers_only, too_large};
use crate::{CurvePoint, Family, ModelError, Predictions, Run, Stored, Tensor, Trained, Training};

/// Class probabilities from a linear function of the features.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogisticRegression {
    /// How much the fit counts against squared coefficients: the inverse of a penalty.
    #[serde(rename = "C", default = "one")]
    pub c: f64,
    /// Rounds at most.
    #[serde(default = "hundred")]
    pub max_iter: u32,
    /// Stop when a next round would lower the mean loss by less than the square of this.
    #[serde(default = "ten_thousandth")]
    pub tol: f64,
}

fn one() -> f64 {
    1.0
}

fn hundred() -> u32 {
    100
}

fn ten_thousandth() -> f64 {
    1e-4
}

/// The linear functions that a fit has learned: one, or one a class.
#[derive(Clone, Debug)]
pub struct Classes {
    scores: Weighted,
    /// Whether training had rows of the class; empty for two classes.
    seen: Vec<bool>,
}

/// The weight of each class.
#[derive(Default, Serialize, Deserialize)]
struct Shares(Vec<ExactSum>);

impl Partial for Shares {
    fn merge(&mut self, other: Shares) {
        self.0.merge(other.0);
    }
}

impl Family for LogisticRegression {
    const NAME: &'static str = "logistic_regression";
    type Model = Classes;

    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        if !positive(self.c) || !positive(1.0 / self.c) {
            return Err(ModelError::new(format!("`C` is {}, and it is above 0", self.c)));
        }
        if !positive(self.tol) {
            return Err(ModelError::new(format!("`tol` is {}, and it is above 0", self.tol)));
        }
        if self.max_iter == 0 {
            return Err(ModelError::new("`max_iter` is 0, and there is at least one round"));
        }
        let (found, help) = match task {
            Task::Regression => {
                ("a number", "use `ridge`; or say `task = \"multiclass\"`, if these numbers are classes")
            }
            Task::Ranking => ("an order of rows", "use `boosted_trees` with `objective = \"lambda_rank\"`"),
            Task::Binary { .. } | Task::Multiclass { .. } => return numbers_only(Self::NAME, features),
        };
        let message = format!("`logistic_regression` predicts a class, and the target is {found}");
        Err(ModelError::new(message).help(help))
    }

    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Classes>, ModelError> {
        Family::check(self, data.task, data.features)?;
        let design = Design::new(Self::NAME, data, run.workers)?;
        let likelihood = Likelihood::new(self, &design, data, run)?;
        let mut curve = Vec::new();
        let found = self.minimise(&likelihood, run, &mut curve);

        let mut notes: Vec<String> = likelihood.curvature.note(&design).into_iter().collect();
        if !found.converged {
            notes.push(format!(
                "stopped after {} rounds, before the loss settled to `tol`: raise `max_iter`, or lower `C`",
                found.losses.len()
            ));
        }
        let importance = design.importance(&found.at, likelihood.curvature.spread());
        Ok(Trained { model: likelihood.model(&found.at, data)?, importance, curve, notes })
    }

    fn predict(&self, model: &Classes, features: &[ColumnName], batch: &Batch) -> Predictions {
        let mut scores = model.scores.scores(features, batch);
        if model.seen.is_empty() {
            let mut values = scores.pop().expect("two classes have one score");
            values.iter_mut().for_each(|score| *score = maths::sigmoid(*score));
            return Predictions { width: 1, values };
        }
        let width = model.seen.len();
        let mut values = vec![0.0; width * batch.rows()];
        let mut of_seen = vec![0.0; model.seen.iter().filter(|seen| **seen).count()];
        for (row, values) in values.chunks_exact_mut(width).enumerate() {
            let seen = (0..width).filter(|class| model.seen[*class]);
            of_seen.iter_mut().zip(seen.clone()).for_each(|(score, class)| *score = scores[class][row]);
            softmax(&mut of_seen);
            seen.zip(&of_seen).for_each(|(class, probability)| values[class] = *probability);
            if values.iter().any(|x| x.is_nan()) {
                values.fill(f64::NAN);
            }
        }
        Predictions { width, values }
    }

    fn store(&self, model: &Classes) -> Stored {
        let mut stored = model.scores.store();
        let seen: Vec<u8> = model.seen.iter().map(|seen| u8::from(*seen)).collect();
        stored.tensors.insert("seen".to_owned(), Tensor::U8(seen.into()));
        stored
    }

    fn restore(&self, features: &Schema, task: &Task, stored: &Stored) -> Result<Classes, ModelError> {
        let classes = task.classes().len();
        let (outputs, flags) = if matches!(task, Task::Binary { .. }) { (1, 0) } else { (classes, classes) };
        let scores = Weighted::restore(Self::NAME, features, outputs, stored)?;
        match stored.tensors.get("seen") {
            Some(Tensor::U8(seen))
                if seen.len() == flags && seen.iter().all(|flag| *flag <= 1) && (flags == 0 || seen.contains(&1)) =>
            {
                Ok(Classes { scores, seen: seen.iter().map(|flag| *flag == 1).collect() })
            }
            _ => Err(ModelError::new(format!(
                "a `logistic_regression` model of {classes} classes has {flags} flags `seen`"
            ))),
        }
    }

    fn example() -> LogisticRegression {
        LogisticRegression { c: 1.0, max_iter: 100, tol: 1e-4 }
    }
}

impl LogisticRegression {
    fn minimise(&self, likelihood: &Likelihood<'_>, run: &Run<'_>, curve: &mut Vec<CurvePoint>) -> Minimum {
        let mean_loss = Cell::new(0.0);
        minimise(
            likelihood.start.clone(),
            &Rule { rounds: self.max_iter, tolerance: self.tol },
            |at| {
                let at = likelihood.at(at, run);
                mean_loss.set(at.loss);
                (at.penalised, at.slope)
            },
            |slope| likelihood.solve(slope),
            |round, _| {
                // The last point that was looked at is the one that the round went to.
                curve.push(CurvePoint { round, training: mean_loss.get(), watched: None });
                (run.progress)(round as usize, self.max_iter as usize, Some(mean_loss.get()));
            },
        )
    }
}

/// The penalised likelihood of some rows: how well coefficients account for their classes.
struct Likelihood<'a> {
    design: &'a Design<'a>,
    /// The classes that have rows, in order.
    seen: Vec<usize>,
    /// Two classes have one score; more have one for each that was seen.
    of_two: bool,
    penalties: Vec<f64>,
    curvature: Curvature,
    start: Vec<f64>,
}

/// What coefficients are worth: means over the rows' weight.
struct Worth {
    loss: f64,
    penalised: f64,
    /// Of the penalised loss.
    slope: Vec<f64>,
}

impl<'a> Likelihood<'a> {
    fn new(
        family: &LogisticRegression,
        design: &'a Design<'a>,
        data: &Training<'_>,
        run: &Run<'_>,
    ) -> Result<Likelihood<'a>, ModelError> {
        let shares = shares(data, run);
        let seen: Vec<usize> = (0..shares.len()).filter(|class| shares[*class] > 0.0).collect();
        if let [only] = seen[..] {
            return Err(ModelError::new(format!(
                "every training row is `{}`, and `logistic_regression` learns from at least two classes",
                data.task.classes()[only]
            )));
        }
        let of_two = matches!(data.task, Task::Binary { .. });
        let penalties = design.penalties(1.0 / family.c);
        let curvature = Curvature::of(design, run.workers, if of_two { 0.25 } else { 0.5 }, &penalties);
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
        Ok(Likelihood { design, seen, of_two, penalties, curvature, start })
    }

    fn at(&self, coefficients: &[f64], run: &Run<'_>) -> Worth {
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

    /// The step that the slope asks for, class by class.
    fn solve(&self, slope: &[f64]) -> Vec<f64> {
        let whole: Vec<f64> = slope.iter().map(|x| x * self.design.total()).collect();
        whole.chunks_exact(self.design.width()).flat_map(|slope| self.curvature.solve(slope)).collect()
    }

    fn model(&self, coefficients: &[f64], data: &Training<'_>) -> Result<Classes, ModelError> {
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

/// The weight of each class among the training rows.
fn shares(data: &Training<'_>, run: &Run<'_>) -> Vec<f64> {
    let classes = data.task.classes().len();
    let seen = run.workers.fold(data.batches.len(), |task, Shares(seen): &mut Shares| {
        let labels = data.batches[task].training();
        seen.resize_with(classes, ExactSum::default);
        for (row, class) in labels.target.iter().enumerate() {
            seen[*class as usize].add(labels.weight(row));
        }
    });
    seen.0.iter().map(ExactSum::value).collect()
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
fn softmax(scores: &mut [f64]) -> f64 {
    let largest = scores.iter().fold(f64::NEG_INFINITY, |largest, score| largest.max(*score));
    scores.iter_mut().for_each(|score| *score = maths::exp(*score - largest));
    let sum = scores.iter().fold(0.0, |sum, e| sum + e);
    scores.iter_mut().for_each(|score| *score /= sum);
    largest + maths::ln(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_near, batch, binary, fit, multiclass, sample};
    use evenstep_table::Column;

    fn family(c: f64) -> LogisticRegression {
        LogisticRegression { c, max_iter: 1000, tol: 1e-10 }
    }

    fn check(c: f64, weighted: bool, intercept: f64, coefficients: [f64; 4]) {
        let sample = sample();
        let trained = fit(&family(c), &binary(), &sample.batch(sample.two_classes(), weighted)).unwrap();
        let scores = trained.model.scores;
        assert_near(
            &[&scores.intercepts[..], &scores.coefficients].concat(),
            &[&[intercept], &coefficients[..]].concat(),
            1e-9,
        );
        assert_eq!(trained.notes, Vec::<String>::new());
    }

    /// scikit-learn 1.9.1 `LogisticRegression(C, solver="newton-cholesky", tol=1e-14)`.
    #[test]
    fn two_classes_are_as_in_scikit_learn() {
        check(
            1.0,
            false,
            -0.520191618353092,
            [2.00624239117049, -0.0459249446686153, 0.38552263826809735, 0.4341451139799865],
        );
        check(
            1.0,
            true,
            -0.7894922879496832,
            [2.3233129146205043, -0.04951614083705026, 0.4737648567752738, 0.46499052156732684],
        );
        check(
            0.01,
            false,
            0.059324971814835536,
            [0.3460545087265498, -0.00691233363225375, 0.029931830454941646, 0.00987018593171016],
        );
        check(
            100.0,
            true,
            -4.1487226852710535,
            [7.366419424241886, -0.1635671600090263, 2.366808563745286, 0.6861591368724707],
        );
    }

    /// The same, for three classes.
    #[test]
    fn three_classes_are_as_in_scikit_learn() {
        let sample = sample();
        let check = |weighted, intercepts: [f64; 3], coefficients: [[f64; 4]; 3]| {
            let trained = fit(&family(1.0), &multiclass(3), &sample.batch(sample.three_classes(), weighted)).unwrap();
            assert_near(&trained.model.scores.intercepts, &intercepts, 1e-8);
            assert_near(&trained.model.scores.coefficients, &coefficients.concat(), 1e-8);
        };
        check(
            false,
            [-2.720807619577921, 1.0705348979802767, 1.6502727215976443],
            [
                [-2.0095904440977526, 0.06030124972613387, 0.05757290897452974, -0.06747290720025097],
                [0.03857399847664653, 0.0066428052829837015, 0.04063939032637532, -0.018622971861992202],
                [1.9710164456211068, -0.06694405500912524, -0.09821229930090661, 0.08609587906224346],
            ],
        );
        check(
            true,
            [-3.428219616310635, 1.3802057059293928, 2.0480139103812416],
            [
                [-2.4137879021900943, 0.07690808273540718, 0.05506284625200283, -0.22786406951484056],
                [0.05199968174166142, 0.008429301561425595, 0.053536096315481924, -0.047709212607742975],
                [2.3617882204484335, -0.08533738429680265, -0.10859894256748712, 0.27557328212258364],
            ],
        );
    }

    /// A change here is a change of the fit epoch.
    #[test]
    fn the_bits_of_a_fit_stay() {
        let sample = sample();
        let example = LogisticRegression::example();
        let trained = fit(&example, &multiclass(3), &sample.batch(sample.three_classes(), true)).unwrap();
        let scores = trained.model.scores;
        assert_eq!(scores.intercepts, [-3.4298342755223556, 1.3806546090490817, 2.049179666473317]);
        let coefficients = [
            [-2.414531040582049, 0.0769311127647625, 0.05523522540119807, -0.22790681876686816],
            [0.0520127770944565, 0.008432945014268632, 0.05350261637837561, -0.04771210894972664],
            [2.362518263487591, -0.08536405777903158, -0.10873784177957355, 0.27561892771659463],
        ];
        assert_eq!(scores.coefficients, coefficients.concat());
    }

    #[test]
    fn at_the_default_tolerance_scores_have_three_digits() {
        let sample = sample();
        let batch = sample.batch(sample.two_classes(), false);
        let features: Vec<ColumnName> = batch.schema().into_keys().collect();
        let scores = |family: LogisticRegression| {
            fit(&family, &binary(), &batch).unwrap().model.scores.scores(&features, &batch).pop().unwrap()
        };
        let (coarse, fine) = (scores(LogisticRegression::example()), scores(family(1.0)));
        assert!(coarse.iter().zip(&fine).all(|(a, b)| (a - b).abs() < 2e-3), "{coarse:?} {fine:?}");
    }

    #[test]
    fn a_weight_of_two_is_two_rows_and_a_weight_of_0_is_none() {
        let sample = sample();
        let heavy: Vec<f64> = (0..60).map(|row| f64::from(row % 3)).collect();
        let plain = sample.batch(sample.two_classes(), false);
        let repeated: Vec<usize> = (0..60).flat_map(|row| vec![row; row % 3]).collect();
        let model = |batch: &Batch| fit(&family(1.0), &binary(), batch).unwrap().model.scores;
        let weighted = model(&batch(sample.columns.clone(), sample.two_classes(), heavy));
        let repeated = model(&plain.take(&repeated));
        assert_near(&weighted.coefficients, &repeated.coefficients, 1e-12);
        assert_near(&weighted.intercepts, &repeated.intercepts, 1e-12);
    }

    #[test]
    fn separable_classes_end() {
        let x: Vec<f64> = (0..40).map(f64::from).collect();
        let target: Vec<f64> = x.iter().map(|x| f64::from(u8::from(*x > 19.5))).collect();
        let batch = batch(vec![("x", Column::Number(x))], target, Vec::new());
        for c in [1.0, 1e6, 1e15] {
            let trained = fit(&LogisticRegression { c, ..LogisticRegression::example() }, &binary(), &batch).unwrap();
            let family = family(c);
            let predicted = family.predict(&trained.model, &[crate::testing::name("x")], &batch);
            assert!(predicted.values[..20].iter().all(|p| *p < 0.5) && predicted.values[20..].iter().all(|p| *p > 0.5));
            assert!(trained.curve.len() <= 100, "{} rounds", trained.curve.len());
        }
    }

    #[test]
    fn a_class_without_rows_has_probability_0() {
        let sample = sample();
        let batch = sample.batch(sample.two_classes().iter().map(|class| class * 2.0).collect(), false);
        let trained = fit(&family(1.0), &multiclass(3), &batch).unwrap();
        let features: Vec<ColumnName> = batch.schema().into_keys().collect();
        let predicted = family(1.0).predict(&trained.model, &features, &batch);
        assert!((0..60).all(|row| predicted.row(row)[1] == 0.0));
        assert!((0..60).all(|row| (predicted.row(row).iter().sum::<f64>() - 1.0).abs() < 1e-15));
    }

    #[test]
    fn one_class_is_refused_by_name() {
        let batch = batch(vec![("x", Column::Number(vec![1.0, 2.0]))], vec![1.0, 1.0], Vec::new());
        let error = fit(&family(1.0), &binary(), &batch).unwrap_err();
        assert_eq!(
            error.message,
            "every training row is `yes`, and `logistic_regression` learns from at least two classes"
        );
    }
}
