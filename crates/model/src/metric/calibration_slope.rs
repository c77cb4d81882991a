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
/// A step that moves log-odds by so little is taken unasked: losses no longer tell whether it is one for the better.
const CLOSE: f64 = 1e-4;
/// After a step that moves them by so little, the next one would hardly change a bit.
const CLOSEST: f64 = 1e-9;

pub(super) const METRIC: Metric = Metric::higher_is_better("calibration_slope", Tasks::Binary, |scored| {
    let log_odds = scored.terms("no probability", |_, predicted| {
        let p = predicted[0].clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        maths::ln(p) - maths::ln(1.0 - p)
    })?;
    let outcomes: Vec<f64> = (0..scored.rows()).map(|row| scored.class(row) as f64).collect();
    Ok(Box::new(move |weights| {
        let range = |class: f64| {
            let of_class = (0..outcomes.len()).filter(|row| outcomes[*row] == class && weights.of(*row) > 0.0);
            of_class.fold((f64::MAX, f64::MIN), |(low, high), row| (low.min(log_odds[row]), high.max(log_odds[row])))
        };
        let (others, positive) = (range(0.0), range(1.0));
        let [other, name] = [0, 1].map(|class| &scored.task().classes()[class]);
        if others.0 > others.1 {
            return undefined(format!("every row is `{name}`"));
        }
        if positive.0 > positive.1 {
            return undefined(format!("no row is `{name}`"));
        }
        let (low, high) = (others.0.min(positive.0), others.1.max(positive.1));
        if low == high {
            return undefined("every probability is the same");
        }
        if others.1 <= positive.0 || positive.1 <= others.0 {
            return undefined(format!("probabilities part `{other}` and `{name}`, and no slope is steep enough"));
        }
        // About their middle shift and slope hardly depend on each other.
        let middle = low / 2.0 + high / 2.0;
        slope(&log_odds.iter().map(|x| x - middle).collect::<Vec<f64>>(), &outcomes, weights)
    }))
});

/// The slope of the logistic regression of outcomes on `x`.
fn slope(x: &[f64], outcomes: &[f64], weights: Weights<'_>) -> Result<f64, Undefined> {
    let sum = |term: &dyn Fn(usize) -> f64| weights.sum_of(x.len(), |row| (row, term(row))).value();
    let loss = |shift: f64, slope: f64| {
        sum(&|row| {
            let score = shift + slope * x[row];
            // ln(1 + e^score) − outcome · score.
            score.max(0.0) + maths::log1p(maths::exp(-score.abs())) - outcomes[row] * score
        })
    };
    let reach = x.iter().fold(0.0, |reach, x| f64::max(reach, x.abs()));
    let (mut shift, mut slope) = (0.0, 0.0);
    for _ in 0..STEPS {
        let p: Vec<f64> = x.iter().map(|x| maths::sigmoid(shift + slope * x)).collect();
        let bend = |row: usize| p[row] * (1.0 - p[row]);
        let gradient = [sum(&|row| outcomes[row] - p[row]), sum(&|row| (outcomes[row] - p[row]) * x[row])];
        let (a, b, c) = (sum(&bend), sum(&|row| bend(row) * x[row]), sum(&|row| bend(row) * x[row] * x[row]));
        let determinant = a * c - b * b;
        let step =
            [(c * gradient[0] - b * gradient[1]) / determinant, (a * gradient[1] - b * gradient[0]) / determinant];
        if step.iter().any(|step| !step.is_finite()) {
            break;
        }
        let moved = step[0].abs() + step[1].abs() * reach;
        let mut share = 1.0;
        if moved > CLOSE {
            let before = loss(shift, slope);
            while share > CLOSE && loss(shift + share * step[0], slope + share * step[1]) > before {
                share /= 2.0;
            }
        }
        (shift, slope) = (shift + share * step[0], slope + share * step[1]);
        if moved <= CLOSEST {
            return Ok(slope);
        }
    }
    undefined("no slope was found")
}
