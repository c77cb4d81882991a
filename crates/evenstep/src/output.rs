//! Results to stdout, remarks to stderr.

use std::io::{self, Read, Write};
use std::sync::OnceLock;

use evenstep_pipeline::PipelineError;
use miette::MietteHandlerOpts;
use serde::Serialize;

/// Why a part of the result is lost.
static LOST: OnceLock<io::Error> = OnceLock::new();

fn keep<T>(written: io::Result<T>) {
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
    keep(writeln!(io::stdout(), "{text}"));
}

/// The result, for machines.
pub(crate) fn json<T: Serialize>(value: &T) {
    let text = serde_json::to_string_pretty(value).expect("results are plain data");
    line(&text);
}

/// Lets errors be printed without line breaks of their own: a path or a command in them is there to be copied.
pub(crate) fn keep_lines_whole() {
    let hook = miette::set_hook(Box::new(|_| Box::new(MietteHandlerOpts::new().wrap_lines(false).build())));
    hook.expect("nothing was printed before");
}

/// A remark.
pub(crate) fn note(text: &str) {
    // As with a line: whoever read may be gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Columns of text, aligned; the first column to the left, the others to the right.
pub(crate) fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
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

/// Text as it is.
pub(crate) fn raw(text: impl AsRef<[u8]>) {
    keep(io::stdout().write_all(text.as_ref()));
}

/// All that is read.
pub(crate) fn copy(mut from: impl Read) {
    keep(io::copy(&mut from, &mut io::stdout()));
}
