//! Arrow arrays to cells.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    self, ArrowDictionaryKeyType, ArrowPrimitiveType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait};
use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{DataType, Field, TimeUnit};
use evenstep_table::build::{ColumnBuilder, Value};
use evenstep_table::calendar;
use evenstep_table::infer::Evidence;
use evenstep_table::{Clock, ColumnName, MissingTokens};

use crate::SourceError;
use crate::SourceErrorKind;

const DAY_MILLIS: i64 = 86_400_000;

/// What Arrow calls the type of identifiers of 16 bytes.
pub(crate) const UUID: &str = "arrow.uuid";

/// What takes the cells of one column.
pub(crate) trait Target {
    /// A cell.
    fn push(&mut self, value: Value<'_>);
    /// Strings by reference: for each row a position in `values`.
    fn references(&mut self, values: &[Option<&str>], rows: impl Iterator<Item = Option<usize>>);
}

impl Target for ColumnBuilder {
    #[inline]
    fn push(&mut self, value: Value<'_>) {
        ColumnBuilder::push(self, value);
    }

    fn references(&mut self, values: &[Option<&str>], rows: impl Iterator<Item = Option<usize>>) {
        ColumnBuilder::references(self, values, rows);
    }
}

/// Evidence together with what stands for a missing value.
pub(crate) struct Seeing<'a> {
    pub(crate) evidence: &'a mut Evidence,
    pub(crate) missing: &'a MissingTokens,
    /// Whether strings are strings, whatever they read as.
    pub(crate) is_frame: bool,
}

impl Target for Seeing<'_> {
    #[inline]
    fn push(&mut self, value: Value<'_>) {
        match value {
            Value::Text(text) if self.is_frame => self.evidence.strings(text, 1, self.missing),
            value => self.evidence.see(value, self.missing),
        }
    }

    fn references(&mut self, values: &[Option<&str>], rows: impl Iterator<Item = Option<usize>>) {
        let mut counts = vec![0; values.len()];
        for row in rows {
            match row {
                Some(row) => counts[row] += 1,
                None => self.evidence.null(),
            }
        }
        for (value, count) in values.iter().zip(counts) {
            match value {
                Some(text) if self.is_frame => self.evidence.strings(text, count, self.missing),
                Some(text) if !self.missing.contains(text) => self.evidence.repeated(text, count),
                _ => self.evidence.nulls += count,
            }
        }
    }
}

/// Why a field cannot be a column; None if it can.
pub(crate) fn unsupported(field: &Field) -> Option<String> {
    let is_uuid = field.metadata().get(EXTENSION_TYPE_NAME_KEY).is_some_and(|name| name == UUID);
    match field.data_type() {
        DataType::FixedSizeBinary(16) if is_uuid => None,
        other => unsupported_type(other),
    }
}

fn unsupported_type(data_type: &DataType) -> Option<String> {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(_, _)
        | DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => None,
        DataType::Dictionary(_, values) => unsupported_type(values),
        numeric if numeric.is_numeric() => None,
        other => Some(match other {
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) | DataType::ListView(_) => {
                "a list".to_owned()
            }
            DataType::Struct(_) => "a struct".to_owned(),
            DataType::Map(_, _) => "a map".to_owned(),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                "bytes".to_owned()
            }
            DataType::Duration(_) | DataType::Interval(_) => "durations".to_owned(),
            other => format!("of type {other}"),
        }),
    }
}

/// The error for a column whose type no table holds.
pub(crate) fn refuse(name: &ColumnName, what: &str) -> SourceError {
    let (expected, help) = match what {
        "bytes" => ("texts or numbers", "leave the column out, or write it as text"),
        "durations" => ("numbers, dates or times", "leave the column out, or write it as numbers, all in one unit"),
        _ => ("single values", "leave the column out, or write its parts as columns of their own"),
    };
    SourceError::new(SourceErrorKind::Unsupported, format!("its values are {what}, expected {expected}"))
        .of_column(name)
        .help(help)
}

/// Gives all cells of an array to the target, in row order.
pub(crate) fn feed(array: &ArrayRef, target: &mut impl Target) -> Result<(), SourceError> {
    match array.data_type() {
        DataType::Null => (0..array.len()).for_each(|_| target.push(Value::Null)),
        DataType::Boolean => {
            array.as_boolean().iter().for_each(|cell| target.push(cell.map_or(Value::Null, Value::Boolean)))
        }
        DataType::Int8 => primitive::<Int8Type>(array, target, |cell| Value::Integer(cell.into())),
        DataType::Int16 => primitive::<Int16Type>(array, target, |cell| Value::Integer(cell.into())),
        DataType::Int32 => primitive::<Int32Type>(array, target, |cell| Value::Integer(cell.into())),
        DataType::Int64 => primitive::<Int64Type>(array, target, Value::Integer),
        DataType::UInt8 => primitive::<UInt8Type>(array, target, |cell| Value::Integer(cell.into())),
        DataType::UInt16 => primitive::<UInt16Type>(array, target, |cell| Value::Integer(cell.into())),
        DataType::UInt32 => primitive::<UInt32Type>(array, target, |cell| Value::Integer(cell.into())),
        DataType::UInt64 => each::<UInt64Type>(array, target, |cell, target| match i64::try_from(cell) {
            Ok(cell) => target.push(Value::Integer(cell)),
            Err(_) => target.push(Value::Decimal(&cell.to_string())),
        }),
        DataType::Float16 => primitive::<Float16Type>(array, target, |cell| Value::Float(cell.to_f64())),
        DataType::Float32 => primitive::<Float32Type>(array, target, |cell| Value::Float(cell.into())),
        DataType::Float64 => primitive::<Float64Type>(array, target, Value::Float),
        DataType::Utf8 => strings::<i32>(array, target),
        DataType::LargeUtf8 => strings::<i64>(array, target),
        DataType::Utf8View => {
            array.as_string_view().iter().for_each(|cell| target.push(cell.map_or(Value::Null, Value::Text)));
        }
        DataType::Date32 => primitive::<Date32Type>(array, target, |days| match days {
            i32::MIN => Value::Foreign("a day before the calendar"),
            days => Value::Date(days),
        }),
        DataType::Date64 => {
            each::<Date64Type>(array, target, |millis, target| match i32::try_from(millis.div_euclid(DAY_MILLIS)) {
                Ok(days) if millis.rem_euclid(DAY_MILLIS) == 0 && days != i32::MIN => target.push(Value::Date(days)),
                _ => moment(i128::from(millis) * 1_000_000, Of::Civil, target),
            })
        }
        DataType::Timestamp(unit, zone) => {
            let of = if zone.is_some() { Of::Instant } else { Of::Civil };
            match unit {
                TimeUnit::Second => moments::<types::TimestampSecondType>(array, 1_000_000_000, of, target),
                TimeUnit::Millisecond => moments::<types::TimestampMillisecondType>(array, 1_000_000, of, target),
                TimeUnit::Microsecond => moments::<types::TimestampMicrosecondType>(array, 1000, of, target),
                TimeUnit::Nanosecond => moments::<types::TimestampNanosecondType>(array, 1, of, target),
            }
        }
        DataType::Time32(TimeUnit::Second) => {
            moments::<types::Time32SecondType>(array, 1_000_000_000, Of::Day, target);
        }
        DataType::Time32(_) => moments::<types::Time32MillisecondType>(array, 1_000_000, Of::Day, target),
        DataType::Time64(TimeUnit::Nanosecond) => moments::<types::Time64NanosecondType>(array, 1, Of::Day, target),
        DataType::Time64(_) => moments::<types::Time64MicrosecondType>(array, 1000, Of::Day, target),
        DataType::Decimal32(_, _) => decimals(
            array.as_primitive::<types::Decimal32Type>().iter(),
            |row| array.as_primitive::<types::Decimal32Type>().value_as_string(row),
            target,
        ),
        DataType::Decimal64(_, _) => decimals(
            array.as_primitive::<types::Decimal64Type>().iter(),
            |row| array.as_primitive::<types::Decimal64Type>().value_as_string(row),
            target,
        ),
        DataType::Decimal128(_, _) => decimals(
            array.as_primitive::<types::Decimal128Type>().iter(),
            |row| array.as_primitive::<types::Decimal128Type>().value_as_string(row),
            target,
        ),
        DataType::Decimal256(_, _) => decimals(
            array.as_primitive::<types::Decimal256Type>().iter(),
            |row| array.as_primitive::<types::Decimal256Type>().value_as_string(row),
            target,
        ),
        DataType::Dictionary(keys, _) => match **keys {
            DataType::Int8 => dictionary::<Int8Type>(array, target)?,
            DataType::Int16 => dictionary::<Int16Type>(array, target)?,
            DataType::Int32 => dictionary::<Int32Type>(array, target)?,
            DataType::Int64 => dictionary::<Int64Type>(array, target)?,
            DataType::UInt8 => dictionary::<UInt8Type>(array, target)?,
            DataType::UInt16 => dictionary::<UInt16Type>(array, target)?,
            DataType::UInt32 => dictionary::<UInt32Type>(array, target)?,
            _ => dictionary::<UInt64Type>(array, target)?,
        },
        DataType::FixedSizeBinary(16) => {
            let cells = array.as_fixed_size_binary().iter();
            cells.for_each(|cell| match cell {
                Some(bytes) => target.push(Value::Text(&hyphenated(bytes))),
                None => target.push(Value::Null),
            });
        }
        // Refused by name before any row is read.
        other => return Err(SourceError::malformed(format!("unexpected type {other}"))),
    }
    Ok(())
}

/// A UUID as everybody writes it: 8-4-4-4-12 digits. Source: RFC 9562, section 4.
fn hyphenated(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
    }
    text
}

fn primitive<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    target: &mut impl Target,
    value: impl Fn(T::Native) -> Value<'static>,
) {
    let cells = array.as_primitive::<T>();
    if cells.null_count() == 0 {
        cells.values().iter().for_each(|cell| target.push(value(*cell)));
    } else {
        cells.iter().for_each(|cell| target.push(cell.map_or(Value::Null, &value)));
    }
}

fn each<T: ArrowPrimitiveType>(array: &ArrayRef, target: &mut impl Target, push: impl Fn(T::Native, &mut dyn Push)) {
    for cell in array.as_primitive::<T>() {
        match cell {
            Some(cell) => push(cell, target),
            None => target.push(Value::Null),
        }
    }
}

/// The part of a target that can be borrowed as an object.
trait Push {
    fn push(&mut self, value: Value<'_>);
}

impl<T: Target> Push for T {
    fn push(&mut self, value: Value<'_>) {
        Target::push(self, value);
    }
}

fn strings<O: OffsetSizeTrait>(array: &ArrayRef, target: &mut impl Target) {
    array.as_string::<O>().iter().for_each(|cell| target.push(cell.map_or(Value::Null, Value::Text)));
}

#[derive(Clone, Copy)]
enum Of {
    Civil,
    Instant,
    Day,
}

fn moments<T: ArrowPrimitiveType>(array: &ArrayRef, unit: i128, of: Of, target: &mut impl Target)
where
    T::Native: Into<i64>,
{
    each::<T>(array, target, |cell, target| {
        let ticks: i64 = cell.into();
        moment(i128::from(ticks) * unit, of, target);
    });
}

/// Nanoseconds since the epoch or midnight. Finer than a microsecond, or beyond what a column
/// holds, it is an invalid cell: nothing is rounded.
fn moment(nanos: i128, of: Of, target: &mut dyn Push) {
    let micros = nanos.div_euclid(1000);
    let exact = nanos.rem_euclid(1000) == 0;
    match i64::try_from(micros) {
        Ok(micros) if exact && micros != i64::MIN => match of {
            Of::Civil => target.push(Value::Civil(micros)),
            Of::Instant => target.push(Value::Instant(micros)),
            Of::Day if (0..DAY_MILLIS * 1000).contains(&micros) => target.push(Value::Time(micros)),
            Of::Day => target.push(Value::Foreign("a time beyond the day")),
        },
        Ok(micros) if micros != i64::MIN => {
            let second = micros.div_euclid(1_000_000) * 1_000_000;
            let fraction = nanos.rem_euclid(1_000_000_000);
            let text = match of {
                Of::Day => calendar::print_time(second),
                Of::Civil | Of::Instant => calendar::print_datetime(Clock::Civil, second),
            };
            let suffix = if matches!(of, Of::Instant) { "Z" } else { "" };
            target.push(Value::Foreign(&format!("{text}.{fraction:09}{suffix}")));
        }
        _ => target.push(Value::Foreign("a time beyond the calendar")),
    }
}

/// Decimals by their digits, without zeros at the end: the same text whatever the scale.
fn decimals<N>(cells: impl Iterator<Item = Option<N>>, text: impl Fn(usize) -> String, target: &mut impl Target) {
    for (row, cell) in cells.enumerate() {
        if cell.is_none() {
            target.push(Value::Null);
            continue;
        }
        let text = text(row);
        let shortest = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        match shortest.parse() {
            Ok(integer) => target.push(Value::Integer(integer)),
            Err(_) => target.push(Value::Decimal(shortest)),
        }
    }
}

fn dictionary<K: ArrowDictionaryKeyType>(array: &ArrayRef, target: &mut impl Target) -> Result<(), SourceError> {
    use arrow_buffer::ArrowNativeType;
    let cells = array.as_dictionary::<K>();
    if cells.is_empty() {
        // A batch without rows costs nothing, however large the dictionary that it shares.
        return Ok(());
    }
    let values = cells.values();
    if !matches!(values.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) {
        let plain = arrow_select::take::take(values, cells.keys(), None);
        return feed(&plain.map_err(|error| SourceError::malformed(error.to_string()))?, target);
    }
    let texts: Vec<Option<&str>> = match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => values.as_string::<i64>().iter().collect(),
        _ => values.as_string_view().iter().collect(),
    };
    target.references(&texts, cells.keys().iter().map(|key| key.map(|key| key.as_usize())));
    Ok(())
}
