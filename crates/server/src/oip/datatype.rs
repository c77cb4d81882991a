//! Types of tensors, and their elements as JSON and as bytes.

use evenstep_source::Cells;
use evenstep_table::{Kind, parse};
use half::f16;
use serde_json::Value;

/// A tensor's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Datatype {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Fp16,
    Fp32,
    Fp64,
    Bytes,
}

const NAMES: [(Datatype, &str); 13] = [
    (Datatype::Bool, "BOOL"),
    (Datatype::Int8, "INT8"),
    (Datatype::Int16, "INT16"),
    (Datatype::Int32, "INT32"),
    (Datatype::Int64, "INT64"),
    (Datatype::Uint8, "UINT8"),
    (Datatype::Uint16, "UINT16"),
    (Datatype::Uint32, "UINT32"),
    (Datatype::Uint64, "UINT64"),
    (Datatype::Fp16, "FP16"),
    (Datatype::Fp32, "FP32"),
    (Datatype::Fp64, "FP64"),
    (Datatype::Bytes, "BYTES"),
];

/// What is wrong with elements, without the tensor's name.
pub(super) type Wrong = String;

impl Datatype {
    pub(super) fn parse(name: &str) -> Option<Datatype> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(datatype, _)| *datatype)
    }

    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(known, _)| *known == self).map(|(_, name)| *name).expect("each has one")
    }

    /// An element that isn't of the type.
    pub(super) fn wrong(self, at: usize) -> Wrong {
        format!("element {at} is no {}", self.name())
    }

    /// The type that holds a column without loss.
    pub(super) fn of(kind: Kind) -> Datatype {
        match kind {
            Kind::Number => Datatype::Fp64,
            Kind::Integer => Datatype::Int64,
            Kind::Boolean => Datatype::Bool,
            Kind::Category | Kind::Text | Kind::Date | Kind::Time | Kind::Datetime(_) => Datatype::Bytes,
        }
    }

    /// Bytes of an element; None if each has its own length.
    fn width(self) -> Option<usize> {
        match self {
            Datatype::Bool | Datatype::Int8 | Datatype::Uint8 => Some(1),
            Datatype::Int16 | Datatype::Uint16 | Datatype::Fp16 => Some(2),
            Datatype::Int32 | Datatype::Uint32 | Datatype::Fp32 => Some(4),
            Datatype::Int64 | Datatype::Uint64 | Datatype::Fp64 => Some(8),
            Datatype::Bytes => None,
        }
    }

    /// Elements of JSON, and which of them are null. An element that isn't of the type is told by its place.
    pub(super) fn of_json(self, elements: Vec<Value>) -> Result<(Cells, Option<Vec<bool>>), Wrong> {
        let nulls: Vec<bool> = elements.iter().map(Value::is_null).collect();
        let wrong = |at: usize| self.wrong(at);
        let integer = |value: &Value, min: i64, max: i64| whole(value).filter(|x| (min..=max).contains(x));
        let cells = match self {
            Datatype::Bool => Cells::Booleans(each(&elements, wrong, Value::as_bool)?),
            Datatype::Int8 => Cells::Integers(each(&elements, wrong, |x| integer(x, i8::MIN.into(), i8::MAX.into()))?),
            Datatype::Int16 => {
                Cells::Integers(each(&elements, wrong, |x| integer(x, i16::MIN.into(), i16::MAX.into()))?)
            }
            Datatype::Int32 => {
                Cells::Integers(each(&elements, wrong, |x| integer(x, i32::MIN.into(), i32::MAX.into()))?)
            }
            Datatype::Int64 => Cells::Integers(each(&elements, wrong, whole)?),
            Datatype::Uint8 => Cells::Integers(each(&elements, wrong, |x| integer(x, 0, u8::MAX.into()))?),
            Datatype::Uint16 => Cells::Integers(each(&elements, wrong, |x| integer(x, 0, u16::MAX.into()))?),
            Datatype::Uint32 => Cells::Integers(each(&elements, wrong, |x| integer(x, 0, u32::MAX.into()))?),
            Datatype::Uint64 => Cells::Naturals(each(&elements, wrong, Value::as_u64)?),
            Datatype::Fp16 => Cells::Floats(each(&elements, wrong, |x| narrow(x, |x| f16::from_f64(x).to_f64()))?),
            Datatype::Fp32 => Cells::Floats(each(&elements, wrong, |x| narrow(x, |x| f64::from(x as f32)))?),
            Datatype::Fp64 => Cells::Floats(each(&elements, wrong, Value::as_f64)?),
            Datatype::Bytes => Cells::Texts(each(&elements, wrong, |x| x.as_str().map(str::to_owned))?),
        };
        Ok((cells, nulls.contains(&true).then_some(nulls)))
    }

    /// As many elements of bytes, little-endian, with nothing between and nothing after.
    pub(super) fn of_bytes(self, bytes: &[u8], count: usize) -> Result<Cells, Wrong> {
        if let Some(width) = self.width() {
            let expected = count.checked_mul(width);
            if expected != Some(bytes.len()) {
                return Err(format!(
                    "its shape has {count} elements of {width} bytes, and there are {} bytes",
                    bytes.len()
                ));
            }
        }
        Ok(match self {
            Datatype::Bool if bytes.iter().any(|byte| *byte > 1) => {
                return Err("a byte of it is neither 0 nor 1".to_owned());
            }
            Datatype::Bool => Cells::Booleans(bytes.iter().map(|byte| *byte == 1).collect()),
            Datatype::Int8 => Cells::Integers(cut(bytes, |x: [u8; 1]| i8::from_le_bytes(x).into())),
            Datatype::Int16 => Cells::Integers(cut(bytes, |x: [u8; 2]| i16::from_le_bytes(x).into())),
            Datatype::Int32 => Cells::Integers(cut(bytes, |x: [u8; 4]| i32::from_le_bytes(x).into())),
            Datatype::Int64 => Cells::Integers(cut(bytes, i64::from_le_bytes)),
            Datatype::Uint8 => Cells::Integers(bytes.iter().map(|byte| i64::from(*byte)).collect()),
            Datatype::Uint16 => Cells::Integers(cut(bytes, |x: [u8; 2]| u16::from_le_bytes(x).into())),
            Datatype::Uint32 => Cells::Integers(cut(bytes, |x: [u8; 4]| u32::from_le_bytes(x).into())),
            Datatype::Uint64 => Cells::Naturals(cut(bytes, u64::from_le_bytes)),
            Datatype::Fp16 => Cells::Floats(cut(bytes, |x: [u8; 2]| f16::from_le_bytes(x).to_f64())),
            Datatype::Fp32 => Cells::Floats(cut(bytes, |x: [u8; 4]| f32::from_le_bytes(x).into())),
            Datatype::Fp64 => Cells::Floats(cut(bytes, f64::from_le_bytes)),
            Datatype::Bytes => Cells::Texts(strings(bytes, count)?),
        })
    }
}

fn each<T: Default>(
    elements: &[Value],
    wrong: impl Fn(usize) -> Wrong,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, Wrong> {
    let element = |(at, element): (usize, &Value)| match element {
        Value::Null => Ok(T::default()),
        element => read(element).ok_or_else(|| wrong(at)),
    };
    elements.iter().enumerate().map(element).collect()
}

/// A whole number, however it is written: 4.0 is 4. A float that could be another integer isn't taken for one.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| value.is_f64() && parse::is_sure(*number))?;
        parse::whole(number)
    })
}

/// A number as a narrower float has it, if it has it.
fn narrow(value: &Value, round: impl Fn(f64) -> f64) -> Option<f64> {
    value.as_f64().map(round).filter(|number| number.is_finite())
}

fn cut<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
}

/// Strings, each after its length in four bytes.
fn strings(mut bytes: &[u8], count: usize) -> Result<Vec<String>, Wrong> {
    let mut texts = Vec::new();
    for at in 0..count {
        let (length, rest) = bytes.split_first_chunk().ok_or_else(|| format!("it ends before element {at}"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (text, rest) = rest.split_at_checked(length).ok_or_else(|| format!("it ends within element {at}"))?;
        let text = std::str::from_utf8(text).map_err(|_| format!("element {at} is not UTF-8"))?;
        texts.push(text.to_owned());
        bytes = rest;
    }
    if bytes.is_empty() { Ok(texts) } else { Err(format!("{} bytes come after its {count} elements", bytes.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_no_integer_where_it_could_be_another() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(whole(&serde_json::from_str(text).expect("JSON")), expected, "{text}");
        };
        check("4.0", Some(4));
        check("-9007199254740991.0", Some(-9_007_199_254_740_991));
        check("9007199254740993", Some(9_007_199_254_740_993));
        // As a float it is 9007199254740992, too.
        check("9007199254740993.0", None);
        check("9007199254740992.0", None);
        check("1e16", None);
        check("1.5", None);
    }
}
