//! Errors as exceptions, with the text that the command line shows.

use evenstep_pipeline::request::{Refusal, RowError};
use evenstep_pipeline::{ErrorKind, PipelineError};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::json::to_python;
use crate::wording::in_python;

/// So many cells are told in a text; `cells` has more.
const SHOWN: usize = 10;

/// The classes of `evenstep._errors`.
#[derive(Clone, Copy)]
pub(crate) enum Class {
    Bug,
    Bundle,
    Data,
    Refused,
    Spec,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Class::Bug => "BugError",
            Class::Bundle => "BundleError",
            Class::Data => "DataError",
            Class::Refused => "RefusedError",
            Class::Spec => "SpecError",
        }
    }
}

/// The exception for an error; of this class, unless the error knows better.
pub(crate) fn raised(py: Python<'_>, error: &PipelineError, class: Class) -> PyErr {
    let class = match error.kind {
        ErrorKind::No => Class::Refused,
        ErrorKind::Bug => Class::Bug,
        ErrorKind::Input if error.data().is_some() => Class::Data,
        ErrorKind::Input if error.is_of_spec() => Class::Spec,
        ErrorKind::Input => class,
    };
    new(py, class, &evenstep_cli::told(error), &error.message, error.help.as_deref(), &json!(error.cells()))
}

/// The exception for rows that get no answer.
pub(crate) fn refused(py: Python<'_>, refusal: Refusal) -> PyErr {
    match refusal {
        Refusal::Malformed(message) | Refusal::TooLarge(message) => plain(py, Class::Data, &message),
        Refusal::Bug(message) => plain(py, Class::Bug, &message),
        Refusal::Contract { errors, count } => {
            // One row alone needs no number.
            let rows = if errors.iter().any(|error| error.row > 0) { ", in rows counted from 0" } else { "" };
            let line = |error: &RowError| format!("\n  row {}, {}", error.row, error.message);
            let lines: String = errors.iter().take(SHOWN).map(line).collect();
            let more = count.saturating_sub(SHOWN);
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            let cells = if count == 1 { "cell breaks" } else { "cells break" };
            let message = format!("{count} {cells} the contract{rows}{lines}{more}");
            new(py, Class::Data, &message, &message, None, &json!(errors))
        }
    }
}

/// An exception that only has a message.
pub(crate) fn plain(py: Python<'_>, class: Class, message: &str) -> PyErr {
    new(py, class, message, message, None, &json!([]))
}

fn new(py: Python<'_>, class: Class, text: &str, message: &str, help: Option<&str>, cells: &Value) -> PyErr {
    let made = || -> PyResult<Bound<'_, PyAny>> {
        let class = py.import("evenstep._errors")?.getattr(class.name())?;
        class.call1((in_python(text), in_python(message), help.map(in_python), to_python(py, cells)?))
    };
    made().map_or_else(|error| error, PyErr::from_value)
}
