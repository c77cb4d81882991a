//! What a model says of some rows.

/// One or more numbers a row: the value in a regression, the probability of the positive
/// class in a binary task, one probability a class, in the order of the classes, in a multiclass task.
#[derive(Clone, PartialEq, Debug)]
pub struct Predictions {
    /// How many numbers each row has.
    pub width: usize,
    /// Row by row; NaN is a null prediction.
    pub values: Vec<f64>,
}

impl Predictions {
    /// How many rows were predicted.
    pub fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    /// Makes the predictions of some rows null.
    pub fn forget(&mut self, rows: &[usize]) {
        rows.iter().for_each(|row| self.values[row * self.width..(row + 1) * self.width].fill(f64::NAN));
    }

    /// The numbers of one row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.width..(row + 1) * self.width]
    }
}
