//! The calibration slope: by what log-odds of the positive class's probability are to be multiplied, once they may be
//! shifted, to account best for the outcomes.
//!
//! 1 is best: less says that probabilities are too extreme, more that they are too near to each other. Where models are
//! compared, higher counts as better, as it is below 1. It is the slope of a logistic regression of the outcome on
//! ln(p / (1 − p)), without penalty, p being clipped as in `log_loss`. Undefined if there is one class only, if all
//! probabilities are the same, or if they part the classes, for which no slope is steep enough.
//! Known as scikit-learn `LogisticRegression(C=inf)` on log-odds. Source: Cox 1958, Biometrika 45(3/4).

use evenstep_exact::maths;

use super::{Metric, Tasks, Undefined, Weights, undefined};

/// Newton's method takes some ten steps.
const STEPS: usize = 100;
/// A step that moves no log-odds by more is taken unasked: the curvature hardly changes on its way.
const CLOSE: f64 = 0.1;
/// After a step that moves them by no more, the next one would hardly change a bit.
const CLOSEST: f64 = 1e-8;

pub(super) const METRIC: Metric = Metric::higher_is_better("calibration_slope", Tasks::Binary, |scored| {
    let log_odds = scored.terms("no probability", |_, predicted| {
        let p = predicted[0].clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        maths::ln(p) - maths::ln(1.0 - p)
    })?;
    let outcomes: Vec<f64> = (0..scored.rows()).map(|row| scored.class(row) as f64).collect();
    let mut rows = Rows { log_odds, outcomes, classes: scored.task().classes() };
    let [others, positive] = [0.0, 1.0].map(|class| rows.range(class, scored.weights()));
    // About their middle shift and slope hardly depend on each other.
    let middle = others.0.min(positive.0) / 2.0 + others.1.max(positive.1) / 2.0;
    rows.log_odds.iter_mut().for_each(|x| *x -= middle);
    // What resamples have is near to what all rows have.
    let start = rows.regression(scored.weights(), (0.0, 0.0)).unwrap_or_default();
    Ok(Box::new(move |weights| Ok(rows.regression(weights, start)?.1)))
});

/// Log-odds with what came of them, 0 or 1.
struct Rows<'a> {
    log_odds: Vec<f64>,
    outcomes: Vec<f64>,
    classes: &'a [String],
}

impl Rows<'_> {
    /// The lowest and the highest log-odds of a class; turned round where there are none.
    fn range(&self, class: f64, weights: Weights<'_>) -> (f64, f64) {
        let of_class = (0..self.outcomes.len()).filter(|row| self.outcomes[*row] == class && weights.of(*row) > 0.0);
        of_class
            .fold((f64::MAX, f64::MIN), |(low, high), row| (low.min(self.log_odds[row]), high.max(self.log_odds[row])))
    }

    /// Shift and slope of the logistic regression, from a start on.
    fn regression(&self, weights: Weights<'_>, start: (f64, f64)) -> Result<(f64, f64), Undefined> {
        let [others, positive] = [0.0, 1.0].map(|class| self.range(class, weights));
        if others.0 > others.1 {
            return undefined(format!("every row is `{}`", self.classes[1]));
        }
        if positive.0 > positive.1 {
            return undefined(format!("no row is `{}`", self.classes[1]));
        }
        let (low, high) = (others.0.min(positive.0), others.1.max(positive.1));
        if low == high {
            return undefined("every probability is the same");
        }
        if others.1 <= positive.0 || positive.1 <= others.0 {
            let [other, positive] = [&self.classes[0], &self.classes[1]];
            return undefined(format!("probabilities part `{other}` and `{positive}`, and no slope is steep enough"));
        }
        let (rows, x, reach) = (self.outcomes.len(), &self.log_odds[..], low.abs().max(high.abs()));
        let (mut shift, mut slope) = start;
        for _ in 0..STEPS {
            let mut p: Vec<f64> = x.iter().map(|x| shift + slope * x).collect();
            maths::sigmoid_slice(&mut p);
            let missed: Vec<f64> = self.outcomes.iter().zip(&p).map(|(outcome, p)| outcome - p).collect();
            p.iter_mut().for_each(|p| *p *= 1.0 - *p);
            let gradient = (sum(weights, rows, |row| missed[row]), sum(weights, rows, |row| missed[row] * x[row]));
            let bend = (
                sum(weights, rows, |row| p[row]),
                sum(weights, rows, |row| p[row] * x[row]),
                sum(weights, rows, |row| p[row] * x[row] * x[row]),
            );
            let determinant = bend.0 * bend.2 - bend.1 * bend.1;
            let step = (
                (bend.2 * gradient.0 - bend.1 * gradient.1) / determinant,
                (bend.0 * gradient.1 - bend.1 * gradient.0) / determinant,
            );
            let moved = step.0.abs() + step.1.abs() * reach;
            if !moved.is_finite() {
                break;
            }
            let mut share = 1.0;
            if moved > CLOSE {
                let before = self.loss(weights, shift, slope);
                while share > CLOSEST && self.loss(weights, shift + share * step.0, slope + share * step.1) > before {
                    share /= 2.0;
                }
            }
            (shift, slope) = (shift + share * step.0, slope + share * step.1);
            if moved <= CLOSEST {
                return Ok((shift, slope));
            }
        }
        undefined("no slope was found")
    }

    fn loss(&self, weights: Weights<'_>, shift: f64, slope: f64) -> f64 {
        sum(weights, self.outcomes.len(), |row| {
            let score = shift + slope * self.log_odds[row];
            // ln(1 + e^score) − outcome · score.
            score.max(0.0) + maths::log1p(maths::exp(-score.abs())) - self.outcomes[row] * score
        })
    }
}

/// Σ weight · term over so many rows, rounded.
fn sum(weights: Weights<'_>, rows: usize, term: impl Fn(usize) -> f64) -> f64 {
    weights.sum_of(rows, |row| (row, term(row))).value()
}
