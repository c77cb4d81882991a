//! JSON to values, as `serde_json` does it, but for two things. Of two members of one name it keeps the last, and here both
//! are refused, as in files: which of them was meant nobody knows. And it refuses all of a text for a number that no float
//! holds, which is here, as in files, one cell that the contract judges.

use std::cell::Cell;
use std::fmt;

use evenstep_source::{too_large, too_large_in};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::map::Entry;
use serde_json::{Map, Number, Value};

use super::Refusal;

/// The values of a text may take so much memory, which some do a hundred times that of the text: `[[0],[0]]`.
const VALUES_BYTES_MAX: usize = 256 << 20;
/// What a member of an object takes besides its name, with the room that stands free beside it; and an object that has one.
const OF_MEMBER: usize = 2 * (size_of::<Value>() + size_of::<String>() + 2 * size_of::<usize>());
const OF_OBJECT: usize = 2 * OF_MEMBER;

/// Parses a whole text, which errors call by that name; where a number is too large, what stands in its place is no object to
/// `object`.
///
/// # Errors
/// No JSON, an object with two members of one name, or values that take too much memory.
pub fn parse(text: &[u8], name: &str) -> Result<Value, Refusal> {
    if text.trim_ascii().is_empty() {
        return Err(Refusal::Malformed(format!("{name} is empty, where JSON is expected")));
    }
    let value = strictly(text).or_else(|error| match with_large_set_apart(text) {
        Some(text) => strictly(&text),
        None => Err(error),
    });
    value.map_err(|error| {
        let mut what = error.to_string();
        // What is one line, such as a row of many, is the first line of nothing.
        if !text.trim_ascii().contains(&b'\n') {
            what = what.replace(" at line 1 column ", " at column ");
        }
        what = what.replace("expected ident", "expected `true`, `false` or `null`");
        match error.classify() {
            Category::Data if what.starts_with(TOO_LARGE) => Refusal::TooLarge(format!("{name} has {what}")),
            Category::Data => Refusal::Malformed(format!("{name}: {what}")),
            _ => Refusal::Malformed(format!("{name} is no JSON: {what}{}", hint(text, &error))),
        }
    })
}

/// What many programs write where JSON has nothing to say.
fn hint(text: &[u8], error: &serde_json::Error) -> &'static str {
    let line = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let rest = line.get(error.column().saturating_sub(1)..).unwrap_or_default();
    let is_there = |word: &str| rest.starts_with(word.as_bytes()) || rest.starts_with(&word.as_bytes()[1..]);
    if text.starts_with(b"\xef\xbb\xbf") {
        return "; it begins with a byte order mark, which JSON has none of";
    }
    if ["NaN", "Infinity", "-Infinity"].into_iter().any(is_there) {
        return "; it has no NaN and no infinity: a missing number is `null`";
    }
    ""
}

const TOO_LARGE: &str = "more values than 256 MiB of memory hold";

/// The members of an object; None of anything else.
pub fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) if too_large_in(&object).is_none() => Some(object),
        _ => None,
    }
}

fn strictly(text: &[u8]) -> Result<Value, serde_json::Error> {
    let mut from = serde_json::Deserializer::from_slice(text);
    let value = Strictly(&Cell::new(VALUES_BYTES_MAX)).deserialize(&mut from)?;
    from.end().map(|()| value)
}

/// The text with something else in the place of each number that is too large; None if it has no such number.
fn with_large_set_apart(text: &[u8]) -> Option<Vec<u8>> {
    // Of others it is enough that no cell is like them.
    const TOLD: usize = 1000;
    let (mut apart, mut kept, mut count, mut at) = (Vec::new(), 0, 0, 0);
    while let Some(byte) = text.get(at) {
        let end = match byte {
            b'"' => string_end(text, at),
            b'-' | b'0'..=b'9' => at + text[at..].iter().take_while(|byte| is_of_number(**byte)).count(),
            _ => at + 1,
        };
        if let Some(number) = large(&text[at..end]) {
            apart.extend_from_slice(&text[kept..at]);
            let stands = if count < TOLD { too_large(number).to_string() } else { "{}".to_owned() };
            apart.extend_from_slice(stands.as_bytes());
            (kept, count) = (end, count + 1);
        }
        at = end;
    }
    apart.extend_from_slice(&text[kept..]);
    (count > 0).then_some(apart)
}

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// The number, if the text is one, and no float holds it.
fn large(text: &[u8]) -> Option<&str> {
    let is_number = is_of_number(*text.first()?) && serde_json::from_slice::<IgnoredAny>(text).is_ok();
    (is_number && serde_json::from_slice::<f64>(text).is_err()).then(|| std::str::from_utf8(text).expect("it is ASCII"))
}

/// Where a string ends that starts there.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Reads a value, as long as memory is left for it.
#[derive(Clone, Copy)]
struct Strictly<'l>(&'l Cell<usize>);

impl Strictly<'_> {
    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| E::custom(TOO_LARGE))?;
        self.0.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strictly<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strictly<'_> {
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
        while let Some(item) = items.next_element_seed(self)? {
            let before = list.capacity();
            list.push(item);
            self.take((list.capacity() - before) * size_of::<Value>())?;
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.take(name.len() + OF_MEMBER + if object.is_empty() { OF_OBJECT } else { 0 })?;
            match object.entry(name) {
                Entry::Vacant(free) => drop(free.insert(members.next_value_seed(self)?)),
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

    fn read(text: &[u8]) -> Result<Value, Refusal> {
        parse(text, "the body")
    }

    fn refused(text: &[u8]) -> String {
        match read(text) {
            Err(Refusal::Malformed(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn two_members_of_one_name_are_refused() {
        insta::assert_snapshot!(refused(br#"[{"a": 1, "b": 2, "a": 1}]"#), @"the body: the object has `a` twice at column 21");
        assert!(read(br#"[{"a": 1}, {"a": 1}]"#).is_ok());
    }

    #[test]
    fn what_other_programs_write_is_told() {
        insta::assert_snapshot!(refused(br#"{"a": NaN}"#), @"the body is no JSON: expected value at column 7; it has no NaN and no infinity: a missing number is `null`");
        insta::assert_snapshot!(refused(br#"{"a": -Infinity}"#), @"the body is no JSON: invalid number at column 8; it has no NaN and no infinity: a missing number is `null`");
        insta::assert_snapshot!(refused(b"\xef\xbb\xbf{}"), @"the body is no JSON: expected value at column 1; it begins with a byte order mark, which JSON has none of");
    }

    #[test]
    fn values_that_take_far_more_memory_than_their_text_are_refused() {
        let (nested, objects) = ("[0],", r#"{"":0},"#);
        for (part, count, is_read) in [
            ("0,", 1_500_000, true),
            ("0,", 5_000_000, false),
            (nested, 500_000, true),
            (nested, 1_000_000, false),
            (objects, 300_000, true),
            (objects, 1_000_000, false),
        ] {
            let text = format!("[{}0]", part.repeat(count));
            match read(text.as_bytes()) {
                Ok(_) => assert!(is_read, "{count} × {part}"),
                Err(Refusal::TooLarge(_)) => assert!(!is_read, "{count} × {part}"),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_set_apart() {
        let check = |text: &str, number: &str| {
            let value = read(text.as_bytes()).unwrap_or_else(|what| panic!("{text}: {what:?}"));
            assert_eq!(
                value,
                serde_json::json!([{ "a \"1e400\\": too_large(number), "b": "-1e400", "c": 1 }]),
                "{text}"
            );
        };
        let long = "9".repeat(400);
        for number in ["1e400", "-1E+400", "18.5e307", &long] {
            check(&format!(r#"[{{"a \"1e400\\": {number},"b":"-1e400","c":1}}]"#), number);
        }
        for text in ["01e400", "1e400x", "[1e400", r#"{1e400: 1}"#, "1e400 2", "1e", "\"\\", "-"] {
            read(text.as_bytes()).expect_err(text);
        }
        assert_eq!(object(read(b"1e400").expect("JSON")), None);
        assert!(object(read(br#"{"a": 1e400}"#).expect("JSON")).is_some());
        let many = read(format!("[{}]", ["1e400"; 1500].join(",")).as_bytes()).expect("JSON");
        assert!(many.as_array().is_some_and(|many| many.len() == 1500 && many.iter().all(Value::is_object)));
    }

    proptest! {
        #[test]
        fn anything_else_is_as_serde_json_has_it(text in r#"(\[|\]|\{|\}|,|:|"a"|"b"|-?1|0\.1|1e9|18446744073709551615|null|true| ){0,12}"#) {
            let ours = read(text.as_bytes());
            let theirs: Result<Value, _> = serde_json::from_str(&text);
            match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
                (Err(_), Err(_)) => {}
                (Err(what), Ok(_)) => prop_assert!(format!("{what:?}").contains("twice"), "{what:?}"),
                (Ok(_), Err(what)) => prop_assert!(what.to_string().contains("out of range"), "{}", what),
            }
        }
    }
}
