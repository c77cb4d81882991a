//! Delimited text: header, and blocks of records to typed columns.

use std::path::Path;

use evenstep_table::ColumnName;
use evenstep_table::build::ColumnBuilder;

use crate::SourceError;
use crate::arrow_cells::Seeing;
use crate::blocks::{Block, Blocks, Records};
use crate::fields::{Blank, Fields, Span, Stray};
use crate::format::{Compression, Format};
use crate::layout::{FileInfo, UNWANTED, column_names};

/// So many fields are split before their cells are typed, column by column: they stay in the cache.
const SPLIT: usize = 1 << 15;

/// What a zip archive begins with.
const ZIP: &[u8] = b"PK\x03\x04";

/// What to do with a workbook.
pub(crate) const AS_CSV: &str = "save the sheet as CSV";

/// What a first column without a name is called, as programs write the names that rows have.
const INDEX: &str = "index";

/// A file up to its first row of data.
pub(crate) struct Opened {
    pub(crate) blocks: Blocks,
    pub(crate) delimiter: u8,
    pub(crate) columns: Vec<ColumnName>,
    /// The first column, if it has no name.
    pub(crate) index: Option<ColumnName>,
}

/// Opens a file up to its first row of data.
pub(crate) fn open(path: &Path, format: Format, compression: Compression) -> Result<Opened, SourceError> {
    header(Blocks::open(path, compression, Records::COMMAS)?, path, format, |_| Ok(()))
}

/// The same of text in memory, which messages name by `path`, if `check` has nothing against its names.
pub(crate) fn of_bytes(
    path: &Path,
    bytes: Vec<u8>,
    check: impl FnOnce(&[&str]) -> Result<(), SourceError>,
) -> Result<Opened, SourceError> {
    header(Blocks::of_bytes(path, bytes, Records::COMMAS)?, path, Format::Csv, check)
}

fn header(
    mut blocks: Blocks,
    path: &Path,
    format: Format,
    check: impl FnOnce(&[&str]) -> Result<(), SourceError>,
) -> Result<Opened, SourceError> {
    if blocks.start().starts_with(ZIP) {
        let what = "the file is a workbook or another archive, expected text";
        return Err(SourceError::malformed(what).in_file(path).help(AS_CSV));
    }
    let delimiter = if format == Format::Tsv { b'\t' } else { delimiter(blocks.start()) };
    blocks.set_records(Records::Csv { delimiter, blank: Blank::Skipped });
    let in_file = |error: SourceError| error.in_file(path).at_line(1);
    let Some(header) = blocks.header()? else {
        return Err(SourceError::malformed("the file is empty, expected a header of column names").in_file(path));
    };
    let text = utf8(&header.bytes, &header, delimiter, &[]).map_err(|error| error.in_file(path))?;
    let mut quoted = false;
    let mut ends = text.trim_end().bytes().filter(|byte| {
        quoted ^= *byte == b'"';
        *byte == b'\r' && !quoted
    });
    if ends.next().is_some() {
        return Err(in_file(SourceError::malformed("lines end with carriage returns alone, expected line feeds"))
            .help("save the file with line ends of today"));
    }
    let line = text.trim_end();
    if line.len() == 5 && line.to_lowercase().starts_with("sep=") {
        return Err(in_file(SourceError::malformed(format!("`{line}` is for spreadsheets, expected column names")))
            .help("leave the line out: the delimiter is found without it"));
    }
    let mut fields = Fields::new(text, delimiter, Blank::Skipped);
    let mut spans = Vec::new();
    fields.record(|_, span| spans.push(span));
    let mut names: Vec<&str> = spans.iter().map(|span| fields.text(*span)).collect();
    let unnamed = name_index(&mut names).map_err(in_file)?;
    check(&names).map_err(in_file)?;
    let columns = column_names(names.into_iter()).map_err(in_file)?;
    blocks.set_records(Records::Csv { delimiter, blank: Blank::of(columns.len()) });
    let index = columns.first().filter(|_| unnamed).cloned();
    Ok(Opened { blocks, delimiter, columns, index })
}

/// Gives a first column of several a name if it has none; whether it had none.
fn name_index(names: &mut [&str]) -> Result<bool, SourceError> {
    let ["", others @ ..] = &*names else { return Ok(false) };
    if others.is_empty() {
        return Ok(false);
    }
    if let Some(other) = others.iter().position(|name| *name == INDEX) {
        let what =
            format!("column 1 of the file has no name, and `{INDEX}`, as it would be called, is column {}", other + 2);
        return Err(
            SourceError::columns(what).help("name it, or leave it out: pandas writes no index with `index=False`")
        );
    }
    names[0] = INDEX;
    Ok(true)
}

/// The character that splits most of the first lines as it splits the header; of equals, the one that the header has most of.
fn delimiter(start: &[u8]) -> u8 {
    const KNOWN: [u8; 4] = *b",;\t|";
    const LOOKED_AT: usize = 64 << 10;
    let (mut header, mut line, mut alike) = (None, [0usize; 4], [0usize; 4]);
    let mut quoted = false;
    for byte in start.iter().take(LOOKED_AT) {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'\n' => {
                let header = header.get_or_insert(line);
                for (place, alike) in alike.iter_mut().enumerate() {
                    *alike += usize::from(line[place] > 0 && line[place] == header[place]);
                }
                line = [0; 4];
            }
            byte => (0..4).filter(|place| KNOWN[*place] == *byte).for_each(|place| line[place] += 1),
        }
    }
    let header = header.unwrap_or(line);
    // The first of the greatest.
    let best = (0..4).rev().max_by_key(|place| (alike[*place], header[*place]));
    best.map_or(b',', |place| KNOWN[place])
}

/// What takes the cells of one column.
pub(crate) trait Texts {
    /// Takes cells in row order.
    fn take<'a>(&mut self, texts: impl Iterator<Item = &'a str> + Clone);
}

impl Texts for ColumnBuilder {
    fn take<'a>(&mut self, texts: impl Iterator<Item = &'a str> + Clone) {
        self.texts(texts);
    }
}

impl<T: Texts> Texts for &mut T {
    fn take<'a>(&mut self, texts: impl Iterator<Item = &'a str> + Clone) {
        (**self).take(texts);
    }
}

impl Texts for Seeing<'_> {
    fn take<'a>(&mut self, texts: impl Iterator<Item = &'a str> + Clone) {
        for text in texts {
            if self.missing.contains(text) { self.evidence.null() } else { self.evidence.text(text) }
        }
    }
}

/// Where each record of a block starts.
pub(crate) fn starts(file: &FileInfo, delimiter: u8, block: &Block) -> Result<Vec<usize>, SourceError> {
    let text = utf8(&block.bytes, block, delimiter, &file.columns).map_err(|error| error.in_file(&file.path))?;
    let mut fields = Fields::new(text, delimiter, Blank::of(file.columns.len()));
    let next = || fields.record(|_, _| ()).map(|_| fields.position());
    Ok(std::iter::from_fn(next).collect())
}

/// Gives the cells of a block to the wanted columns; how many rows there were.
/// `of_file` says for each column of the file which of `columns` it is.
pub(crate) fn read_block<C: Texts>(
    file: &FileInfo,
    delimiter: u8,
    block: &Block,
    of_file: &[u32],
    columns: &mut [C],
) -> Result<usize, SourceError> {
    let text = utf8(&block.bytes, block, delimiter, &file.columns).map_err(|error| error.in_file(&file.path))?;
    let wanted = columns.len();
    let rows_at_once = (SPLIT / wanted.max(1)).max(1);
    let mut spans = vec![Span::default(); rows_at_once * wanted];
    let mut fields = Fields::new(text, delimiter, Blank::of(file.columns.len()));
    let mut total = 0;
    loop {
        fields.clear();
        let mut rows = 0;
        while rows < rows_at_once {
            let cells = &mut spans[rows * wanted..(rows + 1) * wanted];
            let count = fields.record(|position, span| {
                if let Some(slot) = of_file.get(position)
                    && *slot != UNWANTED
                {
                    cells[*slot as usize] = span;
                }
            });
            match count {
                None => break,
                Some(_) if fields.stray().is_some() => return Err(stray(file, block, &fields)),
                Some(count) if count == of_file.len() => rows += 1,
                Some(count) => return Err(ragged(file, block, text, fields.position(), count)),
            }
        }
        if rows == 0 {
            assert_eq!(total, block.rows, "cutting and splitting see the same records");
            return Ok(total);
        }
        for (slot, column) in columns.iter_mut().enumerate() {
            column.take((0..rows).map(|row| fields.text(spans[row * wanted + slot])));
        }
        total += rows;
    }
}

fn ragged(file: &FileInfo, block: &Block, text: &str, at: usize, count: usize) -> SourceError {
    let expected = file.columns.len();
    let cells = if count == 1 { "cell" } else { "cells" };
    let error = SourceError::malformed(format!("the row has {count} {cells}, expected {expected} as in the header"))
        .in_file(&file.path)
        .at_line(line_of(block, &text.as_bytes()[..at]));
    if count > expected {
        error.help("a cell that holds the delimiter is written in quotes")
    } else {
        error.help("a missing cell is written as nothing between two delimiters")
    }
}

fn stray(file: &FileInfo, block: &Block, fields: &Fields<'_>) -> SourceError {
    let Stray { at, field, closes } = fields.stray().expect("whoever asks has seen it");
    let what = match closes {
        true => "text follows the quote that closes a cell",
        false => "a quote stands within a cell that has no quotes around it",
    };
    let error = SourceError::malformed(what)
        .in_file(&file.path)
        .at_line(line_of(block, &fields.whole().as_bytes()[..at]))
        .help("write a cell that holds quotes in quotes, and those within it twice: `\"say \"\"hi\"\"\"`");
    match file.columns.get(field) {
        Some(name) => error.of_column(name),
        None => error,
    }
}

fn line_of(block: &Block, before: &[u8]) -> u64 {
    block.first_line + memchr::memchr_iter(b'\n', before).count() as u64
}

/// The block as text, or an error that says where it is none.
fn utf8<'a>(bytes: &'a [u8], block: &Block, delimiter: u8, columns: &[ColumnName]) -> Result<&'a str, SourceError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = &bytes[..error.valid_up_to()];
        let bad = bytes[error.valid_up_to()];
        // With quotes about it would take a whole parser to tell; then the column stays unnamed.
        let column = if memchr::memchr(b'"', valid).is_some() {
            None
        } else {
            let line = memchr::memrchr(b'\n', valid).map_or(0, |end| end + 1);
            columns.get(memchr::memchr_iter(delimiter, &valid[line..]).count())
        };
        let found = SourceError::malformed(format!("byte {bad:#04x} is not UTF-8"))
            .at_line(line_of(block, valid))
            .help("save the file as UTF-8; `iconv -f cp1252 -t utf-8` makes it of what Windows writes");
        match column {
            Some(name) => found.of_column(name),
            None => found,
        }
    })
}
