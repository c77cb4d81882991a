//! Rows that Python has: a frame by Arrow's C stream, or files by their name.

use std::path::Path;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::Buffer;
use arrow_schema::{ArrowError, DataType, SchemaRef};
use evenstep_source::{Source, SourceError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyString};

use crate::capsule;
use crate::categorical;
use crate::error::{Class, plain, raised};

/// What messages call a frame.
pub(crate) const NAME: &str = "the frame";
/// What pandas writes of its index, where the index has no name of its own: a position, which is no data.
const INDEX: &str = "__index_level_";

/// The rows: a stream, or the name of files.
pub(crate) fn source(rows: &Bound<'_, PyAny>) -> PyResult<Source> {
    source_by(rows, |pattern| Source::open(pattern, Path::new(".")))
}

/// The same, with files opened in a manner of one's own.
pub(crate) fn source_by(
    rows: &Bound<'_, PyAny>,
    open: impl FnOnce(&str) -> Result<Source, SourceError>,
) -> PyResult<Source> {
    let py = rows.py();
    let opened = match rows.cast::<PyString>() {
        Ok(pattern) => open(pattern.to_str()?),
        Err(_) => {
            let read = capsule::read(rows.cast::<PyCapsule>()?)?;
            let (schema, batches) = read.map_err(|error| plain(py, Class::Data, &format!("{NAME}: {error}")))?;
            let ours = ours(schema, batches);
            let (schema, batches) = ours.map_err(|error| {
                plain(py, Class::Data, &format!("{NAME} was changed while it was handed over: {error}"))
            })?;
            Source::of_batches(NAME, &schema, batches)
        }
    };
    opened.map_err(|error| raised(py, &error.into(), Class::Data))
}

/// The frame without the index of pandas, and with the numbers of pandas copied: their memory may be written to by other
/// threads while they are read. All others hand out what nobody changes any more. A categorical of pandas is a category, also one
/// of numbers; elsewhere a dictionary of numbers is only how they are stored.
fn ours(schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<(SchemaRef, Vec<RecordBatch>), ArrowError> {
    if !schema.metadata().contains_key("pandas") {
        return Ok((schema, batches));
    }
    let is_data = |place: &usize| !schema.field(*place).name().starts_with(INDEX);
    let wanted: Vec<usize> = (0..schema.fields().len()).filter(is_data).collect();
    let own = |batch: RecordBatch| {
        let batch = batch.project(&wanted).expect("the columns are those of its schema");
        let own = |array| copied(array).map(categorical::with_strings);
        let columns = batch.columns().iter().map(own).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(categorical::as_strings(&batch.schema()), columns, &options)
    };
    let schema = schema.project(&wanted).expect("the columns are those of the schema");
    Ok((categorical::as_strings(&schema), batches.into_iter().map(own).collect::<Result<_, _>>()?))
}

/// # Errors
/// Codes of a category that has no such level: the frame was changed while it was handed over.
fn copied(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let has_codes = matches!(array.data_type(), DataType::Dictionary(..));
    if !array.data_type().is_primitive() && !has_codes {
        return Ok(array.clone());
    }
    let data = array.to_data();
    let buffers = data.buffers().iter().map(|buffer| Buffer::from(buffer.as_slice())).collect();
    Ok(make_array(data.into_builder().buffers(buffers).build()?))
}
