//! Linear regression with a penalty on the squares of its coefficients.
//!
//! Learns: one coefficient a feature and an intercept, which is not penalised: those that
//! minimise Σ weight · (target − prediction)² + alpha · Σ coefficient².
//!
//! Exact because the normal equations are solved by slopes, each a sum of once-rounded products added
//! without further rounding; the Gram that gives the steps is summed in fixed point.
//! One step solves the equations to the Gram's precision, and one or two more to that of
//! the slopes, so nearly collinear features keep their digits; where they are so near that the Gram's
//! rounding hides them, conjugate gradients go on.
//!
//! A row with a null in a feature has no prediction: a step that imputes gives it one.
//!
//! Known as scikit-learn `Ridge`. Differs: features are centred and brought to one scale, by powers of
//! two, before anything is multiplied, which changes no coefficient but its accuracy; a feature that is a
//! sum of multiples of others, to six digits, gets coefficient 0 and a note.

use evenstep_exact::moments::{Extremes, Mean};
use evenstep_exact::sum::ExactSum;
use evenstep_table::{Batch, ColumnName, Schema, Task};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::linear::{Curvature, Design, Weighted, dot, exponent_above, numbers_only, power_of_two, too_large};
use crate::{Family, ModelError, Predictions, Run, Stored, Trained, Training};

/// Steps that correct the first one, at most.
const CORRECTIONS: usize = 10;
/// Stop when a step is so small a share of the first, in the sum of squares.
const SETTLED: f64 = 1e-26;
/// Conjugate steps that come no nearer, one after the other, after which there are no more.
const IDLE: u32 = 10;
/// A last step larger than this share of the first is worth a note.
const UNSETTLED: f64 = 1e-16;
/// A first step that is no larger, for each row, is rounding alone: no feature tells anything of the target.
const NOTHING: f64 = 1e-28;

/// Linear regression with a penalty on squared coefficients.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ridge {
    /// How strongly squared coefficients count against a fit; 0 for no penalty.
    #[serde(default = "one")]
    pub alpha: f64,
}

fn one() -> f64 {
    1.0
}

/// The linear function that a fit has learned.
#[derive(Clone, Debug)]
pub struct Line(Weighted);

/// The target's centre and unit, so that no square of it overflows.
struct Target {
    centre: f64,
    exponent: i32,
}

impl Target {
    fn of(data: &Training<'_>, run: &Run<'_>) -> Target {
        let (mean, range): (Mean, Extremes) =
            run.workers.fold(data.batches.len(), |task, (mean, range): &mut (Mean, Extremes)| {
                let labels = data.batches[task].training();
                for (row, target) in labels.target.iter().enumerate().filter(|(row, _)| labels.weight(*row) > 0.0) {
                    mean.observe_weighted(*target, labels.weight(row));
                    range.observe(*target);
                }
            });
        let (Some(min), Some(max), Some(centre)) = (range.min(), range.max(), mean.mean()) else {
            return Target { centre: 0.0, exponent: 0 };
        };
        let centre = centre.clamp(min, max);
        Target { centre, exponent: exponent_above((max / 2.0 - centre / 2.0).max(centre / 2.0 - min / 2.0)) + 1 }
    }
}

impl Family for Ridge {
    const NAME: &'static str = "ridge";
    const TAKES_NULL: bool = false;
    type Model = Line;

    fn check_hyperparameters(&self) -> Result<(), ModelError> {
        match self.alpha >= 0.0 && self.alpha.is_finite() {
            true => Ok(()),
            false => Err(ModelError::new(format!("`alpha` is {}, and a penalty is at least 0", self.alpha))),
        }
    }

    fn check(&self, task: &Task, features: &Schema) -> Result<(), ModelError> {
        Family::check_hyperparameters(self)?;
        if *task != Task::Regression {
            let (found, help) = match task {
                Task::Ranking => ("an order of rows", "use `boosted_trees` with `objective = \"lambda_rank\"`"),
                _ => ("a class", "use `logistic_regression`"),
            };
            return Err(ModelError::new(format!("`ridge` predicts a number, and the target is {found}")).help(help));
        }
        numbers_only(Self::NAME, features)
    }

    fn fit(&self, data: &Training<'_>, run: &Run<'_>) -> Result<Trained<Line>, ModelError> {
        Family::check(self, data.task, data.features)?;
        let design = Design::new(Self::NAME, data, run.workers)?;
        let target = Target::of(data, run);
        let penalties = design.penalties(self.alpha);
        let curvature = Curvature::of(&design, run.workers, 1.0, &penalties);
        let (coefficients, settled) = settle(&design, run, &target, &penalties, &curvature);

        let mut notes: Vec<String> = curvature.note(&design, &coefficients).into_iter().collect();
        if !settled {
            notes.push("some features are so nearly collinear that their coefficients did not settle".to_owned());
        }

        let unit = power_of_two(target.exponent);
        let in_target_units: Vec<f64> = coefficients.iter().map(|x| x * unit).collect();
        let (mut intercept, scaled) = design.unscaled(&in_target_units).ok_or_else(too_large)?;
        intercept.add(target.centre);
        let weighted = Weighted { intercepts: vec![intercept.value()], coefficients: scaled };
        if !weighted.intercepts[0].is_finite() {
            return Err(too_large());
        }
        let importance = design.importance(&coefficients, curvature.spread());
        Ok(Trained { model: Line(weighted), importance, curve: Vec::new(), notes })
    }

    fn predict(&self, model: &Line, features: &[ColumnName], batch: &Batch) -> Predictions {
        let values = model.0.scores(features, batch).pop().expect("a line has one output");
        Predictions { width: 1, values }
    }

    fn store(&self, model: &Line) -> Stored {
        model.0.store()
    }

    fn restore(&self, features: &Schema, _: &Task, stored: &Stored) -> Result<Line, ModelError> {
        Weighted::restore(Self::NAME, features, 1, stored).map(Line)
    }

    fn example() -> Ridge {
        Ridge { alpha: 1.0 }
    }
}

/// Steps towards slope 0 until they are too small to matter, and whether that was reached.
fn settle(
    design: &Design<'_>,
    run: &Run<'_>,
    target: &Target,
    penalties: &[f64],
    curvature: &Curvature,
) -> (Vec<f64>, bool) {
    let mut coefficients = vec![0.0; design.width()];
    let (mut first, mut last) = (None, f64::INFINITY);
    for round in 0..=CORRECTIONS {
        let slope = slope(design, run, Some(target), penalties, &coefficients);
        let step = curvature.solve(&slope);
        let size = dot(&step, &slope);
        let first = *first.get_or_insert(size);
        if size > last / 4.0 {
            // Rounding is all that is left, or features so nearly collinear that their Gram's rounding shows.
            if last <= UNSETTLED * first || first <= NOTHING * design.total() {
                return (coefficients, true);
            }
            return conjugate(design, run, target, penalties, curvature, coefficients, first);
        }
        coefficients.iter_mut().zip(&step).for_each(|(coefficient, step)| *coefficient -= step);
        (run.progress)(round + 1, CORRECTIONS + 1, None);
        last = size;
        if size <= SETTLED * first {
            return (coefficients, true);
        }
    }
    (coefficients, false)
}

/// Conjugate steps towards slope 0: along each as far as the features themselves say, not their rounded Gram, which only
/// chooses the direction. Hestenes & Stiefel 1952; turned by Polak & Ribière's rule, which forgets what rounding spoils.
fn conjugate(
    design: &Design<'_>,
    run: &Run<'_>,
    target: &Target,
    penalties: &[f64],
    curvature: &Curvature,
    mut coefficients: Vec<f64>,
    first: f64,
) -> (Vec<f64>, bool) {
    let mut here = slope(design, run, Some(target), penalties, &coefficients);
    let mut direction = curvature.solve(&here);
    let mut size = dot(&direction, &here);
    let (mut least, mut idle) = (size, 0);
    while size > SETTLED * first && idle < IDLE {
        let bend = dot(&direction, &slope(design, run, None, penalties, &direction));
        if bend <= 0.0 {
            break;
        }
        let length = dot(&direction, &here) / bend;
        coefficients.iter_mut().zip(&direction).for_each(|(coefficient, step)| *coefficient -= length * step);
        let next = slope(design, run, Some(target), penalties, &coefficients);
        let step = curvature.solve(&next);
        let next_size = dot(&step, &next);
        let turn = ((next_size - dot(&step, &here)) / size).max(0.0);
        direction = step.iter().zip(&direction).map(|(step, before)| step + turn * before).collect();
        (here, size) = (next, next_size);
        idle = if size < least { 0 } else { idle + 1 };
        least = least.min(size);
    }
    (coefficients, least <= UNSETTLED * first)
}

/// The slope of half the penalised sum of squares; without a target of its quadratic part.
fn slope(
    design: &Design<'_>,
    run: &Run<'_>,
    target: Option<&Target>,
    penalties: &[f64],
    coefficients: &[f64],
) -> Vec<f64> {
    let (unit, shift) = target.map_or((0.0, 0.0), |target| {
        let unit = power_of_two(-target.exponent);
        (unit, target.centre * unit)
    });
    let seen = design.slope(run.workers, coefficients, |block, scores, _| {
        for ((score, target), weight) in scores.iter_mut().zip(block.target).zip(block.weight) {
            // Of a row that counts in nothing the target may be beyond the unit.
            *score = if *weight > 0.0 { weight * (*score - (target * unit - shift)) } else { 0.0 };
        }
    });
    let penalised = seen.columns.into_iter().zip(penalties).zip(coefficients);
    penalised
        .map(|((mut sum, penalty), coefficient): ((ExactSum, _), _)| {
            sum.add_product(*penalty, *coefficient);
            sum.value()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_near, batch, fit, sample};
    use evenstep_table::Column;

    fn check(alpha: f64, weighted: bool, intercept: f64, coefficients: [f64; 4]) {
        let sample = sample();
        let trained = fit(&Ridge { alpha }, &Task::Regression, &sample.batch(sample.number(), weighted)).unwrap();
        let Line(line) = trained.model;
        assert_near(
            &[&line.intercepts[..], &line.coefficients].concat(),
            &[&[intercept], &coefficients[..]].concat(),
            1e-15,
        );
        assert_eq!(trained.notes, Vec::<String>::new());
    }

    /// Solved in rational arithmetic; scikit-learn 1.9.1 `Ridge(alpha, solver="svd")` agrees to 14 digits.
    #[test]
    fn coefficients_are_the_exact_ones() {
        check(
            0.0,
            false,
            0.717534030549105,
            [1.5261837711860105, -0.24702237844519587, -0.009879721828028768, 1.966903951822043],
        );
        check(
            0.0,
            true,
            0.657441026330975,
            [1.5314412985704997, -0.24716967501572887, 0.002618266510091466, 2.024321351620023],
        );
        check(
            1.0,
            false,
            0.7647710789256723,
            [1.5231412169142355, -0.24695365576899964, -0.009418790893521212, 1.82962652592401],
        );
        check(
            1.0,
            true,
            0.6801513725029138,
            [1.5299196960572088, -0.24703148525723814, 0.003273363557694955, 1.9406332990172812],
        );
        check(
            10.0,
            true,
            0.8306656094231853,
            [1.5157511239272783, -0.2460999619421598, 0.006887899304422311, 1.414704654821108],
        );
    }

    /// A change here is a change of the fit epoch.
    #[test]
    fn the_bits_of_a_fit_stay() {
        let sample = sample();
        let trained = fit(&Ridge::example(), &Task::Regression, &sample.batch(sample.number(), true)).unwrap();
        let Line(line) = trained.model;
        assert_eq!(line.intercepts, [0.680151372502914]);
        assert_eq!(
            line.coefficients,
            [1.529919696057209, -0.24703148525723817, 0.003273363557694896, 1.9406332990172817]
        );
    }

    #[test]
    fn a_column_that_is_the_sum_of_two_others_gets_a_note_and_no_weight() {
        let (x, y) = (vec![1.0, 2.0, 3.0, 4.0, 5.0], vec![2.0, -1.0, 0.5, 8.0, 1.0]);
        let sum: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x + y).collect();
        let target: Vec<f64> = x.iter().zip(&y).map(|(x, y)| 3.0 + 2.0 * x - y).collect();
        let columns = vec![("x", Column::Number(x)), ("y", Column::Number(y)), ("z_sum", Column::Number(sum))];
        let batch = batch(columns, target, Vec::new());
        let trained = fit(&Ridge { alpha: 0.0 }, &Task::Regression, &batch).unwrap();
        assert_near(&trained.model.0.coefficients, &[2.0, -1.0, 0.0], 1e-14);
        assert_near(&trained.model.0.intercepts, &[3.0], 1e-14);
        assert_eq!(trained.notes.len(), 1);
        assert!(trained.notes[0].starts_with("`z_sum` is a sum of multiples"), "{:?}", trained.notes);
        let trained = fit(&Ridge { alpha: 1.0 }, &Task::Regression, &batch).unwrap();
        assert_eq!(trained.notes, Vec::<String>::new(), "a penalty tells them apart");
        assert!(trained.model.0.coefficients[2] != 0.0);
    }

    #[test]
    fn a_constant_feature_is_not_taken_for_a_collinear_one() {
        let target: Vec<f64> = (0..300_u32).map(|i| f64::from(i * 37 % 101) / 7.0).collect();
        let batch = batch(vec![("x", Column::Number(vec![3.0; 300]))], target, Vec::new());
        let trained = fit(&Ridge::example(), &Task::Regression, &batch).unwrap();
        assert_eq!(trained.notes, Vec::<String>::new());
    }

    /// A second feature that differs from the first in the sixth digit.
    #[test]
    fn nearly_collinear_features_keep_their_digits() {
        let x: Vec<f64> = (0..200_u32).map(|i| f64::from(i * 37 % 101)).collect();
        let z: Vec<f64> = x.iter().zip(0..200_u32).map(|(x, i)| x + f64::from(i * 53 % 97) / 1_048_576.0).collect();
        let target: Vec<f64> = x.iter().zip(&z).map(|(x, z)| 4.0 * x - 3.0 * z).collect();
        let batch = batch(vec![("x", Column::Number(x)), ("z", Column::Number(z))], target, Vec::new());
        let trained = fit(&Ridge { alpha: 0.0 }, &Task::Regression, &batch).unwrap();
        assert_near(&trained.model.0.coefficients, &[4.0, -3.0], 1e-9);
    }

    /// Powers of one number, of which the Gram's rounding hides one. NumPy's `polyfit` errs by 3.6074e-7.
    #[test]
    fn powers_up_to_the_eighth_fit_as_well_as_they_can() {
        let x: Vec<f64> = (0..80_u32).map(|i| 1.0 + f64::from(i) / 79.0).collect();
        let target: Vec<f64> = x.iter().map(|x| 1.0 / x).collect();
        let names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7"];
        let powers = (1..=8_u32)
            .rev()
            .map(|power| Column::Number(x.iter().map(|x| evenstep_exact::maths::pow(*x, f64::from(power))).collect()));
        let batch = batch(names.into_iter().zip(powers).collect(), target.clone(), Vec::new());
        let family = Ridge { alpha: 0.0 };
        let trained = fit(&family, &Task::Regression, &batch).unwrap();
        let features: Vec<ColumnName> = batch.schema().into_keys().collect();
        let predicted = family.predict(&trained.model, &features, &batch).values;
        let worst = predicted.iter().zip(&target).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 3.7e-7, "{worst}");
        assert_eq!(trained.notes, Vec::<String>::new());
    }

    #[test]
    fn a_weight_of_two_is_two_rows() {
        let x = vec![1.0, 2.0, 4.0, 8.0];
        let target = vec![1.0, 3.0, 2.0, 5.0];
        let once = batch(vec![("x", Column::Number(x.clone()))], target.clone(), vec![2.0; 4]);
        let twice =
            batch(vec![("x", Column::Number([&x[..], &x].concat()))], [&target[..], &target].concat(), Vec::new());
        let model = |batch| fit(&Ridge { alpha: 1.0 }, &Task::Regression, batch).unwrap().model.0;
        let (once, twice) = (model(&once), model(&twice));
        assert_near(&once.coefficients, &twice.coefficients, 1e-15);
        assert_near(&once.intercepts, &twice.intercepts, 1e-15);
    }

    #[test]
    fn a_row_that_weighs_nothing_may_hold_anything() {
        let x: Vec<f64> = (0..300_u32).map(|i| f64::from(i * 37 % 101)).collect();
        let z: Vec<f64> = x.iter().zip(0..300_u32).map(|(x, i)| x + f64::from(i * 53 % 97) / 1024.0).collect();
        let target: Vec<f64> = x.iter().zip(&z).map(|(x, z)| 4.0 * x - 3.0 * z).collect();
        let of = |odd: &[(f64, f64)]| {
            let (mut x, mut z, mut target) = (x.clone(), z.clone(), target.clone());
            let mut weight = vec![1.0; 300];
            for (cell, y) in odd {
                x.push(*cell);
                z.push(1.0);
                target.push(*y);
                weight.push(0.0);
            }
            let batch = batch(vec![("x", Column::Number(x)), ("z", Column::Number(z))], target, weight);
            fit(&Ridge { alpha: 0.0 }, &Task::Regression, &batch).unwrap().model.0.coefficients
        };
        let plain = of(&[]);
        assert_eq!(of(&[(1.0, 1e300), (f64::NAN, -1e308), (1e307, 5.0)]), plain);
        assert_near(&plain, &[4.0, -3.0], 1e-9);
    }

    #[test]
    fn units_do_not_matter() {
        let sample = sample();
        let scaled = |by: f64| {
            let column = |x: &Column| x.to_numbers().unwrap().iter().map(|x| x * by).collect();
            let columns = sample.columns.iter().map(|(name, x)| (*name, Column::Number(column(x)))).collect();
            let target = sample.number().iter().map(|y| y * by).collect();
            fit(&Ridge { alpha: 0.0 }, &Task::Regression, &batch(columns, target, Vec::new())).unwrap().model.0
        };
        for power in [900, -900, 40] {
            assert_eq!(scaled(crate::linear::power_of_two(power)).coefficients, scaled(1.0).coefficients, "2^{power}");
        }
    }
}
