//! Bodies of requests that hold columns: read as files of their format are, but from memory.

use std::collections::BTreeSet;
use std::path::Path;

use arrow_array::array::AnyDictionaryArray;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema};
use bytes::Bytes;
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
use crate::parquet_file::Footer;
use crate::{SourceError, SourceErrorKind};

/// What messages call it.
const NAME: &str = "the body";
/// What compressed columns of a body may hold, and strings that its rows share.
const INFLATED_BYTES_MAX: u64 = 64 << 20;
/// A string of a dictionary that has no more bytes may be repeated by any number of rows.
const SHORT_BYTES: usize = 64;
/// Rows of a batch of a Parquet body.
const BATCH_ROWS: usize = 4096;

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
            stamp: None,
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
        Body::batches(path, columns, &schema, batches)
    }

    /// Parquet, as a file of it is. It must tell how large it is once it is decompressed.
    ///
    /// # Errors
    /// As `arrow`, and compressions and encodings that don't tell.
    pub fn parquet(bytes: &[u8]) -> Result<Body, SourceError> {
        let (path, bytes) = (Path::new(NAME), Bytes::copy_from_slice(bytes));
        let (footer, columns) = Footer::of_body(path, &bytes, INFLATED_BYTES_MAX)?;
        let batches = footer.batches_of(path, bytes, BATCH_ROWS)?;
        Body::batches(path, columns, &footer.schema(), batches)
    }

    fn batches(
        path: &Path,
        columns: Vec<ColumnName>,
        schema: &Schema,
        batches: impl Iterator<Item = Result<RecordBatch, SourceError>>,
    ) -> Result<Body, SourceError> {
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
            let column = column.as_any_dictionary();
            let bytes = column.values().to_data().get_slice_memory_size()? as u64;
            Ok(bytes.saturating_add(repeated_bytes(column)))
        }
        _ => Ok(0),
    };
    batch.columns().iter().map(of_column).sum()
}

/// Bytes of long strings of a dictionary, as often as rows have them: an answer repeats an id, and messages a cell. Short ones take
/// no more than cells do anyway.
fn repeated_bytes(column: &dyn AnyDictionaryArray) -> u64 {
    let values = column.values();
    let long: Vec<u64> = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().iter().map(long_bytes).collect(),
        DataType::LargeUtf8 => values.as_string::<i64>().iter().map(long_bytes).collect(),
        DataType::Utf8View => values.as_string_view().iter().map(long_bytes).collect(),
        _ => return 0,
    };
    match long.iter().all(|bytes| *bytes == 0) {
        true => 0,
        false => {
            let keys = column.normalized_keys().into_iter().enumerate().filter(|(row, _)| column.is_valid(*row));
            keys.map(|(_, key)| long[key]).fold(0, u64::saturating_add)
        }
    }
}

fn long_bytes(text: Option<&str>) -> u64 {
    text.map_or(0, |text| text.len().saturating_sub(SHORT_BYTES) as u64)
}

fn too_large(path: &Path) -> SourceError {
    SourceError::new(SourceErrorKind::Unsupported, "its columns hold more than its bytes show")
        .in_file(path)
        .help("send the rows in several parts")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray};
    use arrow_ipc::writer::StreamWriter;
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
    use parquet::file::metadata::KeyValue;
    use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

    use super::*;

    fn parquet(column: ArrayRef, build: impl Fn(WriterPropertiesBuilder) -> WriterPropertiesBuilder) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter([("x", column)]).expect("a batch");
        let properties = build(WriterProperties::builder()).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a file");
        writer.write(&batch).expect("rows");
        writer.into_inner().expect("an end")
    }

    #[test]
    fn a_long_string_of_a_dictionary_is_repeated_by_few_rows() {
        let arrow = |text: &str, rows: usize| {
            let texts: DictionaryArray<Int32Type> = std::iter::repeat_n(Some(text), rows).chain([None]).collect();
            let batch = RecordBatch::try_from_iter([("x", Arc::new(texts) as ArrayRef)]).expect("a batch");
            let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a stream");
            writer.write(&batch).expect("rows");
            Body::arrow(&writer.into_inner().expect("an end"))
        };
        let long = "a".repeat(1 << 20);
        assert_eq!(arrow(&long, 50).expect("it is little").rows(), 51);
        assert_eq!(arrow(&long[..SHORT_BYTES], 200_000).expect("they are short").rows(), 200_001);
        let said = arrow(&long, 70).expect_err("70 MiB").to_string();
        assert!(said.contains("hold more than its bytes show"), "{said}");
    }

    #[test]
    fn a_parquet_body_holds_no_more_than_it_tells_and_may() {
        let refused = |body: &[u8], what: &str| {
            let error = Body::parquet(body).expect_err(what).to_string();
            assert!(error.contains(what), "{error}");
        };
        let texts = |text: &str, rows| Arc::new(StringArray::from(vec![text; rows])) as ArrayRef;
        let numbers = |rows| Arc::new(Float64Array::from(vec![0.0; rows])) as ArrayRef;
        let zstd = |it: WriterPropertiesBuilder| it.set_compression(Compression::ZSTD(ZstdLevel::default()));
        assert_eq!(Body::parquet(&parquet(texts("a", 9000), zstd)).expect("it is small").rows(), 9000);

        let long = "a".repeat(1 << 20);
        let shared = parquet(texts(&long[..1 << 19], 200), |it| it.set_statistics_enabled(EnabledStatistics::None));
        assert!(shared.len() < 1 << 20, "a dictionary holds it once");
        refused(&shared, "hold more than its bytes show");
        let plain = parquet(texts(&long, 100), |it| zstd(it.set_dictionary_enabled(false)));
        assert!(plain.len() < 1 << 20, "it compresses well");
        refused(&plain, "once it is decompressed is too large");
        refused(&parquet(numbers(5 << 20), |it| it), "once it is decompressed is too large");
        let gzip = Compression::GZIP(GzipLevel::default());
        refused(&parquet(numbers(3), |it| it.set_compression(gzip)), "compressed by GZIP");
        let note = KeyValue::new("note".to_owned(), long);
        refused(&parquet(numbers(3), |it| it.set_key_value_metadata(Some(vec![note.clone()]))), "footer is too large");
        let told = |it: WriterPropertiesBuilder| {
            it.set_dictionary_enabled(false).set_column_encoding("x".into(), Encoding::DELTA_BYTE_ARRAY)
        };
        refused(&parquet(texts("ab", 3), told), "told by what they share");
        refused(b"PAR1", "it ends before its footer");
        refused(b"", "it ends before its footer");
    }
}
