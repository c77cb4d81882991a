//! Predicted classes in the type that the target had: the engine tells them by their texts.

use evenstep_pipeline::Predictor;
use evenstep_table::{Coded, Column, ColumnName, Kind, NULL_BOOLEAN, NULL_INTEGER, parse};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

/// The classes of a bundle that predicts some, and their type.
pub(crate) struct Classes<'a> {
    texts: &'a [String],
    kind: Kind,
}

impl<'a> Classes<'a> {
    pub(crate) fn of(predictor: &'a Predictor) -> Classes<'a> {
        let texts = predictor.task.classes();
        let kind = predictor.contract.columns.get(&predictor.data.target).map_or(Kind::Category, |rule| rule.kind);
        // A bundle may be of anybody's making.
        let is_cell = |text: &String| match kind {
            Kind::Integer => parse::integer(text).is_some(),
            Kind::Number => parse::number(text).is_some(),
            Kind::Boolean => parse::boolean(text).is_some(),
            _ => kind == Kind::Text,
        };
        Classes { texts, kind: if texts.iter().all(is_cell) { kind } else { Kind::Category } }
    }

    /// Where the prediction stands in a table of scores, before the probabilities; None for numbers, which have their type.
    fn place(&self, columns: usize) -> Option<usize> {
        (!self.texts.is_empty()).then(|| columns - 1 - self.texts.len())
    }

    /// Gives the prediction its type in the header of scores.
    pub(crate) fn set_type(&self, header: &mut [(ColumnName, Kind)]) {
        if let Some(place) = self.place(header.len()) {
            header[place].1 = self.kind;
        }
    }

    /// The prediction in its type, with its place among the columns of scores.
    pub(crate) fn typed(&self, columns: &[Column]) -> Option<(usize, Column)> {
        let place = self.place(columns.len())?;
        let texts = columns[place].coded().expect("classes are told by their texts");
        let column = match self.kind {
            Kind::Integer => Column::Integer(each(texts, NULL_INTEGER, parse::integer)),
            Kind::Number => Column::Number(each(texts, f64::NAN, parse::number)),
            Kind::Boolean => Column::Boolean(each(texts, NULL_BOOLEAN, |text| parse::boolean(text).map(u8::from))),
            Kind::Text => Column::Text(texts.clone()),
            _ => return None,
        };
        Some((place, column))
    }

    /// The classes in their order, as Python has them.
    pub(crate) fn to_python<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let value = |text: &String| match self.kind {
            Kind::Integer => parse::integer(text).into_bound_py_any(py),
            Kind::Number => parse::number(text).into_bound_py_any(py),
            Kind::Boolean => parse::boolean(text).into_bound_py_any(py),
            _ => text.into_bound_py_any(py),
        };
        self.texts.iter().map(value).collect()
    }
}

/// A cell for each row; each distinct text is read once.
fn each<T: Copy>(texts: &Coded, null: T, read: impl Fn(&str) -> Option<T>) -> Vec<T> {
    let values = texts.map_values(|text| read(text).expect("every class was read as such a cell"));
    texts.codes.iter().map(|code| values.get(*code as usize).copied().unwrap_or(null)).collect()
}
