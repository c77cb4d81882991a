//! The least or greatest value that a contract allows.

use evenstep_exact::canonical::large_integer;
use schemars::JsonSchema;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RuleError;
use crate::{Kind, iso};

/// A lower or upper bound: a number, or a date, time or datetime as text.
#[derive(Clone, PartialEq, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Bound {
    /// Of a number, finite.
    Number(f64),
    /// Of an integer.
    Integer(i64),
    /// Of a date, time or datetime, in ISO 8601.
    Text(String),
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Bound::Number(number) => to.serialize_f64(*number),
            Bound::Integer(integer) => to.serialize_i64(*integer),
            Bound::Text(text) => to.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Bound, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Bound;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or a date or time as text")
            }

            fn visit_i64<E>(self, integer: i64) -> Result<Bound, E> {
                Ok(Bound::Integer(integer))
            }

            fn visit_u64<E>(self, integer: u64) -> Result<Bound, E> {
                Ok(i64::try_from(integer).map_or(Bound::Number(integer as f64), Bound::Integer))
            }

            // TOML has `nan` and `inf`, which no text of ours writes.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Bound, E> {
                let finite = number.is_finite().then_some(Bound::Number(number));
                finite.ok_or_else(|| E::invalid_value(Unexpected::Float(number), &"a finite number"))
            }

            fn visit_str<E>(self, text: &str) -> Result<Bound, E> {
                Ok(large_integer(text).map_or_else(|| Bound::Text(text.to_owned()), Bound::Integer))
            }

            // A bare TOML date arrives as a map of one entry, whose key is the toml crate's own.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bound, A::Error> {
                match map.next_entry::<String, String>()? {
                    Some((key, text)) if key == "$__toml_private_datetime" => Ok(Bound::Text(text)),
                    _ => Err(de::Error::custom("expected a number, or a date or time as text")),
                }
            }
        }
        from.deserialize_any(Any)
    }
}

/// A bound in the column's own type, written canonically.
pub(super) fn bound_of(kind: Kind, key: &'static str, bound: &Bound) -> Result<Bound, RuleError> {
    let wrong = |expected: &str| {
        let what = format!("`{key}` is {}, but a column of type {} needs {expected}", show(bound), kind.word());
        Err(RuleError::new(key, what, None))
    };
    match (kind, bound) {
        (Kind::Number, Bound::Number(number)) => Ok(Bound::Number(*number + 0.0)),
        (Kind::Number, Bound::Integer(integer)) => Ok(Bound::Number(*integer as f64)),
        (Kind::Number, _) => wrong("a finite number"),
        (Kind::Integer, Bound::Integer(integer)) => Ok(Bound::Integer(*integer)),
        (Kind::Integer, Bound::Number(number)) => match crate::parse::whole(*number) {
            Some(integer) => Ok(Bound::Integer(integer)),
            None => wrong("a whole number"),
        },
        (Kind::Integer, _) => wrong("a whole number"),
        (Kind::Date | Kind::Time | Kind::Datetime(_), Bound::Text(text)) => match iso::parse_as(kind, text) {
            Some(micros) => match iso::print_as(kind, micros) {
                canonical if iso::parse_as(kind, &canonical) == Some(micros) => Ok(Bound::Text(canonical)),
                _ => wrong("it within the years 0000 to 9999"),
            },
            None => wrong("it as ISO 8601 text, with an offset for instants and without one for others"),
        },
        (Kind::Date | Kind::Time | Kind::Datetime(_), _) => wrong("it as ISO 8601 text"),
        // Refused with the other keys that don't fit the type.
        (Kind::Boolean | Kind::Category | Kind::Text, _) => Ok(bound.clone()),
    }
}

/// What a canonical bound is compared by.
pub(crate) fn order(kind: Kind, bound: &Bound) -> BoundKey {
    match bound {
        Bound::Number(number) => BoundKey::Number(*number),
        Bound::Integer(integer) => BoundKey::Integer(*integer),
        Bound::Text(text) => BoundKey::Integer(iso::parse_as(kind, text).expect("a resolved bound is canonical")),
    }
}

/// A bound as its column's cells are stored.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub(crate) enum BoundKey {
    Number(f64),
    Integer(i64),
}

pub(super) fn show(bound: &Bound) -> String {
    match bound {
        Bound::Number(number) => evenstep_exact::number::print_number(*number),
        Bound::Integer(integer) => integer.to_string(),
        Bound::Text(text) => format!("`{text}`"),
    }
}
