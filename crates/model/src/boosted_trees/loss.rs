//! Losses, row by row: their gradients, second derivatives and values, by the scores so far.

use evenstep_exact::maths;
use evenstep_exact::simd::widest;

use super::objective::{Objective, log_sum_exp};
use super::{BoostedTrees, QUANTILE, TWEEDIE_POWER};

/// A loss, with the numbers that a spec leaves open.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Loss {
    Squared,
    Absolute,
    /// The bound is taken from the targets if there is none.
    Huber {
        delta: Option<f64>,
    },
    Quantile {
        level: f64,
    },
    Poisson,
    Tweedie {
        power: f64,
    },
    Gamma,
    Logistic,
    Softmax {
        classes: f64,
    },
    /// Of pairs of rows of a group: see [`super::rank`].
    Rank,
}

/// Of the distances between targets and their median, those beyond this quantile count by their size alone.
pub(super) const HUBER_QUANTILE: f64 = 0.9;

/// e^0.7: so much more than the true second derivative keeps steps from overshooting, as LightGBM's `poisson_max_delta_step`.
const POISSON_HESSIAN: f64 = 2.013_752_707_470_476_6;

impl Loss {
    /// The loss of an objective.
    pub(super) fn of(objective: Objective, spec: &BoostedTrees, width: usize) -> Loss {
        match objective {
            Objective::Squared => Loss::Squared,
            Objective::Absolute => Loss::Absolute,
            Objective::Huber => Loss::Huber { delta: spec.huber_delta },
            Objective::Quantile => Loss::Quantile { level: spec.quantile.unwrap_or(QUANTILE) },
            Objective::Poisson => Loss::Poisson,
            Objective::Tweedie => Loss::Tweedie { power: spec.tweedie_power.unwrap_or(TWEEDIE_POWER) },
            Objective::Gamma => Loss::Gamma,
            Objective::Logistic => Loss::Logistic,
            Objective::Softmax => Loss::Softmax { classes: width as f64 },
            Objective::LambdaRank | Objective::PairwiseRank => Loss::Rank,
        }
    }

    /// Whether every row's second derivative is its weight.
    pub(super) fn unit_hessian(self) -> bool {
        matches!(self, Loss::Squared | Loss::Absolute | Loss::Huber { .. } | Loss::Quantile { .. })
    }

    /// Whether rows have less of a second derivative the surer their class is.
    pub(super) fn settles(self) -> bool {
        matches!(self, Loss::Logistic | Loss::Softmax { .. })
    }

    /// The quantile of a leaf's residuals that is its value, where a gradient says no more than which way to go.
    pub(super) fn leaf_quantile(self) -> Option<f64> {
        match self {
            Loss::Absolute => Some(0.5),
            Loss::Quantile { level } => Some(level),
            _ => None,
        }
    }

    /// The value of a leaf, but no further than where its loss is least: where a rare group is far from the mean, the second
    /// derivative there says little about the way, and a step by it overshoots by orders of magnitude.
    pub(super) fn no_further(self, value: f64, gradient: f64, hessian: f64) -> f64 {
        match self {
            // The best step is the logarithm of Σ y over Σ e^s, or for gamma of the mean of y·e^−s.
            Loss::Poisson if gradient < 0.0 => value.min(maths::log1p(-gradient * POISSON_HESSIAN / hessian)),
            Loss::Gamma if gradient > 0.0 => value.max(-maths::log1p(gradient / hessian)),
            _ => value,
        }
    }

    /// Where the score of a class starts, from the mean of the target, or the class's share of rows.
    pub(super) fn start(self, mean: f64) -> f64 {
        match self {
            Loss::Squared | Loss::Absolute | Loss::Huber { .. } | Loss::Quantile { .. } => mean,
            Loss::Poisson | Loss::Tweedie { .. } | Loss::Gamma if mean > 0.0 => maths::ln(mean),
            Loss::Poisson | Loss::Tweedie { .. } | Loss::Gamma | Loss::Softmax { .. } => maths::ln(mean.max(1e-15)),
            Loss::Rank => 0.0,
            Loss::Logistic => {
                let share = mean.clamp(1e-15, 1.0 - 1e-15);
                maths::ln(share / (1.0 - share))
            }
        }
    }

    /// The mean second derivative of rows of weight 1 where every score is that of the mean, or of the class's share; for classes
    /// as so many times the most that it can be.
    pub(super) fn curvature(self, mean: f64) -> f64 {
        match self {
            Loss::Rank => 0.0,
            Loss::Poisson => mean * POISSON_HESSIAN,
            Loss::Tweedie { power } => maths::pow(mean, 2.0 - power),
            Loss::Logistic | Loss::Softmax { .. } => 4.0 * mean * (1.0 - mean),
            _ => 1.0,
        }
    }

    /// The gradient of each row, by its scores. For softmax `norms` holds the logarithm of the
    /// sum of the exponentials of all the row's scores, and `class` says whose tree is next.
    pub(super) fn gradients(self, scores: &[f64], norms: &[f64], targets: &[f64], class: usize, out: &mut [f64]) {
        out.copy_from_slice(scores);
        match self {
            Loss::Squared | Loss::Rank => {}
            Loss::Absolute => return with_targets(out, targets, |x, y| f64::from(i8::from(x > y) - i8::from(x < y))),
            Loss::Huber { delta } => {
                let delta = delta.unwrap_or(f64::INFINITY);
                return with_targets(out, targets, |x, y| (x - y).clamp(-delta, delta));
            }
            Loss::Quantile { level } => {
                return with_targets(out, targets, |x, y| if x >= y { 1.0 - level } else { -level });
            }
            Loss::Poisson => maths::exp_slice(out),
            Loss::Tweedie { power } => {
                out.iter_mut().for_each(|x| *x *= 1.0 - power);
                maths::exp_slice(out);
                let means = out.iter_mut().zip(scores).zip(targets);
                return means.for_each(|((x, score), y)| *x = *x * maths::exp(*score) - *x * y);
            }
            Loss::Gamma => {
                out.iter_mut().for_each(|x| *x = -*x);
                maths::exp_slice(out);
                return with_targets(out, targets, |x, y| 1.0 - x * y);
            }
            Loss::Logistic => maths::sigmoid_slice(out),
            Loss::Softmax { .. } => {
                out.iter_mut().zip(norms).for_each(|(x, norm)| *x -= norm);
                maths::exp_slice(out);
                let class = class as f64;
                return with_targets(out, targets, |x, y| x - f64::from(u8::from(y == class)));
            }
        }
        with_targets(out, targets, |x, y| x - y);
    }

    /// The second derivative of every row, from its score and gradient: nothing else need be kept.
    pub(super) fn hessians(self, scores: &[f64], gradients: &[f64], targets: &[f64], out: &mut [f64]) {
        if let Loss::Tweedie { power } = self {
            // With a = y·e^((1−p)s) and b = e^((2−p)s), g = b − a and h = (p−1)a + (2−p)b = b − (p−1)g.
            out.iter_mut().zip(scores).for_each(|(h, score)| *h = (2.0 - power) * score);
            maths::exp_slice(out);
            return out.iter_mut().zip(gradients).for_each(|(h, g)| *h -= (power - 1.0) * g);
        }
        let rows = out.iter_mut().zip(gradients).zip(targets);
        // The gradient of a class is p or p − 1, so that p(1 − p) = |g|(1 − |g|).
        let spread = |g: f64| g.abs() * (1.0 - g.abs());
        widest!(match self {
            Loss::Poisson => rows.for_each(|((h, g), y)| *h = (g + y) * POISSON_HESSIAN),
            Loss::Gamma => rows.for_each(|((h, g), _)| *h = 1.0 - g),
            Loss::Logistic => rows.for_each(|((h, g), _)| *h = spread(*g)),
            // Friedman 2001, "Greedy function approximation", algorithm 6.
            Loss::Softmax { classes } => rows.for_each(|((h, g), _)| *h = spread(*g) * (classes / (classes - 1.0))),
            _ => rows.for_each(|((h, _), _)| *h = 1.0),
        });
    }

    /// The loss of every row, from the scores of each class.
    pub(super) fn values(self, scores: &[&[f64]], targets: &[f64], out: &mut [f64]) {
        out.copy_from_slice(scores[0]);
        match self {
            Loss::Squared | Loss::Rank => {
                each(out, scores[0], targets, |_, score, target| (score - target) * (score - target))
            }
            Loss::Absolute => each(out, scores[0], targets, |_, score, target| (score - target).abs()),
            Loss::Huber { delta } => each(out, scores[0], targets, |_, score, target| {
                let error = (score - target).abs();
                let inner = error.min(delta.unwrap_or(f64::INFINITY));
                inner * (error - 0.5 * inner)
            }),
            Loss::Quantile { level } => each(out, scores[0], targets, |_, score, target| {
                if score >= target { (1.0 - level) * (score - target) } else { level * (target - score) }
            }),
            Loss::Poisson => {
                maths::exp_slice(out);
                each(out, scores[0], targets, |mean, score, target| mean - target * score);
            }
            Loss::Tweedie { power } => {
                each(out, scores[0], targets, |_, score, _| (1.0 - power) * score);
                maths::exp_slice(out);
                each(out, scores[0], targets, |part, score, target| {
                    part * (maths::exp(score) / (2.0 - power) + target / (power - 1.0))
                });
            }
            Loss::Gamma => {
                each(out, scores[0], targets, |_, score, _| -score);
                maths::exp_slice(out);
                each(out, scores[0], targets, |inverse, score, target| target * inverse + score);
            }
            // ln(1 + e^s) − y·s, without overflow.
            Loss::Logistic => {
                each(out, scores[0], targets, |_, score, _| -score.abs());
                maths::exp_slice(out);
                maths::log1p_slice(out);
                each(out, scores[0], targets, |log, score, target| log + score.max(0.0) - target * score);
            }
            Loss::Softmax { .. } => {
                for (row, (loss, target)) in out.iter_mut().zip(targets).enumerate() {
                    *loss = log_sum_exp(scores.iter().map(|of| of[row])) - scores[*target as usize][row];
                }
            }
        }
    }
}

/// Makes something of each number, its row's score and target.
fn each(out: &mut [f64], scores: &[f64], targets: &[f64], f: impl Fn(f64, f64, f64) -> f64) {
    let rows = out.iter_mut().zip(scores).zip(targets);
    widest!(rows.for_each(|((x, score), target)| *x = f(*x, *score, *target)));
}

/// Does something to each number by its row's target.
#[inline]
fn with_targets(out: &mut [f64], targets: &[f64], f: impl Fn(f64, f64) -> f64) {
    out.iter_mut().zip(targets).for_each(|(x, target)| *x = f(*x, *target));
}
