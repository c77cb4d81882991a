//! Where two runs part.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::error::Class;
use crate::json::to_python;
use crate::work::{Threads, work};

/// What `diff --json` tells of two runs, each by a path and, if need be, where its data are; and the page that shows it.
#[pyfunction]
pub(crate) fn diff<'py>(
    py: Python<'py>,
    a: (PathBuf, Option<String>, String),
    b: (PathBuf, Option<String>, String),
    no_data: bool,
    threads: Threads,
) -> PyResult<(Bound<'py, PyAny>, String)> {
    let ((a, data_a, called_a), (b, data_b, called_b)) = (a, b);
    let (difference, page) = work(py, (threads, None), Class::Data, |run| {
        let runs = [(a.as_path(), data_a.as_deref()), (b.as_path(), data_b.as_deref())];
        let difference = evenstep_cli::difference(runs, no_data, run.workers)?;
        let page = evenstep_cli::difference_page(&difference, &called_a, &called_b);
        Ok((difference, page))
    })?;
    Ok((to_python(py, &difference)?, page))
}
