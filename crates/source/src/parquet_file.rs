//! Parquet files: row groups, and columns within them, are read in parallel.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use evenstep_table::ColumnName;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowGroups};
use parquet::arrow::parquet_to_arrow_field_levels;
use parquet::basic::LogicalType;
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

use crate::arrow_cells::UUID;
use crate::format::taken_for;
use crate::guard::guard;
use crate::layout::column_names;
use crate::parquet_claims;
use crate::parquet_pages::{Groups, Sharing};
use crate::parquet_schema;
use crate::{SourceError, SourceErrorKind};

/// What a file's footer says.
#[derive(Clone, Debug)]
pub(crate) struct Footer {
    metadata: ArrowReaderMetadata,
}

impl Footer {
    /// Reads the footer.
    pub(crate) fn read(path: &Path) -> Result<(Footer, Vec<ColumnName>), SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(path, &error))?;
        Footer::of(path, &file)
    }

    /// The footer of a body: what it tells is held to `bytes_max`, and strings are views, so that rows may share them.
    pub(crate) fn of_body(
        path: &Path,
        bytes: &Bytes,
        bytes_max: u64,
    ) -> Result<(Footer, Vec<ColumnName>), SourceError> {
        guard(path, || parquet_claims::check_footer(bytes))?;
        if !bytes.starts_with(b"PAR") {
            return Err(SourceError::malformed("it doesn't begin as Parquet does").in_file(path));
        }
        let (Footer { metadata }, columns) = Footer::of(path, bytes)?;
        guard(path, || {
            parquet_claims::check_groups(bytes, metadata.metadata(), bytes_max)?;
            let metadata = retyped(metadata, |kind| is_text(kind).then_some(DataType::Utf8View)).map_err(malformed)?;
            Ok((Footer { metadata }, columns))
        })
    }

    fn of(path: &Path, file: &impl ChunkReader) -> Result<(Footer, Vec<ColumnName>), SourceError> {
        guard(path, || {
            parquet_schema::check(file)?;
            let metadata = ArrowReaderMetadata::load(file, ArrowReaderOptions::new());
            let metadata = metadata.map_err(|error| no_parquet(file).unwrap_or_else(|| malformed(error)))?;
            let metadata = retyped(metadata, without_levels_of_flags).map_err(malformed)?;
            let columns = column_names(metadata.schema().fields().iter().map(|field| field.name()))?;
            let footer = Footer { metadata };
            if footer.groups().into_iter().try_fold(0, u64::checked_add).is_none_or(|rows| rows > i64::MAX as u64) {
                return Err(SourceError::malformed("the file is damaged: it claims more rows than can be counted"));
            }
            Ok((footer, columns))
        })
    }

    /// The columns' types.
    pub(crate) fn schema(&self) -> Schema {
        let roots = self.metadata.metadata().file_metadata().schema_descr().root_schema().get_fields();
        let fields = self.metadata.schema().fields().iter().zip(roots).map(|(field, root)| {
            // The library tells of a UUID only that it is bytes.
            let is_uuid = root.get_basic_info().logical_type_ref() == Some(&LogicalType::Uuid);
            let uuid = is_uuid.then(|| (EXTENSION_TYPE_NAME_KEY.to_owned(), UUID.to_owned()));
            uuid.into_iter().fold(Field::clone(field), |field, uuid| field.with_metadata([uuid]))
        });
        Schema::new_with_metadata(fields.collect::<Vec<_>>(), self.metadata.schema().metadata().clone())
    }

    /// How many rows each row group has.
    pub(crate) fn groups(&self) -> Vec<u64> {
        self.metadata.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as u64).collect()
    }

    /// How many bytes a row group takes in the file.
    pub(crate) fn bytes(&self, group: usize) -> u64 {
        self.metadata.metadata().row_group(group).compressed_size().max(0) as u64
    }

    /// Reads columns, by their positions in the file, of one row group or of all.
    pub(crate) fn batches(
        &self,
        path: &Path,
        group: Option<usize>,
        columns: &[usize],
        rows: usize,
    ) -> Result<Batches, SourceError> {
        let file = File::open(path).map_err(|error| SourceError::io(path, &error))?;
        let metadata = self.metadata.metadata();
        let groups = group.map_or_else(|| (0..metadata.num_row_groups()).collect(), |group| vec![group]);
        let mask = ProjectionMask::roots(metadata.file_metadata().schema_descr(), columns.iter().copied());
        self.of_groups(path, Groups::new(file, metadata.clone(), groups, Sharing::Taken), mask, rows)
    }

    /// Reads all columns of all row groups of what is in memory.
    pub(crate) fn batches_of(&self, path: &Path, bytes: Bytes, rows: usize) -> Result<Batches, SourceError> {
        let metadata = self.metadata.metadata();
        let groups = (0..metadata.num_row_groups()).collect();
        let groups = Groups::new(bytes, metadata.clone(), groups, Sharing::Refused);
        self.of_groups(path, groups, ProjectionMask::all(), rows)
    }

    fn of_groups(
        &self,
        path: &Path,
        groups: Groups<impl ChunkReader + 'static>,
        mask: ProjectionMask,
        rows: usize,
    ) -> Result<Batches, SourceError> {
        guard(path, || {
            let schema = self.metadata.metadata().file_metadata().schema_descr();
            let hint = Some(self.metadata.schema().fields());
            let levels = parquet_to_arrow_field_levels(schema, mask, hint).map_err(malformed)?;
            // No buffer is larger than there are rows.
            let left = groups.num_rows();
            let reader = ParquetRecordBatchReader::try_new_with_row_groups(&levels, &groups, rows.min(left), None);
            Ok(Batches { path: path.to_owned(), reader: reader.map_err(malformed)?, left })
        })
    }
}

/// A categorical of flags, as pandas writes one: the file has plain flags, which the library can't turn back into what they were.
fn without_levels_of_flags(kind: &DataType) -> Option<DataType> {
    matches!(kind, DataType::Dictionary(_, values) if **values == DataType::Boolean).then_some(DataType::Boolean)
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Columns read as another type where there is `another`.
fn retyped(
    metadata: ArrowReaderMetadata,
    another: impl Fn(&DataType) -> Option<DataType>,
) -> Result<ArrowReaderMetadata, ParquetError> {
    if !metadata.schema().fields().iter().any(|field| another(field.data_type()).is_some()) {
        return Ok(metadata);
    }
    let plain = |field: &Arc<Field>| match another(field.data_type()) {
        Some(kind) => Arc::new(Field::new(field.name(), kind, field.is_nullable())),
        None => Arc::clone(field),
    };
    let fields: Vec<_> = metadata.schema().fields().iter().map(plain).collect();
    let schema = Schema::new_with_metadata(fields, metadata.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
}

/// Batches of a file's columns, in the file's order of both.
pub(crate) struct Batches {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    /// How many rows are to come, as the footer tells.
    left: usize,
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Batches { reader, left, .. } = self;
        let next = guard(&self.path, || {
            let next = reader.next().transpose();
            let next = next.map_err(|error| SourceError::malformed(sentence(&error.to_string())))?;
            *left = left.checked_sub(next.as_ref().map_or(0, RecordBatch::num_rows)).ok_or_else(|| {
                SourceError::malformed("the file is damaged: its pages hold more rows than its footer tells")
            })?;
            Ok(next)
        });
        next.transpose()
    }
}

/// What a file is that its name alone makes Parquet.
fn no_parquet(file: &impl ChunkReader) -> Option<SourceError> {
    let mut start = Vec::new();
    file.get_read(0).ok()?.take(512).read_to_end(&mut start).ok()?;
    match start.get(..4) {
        Some(b"PARE") => Some(encrypted()),
        Some(b"PAR1") => None,
        _ => taken_for(&start, "Parquet"),
    }
}

fn encrypted() -> SourceError {
    SourceError::new(SourceErrorKind::Unsupported, "the file is encrypted").help("write it without encryption")
}

fn malformed(error: ParquetError) -> SourceError {
    if error.to_string().contains("encrypted") {
        return encrypted();
    }
    SourceError::malformed(sentence(&error.to_string()))
}

/// A library's message as ours are: without its own prefix.
pub(crate) fn sentence(message: &str) -> String {
    let known =
        ["Parquet error: ", "Parquet argument error: ", "Arrow: ", "EOF: ", "External: ", "Io error: ", "Ipc error: "];
    let mut message = message;
    while let Some(rest) = known.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        message = rest;
    }
    format!("the file is damaged: {message}")
}
