//! JSON to values, as `serde_json` does it, but for one thing: of two members of one name it keeps the last, and here both
//! are refused, as in files. Which of them was meant nobody knows.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

/// Parses a whole text.
///
/// # Errors
/// No JSON, or an object with two members of one name; said in words.
pub fn parse(text: &[u8]) -> Result<Value, String> {
    let mut from = serde_json::Deserializer::from_slice(text);
    let value = Strictly.deserialize(&mut from).and_then(|value| from.end().map(|()| value));
    value.map_err(|error| error.to_string())
}

struct Strictly;

impl<'de> DeserializeSeed<'de> for Strictly {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strictly {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Bool(yes))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_u64<E>(self, natural: u64) -> Result<Value, E> {
        Ok(natural.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strictly)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match object.entry(name) {
                Entry::Vacant(free) => drop(free.insert(members.next_value_seed(Strictly)?)),
                Entry::Occupied(taken) => {
                    return Err(A::Error::custom(format!("the object has `{}` twice", taken.key())));
                }
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_members_of_one_name_are_refused() {
        insta::assert_snapshot!(parse(br#"[{"a": 1, "b": 2, "a": 1}]"#).expect_err("it is there twice"), @"the object has `a` twice at line 1 column 21");
        assert!(parse(br#"[{"a": 1}, {"a": 1}]"#).is_ok());
    }

    proptest! {
        #[test]
        fn anything_else_is_as_serde_json_has_it(text in r#"(\[|\]|\{|\}|,|:|"a"|"b"|-?1|0\.1|1e9|18446744073709551615|null|true| ){0,12}"#) {
            let ours = parse(text.as_bytes());
            let theirs: Result<Value, _> = serde_json::from_str(&text);
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(_), Err(_)) => {}
                (Err(what), Ok(_)) => prop_assert!(what.contains("twice"), "{}", what),
                (Ok(_), Err(what)) => prop_assert!(false, "{}", what),
            }
        }
    }
}
