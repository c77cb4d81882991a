//! How much memory JSON takes once it is read as trees of values, told before it is.
//!
//! A value that is written in two bytes takes some seventy. What steps and specs say is small beside the rest of a bundle,
//! so that one in which it isn't was made to exhaust its reader.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What a value takes, without what it points at.
const VALUE: usize = size_of::<Value>();
/// What an entry of an object takes beside its value: its key, its hash and its place.
const ENTRY: usize = size_of::<String>() + 2 * size_of::<usize>();
/// The least that an allocator hands out.
const LEAST: usize = 16;

/// The bytes of memory that the JSON takes as a tree of values.
///
/// # Errors
/// Bytes that are no JSON.
pub(crate) fn of(json: &[u8]) -> Result<usize, serde_json::Error> {
    serde_json::from_slice(json).map(|Weight(bytes)| bytes)
}

struct Weight(usize);

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Weight, D::Error> {
        Weigher.deserialize(deserializer).map(Weight)
    }
}

struct Weigher;

impl<'de> DeserializeSeed<'de> for Weigher {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weigher {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(VALUE)
    }

    fn visit_bool<E>(self, _: bool) -> Result<usize, E> {
        Ok(VALUE)
    }

    fn visit_i64<E>(self, _: i64) -> Result<usize, E> {
        Ok(VALUE)
    }

    fn visit_u64<E>(self, _: u64) -> Result<usize, E> {
        Ok(VALUE)
    }

    fn visit_f64<E>(self, _: f64) -> Result<usize, E> {
        Ok(VALUE)
    }

    fn visit_str<E>(self, text: &str) -> Result<usize, E> {
        Ok(VALUE + text.len().max(LEAST))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let mut bytes = VALUE;
        while let Some(item) = list.next_element_seed(Weigher)? {
            bytes += item;
        }
        Ok(bytes)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<usize, A::Error> {
        let mut bytes = VALUE;
        while let Some((Weight(key), Weight(value))) = entries.next_entry()? {
            bytes += key - VALUE + ENTRY + value;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_to_write_weighs_what_it_takes() {
        let weight = |json: &str| of(json.as_bytes()).expect("it is JSON");
        assert_eq!(weight("0"), VALUE);
        assert_eq!(weight("[0,null,true]"), 4 * VALUE);
        assert_eq!(weight(r#""""#), VALUE + LEAST);
        assert_eq!(weight(r#"{"a":[]}"#), 2 * VALUE + ENTRY + LEAST);
        assert!(of(b"[0,").is_err());
    }
}
