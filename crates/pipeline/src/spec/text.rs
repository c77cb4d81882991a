//! The spec's text, and finding places in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{TableLike, Value};

use crate::PipelineError;

/// The text as written, with its path, so that errors can point into it.
#[derive(Clone, Debug)]
pub(crate) struct SpecText {
    /// Where it was read from.
    pub(crate) path: PathBuf,
    /// The whole file.
    pub(crate) text: String,
}

impl SpecText {
    /// A text that was read from `path`.
    pub(crate) fn new(path: &Path, text: String) -> SpecText {
        SpecText { path: path.to_owned(), text }
    }

    /// The error, pointing at what stands under `keys`, or at the nearest table above it.
    /// A key that is a number chooses an entry of an array of tables.
    #[must_use]
    pub(crate) fn point(&self, error: PipelineError, keys: &[&str], label: &str) -> PipelineError {
        match self.span(keys) {
            Some(span) => error.at(&self.path, &self.text, span, Some(label.to_owned())),
            None => error,
        }
    }

    /// The error of a step or model, pointing at the parameter, or the word in one, that `message` names first; at its `use`, if it
    /// names none.
    pub(crate) fn point_named(&self, error: PipelineError, table: &[&str], message: &str) -> PipelineError {
        let document = toml_edit::Document::parse(self.text.as_str()).ok();
        let found = document.as_ref().and_then(|document| table_in(document.as_table(), table));
        let names = || message.split('`').skip(1).step_by(2);
        let named = found.and_then(|table| names().find_map(|name| span_of(table, name)));
        match named {
            Some(span) => error.at(&self.path, &self.text, span, Some("here".to_owned())),
            None => self.point(error, &[table, &["use"]].concat(), "this one"),
        }
    }

    /// The error, pointing at a range of bytes.
    #[must_use]
    pub(crate) fn point_at(&self, error: PipelineError, span: Range<usize>) -> PipelineError {
        error.at(&self.path, &self.text, span, None)
    }

    /// The error of the reader of TOML, pointing at what it can't read.
    pub(super) fn unreadable(&self, error: &toml_edit::TomlError) -> PipelineError {
        let said = match error.message() {
            "integer number overflowed" => "this is beyond the integers of TOML, -2^63 to 2^63 - 1",
            message => message.lines().next().unwrap_or_default(),
        };
        let paths = || "a backslash stands for itself in single quotes: 'C:\\data\\a.csv'".to_owned();
        let escapes = ["missing escaped value", "too few unicode value digits"];
        let is_escape = escapes.iter().any(|start| error.message().starts_with(start));
        let said = PipelineError::input(said).help(is_escape.then(paths));
        match error.span() {
            Some(span) => self.point_at(said, span),
            None => said,
        }
    }

    /// Whether the file has a key, or a table, of this path.
    pub(crate) fn has(&self, keys: &[&str]) -> bool {
        let Some((last, before)) = keys.split_last() else { return true };
        let document = toml_edit::Document::parse(self.text.as_str()).ok();
        document.is_some_and(|document| table_in(document.as_table(), before).is_some_and(|it| it.contains_key(last)))
    }

    /// Whether a table stands under `keys`.
    pub(super) fn has_table(&self, keys: &[&str]) -> bool {
        let document = toml_edit::Document::parse(self.text.as_str()).ok();
        document.is_some_and(|document| table_in(document.as_table(), keys).is_some())
    }

    fn span(&self, keys: &[&str]) -> Option<Range<usize>> {
        let document = toml_edit::Document::parse(self.text.as_str()).ok()?;
        span_in(document.as_table(), keys)
    }
}

fn table_in<'t>(table: &'t dyn TableLike, keys: &[&str]) -> Option<&'t dyn TableLike> {
    let Some((first, rest)) = keys.split_first() else { return Some(table) };
    let item = table.get(first)?;
    match (item.as_array_of_tables(), rest.split_first()) {
        (Some(tables), Some((index, rest))) => table_in(tables.get(index.parse().ok()?)?, rest),
        _ => table_in(item.as_table_like()?, rest),
    }
}

/// Where a parameter of this name is, be it within another, or else the word.
fn span_of(table: &dyn TableLike, name: &str) -> Option<Range<usize>> {
    let keys: Vec<&str> = name.split('.').collect();
    if table.contains_key(keys[0]) {
        return span_in(table, &keys);
    }
    let words = table.iter().filter(|(key, _)| *key != "use").filter_map(|(_, item)| item.as_value());
    words.into_iter().find_map(|value| span_of_word(value, name))
}

/// Where the word is, be it in a list or a table.
fn span_of_word(value: &Value, word: &str) -> Option<Range<usize>> {
    match value {
        Value::String(text) => text.span().filter(|_| text.value() == word),
        Value::Array(list) => list.iter().find_map(|value| span_of_word(value, word)),
        Value::InlineTable(table) => table.iter().find_map(|(_, value)| span_of_word(value, word)),
        _ => None,
    }
}

fn span_in(table: &dyn TableLike, keys: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = keys.split_first()?;
    let (name, item) = table.get_key_value(first)?;
    let here = item.span().or_else(|| name.span());
    let Some((next, beyond)) = rest.split_first() else { return here };
    if let Some(tables) = item.as_array_of_tables() {
        let table = tables.get(next.parse().ok()?)?;
        return span_in(table, beyond).or_else(|| table.span());
    }
    if let Some(array) = item.as_array() {
        return next.parse().ok().and_then(|index| array.get(index)?.span()).or(here);
    }
    item.as_table_like().and_then(|table| span_in(table, rest)).or(here)
}
