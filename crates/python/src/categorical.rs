//! Categoricals of pandas whose levels are numbers or flags: categories, by the texts that the engine has for these.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use evenstep_exact::number::print_number;

/// The schema in which such columns are strings.
pub(crate) fn as_strings(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Dictionary(codes, levels) if is_number_or_flag(levels) => {
            field.as_ref().clone().with_data_type(DataType::Dictionary(codes.clone(), DataType::Utf8.into()))
        }
        _ => field.as_ref().clone(),
    };
    let fields: Vec<Field> = schema.fields().iter().map(field).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone()).into()
}

/// The column with strings for levels, if it is such a one.
pub(crate) fn with_strings(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Dictionary(_, levels) if is_number_or_flag(levels) => {
            let categorical = array.as_any_dictionary();
            categorical.with_values(Arc::new(texts(categorical.values())))
        }
        _ => array,
    }
}

fn is_number_or_flag(of: &DataType) -> bool {
    of.is_integer() || matches!(of, DataType::Float32 | DataType::Float64 | DataType::Boolean)
}

fn texts(levels: &ArrayRef) -> StringArray {
    match levels.data_type() {
        DataType::Boolean => levels.as_boolean().iter().map(|level| level.map(|flag| flag.to_string())).collect(),
        DataType::Float32 => each::<Float32Type>(levels, |level| float(level.into())),
        DataType::Float64 => each::<Float64Type>(levels, float),
        DataType::Int8 => each::<Int8Type>(levels, |level| level.to_string()),
        DataType::Int16 => each::<Int16Type>(levels, |level| level.to_string()),
        DataType::Int32 => each::<Int32Type>(levels, |level| level.to_string()),
        DataType::Int64 => each::<Int64Type>(levels, |level| level.to_string()),
        DataType::UInt8 => each::<UInt8Type>(levels, |level| level.to_string()),
        DataType::UInt16 => each::<UInt16Type>(levels, |level| level.to_string()),
        DataType::UInt32 => each::<UInt32Type>(levels, |level| level.to_string()),
        DataType::UInt64 => each::<UInt64Type>(levels, |level| level.to_string()),
        other => unreachable!("levels of type {other} stay as they are"),
    }
}

/// The text of a level, as pandas writes it to a CSV.
fn float(level: f64) -> String {
    match level {
        _ if level.is_finite() => print_number(level),
        _ if level.is_nan() => "nan".to_owned(),
        _ => if level > 0.0 { "inf" } else { "-inf" }.to_owned(),
    }
}

fn each<T: ArrowPrimitiveType>(levels: &ArrayRef, text: impl Fn(T::Native) -> String) -> StringArray {
    levels.as_primitive::<T>().iter().map(|level| level.map(&text)).collect()
}
