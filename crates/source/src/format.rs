//! How a file is written, by its name.

use std::path::Path;

use crate::SourceError;

/// What the bytes mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Comma-separated values, or with another delimiter that its first line shows.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// A JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, file or stream.
    Arrow,
}

/// What is around the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// Nothing.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// The endings that are known, for messages.
pub const ENDINGS: &str =
    "`.csv`, `.txt`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet`, `.arrow`, `.feather`, also with `.gz` or `.zst` if text";

/// Whether its ending is that of a spreadsheet's own files.
pub(crate) fn is_workbook(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    ["xlsx", "xls", "xlsm", "xlsb", "ods", "numbers"].contains(&ending.as_str())
}

/// What files of other formats begin with, what they are, and the ending that tells it.
const STARTS: [(&[u8], &str, &str); 4] = [
    (b"PAR1\x15", "Parquet", ".parquet"),
    (b"ARROW1\0\0", "Arrow IPC", ".arrow"),
    (b"\x1f\x8b", "compressed by gzip", ".gz"),
    (b"\x28\xb5\x2f\xfd", "compressed by Zstandard", ".zst"),
];

/// Refuses what is no text, though its name says so.
pub(crate) fn refuse_binary(start: &[u8]) -> Result<(), SourceError> {
    let Some((_, what, ending)) = STARTS.iter().find(|(magic, ..)| start.starts_with(magic)) else { return Ok(()) };
    let error = SourceError::malformed(format!("the file is {what}, and its name says that it is text"));
    Err(error.help(format!("let its name end with `{ending}`")))
}

/// Why a file that begins so isn't what its name says, if that can be told: it is of another format, or text, or empty.
pub(crate) fn taken_for(start: &[u8], named: &str) -> Option<SourceError> {
    if start.is_empty() {
        return Some(SourceError::malformed(format!("the file is empty, and its name says that it is {named}")));
    }
    let other = STARTS.iter().find(|(magic, what, _)| start.starts_with(magic) && *what != named);
    let is_text = || match std::str::from_utf8(start) {
        Ok(text) => text.len() > 4 && !text.contains('\0'),
        // A letter may be cut.
        Err(error) => error.valid_up_to() > 4 && error.error_len().is_none() && !start.contains(&0),
    };
    let (what, ending) = match other {
        Some((_, what, ".gz" | ".zst")) => (*what, format!("write it anew without: {named} is compressed within")),
        Some((_, what, ending)) => (*what, format!("let its name end with `{ending}`")),
        None if is_text() => ("text", "let its name end with `.csv`, or as its format does".to_owned()),
        None => return None,
    };
    Some(SourceError::malformed(format!("the file is {what}, and its name says that it is {named}")).help(ending))
}

/// Format and compression by the endings of the file's name; None if they are not known.
pub fn of_path(path: &Path) -> Option<(Format, Compression)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let (name, compression) = if let Some(name) = name.strip_suffix(".gz") {
        (name, Compression::Gzip)
    } else if let Some(name) = name.strip_suffix(".zst") {
        (name, Compression::Zstd)
    } else {
        (name.as_str(), Compression::None)
    };
    let format = match name.rsplit_once('.')?.1 {
        "csv" | "txt" => Format::Csv,
        "tsv" | "tab" => Format::Tsv,
        "jsonl" | "ndjson" => Format::JsonLines,
        "parquet" | "pq" => Format::Parquet,
        "arrow" | "arrows" | "feather" | "ipc" => Format::Arrow,
        _ => return None,
    };
    let text = matches!(format, Format::Csv | Format::Tsv | Format::JsonLines);
    (text || compression == Compression::None).then_some((format, compression))
}
