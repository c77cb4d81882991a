//! Logistic regression: the probability of each class from a linear function of the features.
//!
//! Learns: for two classes, one coefficient a feature and an intercept; for more, one set a class. They
//! minimise `C` · Σ weight · (−ln probability of the row's class) + ½ Σ coefficient²; intercepts are not penalised.
//!
//! Exact because every round sums the loss and its slope over all rows without rounding, and steps from
//! there in the order of the features. The curvature is bounded before the first round by a quarter (with
//! more classes a half) of the features' Gram (Böhning & Lindsay 1988, Ann. Inst. Statist. Math. 40(4)), and L-BFGS
//! learns what it really is on the way, so that a round costs one look at each cell. Where the search would
//! end, and every 30 rounds, the curvature is measured, and the search goes on from there unless it promises
//! no more, either: rows whose class is as good as certain bend the loss no longer, so an outlier hides
//! nothing, and separable classes, whose coefficients grow as far as the penalty lets them, end like any others.
//! With more than two classes what is measured is a bound, too: beside outliers in several features the search
//! takes more rounds, and may end a little early.
//!
//! A row with a null in a feature has no prediction: a step that imputes gives it one.
//!
//! Known as scikit-learn `LogisticRegression`. Differs: `tol` is about what the model says, not about the
//! slope in whatever units the features have: the search ends when the next step promises to lower the mean loss
//! by less than `tol²`, which is to move log-odds by less than `tol`, root mean square, wherever they matter. A class without
//! training rows has probability 0; a feature that is a sum of multiples of others gets coefficient 0 and a note.

mod likelihood;

use std::cell::Cell;

use evenstep_exact::maths;
use evenstep_table::{Batch, ColumnName, Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::class_weights::ClassWeights;
use crate::linear::{Design, Rule, Weighted, minimise, numbers_only};
use crate::{CurvePoint, Family, ModelError, Predictions, Run, Stored, Tensor, Trained, Training};
use likelihood::{Likelihood, softmax};

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
    /// How much a row of each class weighs, times its own weight, as `{ bad = 2 }`, 1 for classes that are not named; with `"balanced"` each class as much as any other.
    #[serde(default, skip_serializing_if = "ClassWeights::is_empty")]
    pub class_weights: ClassWeights,
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

impl Family for LogisticRegression {
    const NAME: &'static str = "logistic_regression";
    const TAKES_NULL: bool = false;
    type Model = Classes;

    fn check_hyperparameters(&self) -> Result<(), ModelError> {
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
        Ok(())
    }

    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        Family::check_hyperparameters(self)?;
        let (found, help) = match task {
            Task::Regression => {
                ("a number", "use `ridge`; or say `task = \"multiclass\"`, if these numbers are classes")
            }
            Task::Ranking => ("an order of rows", "use `boosted_trees` with `objective = \"lambda_rank\"`"),
            Task::Binary { .. } | Task::Multiclass { .. } => {
                self.class_weights.check(task)?;
                return numbers_only(Self::NAME, features);
            }
        };
        let message = format!("`logistic_regression` predicts a class, and the target is {found}");
        Err(ModelError::new(message).help(help))
    }

    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Classes>, ModelError> {
        Family::check(self, data.task, data.features)?;
        let batches = self.class_weights.weighted(data, run);
        let data = &Training { batches: &batches, ..*data };
        let design = Design::new(Self::NAME, data, run.workers)?;
        let first = Likelihood::new(self, design, data, run)?;
        let mut curve = Vec::new();
        let found = self.search(&first, run, &mut curve);
        let likelihood = found.sharper.as_ref().unwrap_or(&first);

        let mut notes: Vec<String> = likelihood.curvature.note(&likelihood.design, &found.at).into_iter().collect();
        if !found.converged {
            notes.push(format!(
                "stopped after {} rounds, before the loss settled to `tol`: raise `max_iter`, or lower `C`",
                curve.len()
            ));
        }
        let by_first = likelihood.design.translated(&first.design, &found.at);
        let importance = first.design.importance(&by_first, first.curvature.spread());
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
        LogisticRegression { c: 1.0, max_iter: 100, tol: 1e-4, class_weights: ClassWeights::default() }
    }
}

/// Rounds after which the curvature is measured anew.
const PATIENCE: u32 = 30;

/// Where a search ended.
struct Found<'a> {
    /// The likelihood in whose design it did, if not the first one.
    sharper: Option<Likelihood<'a>>,
    at: Vec<f64>,
    converged: bool,
}

impl LogisticRegression {
    /// Goes down by the curvature at hand, measures it, and goes on, until the measured one says that it is done.
    fn search<'a>(&self, first: &Likelihood<'a>, run: &Run<'_>, curve: &mut Vec<CurvePoint>) -> Found<'a> {
        let mut found = Found { sharper: None, at: first.start.clone(), converged: false };
        let mut tolerance = self.tol;
        loop {
            let likelihood = found.sharper.as_ref().unwrap_or(first);
            let rounds = PATIENCE.min(self.max_iter - curve.len() as u32);
            let before = curve.len();
            found.at = self.minimise(likelihood, found.at, &Rule { rounds, tolerance }, run, curve);
            let Some(sharper) = likelihood.measured(&found.at, run) else { return found };
            let start = likelihood.design.translated(&sharper.design, &found.at);
            let slope = sharper.at(&start, run).slope;
            let promise = sharper.promise(&slope);
            let enough = promise <= self.tol * self.tol;
            found.converged = enough && sharper.trusts(&start, &sharper.solve(&slope), run);
            // The measured curvature promised more, and no step brings it.
            let stuck = found.sharper.is_some() && curve.len() == before;
            if found.converged || stuck || curve.len() as u32 == self.max_iter {
                return found;
            }
            if enough {
                tolerance = promise.sqrt() / 10.0;
            }
            found = Found { sharper: Some(sharper), at: start, converged: false };
        }
    }

    fn minimise(
        &self,
        likelihood: &Likelihood<'_>,
        start: Vec<f64>,
        rule: &Rule,
        run: &Run<'_>,
        curve: &mut Vec<CurvePoint>,
    ) -> Vec<f64> {
        let mean_loss = Cell::new(0.0);
        minimise(
            start,
            rule,
            |at| {
                let at = likelihood.at(at, run);
                mean_loss.set(at.loss);
                (at.penalised, at.slope)
            },
            |slope| likelihood.solve(slope),
            |_| {
                // The last point that was looked at is the one that the round went to.
                let round = curve.len() as u32 + 1;
                curve.push(CurvePoint { round, training: mean_loss.get(), watched: None });
                (run.progress)(round as usize, self.max_iter as usize, Some(mean_loss.get()));
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class_weights::Rule;
    use crate::testing::{assert_near, batch, binary, fit, multiclass, sample};
    use evenstep_table::Column;

    fn family(c: f64) -> LogisticRegression {
        LogisticRegression { c, max_iter: 1000, tol: 1e-10, class_weights: ClassWeights::default() }
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
        let intercepts = [-3.427122173619914, 1.3798717574132617, 2.047250416206671];
        let coefficients = [
            [-2.4134655368785842, 0.07689733238166878, 0.05507108419665226, -0.22777921933983084],
            [0.05164480384135487, 0.008438177338854104, 0.05351629041809776, -0.047600997746383746],
            [2.361820733037229, -0.08533550972052302, -0.10858737461474993, 0.2753802170862145],
        ];
        assert_eq!((&scores.intercepts[..], scores.coefficients), (&intercepts[..], coefficients.concat()));
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

    /// scikit-learn 1.9.1 multiplies the weights of rows by `compute_class_weight("balanced")`, n / (k · nᵢ).
    #[test]
    fn balanced_classes_are_rows_of_as_much_weight() {
        let sample = sample();
        let target = sample.two_classes();
        let ones = target.iter().sum::<f64>();
        let weigh = |class: &f64| 60.0 / (2.0 * if *class == 1.0 { ones } else { 60.0 - ones });
        let weighted = batch(sample.columns.clone(), target.clone(), target.iter().map(weigh).collect());
        let balanced = LogisticRegression { class_weights: ClassWeights::By(Rule::Balanced), ..family(1.0) };
        let model = |family: &LogisticRegression, batch: &Batch| fit(family, &binary(), batch).unwrap().model.scores;
        let (by_rows, by_class) = (model(&family(1.0), &weighted), model(&balanced, &sample.batch(target, false)));
        assert_eq!((by_rows.intercepts, by_rows.coefficients), (by_class.intercepts, by_class.coefficients));
    }

    fn fitted(c: f64, columns: Vec<Vec<f64>>, target: Vec<f64>) -> (Trained<Classes>, Vec<f64>) {
        let names = ["x0", "x1", "x2", "x3"];
        let columns = names.into_iter().zip(columns.into_iter().map(Column::Number)).collect();
        let trained = fit(
            &LogisticRegression { c, ..LogisticRegression::example() },
            &binary(),
            &batch(columns, target, Vec::new()),
        );
        let trained = trained.unwrap();
        let scores = &trained.model.scores;
        let all = [&scores.intercepts[..], &scores.coefficients].concat();
        (trained, all)
    }

    /// scikit-learn 1.9.1 `LogisticRegression(C, solver="newton-cholesky", tol=1e-10)`.
    #[test]
    fn an_outlier_hides_nothing() {
        let x: Vec<f64> = (-10..10).map(f64::from).chain([1e9]).collect();
        let target: Vec<f64> = x.iter().map(|x| f64::from(u8::from(*x >= 0.0))).collect();
        let (trained, found) = fitted(1.0, vec![x], target);
        assert_near(&found, &[0.5972349305651031, 1.1944698694180427], 1e-2);
        assert_eq!(trained.notes, Vec::<String>::new());

        let number = |row: u32, by: u32, of: u32| f64::from(row * by % of) - f64::from(of / 2);
        let cell = |row: u32, by, of, outlier| if row == outlier { 1e6 } else { number(row, by, of) };
        let columns = [(7, 11, 0), (5, 13, 1), (3, 7, 2)];
        let columns = columns.map(|(by, of, outlier)| (0..60).map(|row| cell(row, by, of, outlier)).collect());
        let sum = |row| number(row, 7, 11) + number(row, 5, 13) + number(row, 3, 7) + number(row, 17, 9);
        let target = (0..60).map(|row| f64::from(u8::from(row < 3 || sum(row) > 0.0))).collect();
        let (trained, found) = fitted(1.0, columns.to_vec(), target);
        assert_near(&found, &[0.6395224205548939, 0.998525080832968, 0.8020394144953082, 0.9606716626754166], 1e-2);
        assert_eq!(trained.notes, Vec::<String>::new());
    }

    /// Numbers alike in many rows, as where −999999999 says that none is known.
    #[test]
    fn a_number_that_stands_for_none_hides_nothing() {
        let x: Vec<f64> =
            (0..200_u32).map(|i| if i % 20 == 0 { -999_999_999.0 } else { f64::from(i * 37 % 101) - 50.0 }).collect();
        let noise = |i: u32| f64::from(i * 53 % 97) - 48.0;
        let target = x.iter().zip(0_u32..).map(|(x, i)| f64::from(u8::from(*x + noise(i) > 0.0))).collect();
        let (trained, found) = fitted(1.0, vec![x], target);
        assert_near(&found, &[-0.18560188018778367, 0.05810810759591699], 1e-2);
        assert_eq!(trained.notes, Vec::<String>::new());
    }

    #[test]
    fn separable_classes_settle_whatever_the_penalty() {
        let x = |by: u32| -> Vec<f64> { (0..80_u32).map(|i| f64::from(i * by % 97) - 48.0).collect() };
        let columns = vec![x(37), x(53), x(61)];
        let target = (0..80).map(|i| f64::from(u8::from(columns[0][i] + 2.0 * columns[1][i] - columns[2][i] > 0.5)));
        let target: Vec<f64> = target.collect();
        for (c, expected) in [
            (1.0, [-0.4972343185191113, 0.2840511906916348, 0.7812923799852783, -0.38466262278332447]),
            (1e4, [-1.0883459730609486, 0.7919397992002541, 2.1355421546149933, -1.0618236046597487]),
            (1e6, [-1.3998816461182995, 1.0589593282055707, 2.8476072565365422, -1.4178532108148485]),
        ] {
            let (trained, found) = fitted(c, columns.clone(), target.clone());
            assert_near(&found, &expected, 3e-2);
            assert_eq!(trained.notes, Vec::<String>::new());
        }
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
