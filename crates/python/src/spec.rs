//! What a person writes, and what is done by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_cli::proposal::{Asked, propose};
use evenstep_cli::training::{Made, Outputs};
use evenstep_cli::verification::{How, of_spec};
use evenstep_files::{Disk, Files};
use evenstep_pipeline::{Override, PipelineError, Spec as Read, check};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

use crate::error::{Class, plain, raised};
use crate::frame;
use crate::json::{nested, to_python};
use crate::trained::Trained;
use crate::work::{Threads, work};

/// A spec as it is written: its text, and the path that relative ones start from.
#[pyclass(frozen, module = "evenstep._native")]
pub(crate) struct Spec {
    path: PathBuf,
    text: String,
    name: String,
    target: String,
}

#[pymethods]
impl Spec {
    /// A spec by its text, with values overridden, each as `KEY=VALUE`.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, text: String, overrides: Vec<String>) -> PyResult<Spec> {
        let overrides = read_overrides(overrides)?;
        let read = Read::overridden(&path, text, &overrides).and_then(|text| Read::parse_contract(&path, text));
        Spec::of(py, path, read)
    }

    /// The same, of a file.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf, overrides: Vec<String>) -> PyResult<Spec> {
        let read = Read::read_contract(&path, &read_overrides(overrides)?);
        Spec::of(py, path, read)
    }

    #[getter]
    fn path(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    #[getter]
    fn text(&self) -> &str {
        &self.text
    }

    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    #[getter]
    fn target(&self) -> &str {
        &self.target
    }

    /// What the text holds.
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let parts: toml::Value = toml::from_str(&self.text).expect("it was read as a spec");
        to_python(py, &parts)
    }

    /// Writes the text to a file.
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let files: Arc<dyn Files> = Arc::new(Disk);
        let written = evenstep_cli::write_files(&files, &[(&path, self.text.as_bytes())]);
        written.map_err(|error| raised(py, &error, Class::Spec))
    }

    /// Checks all that can be checked without fitting a model: what `check --json` tells.
    fn check<'py>(
        &self,
        py: Python<'py>,
        rows: Option<&Bound<'py, PyAny>>,
        threads: Threads,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let spec = self.over(py, rows)?;
        let checked = work(py, (threads, progress), Class::Data, |run| check::check(&spec, run))?;
        to_python(py, &checked)
    }

    /// Trains again and compares with the lock beside the spec: what `verify --json` tells.
    fn verify<'py>(
        &self,
        py: Python<'py>,
        rows: Option<&Bound<'py, PyAny>>,
        threads: Threads,
        shuffle: bool,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let spec = self.over(py, rows)?;
        let how = How { shuffle, ..How::default() };
        let found = work(py, (threads, progress), Class::Data, |run| of_spec(&self.path, &spec, &how, run))?;
        to_python(py, &found)
    }

    /// Refuses a place at which a training couldn't be written. A folder that isn't there may still be made.
    fn try_out(&self, py: Python<'_>, out: PathBuf) -> PyResult<()> {
        let is_to_be_made = out.as_os_str().as_encoded_bytes().ends_with(b"/") && !out.exists();
        let files: Arc<dyn Files> = Arc::new(Disk);
        let outputs = Outputs::at(&out, &self.name);
        let tried = outputs.and_then(|outputs| if is_to_be_made { Ok(()) } else { outputs.try_out([], &files) });
        tried.map_err(|error| raised(py, &error, Class::Data))
    }

    /// Fits and evaluates, on these rows or those that the spec names; nothing is written.
    fn train(
        &self,
        py: Python<'_>,
        rows: Option<&Bound<'_, PyAny>>,
        threads: Threads,
        traced: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Trained> {
        let spec = self.over(py, rows)?;
        let made = work(py, (threads, progress), Class::Data, |run| Made::train(&spec, traced, run))?;
        Ok(Trained::new(made, self.path.clone()))
    }
}

impl Spec {
    fn of(py: Python<'_>, path: PathBuf, read: Result<Read, PipelineError>) -> PyResult<Spec> {
        let read = read.map_err(|error| raised(py, &error, Class::Spec))?;
        let (name, target) = (read.pipeline.name.clone(), read.data.target.clone());
        Ok(Spec { path, text: read.written().to_owned(), name, target })
    }

    /// The spec for these rows; for those that it names itself, without any.
    pub(crate) fn over(&self, py: Python<'_>, rows: Option<&Bound<'_, PyAny>>) -> PyResult<Read> {
        let path = &self.path;
        let read = match rows {
            None => Read::parse(path, self.text.clone()),
            // A file is named in the facts of the training, as the command line would.
            Some(rows) if rows.is_instance_of::<PyString>() => {
                let file = std::path::absolute(rows.extract::<PathBuf>()?)?;
                let source = read_overrides(vec![format!("data.source={}", toml_text(&file.to_string_lossy()))])?;
                let text = Read::overridden(path, self.text.clone(), &source);
                text.and_then(|text| Read::parse(path, text))
            }
            Some(rows) => Read::parse_over(path, self.text.clone(), frame::source(rows)?),
        };
        read.map_err(|error| raised(py, &error, Class::Spec))
    }
}

/// The text of a spec that trains as it is, for rows that are at hand or in a file.
#[pyfunction]
pub(crate) fn propose_spec(
    py: Python<'_>,
    rows: &Bound<'_, PyAny>,
    name: Option<&str>,
    target: &str,
    id: Vec<String>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let source = frame::source(rows)?;
    let file: Option<String> = rows.extract().ok();
    let stem = file.as_deref().and_then(|file| Path::new(file).file_stem()?.to_str());
    let asked = Asked {
        data: file.as_deref().unwrap_or(frame::NAME),
        source: file.as_deref().unwrap_or_default(),
        name: name.or(stem).unwrap_or("pipeline"),
        target,
        id: &id,
    };
    work(py, (Threads::default(), progress), Class::Data, |run| propose(&source, &asked, run))
}

/// What a spec holds as its text.
#[pyfunction]
pub(crate) fn toml_of(parts: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = parts.py();
    let Ok(parts) = parts.cast::<PyMapping>() else {
        let what = format!("a spec is made of a dictionary of its sections, not of a `{}`", parts.get_type().name()?);
        return Err(plain(py, Class::Spec, &what));
    };
    let parts = nested(parts).map_err(|unfit| {
        let keys = if unfit.keys.is_empty() { String::new() } else { format!("`{}`: ", unfit.keys.join(".")) };
        plain(py, Class::Spec, &format!("{keys}{}", unfit.why.value(py)))
    })?;
    toml::to_string(&parts).map_err(|error| plain(py, Class::Spec, &error.to_string()))
}

/// A value as it stands in a spec.
#[pyfunction]
pub(crate) fn toml_value(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let value = nested(value).map_err(|unfit| unfit.why)?;
    let value = toml::Value::try_from(value).map_err(|error| PyValueError::new_err(error.to_string()))?;
    Ok(value.to_string())
}

fn read_overrides(overrides: Vec<String>) -> PyResult<Vec<Override>> {
    overrides.iter().map(|one| one.parse().map_err(PyValueError::new_err)).collect()
}

/// The text as TOML has it: JSON's escapes are among TOML's, which has one more.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
