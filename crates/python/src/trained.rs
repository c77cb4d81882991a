//! A training: what it came to, and its files.

use std::path::PathBuf;
use std::sync::Arc;

use evenstep_cli::training::{Made, Outputs};
use evenstep_files::{Disk, Files};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::json;

use crate::error::{Class, raised};
use crate::json::to_python;
use crate::work::briefly;

/// A training that nothing need be written of.
#[pyclass(frozen, module = "evenstep._native")]
pub(crate) struct Trained {
    made: Made,
    /// The spec's.
    path: PathBuf,
}

impl Trained {
    pub(crate) fn new(made: Made, path: PathBuf) -> Trained {
        Trained { made, path }
    }
}

#[pymethods]
impl Trained {
    /// What `train --json` tells, without paths.
    fn told<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &briefly(py, || self.made.told()))
    }

    /// The bundle's bytes.
    fn bundle<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let (_, bundle) = briefly(py, || self.made.bundle()).map_err(|error| raised(py, &error, Class::Bundle))?;
        Ok(PyBytes::new(py, &bundle))
    }

    /// Writes lock, bundle, report and trace, all or none: beside the spec, or where it is said. Where they are.
    fn write<'py>(&self, py: Python<'py>, out: Option<PathBuf>) -> PyResult<Bound<'py, PyAny>> {
        let name = &self.made.trained.artifact.name;
        let files: Arc<dyn Files> = Arc::new(Disk);
        let written = briefly(py, || {
            let outputs = out.map_or_else(|| Ok(Outputs::beside(&self.path, name)), |out| Outputs::at(&out, name))?;
            self.made.pack(&files)?.write(&outputs, &files).map(|()| outputs)
        });
        let outputs = written.map_err(|error| raised(py, &error, Class::Data))?;
        let trace = self.made.is_traced().then_some(&outputs.trace);
        to_python(
            py,
            &json!({ "lock": outputs.lock, "bundle": outputs.bundle, "report": outputs.report, "trace": trace }),
        )
    }
}
