//! Arrow's C stream, in and out: how frames of other libraries are read without a copy.
#![allow(unsafe_code, reason = "a foreign interface: a pointer comes from outside")]

use std::ffi::CStr;

use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const NAME: &CStr = c"arrow_array_stream";

/// Batches, and the schema that they have.
type Batches = (SchemaRef, Vec<RecordBatch>);

/// All batches of a stream. It is read without the interpreter's lock, which whoever fills it may need.
pub(crate) fn read(capsule: &Bound<'_, PyCapsule>) -> PyResult<Result<Batches, ArrowError>> {
    let pointer = capsule.pointer_checked(Some(NAME))?;
    // SAFETY: a capsule of this name holds a stream, as the Arrow PyCapsule interface says; it is moved out, and what is left
    // in its place is a released one.
    let reader = unsafe { RecordBatchStreamReader::from_raw(pointer.as_ptr().cast()) };
    Ok(capsule.py().detach(|| {
        let reader = reader?;
        let schema = reader.schema();
        let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>()?;
        batches.iter().try_for_each(check)?;
        Ok((schema, batches))
    }))
}

/// Nobody has looked at what came: a text that is not UTF-8, or that ends where there is none, would be undefined behaviour.
fn check(batch: &RecordBatch) -> Result<(), ArrowError> {
    batch.schema_ref().fields().iter().zip(batch.columns()).try_for_each(|(field, column)| {
        let told = |error| ArrowError::InvalidArgumentError(format!("column `{}`: {error}", field.name()));
        column.to_data().validate_full().map_err(told)
    })
}

/// Batches as a stream.
pub(crate) fn write<'py>(
    py: Python<'py>,
    batches: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'py, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(batches), NAME)
}
