//! Rows by their class and the class predicted, for metrics that ask nothing else of a prediction.

use evenstep_exact::sum::ExactSum;
use evenstep_table::Task;

use super::weights::{Weights, float, ratio};
use super::{Prepared, Scored, Undefined, undefined};

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

/// A ratio of the positive class; of three classes or more the mean of each one's, over those
/// that occur as a class or as a prediction. Of 0/0 `nothing` tells what there isn't, `{}` standing for the class.
pub(super) fn of_each<'a>(
    scored: &'a Scored,
    of: fn(OfClass) -> (u128, u128),
    nothing: &'static str,
) -> Result<Prepared<'a>, Undefined> {
    let names = scored.task().classes();
    let (side, cells) = cells(scored);
    Ok(Box::new(move |weights| {
        let confusion = count(side, &cells, weights);
        let of = |class: usize| match of(confusion.class(class)) {
            (_, 0) => undefined(nothing.replace("{}", &format!("`{}`", names[class]))),
            (part, whole) => Ok(ratio(part, whole)),
        };
        if matches!(scored.task(), Task::Binary { .. }) {
            return of(1);
        }
        let occurs = |class: &usize| {
            let OfClass { actual, predicted, .. } = confusion.class(*class);
            actual > 0 || predicted > 0
        };
        let values = (0..side).filter(occurs).map(of).collect::<Result<Vec<f64>, Undefined>>()?;
        mean(values)
    }))
}

/// The mean of some numbers, rounded once.
pub(super) fn mean(values: Vec<f64>) -> Result<f64, Undefined> {
    let mut count = ExactSum::default();
    count.add_times(1.0, values.len() as u64);
    values
        .into_iter()
        .collect::<ExactSum>()
        .divided_by(&count)
        .ok_or_else(|| Undefined("no row has a weight".to_owned()))
}

/// Σ aᵢ·bᵢ, exact where the integers are below 2^53.
pub(super) fn products(pairs: impl Iterator<Item = (u128, u128)>) -> ExactSum {
    let mut sum = ExactSum::default();
    pairs.for_each(|(a, b)| sum.add_product(float(a), float(b)));
    sum
}
