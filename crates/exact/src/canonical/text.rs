//! A value kept as the canonical JSON that it is written as.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{CanonicalValue, EXACT, canonical_json};

/// A value as canonical JSON, which takes no more memory than it does in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CanonicalText(Arc<str>);

impl CanonicalText {
    /// What a value is written as.
    ///
    /// # Panics
    /// As [`canonical_json`].
    pub fn of<T: Serialize>(value: &T) -> CanonicalText {
        CanonicalText(String::from_utf8(canonical_json(value)).expect("JSON is UTF-8").into())
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value.
    pub fn value(&self) -> Value {
        let CanonicalValue(value) = serde_json::from_str(&self.0).expect("it was read or written before");
        value
    }
}

impl Serialize for CanonicalText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CanonicalText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<CanonicalText, D::Error> {
        let text = Box::<RawValue>::deserialize(from)?;
        if !is_canonical(text.get()) {
            return Err(D::Error::custom("a value is not in canonical form"));
        }
        Ok(CanonicalText(Box::<str>::from(text).into()))
    }
}

/// Whether JSON is written as canonical JSON is.
fn is_canonical(text: &str) -> bool {
    let mut read = serde_json::Deserializer::from_str(text);
    let mut expected = Expected { rest: text };
    (&mut expected).deserialize(&mut read).is_ok() && expected.rest.is_empty() && read.end().is_ok()
}

/// Walks through a value, and compares how each part of it is to be written with what is.
struct Expected<'t> {
    rest: &'t str,
}

impl Expected<'_> {
    fn next<E: Error>(&mut self, written: &str) -> Result<(), E> {
        self.rest = self.rest.strip_prefix(written).ok_or_else(|| E::custom("it is written otherwise"))?;
        Ok(())
    }

    fn json<E: Error>(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), E> {
        self.next(&serde_json_canonicalizer::to_string(&value).map_err(E::custom)?)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Expected<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Expected<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.next("null")
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<(), E> {
        self.next(if yes { "true" } else { "false" })
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<(), E> {
        if n.unsigned_abs() > EXACT { self.json(&(n as f64)) } else { self.json(&n) }
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<(), E> {
        if n > EXACT { self.json(&(n as f64)) } else { self.json(&n) }
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<(), E> {
        self.json(&x)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.json(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.next("[")?;
        let mut between = "";
        loop {
            let before = self.rest;
            // An element comes after a comma, but for the first.
            if !before.starts_with(']') {
                self.next(between)?;
            }
            if list.next_element_seed(&mut *self)?.is_none() {
                break;
            }
            between = ",";
        }
        self.next("]")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.next("{")?;
        let mut last: Option<String> = None;
        while let Some(key) = map.next_key::<String>()? {
            // In the order of UTF-16 (RFC 8785, 3.2.3), and never twice.
            let order = last.as_ref().map(|last| last.encode_utf16().cmp(key.encode_utf16()));
            match order {
                None => {}
                Some(Ordering::Less) => self.next(",")?,
                Some(_) => return Err(A::Error::custom("keys are not in order")),
            }
            self.json(key.as_str())?;
            self.next(":")?;
            map.next_value_seed(&mut *self)?;
            last = Some(key);
        }
        self.next("}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_canonical_is_kept_and_nothing_else() {
        let value = json!({
            "\u{fb33}": [], "😀": {}, "a": [[1, -2.5], {"b": null, "c": true}, "é\n\"\u{1}/", "9007199254740993"],
            "x": [1e21, 1e17, -1e17, 9_007_199_254_740_992_i64, 1e-7, 0],
        });
        let text = CanonicalText::of(&value);
        assert_eq!(serde_json::from_str::<CanonicalText>(text.as_str()).expect("it was written"), text);
        assert_eq!(canonical_json(&text.value()), text.as_str().as_bytes());
        assert_eq!(canonical_json(&text), text.as_str().as_bytes());
        for other in [
            "[1 ,2]",
            "[ ]",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":1}",
            "1.0",
            "-0",
            "1e3",
            "\"\\u0061\"",
            "\"\\/\"",
            "9007199254740993",
            "[1,\n2]",
            "1E21",
            "{\"a\": 1}",
        ] {
            assert!(serde_json::from_str::<CanonicalText>(other).is_err(), "{other}");
        }
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        assert!(serde_json::from_str::<CanonicalText>(&deep).is_err());
    }
}
