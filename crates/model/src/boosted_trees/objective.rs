//! What trees may minimise, and what their scores mean.

use evenstep_exact::maths;
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
    /// The absolute error: predicts the median, so that single rows far away count for little.
    Absolute,
    /// Squared up to `huber_delta`, absolute beyond: the mean, without the sway of single rows far away.
    Huber,
    /// The pinball loss: predicts the quantile `quantile`.
    Quantile,
    /// The deviance of counts, with a logarithmic link; the target is not negative.
    Poisson,
    /// The deviance of sums that are often 0, as of claims, with a logarithmic link and the variance a power `tweedie_power` of the mean; the target is not negative.
    Tweedie,
    /// The deviance of sizes, as of a claim, with a logarithmic link; the target is above 0.
    Gamma,
    /// The log loss of two classes. The default in a binary task.
    Logistic,
    /// The log loss of several classes, one tree for each in a round. The default in a multiclass task.
    Softmax,
    /// The log loss of pairs of rows of a group, each weighed by what their exchange would do to the discounted gain. The default in a ranking.
    LambdaRank,
    /// The log loss of pairs of rows of a group, all alike.
    PairwiseRank,
}

/// Those of a regression, the default first.
const OF_NUMBERS: &[Objective] = &[
    Objective::Squared,
    Objective::Absolute,
    Objective::Huber,
    Objective::Quantile,
    Objective::Poisson,
    Objective::Tweedie,
    Objective::Gamma,
];

impl Objective {
    /// The name in a spec.
    pub(super) fn word(self) -> &'static str {
        match self {
            Objective::Squared => "squared",
            Objective::Absolute => "absolute",
            Objective::Huber => "huber",
            Objective::Quantile => "quantile",
            Objective::Poisson => "poisson",
            Objective::Tweedie => "tweedie",
            Objective::Gamma => "gamma",
            Objective::Logistic => "logistic",
            Objective::Softmax => "softmax",
            Objective::LambdaRank => "lambda_rank",
            Objective::PairwiseRank => "pairwise_rank",
        }
    }

    /// The objective written in a spec, or the default of the task.
    pub(super) fn of(written: Option<Objective>, task: &Task) -> Result<Objective, ModelError> {
        let (allowed, word): (&[Objective], _) = match task {
            Task::Regression => (OF_NUMBERS, "a regression"),
            Task::Binary { .. } => (&[Objective::Logistic], "a binary task"),
            Task::Multiclass { .. } => (&[Objective::Softmax], "a multiclass task"),
            Task::Ranking => (&[Objective::LambdaRank, Objective::PairwiseRank], "a ranking"),
        };
        let chosen = written.unwrap_or(allowed[0]);
        if allowed.contains(&chosen) {
            return Ok(chosen);
        }
        let words: Vec<String> = allowed.iter().map(|objective| format!("`{}`", objective.word())).collect();
        let help = match chosen.link() {
            Link::Identity if !OF_NUMBERS.contains(&chosen) => {
                "a ranking has `task = \"ranking\"` under `[data]`, and `group`, whose rows are ordered among each other"
                    .to_owned()
            }
            link => {
                let task = match link {
                    Link::Logit => "binary",
                    Link::Softmax => "multiclass",
                    _ => "regression",
                };
                let words = words.join(" or ");
                format!("leave `objective` out, or write {words}; or, under `[data]`, `task = \"{task}\"`")
            }
        };
        let message = format!("`objective` is `{}`, but the target makes this {word}", chosen.word());
        Err(ModelError::new(message).help(help))
    }

    /// What its scores mean.
    pub(super) fn link(self) -> Link {
        match self {
            Objective::Squared | Objective::Absolute | Objective::Huber | Objective::Quantile => Link::Identity,
            Objective::LambdaRank | Objective::PairwiseRank => Link::Identity,
            Objective::Poisson | Objective::Tweedie | Objective::Gamma => Link::Log,
            Objective::Logistic => Link::Logit,
            Objective::Softmax => Link::Softmax,
        }
    }
}

/// What the scores of a row mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Link {
    /// The prediction.
    Identity,
    /// Its logarithm.
    Log,
    /// The logarithm of the odds of the positive class.
    Logit,
    /// Logarithms of what each class's probability is proportional to.
    Softmax,
    /// The prediction, times the number of trees.
    Mean,
    /// What each class's probability, or that of the positive class, is proportional to.
    Share,
}

impl Link {
    /// Whether a model of the task may have such scores.
    pub(super) fn suits(self, task: &Task) -> bool {
        match task {
            Task::Regression => matches!(self, Link::Identity | Link::Log | Link::Mean),
            Task::Ranking => matches!(self, Link::Identity | Link::Mean),
            Task::Binary { .. } => matches!(self, Link::Logit | Link::Share),
            Task::Multiclass { .. } => matches!(self, Link::Softmax | Link::Share),
        }
    }

    /// Whether a score is the mean over trees, not their sum.
    pub(super) fn is_mean(self) -> bool {
        matches!(self, Link::Mean | Link::Share)
    }

    /// Turns the scores of one row into its prediction, where each is a sum over so many trees. Where no class has a share, `start`
    /// has those of all rows. What is not finite becomes null.
    pub(super) fn finish(self, scores: &mut [f64], trees: f64, start: &[f64]) {
        match self {
            Link::Identity => {}
            Link::Log => scores[0] = maths::exp(scores[0]),
            Link::Logit => scores[0] = maths::sigmoid(scores[0]),
            Link::Softmax => {
                let norm = log_sum_exp(scores.iter().copied());
                scores.iter_mut().for_each(|score| *score = maths::exp(*score - norm));
            }
            Link::Mean => scores[0] /= trees,
            Link::Share => {
                scores.iter_mut().for_each(|score| *score = (*score / trees).clamp(0.0, 1.0));
                if scores.len() > 1 {
                    if scores.iter().all(|score| *score == 0.0) {
                        scores.copy_from_slice(start);
                    }
                    let (sum, classes) = (scores.iter().sum::<f64>(), scores.len() as f64);
                    // Bundles of earlier builds tell no shares of all rows.
                    scores.iter_mut().for_each(|score| *score = if sum > 0.0 { *score / sum } else { 1.0 / classes });
                }
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
