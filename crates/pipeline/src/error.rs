//! What can go wrong in a pipeline, said to the person who wrote it.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use evenstep_source::{SourceError, SourceErrorKind};
use evenstep_table::quality::Violation;
use miette::{Diagnostic, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
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

/// The text with its long lines cut, the one that is pointed at around the place, and where in it the place is then.
fn with_short_lines(text: &str, span: Range<usize>) -> (String, Range<usize>) {
    if text.lines().all(|line| line.len() <= 2 * SHOWN) {
        return (text.to_owned(), span);
    }
    let (mut shown, mut place, mut before) = (String::with_capacity(text.len().min(1 << 16)), 0..0, 0);
    for line in text.split_inclusive('\n') {
        let (words, end) = line.strip_suffix('\n').map_or((line, ""), |words| (words, "\n"));
        let pointed = span.start.checked_sub(before).filter(|at| *at < line.len());
        let at = pointed.unwrap_or(0).min(words.len());
        let (mut from, mut to) = (at.saturating_sub(SHOWN), words.len().min(at + SHOWN));
        while !words.is_char_boundary(from) {
            from += 1;
        }
        while !words.is_char_boundary(to) {
            to -= 1;
        }
        shown.push_str(if from > 0 { "…" } else { "" });
        if pointed.is_some() {
            let start = shown.len() + at - from;
            place = start..start + span.len().min(to - at);
        }
        shown.push_str(&words[from..to]);
        shown.push_str(if to < words.len() { "…" } else { "" });
        shown.push_str(end);
        before += line.len();
    }
    (shown, place)
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
    file: String,
    /// The text, as much of it as is shown.
    shown: String,
    /// Where in what is shown.
    span: Range<usize>,
    label: Option<String>,
    /// Line and column in the file, from 1; the column in characters.
    at: (u64, u64),
}

impl SourceCode for Place {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.shown.read_span(span, lines_before, lines_after)?;
        // Read without lines around it, it is the place that the header names: there, miette counts bytes.
        let column = if lines_before == 0 { self.at.1 as usize - 1 } else { read.column() };
        let (span, line, count) = (*read.span(), read.line(), read.line_count());
        let named = MietteSpanContents::new_named(self.file.clone(), read.data(), span, line, column, count);
        Ok(Box::new(named.with_language("toml")))
    }
}

/// So many bytes of a long line are shown before what is pointed at, and as many from there on.
const SHOWN: usize = 200;

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
        let before = text.get(..span.start).unwrap_or_default();
        // A mark of the byte order is no character of the first line.
        let before = before.trim_start_matches('\u{feff}');
        let line = before.matches('\n').count() as u64 + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
        let (shown, span) = with_short_lines(text, span);
        let file = path.display().to_string();
        PipelineError { place: Some(Box::new(Place { file, shown, span, label, at: (line, column) })), ..self }
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

    /// The first cells that are refused, by file and row, if such are to blame.
    pub fn cells(&self) -> &[Violation] {
        match self.data().map(|data| &data.kind) {
            Some(SourceErrorKind::Rejected(tally)) => &tally.first,
            _ => &[],
        }
    }

    /// Where to look, as far as that is known.
    pub fn whereabouts(&self) -> Whereabouts {
        if let Some(Place { file, at, .. }) = self.place.as_deref() {
            return Whereabouts { file: Some(file.clone()), line: Some(at.0), column: Some(at.1.into()) };
        }
        let shown = |file: &Path| file.display().to_string();
        if let Some(cell) = self.cells().first() {
            let (file, column) = (cell.place.file.to_string(), cell.column.as_str().into());
            return Whereabouts { file: Some(file), line: None, column: Some(column) };
        }
        let of_file = || Whereabouts { file: self.file.as_deref().map(shown), ..Whereabouts::default() };
        self.data().map_or_else(of_file, |data| Whereabouts {
            file: data.file.as_deref().map(shown),
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
        self.place.as_deref().map(|place| place as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let label = LabeledSpan::new_with_span(place.label.clone(), place.span.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_line_only_the_place_is_shown_that_is_pointed_at() {
        let check = |text: &str, at: &str, expected: &str| {
            let start = text.find(at).expect("it is there");
            let (shown, span) = with_short_lines(text, start..start + at.len());
            assert_eq!(&shown[span], expected);
            assert!(shown.len() < 1000 && shown.starts_with("a = 1\n") && shown.ends_with("\nb = 2"), "{shown}");
        };
        let nested = format!("a = 1\nx = {}here{}\nb = 2", "é[".repeat(40_000), "]".repeat(50_000));
        check(&nested, "here", "here");
        check(&nested, "x", "x");
        check(&nested, "b = 2", "b = 2");
        check(&nested, "1\nx", "1");
        check("a = 1\nx = 3\nb = 2", "x = 3\nb", "x = 3\nb");
        assert_eq!(with_short_lines("ab", 7..9), ("ab".to_owned(), 7..9));
        let at = nested.find("here").expect("it is there");
        let error = PipelineError::input("x").at(Path::new("p.toml"), &nested, at..at + 4, None);
        let Whereabouts { line, column, .. } = error.whereabouts();
        assert_eq!((line, column), (Some(2), Some(80_005.into())));
    }

    #[test]
    fn people_and_machines_are_told_the_same_column_in_characters() {
        let check = |text: &str, at: &str, expected: (usize, usize)| {
            let start = text.find(at).expect("it is there");
            let error = PipelineError::input("x").at(Path::new("p.toml"), text, start..start + at.len(), None);
            let label = error.labels().and_then(|mut labels| labels.next()).expect("it is pointed at");
            let shown =
                error.source_code().expect("there is a text").read_span(label.inner(), 0, 0).expect("it is within");
            assert_eq!((shown.line() + 1, shown.column() + 1, shown.data()), (expected.0, expected.1, at.as_bytes()));
            let Whereabouts { line, column, .. } = error.whereabouts();
            assert_eq!((line, column), (Some(expected.0 as u64), Some(expected.1.into())));
        };
        check("a = 1\n\"größe漢字\" = { mni = 3 }\n", "mni", (2, 15));
        check("\u{feff}a = 1\nb = 2", "a", (1, 1));
        check(&format!("a = 1\nb = \"{}\", c", "é".repeat(400)), "c", (2, 409));
    }
}
