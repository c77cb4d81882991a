//! JSON to Python, and rows of Python to JSON.

use evenstep_exact::number::print_number;
use evenstep_source::too_large;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PySequence, PyString};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::{Class, plain};

/// What is nested deeper is no spec.
const DEPTH_MAX: usize = 32;

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

/// Rows: their cells by name. Numbers and flags of categories are told as text, as those of frames are.
pub(crate) fn rows(
    py: Python<'_>,
    rows: &[Bound<'_, PyDict>],
    is_category: impl Fn(&str) -> bool,
) -> PyResult<Vec<Map<String, Value>>> {
    rows.iter().enumerate().map(|(at, row)| self::row(py, at, row, &is_category)).collect()
}

fn row(
    py: Python<'_>,
    at: usize,
    row: &Bound<'_, PyDict>,
    is_category: impl Fn(&str) -> bool,
) -> PyResult<Map<String, Value>> {
    let refused = |what: &str| plain(py, Class::Data, &format!("row {at} (counted from 0), {what}"));
    let mut cells = Map::with_capacity(row.len());
    for (name, cell) in row.iter() {
        let Ok(name) = name.cast::<PyString>() else {
            return Err(refused(&format!("a cell's name is a text, not {}", name.repr()?)));
        };
        let name = name.to_str()?.to_owned();
        let value = value(&cell).map_err(|error| refused(&format!("`{name}`: {}", error.value(py))))?;
        let is_other = matches!(value, Value::Number(_) | Value::Bool(_));
        let value = if is_other && is_category(&name) { category_text(&value).into() } else { value };
        cells.insert(name, value);
    }
    Ok(cells)
}

/// The text of a number or a flag, as a category has it.
fn category_text(value: &Value) -> String {
    match value.as_f64().filter(|_| value.is_f64()) {
        Some(number) => print_number(number + 0.0),
        None => value.to_string(),
    }
}

/// A cell. Dates and times are told as text; NaN, as in frames, is a missing value. Nothing but a number that no cell can be
/// gives an object.
fn value(cell: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(text) = cell.cast::<PyString>() {
        return Ok(text.to_str()?.into());
    }
    if cell.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = cell.cast::<PyBool>() {
        return Ok(truth.is_true().into());
    }
    if let Ok(number) = cell.cast::<PyFloat>() {
        return Ok(of_float(number.value()));
    }
    if cell.is_instance_of::<PyInt>() {
        // One that is larger than an integer cell is for the contract to judge, as a number.
        let number = cell.extract::<i64>().map(Value::from).or_else(|_| cell.extract::<f64>().map(Value::from));
        return number.or_else(|_| Ok(too_large(cell.str()?.to_str()?)));
    }
    // What pandas has for a missing value.
    if ["NAType", "NaTType"].contains(&cell.get_type().name()?.to_str()?) {
        return Ok(Value::Null);
    }
    match cell.get_type().name()?.to_str()? {
        // Its nanoseconds are a number to Python.
        "datetime64" => {
            let micros = cell.call_method1("astype", ("datetime64[us]",))?;
            return value(&micros.call_method0("item")?);
        }
        "timedelta64" => return Err(PyTypeError::new_err("no cell can be a span of time: say it as a number")),
        "Decimal" => return Ok(of_float(cell.extract()?)),
        // Of a column that was cut into bins.
        "Interval" | "Period" => return Ok(cell.str()?.to_str()?.into()),
        _ => {}
    }
    // numpy's scalars know themselves as Python's.
    if let Ok(scalar) = cell.call_method0("item")
        // One that is wider than Python's is its own scalar.
        && !scalar.get_type().is(cell.get_type())
    {
        return value(&scalar);
    }
    if let Ok(text) = cell.call_method0("isoformat") {
        return Ok(text.cast::<PyString>()?.to_str()?.into());
    }
    Err(PyTypeError::new_err(format!("no cell can be of type `{}`", cell.get_type().name()?)))
}

/// JSON has no word for an infinity, and no contract takes it: it is too large, whatever the column.
fn of_float(number: f64) -> Value {
    if number.is_infinite() { too_large(&number.to_string()) } else { number.into() }
}
