//! Which rows end as null because an operation gave no finite number, such as 1/0; not because null was asked for.

use super::Function;
use super::evaluate::{Cells, at, nulls};

/// Whether each row's null comes of such an operation, or the one value's that stands for all rows; None if none does.
pub(super) type Lost = Option<Vec<bool>>;

/// Where finite numbers gave a cell that is not finite.
pub(super) fn not_finite(cells: &[f64], a: &[f64], b: &[f64]) -> Lost {
    let is_lost = |(row, cell): (usize, &f64)| cell.is_nan() && !at(a, row).is_nan() && !at(b, row).is_nan();
    // Most columns lose nothing, and need no list that says so.
    let any = cells.iter().enumerate().any(is_lost);
    any.then(|| cells.iter().enumerate().map(is_lost).collect())
}

/// What was lost in the operands of a function.
pub(super) struct Before {
    lost: Vec<Lost>,
    /// Which operand each row's value is, if the function chooses: 1 for the second, 0 for the third, else the first.
    chosen: Option<Vec<u8>>,
}

impl Before {
    pub(super) fn of(function: Function, operands: &[Cells<'_>], lost: Vec<Lost>) -> Before {
        let chooses = function == Function::If && lost.iter().any(Option::is_some);
        let chosen = chooses.then(|| operands[0].clone().booleans().into_owned());
        Before { lost, chosen }
    }

    /// What is lost in the function's value; `fresh` is lost by itself.
    pub(super) fn after(self, fresh: Lost, value: &Cells<'_>) -> Lost {
        if fresh.is_none() && self.lost.iter().all(Option::is_none) {
            return None;
        }
        let was = |operand: usize, row: usize| self.lost[operand].as_ref().is_some_and(|lost| at(lost, row));
        let of_operands = |row: usize| match &self.chosen {
            None => (0..self.lost.len()).any(|operand| was(operand, row)),
            Some(chosen) => was(
                match at(chosen, row) {
                    1 => 1,
                    0 => 2,
                    _ => 0,
                },
                row,
            ),
        };
        let is_lost = |row: usize| fresh.as_ref().is_some_and(|lost| at(lost, row)) || of_operands(row);
        let nulls = nulls(value);
        Some(nulls.iter().enumerate().map(|(row, null)| *null == 1 && is_lost(row)).collect())
    }
}
