//! Rows that the contract sets aside while a file is written: why, in a file of lines beside it.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_files::{FileError, Files, Output};
use evenstep_pipeline::PipelineError;
use evenstep_table::quality::Violation;

use super::file_error;

/// A file that comes about with its first line, for its owner alone: it holds values.
pub(super) struct Aside {
    files: Arc<dyn Files>,
    path: PathBuf,
    output: Option<Output>,
}

/// `scores.csv` has `scores.csv.quarantine.jsonl`, which is neither that of `scores.parquet` nor that of a training.
pub(super) fn path_beside(output: &Path) -> PathBuf {
    let mut path = OsString::from(output);
    path.push(".quarantine.jsonl");
    path.into()
}

impl Aside {
    pub(super) fn beside(output: &Path, files: Arc<dyn Files>) -> Aside {
        Aside { files, path: path_beside(output), output: None }
    }

    /// A line for each cell.
    pub(super) fn add(&mut self, cells: &[Violation]) -> Result<(), PipelineError> {
        if cells.is_empty() {
            return Ok(());
        }
        let output = match &mut self.output {
            Some(output) => output,
            none => none.insert(Output::create_private(Arc::clone(&self.files), &self.path).map_err(file_error)?),
        };
        output
            .write_all(lines(cells).as_bytes())
            .map_err(|error| file_error(FileError::new(&self.path, "write", error)))
    }

    /// The file, if it has a line; or none, in place of one that tells of other rows.
    pub(super) fn into_output(self) -> Result<Option<Output>, PipelineError> {
        if self.output.is_some() || !self.path.exists() {
            return Ok(self.output);
        }
        Output::create_private(self.files, &self.path).map(Some).map_err(file_error)
    }
}

/// Each cell as a line of JSON.
pub(crate) fn lines(cells: &[Violation]) -> String {
    cells.iter().map(|cell| serde_json::to_string(cell).expect("a violation is plain data") + "\n").collect()
}
