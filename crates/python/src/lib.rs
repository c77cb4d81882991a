//! The engine as Python sees it: what takes long or needs columns. What is only said nicely is in Python, in `python/`.

mod bundle;
mod capsule;
mod categorical;
mod classes;
mod difference;
mod error;
mod frame;
mod json;
mod spec;
mod table;
mod trained;
mod wording;
mod work;

use std::ffi::OsString;
use std::process::ExitCode;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The engine.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::bundle::Bundle;
    #[pymodule_export]
    use super::difference::diff;
    #[pymodule_export]
    use super::spec::{Spec, propose_spec, toml_of, toml_value};
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::trained::Trained;
    #[pymodule_export]
    use super::{json_of, program, version};
}

/// Rows that are dictionaries as a client of the server sends them.
#[pyfunction]
fn json_of(py: Python<'_>, rows: Vec<Bound<'_, PyDict>>) -> PyResult<String> {
    let rows = json::rows(py, &rows, |_| false)?;
    Ok(serde_json::to_string(&rows).expect("they are plain data"))
}

/// The engine's version.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Runs the command line with these arguments, of which the first is the program's name; what it exits with.
#[pyfunction]
fn program(py: Python<'_>, args: Vec<OsString>) -> u8 {
    let code = py.detach(|| evenstep_cli::run(args));
    // It tells its number to nobody but the host.
    (0..=u8::MAX).find(|number| ExitCode::from(*number) == code).expect("a code is one of 256")
}
