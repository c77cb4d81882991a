//! Results to stdout, remarks to stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::OnceLock;

use evenstep_pipeline::PipelineError;
use miette::MietteHandlerOpts;
use serde::Serialize;

/// Why a part of the result is lost.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Remembers what is lost of the result.
pub(crate) fn keep<T>(written: io::Result<T>) {
    // A reader that went away is no error of ours: `evenstep inspect … | head`.
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = LOST.set(error);
    }
}

/// Whether all of the result was written.
///
/// # Errors
/// A result of which a part is lost.
pub(crate) fn finish() -> Result<(), PipelineError> {
    keep(io::stdout().flush());
    match LOST.get() {
        None => Ok(()),
        Some(error) => {
            Err(PipelineError::input(format!("stdout can't be written, so a part of the result is lost: {error}")))
        }
    }
}

/// A line of the result.
pub(crate) fn line(text: &str) {
    keep(writeln!(io::stdout(), "{}", harmless(text)));
}

/// The same, with colours that are ours.
pub(crate) fn coloured(text: &str) {
    keep(writeln!(io::stdout(), "{text}"));
}

/// A path, for machines. JSON has no bytes: of a name that is no UTF-8, what isn't is written as `\u{fffd}`.
pub(crate) fn path(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

/// The result, for machines.
pub(crate) fn json<T: Serialize>(value: &T) {
    let text = serde_json::to_string_pretty(value).expect("results are plain data");
    keep(writeln!(io::stdout(), "{text}"));
}

/// An error, for people.
pub(crate) fn error(mut error: PipelineError) {
    error.message = harmless(&error.message).into_owned();
    error.help = error.help.map(|help| harmless(&help).into_owned());
    // As with a line: whoever read may be gone.
    let _ = writeln!(io::stderr(), "{:?}", miette::Report::new(error));
}

/// The text as a terminal can show it: names and values come from data, and what would move its cursor or clear it is
/// written as an escape, as is what would turn the order of letters. Line breaks stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) && !matches!(c, '\n' | '\t'))
}

/// The same of a name or a value within a line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, acts)
}

/// Whether a terminal does something else with it than show it.
fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, acts: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&acts) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown.into()
}

/// Lets errors be printed without line breaks of their own: a path or a command in them is there to be copied.
pub(crate) fn keep_lines_whole() {
    let hook = miette::set_hook(Box::new(|_| Box::new(MietteHandlerOpts::new().wrap_lines(false).build())));
    hook.expect("nothing was printed before");
}

/// A remark.
pub(crate) fn note(text: &str) {
    // As with a line: whoever read may be gone.
    let _ = writeln!(io::stderr(), "{}", harmless(text));
}

/// Columns of text, aligned; the first column to the left, the others to the right.
pub(crate) fn table(rows: &[Vec<String>]) {
    let rows: Vec<Vec<Cow<'_, str>>> = rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, width))| {
                    if column == 0 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        line(format!("  {}", cells.join("  ")).trim_end());
    }
}

/// A text that others wrote, as it is; to a terminal, as one can show it.
pub(crate) fn text(text: &str) {
    raw(&*if io::stdout().is_terminal() { harmless(text) } else { text.into() });
}

/// Bytes as they are.
pub(crate) fn raw(bytes: impl AsRef<[u8]>) {
    keep(io::stdout().write_all(bytes.as_ref()));
}

/// All that is read.
pub(crate) fn copy(mut from: impl Read) {
    keep(io::copy(&mut from, &mut io::stdout()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_is_written_out() {
        let forged = "key \u{1b}[2K\r\u{1b}[A\u{9b}2J\u{7f}";
        assert_eq!(harmless(forged), r"key \u{1b}[2K\r\u{1b}[A\u{9b}2J\u{7f}");
        assert_eq!(harmless("\u{1b}[31mred p\u{202e}q"), r"\u{1b}[31mred p\u{202e}q");
        assert_eq!((harmless("a\tb\n ü"), one_line("a\tb\n ü")), ("a\tb\n ü".into(), r"a\tb\n ü".into()));
    }
}
