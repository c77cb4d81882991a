//! Rows by their class and the class predicted, for metrics that ask nothing else of a prediction.

use evenstep_exact::reduce::Partial;
use evenstep_exact::sum::ExactSum;
use evenstep_table::Task;

use super::weights::{Weights, exact, float, ratio, times};
use super::{Prepared, Scored, Undefined};

/// Weights by class and predicted class.
pub(super) struct Confusion {
    side: usize,
    cells: Vec<u128>,
}

/// What is known of one class.
#[derive(Clone, Copy)]
pub(super) struct OfClass {
    /// Rows of the class that are predicted so.
    pub(super) hits: u128,
    /// Rows of the class.
    pub(super) actual: u128,
    /// Rows that are predicted to be of the class.
    pub(super) predicted: u128,
}

impl Confusion {
    /// The weight of all rows.
    pub(super) fn total(&self) -> u128 {
        self.cells.iter().sum()
    }

    /// The weight of rows whose class is predicted.
    pub(super) fn hits(&self) -> u128 {
        self.cells.iter().step_by(self.side + 1).sum()
    }

    pub(super) fn class(&self, class: usize) -> OfClass {
        OfClass {
            hits: self.cells[class * self.side + class],
            actual: self.cells[class * self.side..][..self.side].iter().sum(),
            predicted: self.cells.iter().skip(class).step_by(self.side).sum(),
        }
    }

    /// What is known of each class, summed up.
    fn together(&self) -> OfClass {
        OfClass { hits: self.hits(), actual: self.total(), predicted: self.total() }
    }

    pub(super) fn classes(&self) -> impl Iterator<Item = OfClass> {
        (0..self.side).map(|class| self.class(class))
    }
}

/// The cell of each row.
fn cells(scored: &Scored) -> (usize, Vec<u32>) {
    let side = scored.task().classes().len();
    let cell = |row| (scored.class(row) * side + scored.predicted_class(row)) as u32;
    (side, (0..scored.rows()).map(cell).collect())
}

fn count(side: usize, cells: &[u32], weights: Weights<'_>) -> Confusion {
    let mut confusion = Confusion { side, cells: vec![0; side * side] };
    for (row, cell) in cells.iter().enumerate() {
        confusion.cells[*cell as usize] += weights.units(row);
    }
    confusion
}

/// A metric of the table.
pub(super) fn of_confusion(
    scored: &Scored,
    of: impl Fn(&Confusion) -> Result<f64, Undefined> + Send + Sync + 'static,
) -> Result<Prepared<'_>, Undefined> {
    let (side, cells) = cells(scored);
    Ok(Box::new(move |weights| of(&count(side, &cells, weights))))
}

/// How what is said of each class becomes one number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Average {
    /// Of two classes the positive one's; of more as `Macro`.
    Usual,
    /// The mean over those that occur as a class or as a prediction.
    Macro,
    /// That of all classes' counts together.
    Micro,
    /// The mean over classes, by the weight of their rows.
    Weighted,
}

/// What is said of each class, as one number. Where `of` is None of a class, `nothing` tells what there isn't, `{}`
/// standing for the class.
pub(super) fn averaged<'a>(
    scored: &'a Scored,
    average: Average,
    of: impl Fn(OfClass) -> Option<f64> + Send + Sync + 'static,
    nothing: &'static str,
) -> Result<Prepared<'a>, Undefined> {
    let names = scored.task().classes();
    let is_binary = matches!(scored.task(), Task::Binary { .. });
    let (side, cells) = cells(scored);
    Ok(Box::new(move |weights| {
        let confusion = count(side, &cells, weights);
        let value = |class: usize| {
            let missing = || Undefined(nothing.replace("{}", &format!("`{}`", names[class])));
            of(confusion.class(class)).ok_or_else(missing)
        };
        // How much each class counts in the mean.
        let counts = |class: usize| {
            let OfClass { actual, predicted, .. } = confusion.class(class);
            if average == Average::Weighted { actual } else { u128::from(actual > 0 || predicted > 0) }
        };
        match average {
            Average::Usual if is_binary => value(1),
            Average::Micro => of(confusion.together()).ok_or_else(|| Undefined("no row has a weight".to_owned())),
            _ => {
                let counting = (0..side).map(|class| (class, counts(class))).filter(|(_, count)| *count > 0);
                let values = counting.map(|(class, count)| Ok((count, value(class)?)));
                weighted_mean(values.collect::<Result<Vec<_>, Undefined>>()?)
            }
        }
    }))
}

/// A part of a whole, rounded once; None of 0/0.
pub(super) fn share(part: u128, whole: u128) -> Option<f64> {
    (whole > 0).then(|| ratio(part, whole))
}

/// The mean of some numbers, rounded once.
pub(super) fn mean(values: Vec<f64>) -> Result<f64, Undefined> {
    weighted_mean(values.into_iter().map(|value| (1, value)))
}

/// The mean of some numbers by their weights, rounded once.
pub(super) fn weighted_mean(values: impl IntoIterator<Item = (u128, f64)>) -> Result<f64, Undefined> {
    let (mut sum, mut total) = (ExactSum::default(), ExactSum::default());
    for (weight, value) in values {
        sum.merge(times(weight, value));
        total.merge(exact(weight));
    }
    sum.divided_by(&total).ok_or_else(|| Undefined("no row has a weight".to_owned()))
}

/// Σ aᵢ·bᵢ, exact where the integers are below 2^53.
pub(super) fn products(pairs: impl Iterator<Item = (u128, u128)>) -> ExactSum {
    let mut sum = ExactSum::default();
    pairs.for_each(|(a, b)| sum.add_product(float(a), float(b)));
    sum
}
