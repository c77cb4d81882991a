//! Bodies of requests that hold columns: read as files of their format are, but from memory.

use std::collections::BTreeSet;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType};
use evenstep_table::ColumnName;
use evenstep_table::build::{ColumnBuilder, Strictness};

use crate::arrow_cells::{self, feed};
use crate::arrow_file::Batches;
use crate::blocks::Block;
use crate::cells::NamedCells;
use crate::csv::{self, Opened};
use crate::format::{Compression, Format};
use crate::guard::guard;
use crate::layout::{Details, FileInfo, UNWANTED, column_names};
use crate::{SourceError, SourceErrorKind};

/// What messages call it.
const NAME: &str = "the body";
/// What compressed columns of a body may hold, and strings that its rows share.
const INFLATED_BYTES_MAX: u64 = 64 << 20;

/// Rows of a request by column, before they have types.
#[derive(Debug)]
pub struct Body {
    columns: Vec<ColumnName>,
    rows: usize,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Csv(Box<FileInfo>, Vec<Block>),
    Arrow(Vec<RecordBatch>),
    Cells(Vec<NamedCells>),
}

impl Body {
    /// Comma-separated values with a header, as a file has them, if `check` has nothing against its names.
    ///
    /// # Errors
    /// Text that no file of this format may have, or what `check` says.
    pub(crate) fn csv(
        bytes: &[u8],
        check: impl FnOnce(&[&str]) -> Result<(), SourceError>,
    ) -> Result<Body, SourceError> {
        let path = Path::new(NAME);
        let Opened { blocks: mut left, delimiter, columns, .. } = csv::of_bytes(path, bytes.to_vec(), check)?;
        let mut blocks = Vec::new();
        while let Some(block) = left.next(usize::MAX)? {
            blocks.push(block);
        }
        let rows = blocks.iter().map(|block| block.rows).sum();
        let file = FileInfo {
            path: path.to_owned(),
            name: NAME.into(),
            format: Format::Csv,
            compression: Compression::None,
            columns: columns.clone(),
            constants: Vec::new(),
            details: Details::Delimited { delimiter },
            unsupported: Default::default(),
            index: Default::default(),
            lacked: Default::default(),
        };
        Ok(Body { columns, rows, held: Held::Csv(Box::new(file), blocks) })
    }

    /// Arrow IPC, as a stream or a file.
    ///
    /// # Errors
    /// Bytes that its reader refuses or stumbles over, columns that no table can hold, and columns that are small only as
    /// long as they are compressed.
    pub fn arrow(bytes: &[u8]) -> Result<Body, SourceError> {
        let path = Path::new(NAME);
        let batches = Batches::of_bytes(path, bytes.to_vec(), INFLATED_BYTES_MAX)?;
        let schema = batches.schema();
        let columns = column_names(schema.fields().iter().map(|field| field.name()));
        let columns = columns.map_err(|error| error.in_file(path))?;
        for (name, field) in columns.iter().zip(schema.fields()) {
            if let Some(what) = arrow_cells::unsupported(field) {
                return Err(arrow_cells::refuse(name, &what).in_file(path));
            }
        }
        let (mut rows, mut shared, mut held) = (0usize, 0, Vec::new());
        for batch in batches {
            let batch = batch?;
            rows = rows.checked_add(batch.num_rows()).ok_or_else(|| too_large(path))?;
            shared += guard(path, || shared_bytes(&batch).map_err(|error| SourceError::malformed(error.to_string())))?;
            if shared > INFLATED_BYTES_MAX {
                return Err(too_large(path));
            }
            held.push(batch);
        }
        Ok(Body { columns, rows, held: Held::Arrow(held) })
    }

    /// Columns of any protocol.
    ///
    /// # Errors
    /// A name that occurs twice, or columns of different lengths.
    pub fn cells(columns: Vec<NamedCells>) -> Result<Body, SourceError> {
        let mut names = BTreeSet::new();
        let rows = columns.first().map_or(0, |column| column.cells.len());
        for column in &columns {
            let (name, length) = (&column.name, column.cells.len());
            if !names.insert(name) {
                return Err(SourceError::columns(format!("column `{name}` is there twice"))
                    .help("columns are reached by name, so names must differ"));
            }
            if length != rows {
                let first = &columns[0].name;
                let what = format!("column `{name}` has {length} values, and `{first}` has {rows}");
                return Err(SourceError::columns(what));
            }
            assert!(column.nulls.as_ref().is_none_or(|nulls| nulls.len() == rows), "a cell is null or it is not");
        }
        let names = columns.iter().map(|column| column.name.clone()).collect();
        Ok(Body { columns: names, rows, held: Held::Cells(columns) })
    }

    /// The names of its columns, none twice.
    pub fn columns(&self) -> &[ColumnName] {
        &self.columns
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether its strings may stand for numbers, as in files of the same format.
    pub(crate) fn strictness(&self) -> Strictness {
        if matches!(self.held, Held::Cells(_)) { Strictness::Request } else { Strictness::File }
    }

    /// A cell as messages show it; None if its text alone is known.
    pub(crate) fn json(&self, row: usize, name: &ColumnName) -> Option<serde_json::Value> {
        let Held::Cells(columns) = &self.held else { return None };
        columns.iter().find(|column| column.name == *name).map(|column| column.json(row))
    }

    /// Gives all cells to the builders of their columns; `place` tells which one that is.
    pub(crate) fn feed(
        &self,
        builders: &mut [ColumnBuilder],
        place: impl Fn(&ColumnName) -> Option<usize>,
    ) -> Result<(), SourceError> {
        let places: Vec<Option<usize>> = self.columns.iter().map(place).collect();
        match &self.held {
            Held::Csv(file, blocks) => {
                let slots: Vec<u32> = places.iter().map(|place| place.map_or(UNWANTED, |place| place as u32)).collect();
                let mut wanted: Vec<Option<&mut ColumnBuilder>> = builders.iter_mut().map(Some).collect();
                let (of_file, mut wanted) = dense(&slots, &mut wanted);
                for block in blocks {
                    csv::read_block(file, delimiter(file), block, &of_file, &mut wanted)?;
                }
            }
            Held::Arrow(batches) => guard(Path::new(NAME), || {
                for batch in batches {
                    for (array, place) in batch.columns().iter().zip(&places) {
                        if let Some(place) = place {
                            feed(array, &mut builders[*place])?;
                        }
                    }
                }
                Ok(())
            })?,
            Held::Cells(columns) => {
                for (column, place) in columns.iter().zip(places) {
                    if let Some(place) = place {
                        column.feed(&mut builders[place]);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The builders that are wanted, without the others, and for each column of the file which of them it is.
fn dense<'b>(slots: &[u32], builders: &mut [Option<&'b mut ColumnBuilder>]) -> (Vec<u32>, Vec<&'b mut ColumnBuilder>) {
    let mut wanted = Vec::new();
    let of_file = slots.iter().map(|slot| match builders.get_mut(*slot as usize).and_then(Option::take) {
        Some(builder) => {
            wanted.push(builder);
            wanted.len() as u32 - 1
        }
        None => UNWANTED,
    });
    (of_file.collect(), wanted)
}

fn delimiter(file: &FileInfo) -> u8 {
    match file.details {
        Details::Delimited { delimiter } => delimiter,
        _ => unreachable!("a body of text is delimited"),
    }
}

/// Bytes of strings that rows may share: a view is short, and what it shows may be long and shown again and again; a
/// dictionary is looked through for each batch that has rows, and may be sent once for all.
fn shared_bytes(batch: &RecordBatch) -> Result<u64, ArrowError> {
    let of_column = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => Ok(column.as_string_view().views().iter().map(|view| u64::from(*view as u32)).sum()),
        DataType::Dictionary(..) if !column.is_empty() => {
            column.as_any_dictionary().values().to_data().get_slice_memory_size().map(|bytes| bytes as u64)
        }
        _ => Ok(0),
    };
    batch.columns().iter().map(of_column).sum()
}

fn too_large(path: &Path) -> SourceError {
    SourceError::new(SourceErrorKind::Unsupported, "its columns hold more than its bytes show")
        .in_file(path)
        .help("send the rows in several parts")
}
