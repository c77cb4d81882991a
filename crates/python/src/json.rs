//! JSON to Python, and rows of Python to JSON.

use evenstep_source::too_large;
use evenstep_table::build::Value as Typed;
use evenstep_table::iso;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PySequence, PyString};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Class, plain};

/// What is nested deeper is no spec.
const DEPTH_MAX: usize = 32;
/// A decimal of a frame has no more digits.
const DECIMAL_DIGITS: i64 = 76;

/// Plain data as Python has it.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    value_to_python(py, &serde_json::to_value(value).expect("it is plain data"))
}

fn value_to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into_pyobject(py)?.into_any(),
            (_, Some(number)) => number.into_pyobject(py)?.into_any(),
            _ => PyFloat::new(py, number.as_f64().unwrap_or(f64::NAN)).into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| value_to_python(py, item)).collect::<PyResult<_>>()?;
            PyList::new(py, items)?.into_any()
        }
        Value::Object(entries) => {
            let dict = PyDict::new(py);
            for (name, value) in entries {
                dict.set_item(name, value_to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

/// What can't stand in a spec: the keys down to it, and why.
pub(crate) struct Unfit {
    pub(crate) keys: Vec<String>,
    pub(crate) why: PyErr,
}

impl From<PyErr> for Unfit {
    fn from(why: PyErr) -> Unfit {
        Unfit { keys: Vec::new(), why }
    }
}

/// Whatever a spec may hold: cells, lists and dictionaries of them; what is None is left out of the latter.
pub(crate) fn nested(part: &Bound<'_, PyAny>) -> Result<Value, Unfit> {
    within(part, DEPTH_MAX)
}

fn within(part: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Unfit> {
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(PyValueError::new_err("this is nested too deeply").into());
    };
    if part.is_instance_of::<PyString>() {
        return Ok(value(part)?);
    }
    if let Ok(entries) = part.cast::<PyMapping>() {
        let mut parts = Map::new();
        for entry in entries.items()?.iter() {
            let (name, part): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
            let Ok(name) = name.extract::<String>() else {
                return Err(PyTypeError::new_err(format!("a key is a text, not {}", name.repr()?)).into());
            };
            if !part.is_none() {
                let part = within(&part, deeper).map_err(|mut unfit| {
                    unfit.keys.insert(0, name.clone());
                    unfit
                })?;
                parts.insert(name, part);
            }
        }
        return Ok(Value::Object(parts));
    }
    if let Ok(items) = part.cast::<PySequence>() {
        let items = items.try_iter()?.map(|item| within(&item?, deeper));
        return Ok(Value::Array(items.collect::<Result<_, _>>()?));
    }
    // What numpy and pandas have for a list, and for a number.
    if let Ok(plain) = part.call_method0("tolist")
        // A number that is wider than Python's stays what it is.
        && !plain.get_type().is(part.get_type())
    {
        return within(&plain, deeper);
    }
    // A path is its text.
    if let Ok(path) = part.call_method0("__fspath__") {
        return within(&path, deeper);
    }
    match value(part)? {
        Value::Null => Err(PyValueError::new_err("None and NaN can't stand in a spec: leave them out").into()),
        Value::Object(_) => Err(PyValueError::new_err(format!("{} can't stand in a spec", part.str()?)).into()),
        value => Ok(value),
    }
}

/// Rows: their cells by name. What stands in a column of texts is told as text, as that of frames is.
pub(crate) fn rows(
    py: Python<'_>,
    rows: &[Bound<'_, PyDict>],
    is_of_texts: impl Fn(&str) -> bool,
) -> PyResult<Vec<Map<String, Value>>> {
    rows.iter().enumerate().map(|(at, row)| self::row(py, at, row, &is_of_texts)).collect()
}

fn row(
    py: Python<'_>,
    at: usize,
    row: &Bound<'_, PyDict>,
    is_of_texts: impl Fn(&str) -> bool,
) -> PyResult<Map<String, Value>> {
    let refused = |what: &str| plain(py, Class::Data, &format!("row {at} (counted from 0), {what}"));
    let mut cells = Map::with_capacity(row.len());
    for (name, cell) in row.iter() {
        let Ok(name) = name.cast::<PyString>() else {
            return Err(refused(&format!("a cell's name is a text, not {}", name.repr()?)));
        };
        let name = name.to_str()?.to_owned();
        let read = Cell::of(&cell).and_then(|cell| if is_of_texts(&name) { cell.text() } else { Ok(cell.json()) });
        let value = read.map_err(|error| refused(&format!("`{name}`: {}", error.value(py))))?;
        cells.insert(name, value);
    }
    Ok(cells)
}

/// JSON of a part of a spec.
fn value(part: &Bound<'_, PyAny>) -> PyResult<Value> {
    Ok(Cell::of(part)?.json())
}

/// A cell, as Python has it.
enum Cell {
    Null,
    Flag(bool),
    Integer(i64),
    Float(f64),
    /// A number that may be neither, in decimal digits.
    Digits(String),
    Text(String),
    /// A day, a time or both, in ISO 8601.
    Moment(String),
}

impl Cell {
    /// # Errors
    /// What no cell can be. NaN, as in frames, is a missing value.
    fn of(cell: &Bound<'_, PyAny>) -> PyResult<Cell> {
        if let Ok(text) = cell.cast::<PyString>() {
            return Ok(Cell::Text(text.to_str()?.to_owned()));
        }
        if cell.is_none() {
            return Ok(Cell::Null);
        }
        if let Ok(truth) = cell.cast::<PyBool>() {
            return Ok(Cell::Flag(truth.is_true()));
        }
        if let Ok(number) = cell.cast::<PyFloat>() {
            return Ok(Cell::of_float(number.value()));
        }
        if cell.is_instance_of::<PyInt>() {
            return cell.extract().map(Cell::Integer).or_else(|_| Ok(Cell::of_digits(&text_of(cell)?)));
        }
        match cell.get_type().name()?.to_str()? {
            // What pandas has for a missing value.
            "NAType" | "NaTType" => return Ok(Cell::Null),
            // Its nanoseconds are a number to Python.
            "datetime64" => {
                let micros = cell.call_method1("astype", ("datetime64[us]",))?;
                return Cell::of(&micros.call_method0("item")?);
            }
            "timedelta64" => return Err(PyTypeError::new_err("no cell can be a span of time: say it as a number")),
            "Decimal" => return Cell::of_decimal(cell),
            // Of a column that was cut into bins, or of identifiers.
            "Interval" | "Period" | "UUID" => return Ok(Cell::Text(text_of(cell)?)),
            _ => {}
        }
        // numpy's scalars know themselves as Python's.
        if let Ok(scalar) = cell.call_method0("item")
            // One that is wider than Python's is its own scalar.
            && !scalar.get_type().is(cell.get_type())
        {
            return Cell::of(&scalar);
        }
        if let Ok(text) = cell.call_method0("isoformat") {
            return Ok(Cell::Moment(text_of(&text)?));
        }
        Err(PyTypeError::new_err(format!("no cell can be of type `{}`", cell.get_type().name()?)))
    }

    fn of_float(number: f64) -> Cell {
        if number.is_nan() { Cell::Null } else { Cell::Float(number) }
    }

    /// A number that is no integer of 64 bits; of more digits than a frame's have, the nearest float.
    fn of_digits(digits: &str) -> Cell {
        if digits.len() as i64 <= DECIMAL_DIGITS {
            Cell::Digits(digits.to_owned())
        } else {
            Cell::of_float(digits.parse().unwrap_or(f64::NAN))
        }
    }

    /// By its digits, without zeros at the end, as decimals of frames.
    fn of_decimal(cell: &Bound<'_, PyAny>) -> PyResult<Cell> {
        let number: f64 = cell.extract()?;
        if !number.is_finite() || cell.call_method0("adjusted")?.extract::<i64>()?.abs() > DECIMAL_DIGITS {
            return Ok(Cell::of_float(number));
        }
        let digits: String = cell.call_method1("__format__", ("f",))?.extract()?;
        let shortest = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
        Ok(shortest.parse().map_or_else(|_| Cell::of_digits(shortest), Cell::Integer))
    }

    /// As JSON. Nothing but a number that is too large for any cell gives an object.
    fn json(self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Flag(flag) => flag.into(),
            Cell::Integer(integer) => integer.into(),
            // JSON has no word for an infinity, and no contract takes it: it is too large, whatever the column.
            Cell::Float(number) if number.is_infinite() => too_large(&number.to_string()),
            Cell::Float(number) => number.into(),
            Cell::Digits(digits) => match digits.parse::<u64>() {
                Ok(natural) => natural.into(),
                Err(_) => digits.parse::<f64>().unwrap_or(f64::NAN).into(),
            },
            Cell::Text(text) | Cell::Moment(text) => text.into(),
        }
    }

    /// As a text, or null.
    ///
    /// # Errors
    /// Moments that no frame can hold as they are.
    fn text(self) -> PyResult<Value> {
        let text = match &self {
            Cell::Null => Typed::Null.text(),
            Cell::Flag(flag) => Typed::Boolean(*flag).text(),
            Cell::Integer(integer) => Typed::Integer(*integer).text(),
            Cell::Float(number) if number.is_infinite() => return Ok(self.json()),
            Cell::Float(number) => Typed::Float(*number).text(),
            Cell::Digits(text) | Cell::Text(text) => Some(text.clone()),
            Cell::Moment(text) => match iso::parse(text) {
                Some(moment) => Typed::from(moment).text(),
                None => {
                    return Err(PyValueError::new_err(
                        "no cell can be a time that is finer than a microsecond, or one of day with a zone",
                    ));
                }
            },
        };
        Ok(text.into())
    }
}

fn text_of(cell: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(cell.str()?.to_str()?.to_owned())
}
