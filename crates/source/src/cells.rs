//! The cells of one column of a request, as its protocol has them.

use evenstep_table::ColumnName;
use evenstep_table::build::{ColumnBuilder, Value};
use serde_json::{Number, Value as Json};

use crate::row::with_value;

/// Cells of one type, in row order.
#[derive(Clone, PartialEq, Debug)]
pub enum Cells {
    /// JSON values, each with a type of its own.
    Json(Vec<Json>),
    /// Floats; narrower ones are widened exactly.
    Floats(Vec<f64>),
    /// Integers.
    Integers(Vec<i64>),
    /// Integers that may lie beyond an `i64`.
    Naturals(Vec<u64>),
    /// True or false.
    Booleans(Vec<bool>),
    /// Strings.
    Texts(Vec<String>),
}

/// A column of a request, before it has the contract's type.
#[derive(Clone, PartialEq, Debug)]
pub struct NamedCells {
    /// The column.
    pub name: ColumnName,
    /// Its cells.
    pub cells: Cells,
    /// Which cells are null, whatever else they hold; None if no others are than those that say so themselves.
    pub nulls: Option<Vec<bool>>,
}

impl Cells {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Cells::Json(cells) => cells.len(),
            Cells::Floats(cells) => cells.len(),
            Cells::Integers(cells) => cells.len(),
            Cells::Naturals(cells) => cells.len(),
            Cells::Booleans(cells) => cells.len(),
            Cells::Texts(cells) => cells.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn with(&self, row: usize, take: impl FnOnce(Value<'_>)) {
        match self {
            Cells::Json(cells) => with_value(&cells[row], take),
            Cells::Floats(cells) => take(Value::Float(cells[row])),
            Cells::Integers(cells) => take(Value::Integer(cells[row])),
            Cells::Naturals(cells) => match i64::try_from(cells[row]) {
                Ok(integer) => take(Value::Integer(integer)),
                Err(_) => take(Value::Decimal(&cells[row].to_string())),
            },
            Cells::Booleans(cells) => take(Value::Boolean(cells[row])),
            Cells::Texts(cells) => take(Value::Text(&cells[row])),
        }
    }
}

impl NamedCells {
    /// A column whose nulls say so themselves.
    pub fn new(name: ColumnName, cells: Cells) -> NamedCells {
        NamedCells { name, cells, nulls: None }
    }

    /// Gives all cells to a builder.
    pub(crate) fn feed(&self, builder: &mut ColumnBuilder) {
        for row in 0..self.cells.len() {
            if self.nulls.as_ref().is_some_and(|nulls| nulls[row]) {
                builder.push(Value::Null);
            } else {
                self.cells.with(row, |value| builder.push(value));
            }
        }
    }

    /// A cell as messages show it.
    pub(crate) fn json(&self, row: usize) -> Json {
        match &self.cells {
            Cells::Json(cells) => cells[row].clone(),
            Cells::Floats(cells) => Number::from_f64(cells[row]).map_or(Json::Null, Json::Number),
            Cells::Integers(cells) => cells[row].into(),
            Cells::Naturals(cells) => cells[row].into(),
            Cells::Booleans(cells) => cells[row].into(),
            Cells::Texts(cells) => cells[row].as_str().into(),
        }
    }
}
