//! Losses: where trees start, their gradients, and what a score means.

use evenstep_exact::maths;
use evenstep_exact::simd::widest;
use evenstep_exact::sum::ExactSum;
use evenstep_table::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ModelError;

/// What trees minimise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Half the squared error: predicts the mean. The default in a regression.
    Squared,
    /// The deviance of counts, with a logarithmic link; the target is not negative.
    Poisson,
    /// The log loss of two classes. The default in a binary task.
    Logistic,
    /// The log loss of several classes, one tree for each in a round. The default in a multiclass task.
    Softmax,
}

impl Objective {
    /// The name in a spec.
    pub(super) fn word(self) -> &'static str {
        match self {
            Objective::Squared => "squared",
            Objective::Poisson => "poisson",
            Objective::Logistic => "logistic",
            Objective::Softmax => "softmax",
        }
    }

    /// The objective written in a spec, or the default of the task.
    pub(super) fn of(written: Option<Objective>, task: &Task) -> Result<Objective, ModelError> {
        let (allowed, word): (&[Objective], _) = match task {
            Task::Regression => (&[Objective::Squared, Objective::Poisson], "a regression"),
            Task::Binary { .. } => (&[Objective::Logistic], "a binary task"),
            Task::Multiclass { .. } => (&[Objective::Softmax], "a multiclass task"),
        };
        let chosen = written.unwrap_or(allowed[0]);
        if allowed.contains(&chosen) {
            return Ok(chosen);
        }
        let words: Vec<String> = allowed.iter().map(|objective| format!("`{}`", objective.word())).collect();
        Err(ModelError::new(format!("`objective` is `{}`, but the target makes this {word}", chosen.word()))
            .help(format!("leave `objective` out, or write {}", words.join(" or "))))
    }

    /// Whether every row's second derivative is its weight.
    pub(super) fn unit_hessian(self) -> bool {
        self == Objective::Squared
    }

    /// Where the scores start, from the exact weighted sums of the target (of each class) and of the weights.
    pub(super) fn start(self, sums: &[ExactSum], weight: &ExactSum) -> Vec<f64> {
        sums.iter()
            .map(|sum| {
                let mean = sum.divided_by(weight).unwrap_or(0.0);
                match self {
                    Objective::Squared => mean,
                    Objective::Poisson => maths::ln(mean.max(1e-15)),
                    Objective::Logistic => {
                        let share = mean.clamp(1e-15, 1.0 - 1e-15);
                        maths::ln(share / (1.0 - share))
                    }
                    Objective::Softmax => maths::ln(mean.max(1e-15)),
                }
            })
            .collect()
    }

    /// The gradient of each row, by its scores. For softmax `norms` holds the logarithm of the
    /// sum of the exponentials of all the row's scores, and `class` says whose tree is next.
    pub(super) fn gradients(self, scores: &[f64], norms: &[f64], targets: &[f64], class: usize, out: &mut [f64]) {
        out.copy_from_slice(scores);
        match self {
            Objective::Squared => {}
            Objective::Poisson => maths::exp_slice(out),
            Objective::Logistic => maths::sigmoid_slice(out),
            Objective::Softmax => {
                out.iter_mut().zip(norms).for_each(|(x, norm)| *x -= norm);
                maths::exp_slice(out);
                let class = class as f64;
                out.iter_mut().zip(targets).for_each(|(x, target)| *x -= f64::from(u8::from(*target == class)));
                return;
            }
        }
        out.iter_mut().zip(targets).for_each(|(x, target)| *x -= target);
    }

    /// The second derivative of every row, from its gradient: nothing else need be kept.
    pub(super) fn hessians(self, gradients: &[f64], targets: &[f64], classes: f64, out: &mut [f64]) {
        let rows = out.iter_mut().zip(gradients).zip(targets);
        // The gradient of a class is p or p − 1, so that p(1 − p) = |g|(1 − |g|).
        let spread = |g: f64| g.abs() * (1.0 - g.abs());
        widest!(match self {
            Objective::Squared => rows.for_each(|((h, _), _)| *h = 1.0),
            // e^0.7 more than the true one keeps steps from overshooting: LightGBM's `poisson_max_delta_step`.
            Objective::Poisson => rows.for_each(|((h, g), y)| *h = (g + y) * 2.013_752_707_470_476_6),
            Objective::Logistic => rows.for_each(|((h, g), _)| *h = spread(*g)),
            // Friedman 2001, "Greedy function approximation", algorithm 6.
            Objective::Softmax => rows.for_each(|((h, g), _)| *h = spread(*g) * (classes / (classes - 1.0))),
        });
    }

    /// The loss of every row, from the scores of each class.
    pub(super) fn losses(self, scores: &[&[f64]], targets: &[f64], out: &mut [f64]) {
        out.copy_from_slice(scores[0]);
        let each = |out: &mut [f64], f: &dyn Fn(f64, f64, f64) -> f64| {
            for ((loss, score), target) in out.iter_mut().zip(scores[0]).zip(targets) {
                *loss = f(*loss, *score, *target);
            }
        };
        match self {
            Objective::Squared => each(out, &|_, score, target| (score - target) * (score - target)),
            Objective::Poisson => {
                maths::exp_slice(out);
                each(out, &|mean, score, target| mean - target * score);
            }
            // ln(1 + e^s) − y·s, without overflow.
            Objective::Logistic => {
                each(out, &|_, score, _| -score.abs());
                maths::exp_slice(out);
                maths::log1p_slice(out);
                each(out, &|log, score, target| log + score.max(0.0) - target * score);
            }
            Objective::Softmax => {
                for (row, (loss, target)) in out.iter_mut().zip(targets).enumerate() {
                    *loss = log_sum_exp(scores.iter().map(|of| of[row])) - scores[*target as usize][row];
                }
            }
        }
    }

    /// Turns the scores of one row into its prediction. What is not finite becomes null.
    pub(super) fn finish(self, scores: &mut [f64]) {
        match self {
            Objective::Squared => {}
            Objective::Poisson => scores[0] = maths::exp(scores[0]),
            Objective::Logistic => scores[0] = maths::sigmoid(scores[0]),
            Objective::Softmax => {
                let norm = log_sum_exp(scores.iter().copied());
                scores.iter_mut().for_each(|score| *score = maths::exp(*score - norm));
            }
        }
        for score in scores {
            *score = if score.is_finite() { *score + 0.0 } else { f64::NAN };
        }
    }
}

/// ln Σ eˣ, in the order of the scores.
pub(super) fn log_sum_exp(scores: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = scores.clone().fold(f64::NEG_INFINITY, f64::max);
    most + maths::ln(scores.map(|score| maths::exp(score - most)).sum())
}
