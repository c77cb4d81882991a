//! Writes tables batch by batch: CSV, TSV, JSON lines, Parquet or Arrow IPC.
//!
//! Numbers, dates and times have one text each, so equal cells are equal bytes. What is written
//! reads back to the same cells, but for empty strings, which in text files are nulls.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use evenstep_exact::number::write_number;
use evenstep_table::{Clock, Column, ColumnName, Kind, NULL_BOOLEAN, NULL_DATE, NULL_INTEGER};
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde::Serialize;

use crate::chunk::Flag;
use crate::format::{self, Compression, Format};
use crate::{SourceError, SourceErrorKind};

/// 2^53: not each integer from here on is a float.
const EXACT_INTEGERS_END: f64 = 9_007_199_254_740_992.0;

/// The name of the column of flags.
pub const FLAGS: &str = "flags";

/// A table being written.
pub struct Writer<W: Write + Send> {
    to: To<W>,
    columns: Vec<(ColumnName, Kind)>,
    flags: bool,
    buffer: String,
}

enum To<W: Write + Send> {
    Delimited(u8, Text<W>),
    JsonLines(Text<W>),
    Parquet(Box<ArrowWriter<W>>, Arc<Schema>),
    Arrow(Box<FileWriter<W>>, Arc<Schema>),
    ArrowStream(Box<StreamWriter<W>>, Arc<Schema>),
}

enum Text<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write + Send> Writer<W> {
    /// Starts a table of these columns, in this order, in the format that the file's name tells.
    ///
    /// `flags` adds a column `flags`: a list of `{field, rule}`, in text files as JSON.
    pub fn for_path(
        path: &Path,
        to: W,
        columns: Vec<(ColumnName, Kind)>,
        flags: bool,
    ) -> Result<Writer<W>, SourceError> {
        let Some((format, compression)) = format::of_path(path) else {
            let what = "the file's ending tells no format that is known";
            let error = SourceError::new(SourceErrorKind::Unsupported, what).in_file(path);
            return Err(error.help(format!("endings are {}", format::ENDINGS)));
        };
        Writer::new(format, compression, to, columns, flags).map_err(|error| error.in_file(path))
    }

    /// The same in a given format.
    pub fn new(
        format: Format,
        compression: Compression,
        to: W,
        columns: Vec<(ColumnName, Kind)>,
        flags: bool,
    ) -> Result<Writer<W>, SourceError> {
        let text = |to: W| -> io::Result<Text<W>> {
            Ok(match compression {
                Compression::None => Text::Plain(to),
                Compression::Gzip => Text::Gzip(GzEncoder::new(to, flate2::Compression::default())),
                Compression::Zstd => Text::Zstd(zstd::Encoder::new(to, 3)?),
            })
        };
        let to = match format {
            Format::Csv => To::Delimited(b',', text(to).map_err(failed)?),
            Format::Tsv => To::Delimited(b'\t', text(to).map_err(failed)?),
            Format::JsonLines => To::JsonLines(text(to).map_err(failed)?),
            Format::Parquet => {
                let schema = Arc::new(schema(&columns, flags));
                let properties = WriterProperties::builder()
                    .set_created_by("evenstep".to_owned())
                    .set_compression(parquet::basic::Compression::SNAPPY)
                    .build();
                let writer = ArrowWriter::try_new(to, schema.clone(), Some(properties)).map_err(failed)?;
                To::Parquet(Box::new(writer), schema)
            }
            Format::Arrow => {
                let schema = Arc::new(schema(&columns, flags));
                To::Arrow(Box::new(FileWriter::try_new(to, &schema).map_err(failed)?), schema)
            }
        };
        let mut writer = Writer { to, columns, flags, buffer: String::new() };
        writer.header()?;
        Ok(writer)
    }

    /// The same as a stream of Arrow IPC, for those who read while it is written.
    pub fn arrow_stream(to: W, columns: Vec<(ColumnName, Kind)>, flags: bool) -> Result<Writer<W>, SourceError> {
        let schema = Arc::new(schema(&columns, flags));
        let writer = Box::new(StreamWriter::try_new(to, &schema).map_err(failed)?);
        Ok(Writer { to: To::ArrowStream(writer, schema), columns, flags, buffer: String::new() })
    }

    fn header(&mut self) -> Result<(), SourceError> {
        let To::Delimited(delimiter, _) = self.to else { return Ok(()) };
        let names = self.columns.iter().map(|(name, _)| name.as_str()).chain(self.flags.then_some(FLAGS));
        for (place, name) in names.enumerate() {
            if place > 0 {
                self.buffer.push(char::from(delimiter));
            }
            quote(&mut self.buffer, delimiter, name);
        }
        self.buffer.push('\n');
        self.flush_text()
    }

    /// Writes rows: the columns in the order that was promised, and what was flagged, by row.
    pub fn write(&mut self, columns: &[&Column], flags: &[Flag]) -> Result<(), SourceError> {
        assert_eq!(columns.len(), self.columns.len(), "as many columns as were promised");
        for (column, (name, kind)) in columns.iter().zip(&self.columns) {
            assert_eq!(column.kind(), *kind, "column `{name}` has the type that was promised");
        }
        let rows = columns.first().map_or(0, |column| column.rows());
        match &mut self.to {
            To::Delimited(..) | To::JsonLines(_) => {
                let mut flags = flags;
                for row in 0..rows {
                    let own = flags.partition_point(|flag| flag.row <= row);
                    self.write_row(columns, row, &flags[..own]);
                    flags = &flags[own..];
                    if self.buffer.len() > 1 << 16 {
                        self.flush_text()?;
                    }
                }
                self.flush_text()
            }
            To::Parquet(writer, schema) => {
                let batch = record_batch(schema, columns, rows, self.flags.then_some(flags))?;
                writer.write(&batch).map_err(failed)
            }
            To::Arrow(writer, schema) => {
                let batch = record_batch(schema, columns, rows, self.flags.then_some(flags))?;
                writer.write(&batch).map_err(failed)
            }
            To::ArrowStream(writer, schema) => {
                let batch = record_batch(schema, columns, rows, self.flags.then_some(flags))?;
                writer.write(&batch).map_err(failed)
            }
        }
    }

    fn write_row(&mut self, columns: &[&Column], row: usize, flags: &[Flag]) {
        let out = &mut self.buffer;
        if let To::Delimited(delimiter, _) = self.to {
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    out.push(char::from(delimiter));
                }
                write_delimited(out, delimiter, column, row);
            }
            if self.flags {
                out.push(char::from(delimiter));
                if !flags.is_empty() {
                    quote(out, delimiter, &flags_json(flags));
                }
            } else if columns.len() == 1 && columns[0].is_null(row) {
                // A blank line would be no row.
                out.push_str("\"\"");
            }
        } else {
            out.push('{');
            for (place, (column, (name, _))) in columns.iter().zip(&self.columns).enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_json_text(out, name.as_str());
                out.push(':');
                write_json(out, column, row);
            }
            if !flags.is_empty() && self.flags {
                out.push_str(",\"flags\":");
                out.push_str(&flags_json(flags));
            }
            out.push('}');
        }
        out.push('\n');
    }

    fn flush_text(&mut self) -> Result<(), SourceError> {
        if let To::Delimited(_, text) | To::JsonLines(text) = &mut self.to {
            let bytes = self.buffer.as_bytes();
            let written = match text {
                Text::Plain(to) => to.write_all(bytes),
                Text::Gzip(to) => to.write_all(bytes),
                Text::Zstd(to) => to.write_all(bytes),
            };
            written.map_err(failed)?;
            self.buffer.clear();
        }
        Ok(())
    }

    /// Ends the table and gives back what it was written to.
    pub fn finish(mut self) -> Result<W, SourceError> {
        self.flush_text()?;
        match self.to {
            To::Delimited(_, text) | To::JsonLines(text) => match text {
                Text::Plain(to) => Ok(to),
                Text::Gzip(to) => to.finish().map_err(failed),
                Text::Zstd(to) => to.finish().map_err(failed),
            },
            To::Parquet(mut writer, _) => {
                // What fails while the writer is taken apart is told without what the host said.
                writer.flush().map_err(failed)?;
                writer.sync().map_err(failed)?;
                writer.into_inner().map_err(failed)
            }
            To::Arrow(writer, _) => writer.into_inner().map_err(failed),
            To::ArrowStream(writer, _) => writer.into_inner().map_err(failed),
        }
    }
}

impl<W: Write + Send> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// What the host said, which the writers of some formats wrap.
fn failed(error: impl Error + 'static) -> SourceError {
    let first: &(dyn Error + 'static) = &error;
    let mut causes = std::iter::successors(Some(first), |cause| (*cause).source());
    match causes.find_map(|cause| cause.downcast_ref::<io::Error>()) {
        None => SourceError::new(SourceErrorKind::Io, error.to_string()),
        Some(said) => SourceError {
            help: evenstep_files::help(said.kind()).map(str::to_owned),
            ..SourceError::new(SourceErrorKind::Io, said.to_string())
        },
    }
}

fn flags_json(flags: &[Flag]) -> String {
    let mut json = String::from("[");
    for (place, flag) in flags.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        json.push_str("{\"field\":");
        write_json_text(&mut json, flag.field.as_str());
        json.push_str(",\"rule\":");
        write_json_text(&mut json, flag.rule.word());
        json.push('}');
    }
    json.push(']');
    json
}

fn write_plain(out: &mut String, column: &Column, row: usize) {
    match column {
        Column::Number(cells) => write_number(out, cells[row]).expect("strings take all text"),
        _ => out.push_str(&column.text(row).unwrap_or_default()),
    }
}

fn write_delimited(out: &mut String, delimiter: u8, column: &Column, row: usize) {
    match column {
        _ if column.is_null(row) => {}
        Column::Category(coded) | Column::Text(coded) => {
            quote(out, delimiter, coded.get(row).unwrap_or_default());
        }
        _ => write_plain(out, column, row),
    }
}

/// A field, in quotes where it must be.
fn quote(out: &mut String, delimiter: u8, text: &str) {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if !text.is_empty() && !text.bytes().any(special) {
        out.push_str(text);
        return;
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

fn write_json(out: &mut String, column: &Column, row: usize) {
    match column {
        _ if column.is_null(row) => out.push_str("null"),
        // Without a point or an exponent it would be read as an integer, which from here on is another number.
        Column::Number(cells) if cells[row].abs() >= EXACT_INTEGERS_END => out.push_str(&json(&cells[row])),
        Column::Number(_) | Column::Integer(_) | Column::Boolean(_) => write_plain(out, column, row),
        _ => write_json_text(out, &column.text(row).unwrap_or_default()),
    }
}

fn write_json_text(out: &mut String, text: &str) {
    out.push_str(&json(text));
}

fn json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("texts and finite numbers are JSON")
}

/// The schema of a table of these columns; with flags if there are to be any.
pub fn schema(columns: &[(ColumnName, Kind)], flags: bool) -> Schema {
    let mut fields: Vec<Field> = columns
        .iter()
        .map(|(name, kind)| {
            let data_type = match kind {
                Kind::Number => DataType::Float64,
                Kind::Integer => DataType::Int64,
                Kind::Boolean => DataType::Boolean,
                Kind::Category | Kind::Text => DataType::Utf8,
                Kind::Date => DataType::Date32,
                Kind::Time => DataType::Time64(TimeUnit::Microsecond),
                Kind::Datetime(Clock::Civil) => DataType::Timestamp(TimeUnit::Microsecond, None),
                Kind::Datetime(Clock::Instant) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            };
            Field::new(name.as_str(), data_type, true)
        })
        .collect();
    if flags {
        fields.push(Field::new(FLAGS, DataType::Utf8, true));
    }
    Schema::new(fields)
}

/// Rows as Arrow has them: the columns in the order of the schema that [`schema`] gives, and what was flagged, by row.
///
/// # Errors
/// Columns that are not as the schema says.
pub fn record_batch(
    schema: &Arc<Schema>,
    columns: &[&Column],
    rows: usize,
    flags: Option<&[Flag]>,
) -> Result<RecordBatch, SourceError> {
    let mut arrays: Vec<ArrayRef> = columns.iter().map(|column| array(column)).collect();
    if let Some(mut flags) = flags {
        let texts = (0..rows).map(|row| {
            let own = flags.partition_point(|flag| flag.row <= row);
            let text = (own > 0).then(|| flags_json(&flags[..own]));
            flags = &flags[own..];
            text
        });
        arrays.push(Arc::new(texts.collect::<StringArray>()));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema.clone(), arrays, &options).map_err(failed)
}

fn array(column: &Column) -> ArrayRef {
    let integers =
        |cells: &[i64]| cells.iter().map(|cell| (*cell != NULL_INTEGER).then_some(*cell)).collect::<Vec<_>>();
    match column {
        Column::Number(cells) => {
            Arc::new(cells.iter().map(|cell| (!cell.is_nan()).then_some(*cell)).collect::<Float64Array>())
        }
        Column::Integer(cells) => Arc::new(Int64Array::from(integers(cells))),
        Column::Boolean(cells) => {
            Arc::new(cells.iter().map(|cell| (*cell != NULL_BOOLEAN).then_some(*cell == 1)).collect::<BooleanArray>())
        }
        Column::Category(coded) | Column::Text(coded) => {
            Arc::new((0..coded.codes.len()).map(|row| coded.get(row)).collect::<StringArray>())
        }
        Column::Date(cells) => {
            Arc::new(cells.iter().map(|cell| (*cell != NULL_DATE).then_some(*cell)).collect::<Date32Array>())
        }
        Column::Time(cells) => Arc::new(Time64MicrosecondArray::from(integers(cells))),
        Column::Datetime(Clock::Civil, cells) => Arc::new(TimestampMicrosecondArray::from(integers(cells))),
        Column::Datetime(Clock::Instant, cells) => {
            Arc::new(TimestampMicrosecondArray::from(integers(cells)).with_timezone("UTC"))
        }
    }
}
