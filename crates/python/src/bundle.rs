//! A trained pipeline that answers.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::Schema;
use evenstep_bundle::Opened;
use evenstep_cli::verification::{Again, How, of_bundle};
use evenstep_pipeline::artifact::version_of;
use evenstep_pipeline::explain::{self, Shape};
use evenstep_pipeline::request::{self, Rows};
use evenstep_pipeline::score::{Answers, Scored};
use evenstep_pipeline::{PipelineError, Predictor, Run, score, transform};
use evenstep_source::{Source, write};
use evenstep_table::{Column, ColumnName, Kind};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde_json::{Value, json};

use crate::classes::Classes;
use crate::error::{Class, raised, refused};
use crate::frame;
use crate::json::{self, to_python};
use crate::table::Table;
use crate::wording::in_python;
use crate::work::{Threads, briefly, work};

/// What takes some rows' answers.
type Write<'a> = &'a mut dyn FnMut(&Answers) -> Result<(), PipelineError>;

/// A bundle that was read and found whole, and whose golden rows gave their bits here.
#[pyclass(frozen, module = "evenstep._native")]
pub(crate) struct Bundle {
    bytes: Vec<u8>,
    opened: Opened,
    predictor: Predictor,
    /// The columns of texts.
    texts: HashSet<String>,
}

impl Bundle {
    /// Of a file, if there is one.
    fn of(
        py: Python<'_>,
        file: Option<&Path>,
        read: impl FnOnce() -> Result<Vec<u8>, PipelineError> + Send,
    ) -> PyResult<Bundle> {
        let open = || {
            let bytes = read()?;
            let opened = evenstep_bundle::open(&bytes).map_err(|error| match file {
                Some(file) => PipelineError::input(format!("`{}`: {error}", file.display())).of_file(file),
                None => PipelineError::input(error.to_string()),
            })?;
            let predictor = opened.predictor()?;
            let rules = predictor.contract.columns.iter();
            let texts = rules.filter(|(_, rule)| matches!(rule.kind, Kind::Category | Kind::Text));
            let texts = texts.map(|(name, _)| name.as_str().to_owned()).collect();
            Ok(Bundle { bytes, opened, predictor, texts })
        };
        briefly(py, open).map_err(|error| raised(py, &error, Class::Bundle))
    }

    /// Says something of each row: a table of these columns, filled chunk by chunk.
    fn say(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        how: (Threads, Option<&Bound<'_, PyAny>>),
        classes: Option<&Classes<'_>>,
        header: fn(&Predictor, &Source) -> Vec<(ColumnName, Kind)>,
        say: fn(&Predictor, &Source, &Run<'_>, Write<'_>) -> Result<Scored, PipelineError>,
    ) -> PyResult<Table> {
        let source = frame::source_by(rows, |pattern| self.predictor.source(pattern))?;
        work(py, how, Class::Data, |run| {
            let mut header = header(&self.predictor, &source);
            if let Some(classes) = classes {
                classes.set_type(&mut header);
            }
            let schema = Arc::new(with_names_apart(&write::schema(&header, true)));
            let (mut batches, mut quarantine) = (Vec::new(), Vec::new());
            let scored = say(&self.predictor, &source, run, &mut |answers| {
                let mut columns: Vec<&Column> = answers.columns.iter().collect();
                let typed = classes.and_then(|classes| classes.typed(&answers.columns));
                if let Some((place, column)) = &typed {
                    columns[*place] = column;
                }
                let rows = columns.first().map_or(0, |column| column.rows());
                batches.push(write::record_batch(&schema, &columns, rows, Some(&answers.flags))?);
                quarantine.extend(answers.quarantine.iter().cloned());
                Ok(())
            })?;
            Ok(Table { schema, batches, told: json!({ "scored": scored, "quarantine": quarantine }) })
        })
    }
}

#[pymethods]
impl Bundle {
    /// A bundle by its bytes.
    #[new]
    fn new(py: Python<'_>, bytes: &[u8]) -> PyResult<Bundle> {
        Bundle::of(py, None, || Ok(bytes.to_vec()))
    }

    /// The same, of a file.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Bundle> {
        Bundle::of(py, Some(&path), || {
            evenstep_files::read_regular_that_begins(&path, evenstep_bundle::BEGINNING, evenstep_bundle::BYTES_MAX)
                .map_err(|error| PipelineError::input(format!("`{}` can't be read: {error}", path.display())))
        })
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.bytes)
    }

    #[getter]
    fn name(&self) -> &str {
        &self.predictor.name
    }

    #[getter]
    fn digest(&self) -> &str {
        &self.opened.digest
    }

    #[getter]
    fn version(&self) -> String {
        version_of(&self.opened.digest)
    }

    #[getter]
    fn report(&self) -> Cow<'_, str> {
        evenstep_cli::report_page(&self.opened)
    }

    #[getter]
    fn card(&self) -> &str {
        &self.opened.card
    }

    /// The classes that it predicts, in the target's type.
    #[getter]
    fn classes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        Classes::of(&self.predictor).to_python(py)
    }

    /// What `inspect --json` tells.
    fn inspect<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &evenstep_cli::described(&self.opened))
    }

    /// Scores rows, as `score` does: a table, and what was odd about them.
    fn score(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        threads: Threads,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        let classes = Classes::of(&self.predictor);
        self.say(py, rows, (threads, progress), Some(&classes), score::header, |predictor, source, run, write| {
            score::score(predictor, source, run, write)
        })
    }

    /// What the steps make of rows, told in the same way.
    fn transform(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        threads: Threads,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        self.say(py, rows, (threads, progress), None, transform::feature_header, |predictor, source, run, write| {
            transform::transform(predictor, source, run, write)
        })
    }

    /// What each feature adds to each score of rows, told in the same way, classes as texts.
    fn explain(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        threads: Threads,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        const ALL: Shape = Shape { top: None };
        let header = |predictor: &Predictor, source: &Source| ALL.header(predictor, source);
        self.say(py, rows, (threads, progress), None, header, |predictor, source, run, write| {
            Ok(explain::explain(predictor, source, run.workers, run.progress, ALL, write)?.scored)
        })
    }

    /// Proves what can be proved, and trains again on these rows, if there are any: what `verify --json` tells. `path` is
    /// the bundle's file, beside which a lock may lie.
    fn verify<'py>(
        &self,
        py: Python<'py>,
        path: Option<PathBuf>,
        rows: Option<&Bound<'py, PyAny>>,
        threads: Threads,
        shuffle: bool,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let again = match rows {
            None => None,
            Some(rows) => Some(match rows.extract() {
                Ok(file) => Again::Named(file),
                Err(_) => Again::Rows(frame::source(rows)?),
            }),
        };
        let how = How { shuffle, ..How::default() };
        let mut found = work(py, (threads, progress), Class::Data, |run| {
            of_bundle(&self.bytes, path.as_deref(), again, &how, run)
        })?;
        found.how = in_python(&found.how);
        found.not_proved.iter_mut().for_each(|what| *what = in_python(what));
        to_python(py, &found)
    }

    /// The answers to rows that are dictionaries, as `POST /predict` gives them.
    fn predict<'py>(&self, py: Python<'py>, rows: Vec<Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        let rows = json::rows(py, &rows, |name| self.texts.contains(name))?;
        let answer = || -> Result<Value, request::Refusal> {
            let answered = request::answer_rows(&self.predictor, Rows::Objects(rows.into()), None)?;
            Ok(json!(answered.answers))
        };
        let answers = py.detach(answer).map_err(|refusal| refused(py, refusal))?;
        to_python(py, &answers)
    }
}

/// The schema in which no feature is called like the column before all of them, or like the flags behind them: these get `_`s.
fn with_names_apart(schema: &Schema) -> Schema {
    let mut fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    for place in [0, fields.len() - 1] {
        let mut name = fields[place].name().clone();
        while fields.iter().enumerate().any(|(other, field)| other != place && *field.name() == name) {
            name.push('_');
        }
        fields[place].set_name(name);
    }
    Schema::new(fields)
}
