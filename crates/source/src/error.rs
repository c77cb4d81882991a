//! What can be wrong with a source of rows.

use std::fmt;
use std::path::{Path, PathBuf};

use evenstep_table::ColumnName;
use evenstep_table::quality::Tally;

/// What kind of thing is wrong: what a program decides by.
#[derive(Clone, PartialEq, Debug)]
pub enum SourceErrorKind {
    /// There is no such file; the message names it.
    NotFound,
    /// The host refused to read or write.
    Io,
    /// The file is not what its format says.
    Malformed,
    /// The file holds something that a table cannot hold.
    Unsupported,
    /// Columns are missing, doubled or unknown.
    Columns,
    /// Cells break rules whose policy is `reject`.
    Rejected(Box<Tally>),
}

/// What is wrong with a source of rows, where, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
pub struct SourceError {
    /// What kind of thing.
    pub kind: SourceErrorKind,
    /// The file, if one is to blame.
    pub file: Option<PathBuf>,
    /// The line in the file, from 1.
    pub line: Option<u64>,
    /// The column.
    pub column: Option<ColumnName>,
    /// What was found, and what was expected.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl SourceError {
    pub(crate) fn new(kind: SourceErrorKind, message: impl Into<String>) -> SourceError {
        SourceError { kind, file: None, line: None, column: None, message: message.into(), help: None }
    }

    pub(crate) fn malformed(message: impl Into<String>) -> SourceError {
        SourceError::new(SourceErrorKind::Malformed, message)
    }

    pub(crate) fn columns(message: impl Into<String>) -> SourceError {
        SourceError::new(SourceErrorKind::Columns, message)
    }

    pub(crate) fn io(path: &Path, error: &std::io::Error) -> SourceError {
        let said = match error.kind() {
            std::io::ErrorKind::NotFound => {
                SourceError::new(SourceErrorKind::NotFound, format!("no file `{}`", path.display()))
            }
            _ => SourceError::new(SourceErrorKind::Io, error.to_string()),
        };
        said.in_file(path)
    }

    #[must_use]
    pub(crate) fn in_file(mut self, path: &Path) -> SourceError {
        self.file.get_or_insert_with(|| path.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn at_line(mut self, line: u64) -> SourceError {
        self.line = Some(line);
        self
    }

    #[must_use]
    pub(crate) fn of_column(mut self, name: &ColumnName) -> SourceError {
        self.column = Some(name.clone());
        self
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> SourceError {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = self.file.as_ref().filter(|_| self.kind != SourceErrorKind::NotFound) {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ", line {line}")?;
            }
            f.write_str(": ")?;
        }
        // Most messages name their column themselves.
        if let Some(column) = &self.column
            && !self.message.contains(&format!("`{column}`"))
        {
            write!(f, "column `{column}`: ")?;
        }
        f.write_str(&self.message)?;
        if let SourceErrorKind::Rejected(tally) = &self.kind {
            for violation in &tally.first {
                write!(f, "\n  {violation}")?;
            }
            let more = tally.count - tally.first.len() as u64;
            if more > 0 {
                write!(f, "\n  and {more} more")?;
            }
        }
        Ok(())
    }
}
