//! What can go wrong in a pipeline, said to the person who wrote it.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use evenstep_source::SourceError;
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde::Serialize;
use serde_json::Value;

/// What a program is to do next: it fixes exit code and HTTP status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The answer is no: results differ, a check fails. Exit code 1.
    No,
    /// What was given can't be used: spec, data, file. Exit code 2.
    Input,
    /// A bug of ours. Exit code 70.
    Bug,
}

/// An error with the place in the spec where it can be mended, if there is one.
pub struct PipelineError {
    /// What to do next.
    pub kind: ErrorKind,
    /// What was found and what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    place: Option<Box<Place>>,
    data: Option<Box<SourceError>>,
    file: Option<Box<Path>>,
}

/// The file to blame, the line in it from 1, and the column: a spec's by its number from 1, the data's by its name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Whereabouts {
    /// The file.
    pub file: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u64>,
    /// The column.
    pub column: Option<Value>,
}

struct Place {
    source: NamedSource<String>,
    span: Range<usize>,
    label: Option<String>,
}

impl PipelineError {
    /// Something given that can't be used.
    pub fn input(message: impl Into<String>) -> PipelineError {
        PipelineError {
            kind: ErrorKind::Input,
            message: message.into(),
            help: None,
            place: None,
            data: None,
            file: None,
        }
    }

    /// A no.
    pub fn no(message: impl Into<String>) -> PipelineError {
        PipelineError { kind: ErrorKind::No, ..PipelineError::input(message) }
    }

    /// A bug of ours.
    pub fn bug(message: impl Into<String>) -> PipelineError {
        PipelineError { kind: ErrorKind::Bug, ..PipelineError::input(message) }
    }

    /// The same error with advice, if there is any.
    #[must_use]
    pub fn help(self, help: impl Into<Option<String>>) -> PipelineError {
        PipelineError { help: help.into().or(self.help), ..self }
    }

    /// The same error; with this advice, if it has none.
    #[must_use]
    pub fn help_else(self, help: impl FnOnce() -> String) -> PipelineError {
        PipelineError { help: self.help.or_else(|| Some(help())), ..self }
    }

    /// The same error, pointing into a text.
    #[must_use]
    pub fn at(self, path: &Path, text: &str, span: Range<usize>, label: Option<String>) -> PipelineError {
        let source = NamedSource::new(path.display().to_string(), text.to_owned()).with_language("toml");
        PipelineError { place: Some(Box::new(Place { source, span, label })), ..self }
    }

    /// The same error of a file, which its message names.
    #[must_use]
    pub fn of_file(self, path: &Path) -> PipelineError {
        PipelineError { file: Some(path.into()), ..self }
    }

    /// What is wrong with the data, if they are to blame.
    pub fn data(&self) -> Option<&SourceError> {
        self.data.as_deref()
    }

    /// Where to look, as far as that is known.
    pub fn whereabouts(&self) -> Whereabouts {
        if let Some(Place { source, span, .. }) = self.place.as_deref() {
            let before = source.inner().get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            let (line, column) = (Some(line as u64), Some(column.into()));
            return Whereabouts { file: Some(source.name().to_owned()), line, column };
        }
        let file = self.file.as_ref().map(|file| file.display().to_string());
        let of_file = Whereabouts { file, ..Whereabouts::default() };
        self.data().map_or(of_file, |data| Whereabouts {
            file: data.file.as_ref().map(|file| file.display().to_string()),
            line: data.line,
            column: data.column.as_ref().map(|name| name.as_str().into()),
        })
    }

    /// Whether it points into a spec.
    pub fn is_of_spec(&self) -> bool {
        self.place.is_some()
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::No => 1,
            ErrorKind::Input => 2,
            ErrorKind::Bug => 70,
        }
    }
}

impl From<SourceError> for PipelineError {
    fn from(error: SourceError) -> PipelineError {
        let help = error.help.clone();
        PipelineError { data: Some(Box::new(error.clone())), ..PipelineError::input(error.to_string()) }.help(help)
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)
    }
}

impl std::error::Error for PipelineError {}

impl Diagnostic for PipelineError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.place.as_ref().map(|place| &place.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let label = LabeledSpan::new_with_span(place.label.clone(), place.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}
