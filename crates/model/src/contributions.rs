//! What the features of some rows add to their scores.

/// The scores of some rows, taken apart by feature. A score is what the model adds up before it makes a
/// prediction of it: the prediction itself in most regressions, the log-odds in a binary task.
#[derive(Clone, PartialEq, Debug)]
pub struct Contributions {
    /// How many rows are explained.
    pub rows: usize,
    /// How many scores each row has: one, or one a class.
    pub width: usize,
    /// How many features the model has.
    pub features: usize,
    /// Each score where nothing is known of a row: with all that its features add, it is the row's score.
    pub base: Vec<f64>,
    /// Row by row, score by score, feature by feature in canonical order; NaN is beyond all floats.
    pub values: Vec<f64>,
}

impl Contributions {
    /// What each feature adds to one score of one row.
    pub fn of(&self, row: usize, score: usize) -> &[f64] {
        self.line(row * self.width + score)
    }

    /// How many scores there are.
    pub fn lines(&self) -> usize {
        self.rows * self.width
    }

    /// What each feature adds to a score, by the score's place: row by row, and in each class by class.
    pub fn line(&self, line: usize) -> &[f64] {
        &self.values[line * self.features..][..self.features]
    }

    /// Makes what is said of some rows null.
    pub fn forget(&mut self, rows: &[usize]) {
        let cells = self.width * self.features;
        rows.iter().for_each(|row| self.values[row * cells..(row + 1) * cells].fill(f64::NAN));
    }
}
