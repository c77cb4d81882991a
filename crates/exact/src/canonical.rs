//! One hash for everything that has an address, and one JSON for everything that is hashed as text.

mod text;
mod together;
mod written;

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

pub use text::CanonicalText;
use written::AsWritten;

/// The BLAKE3 hash of a canonical encoding; 64 hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The first 12 hex digits.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }

    /// The first 16 bytes.
    pub fn first16(&self) -> [u8; 16] {
        *self.0.first_chunk().expect("16 of 32 bytes")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// A text that is not 64 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADigest;

impl fmt::Display for NotADigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a digest is 64 lower-case hex digits")
    }
}

impl std::error::Error for NotADigest {}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Digest, NotADigest> {
        let digest = Digest(*blake3::Hash::from_hex(text).map_err(|_| NotADigest)?.as_bytes());
        // One digest, one text: upper case is another.
        if digest.to_string() == text { Ok(digest) } else { Err(NotADigest) }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Hashes typed values, each tagged and of known length, so that no two sequences of values share bytes.
///
/// Values gather in one buffer that is hashed at the end, which is what BLAKE3 is fast at. For
/// many small rows keep one hasher and `reset` it after each: a row of three values takes 0.1 µs.
#[derive(Clone, Debug)]
pub struct Hasher {
    buffer: Vec<u8>,
    start: usize,
    /// What was hashed already, since it was too long to gather: the buffer up to its start, and values.
    hashed: Option<blake3::Hasher>,
}

/// So many bytes are hashed where they are: to gather them would take as much memory again.
const GATHERED: usize = 1 << 16;
/// So many by several threads.
const LARGE: usize = 1 << 20;

impl Hasher {
    /// A hasher for one purpose; equal values under another domain have another hash.
    pub fn new(domain: &str) -> Hasher {
        let mut hasher = Hasher { buffer: Vec::with_capacity(256), start: 0, hashed: None };
        hasher.str(domain);
        hasher.start = hasher.buffer.len();
        hasher
    }

    /// Forgets all values, but not the domain.
    pub fn reset(&mut self) -> &mut Hasher {
        self.hashed = None;
        self.buffer.truncate(self.start);
        self
    }

    /// A text.
    pub fn str(&mut self, text: &str) -> &mut Hasher {
        self.tagged(b's', text.as_bytes())
    }

    /// Bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Hasher {
        self.tagged(b'b', bytes)
    }

    /// A natural number.
    pub fn u64(&mut self, n: u64) -> &mut Hasher {
        self.word(b'u', n)
    }

    /// An integer.
    pub fn i64(&mut self, n: i64) -> &mut Hasher {
        self.word(b'i', n as u64)
    }

    /// A float. −0 is 0; NaN is null.
    pub fn f64(&mut self, x: f64) -> &mut Hasher {
        if x.is_nan() { self.null() } else { self.word(b'f', (x + 0.0).to_bits()) }
    }

    /// True or false.
    pub fn bool(&mut self, yes: bool) -> &mut Hasher {
        self.buffer.push(if yes { b'y' } else { b'n' });
        self
    }

    /// A missing value.
    pub fn null(&mut self) -> &mut Hasher {
        self.buffer.push(b'0');
        self
    }

    /// The start of a list of `length` values, which follow.
    pub fn list(&mut self, length: usize) -> &mut Hasher {
        self.length(b'l', length)
    }

    /// The hash of the domain and all values since the start or the last `reset`.
    pub fn finish(&self) -> Digest {
        let hash = match &self.hashed {
            Some(hashed) => hashed.clone().update(&self.buffer[self.start..]).finalize(),
            None => blake3::hash(&self.buffer),
        };
        Digest(*hash.as_bytes())
    }

    /// What `finish` gives for each of some hashers: many short rows take a sixth of the time together.
    pub fn finish_all(hashers: &[Hasher]) -> Vec<Digest> {
        if hashers.iter().any(|one| one.hashed.is_some() || one.buffer.len() > together::BYTES_MAX) {
            return hashers.iter().map(Hasher::finish).collect();
        }
        together::hash_all(hashers.iter().map(|one| &one.buffer[..])).into_iter().map(Digest).collect()
    }

    /// The first 16 bytes of the hash.
    pub fn finish16(&self) -> [u8; 16] {
        self.finish().first16()
    }

    #[inline]
    fn tagged(&mut self, tag: u8, bytes: &[u8]) -> &mut Hasher {
        self.length(tag, bytes.len());
        if bytes.len() < GATHERED {
            self.buffer.extend_from_slice(bytes)
        } else {
            self.hash(bytes)
        }
        self
    }

    /// Hashes what has gathered, and then bytes where they are.
    fn hash(&mut self, bytes: &[u8]) {
        let gathered = if self.hashed.is_some() { self.start } else { 0 };
        let hashed = self.hashed.get_or_insert_default();
        hashed.update(&self.buffer[gathered..]);
        if bytes.len() < LARGE {
            hashed.update(bytes);
        } else {
            hashed.update_rayon(bytes);
        }
        self.buffer.truncate(self.start);
    }

    /// A tag and a length in groups of seven bits, the least first.
    #[inline]
    fn length(&mut self, tag: u8, mut length: usize) -> &mut Hasher {
        self.buffer.push(tag);
        while length > 0x7f {
            self.buffer.push(length as u8 | 0x80);
            length >>= 7;
        }
        self.buffer.push(length as u8);
        self
    }

    #[inline]
    fn word(&mut self, tag: u8, word: u64) -> &mut Hasher {
        let mut bytes = [tag; 9];
        bytes[1..].copy_from_slice(&word.to_le_bytes());
        self.buffer.extend_from_slice(&bytes);
        self
    }
}

/// The canonical JSON of a value: RFC 8785, and integers beyond 2^53 as strings, since JSON numbers are floats.
///
/// # Panics
/// If a number is NaN or infinite, or a value has no JSON form.
pub fn canonical_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(&AsWritten(value)).expect("plain data with finite numbers")
}

/// The value that is read of it.
///
/// # Panics
/// As `canonical_json`.
pub fn canonical_value<T: Serialize>(value: &T) -> Value {
    CanonicalText::of(value).value()
}

/// Integers beyond this are no floats, or not theirs alone.
const EXACT: u64 = 1 << 53;

fn is_large(number: &Number) -> bool {
    number.as_u64().or(number.as_i64().map(i64::unsigned_abs)).is_some_and(|n| n > EXACT)
}

/// A value that was read from canonical JSON: what is a number of digits there and beyond 2^53 is a float.
#[derive(Clone, PartialEq, Debug)]
pub struct CanonicalValue(pub Value);

impl<'de> Deserialize<'de> for CanonicalValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<CanonicalValue, D::Error> {
        let mut value = Value::deserialize(from)?;
        large_digits_to_floats(&mut value);
        Ok(CanonicalValue(value))
    }
}

fn large_digits_to_floats(value: &mut Value) {
    match value {
        Value::Number(number) if is_large(number) => *value = Value::from(number.as_f64()),
        Value::Array(values) => values.iter_mut().for_each(large_digits_to_floats),
        Value::Object(members) => members.values_mut().for_each(large_digits_to_floats),
        _ => {}
    }
}

/// A value as a field of what is read from canonical JSON: see [`CanonicalValue`].
///
/// # Errors
/// What is no JSON.
pub fn value<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
    CanonicalValue::deserialize(from).map(|CanonicalValue(value)| value)
}

/// An integer as a field of what is read from canonical JSON, or from bytes that hold integers as they are.
///
/// # Errors
/// What is no such integer.
pub fn integer<'de, T: Deserialize<'de> + FromStr, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "an integer of 64 bits")]
    enum Written<T> {
        Digits(T),
        Text(String),
    }
    if !from.is_human_readable() {
        return T::deserialize(from);
    }
    match Written::deserialize(from)? {
        Written::Digits(integer) => Ok(integer),
        Written::Text(text) => text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no integer of 64 bits"))),
    }
}

/// The integer that canonical JSON writes as this text, if it is one: beyond 2^53, and written in one way.
pub fn large_integer(text: &str) -> Option<i64> {
    let integer: i64 = text.parse().ok()?;
    (integer.unsigned_abs() > EXACT && integer.to_string() == text).then_some(integer)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use serde_json::json;

    use super::*;

    #[test]
    fn digests_are_golden() {
        let mut hasher = Hasher::new("test");
        let empty = hasher.finish();
        hasher.str("naïve").bytes(&[0, 255]).u64(7).i64(-7).f64(0.1).bool(true).null().list(300);
        insta::assert_snapshot!(empty, @"4d04f25532092952245f5591c2f32a239ce48908f42060a3547bde20e5ccfc0f");
        insta::assert_snapshot!(hasher.finish(), @"baed0016513b23fec64edeb7a4e09a36d24624e0b5ab292f32dbb72e3cad8c52");
        assert_eq!(hasher.finish16(), hasher.finish().0[..16]);
        // The same bytes, written by hand.
        let mut bytes = b"s\x04tests\x06na\xc3\xafveb\x02\x00\xffu\x07\0\0\0\0\0\0\0i\xf9".to_vec();
        bytes.extend([0xff; 7]);
        bytes.extend(b"f\x9a\x99\x99\x99\x99\x99\xb9\x3fy0l\xac\x02");
        assert_eq!(hasher.finish().0, *blake3::hash(&bytes).as_bytes());
    }

    #[test]
    fn no_two_sequences_of_values_share_a_digest() {
        let digest = |f: &dyn Fn(&mut Hasher)| {
            let mut hasher = Hasher::new("test");
            f(&mut hasher);
            hasher.finish()
        };
        let long = "x".repeat(200);
        let all = [
            digest(&|_| {}),
            digest(&|h| _ = h.str("")),
            digest(&|h| _ = h.str("ab").str("c")),
            digest(&|h| _ = h.str("a").str("bc")),
            digest(&|h| _ = h.str("abc")),
            digest(&|h| _ = h.bytes(b"abc")),
            digest(&|h| _ = h.str(&long)),
            digest(&|h| _ = h.u64(1)),
            digest(&|h| _ = h.i64(1)),
            digest(&|h| _ = h.f64(1.0)),
            digest(&|h| _ = h.bool(true)),
            digest(&|h| _ = h.bool(false)),
            digest(&|h| _ = h.null()),
            digest(&|h| _ = h.list(0)),
            digest(&|h| _ = h.list(1).null()),
            Hasher::new("other").finish(),
            Hasher::new("te").str("st").finish(),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn zero_has_one_hash_and_nan_is_null() {
        let digest = |x: f64| Hasher::new("test").f64(x).finish();
        assert_eq!(digest(-0.0), digest(0.0));
        assert_eq!(digest(-f64::NAN), Hasher::new("test").null().finish());
    }

    #[test]
    fn a_reset_leaves_the_domain() {
        let mut hasher = Hasher::new("test");
        let first = hasher.u64(1).finish();
        assert_eq!(hasher.reset().u64(1).finish(), first);
        assert_eq!(hasher.reset().finish(), Hasher::new("test").finish());
    }

    /// What is too long to gather is hashed where it is, to the same digest.
    #[test]
    fn large_values_have_the_digest_of_their_encoding() {
        let large = vec![7_u8; LARGE];
        let mut hasher = Hasher::new("test");
        hasher.u64(1).bytes(&large).bytes(b"x").bytes(&large).bool(true);
        let length = [b'b', 0x80, 0x80, 0x40];
        let mut encoded = b"s\x04testu\x01\0\0\0\0\0\0\0".to_vec();
        encoded.extend(length.iter().chain(&large).chain(b"b\x01x").chain(&length).chain(&large).chain(b"y"));
        assert_eq!(hasher.finish(), Digest(*blake3::hash(&encoded).as_bytes()));
        assert_eq!(hasher.reset().finish(), Hasher::new("test").finish());
    }

    #[test]
    fn digests_are_lower_case_hex_and_nothing_else() {
        let digest = Hasher::new("test").finish();
        let text = digest.to_string();
        assert_eq!(digest.short(), text[..12]);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(text.to_uppercase().parse::<Digest>(), Err(NotADigest));
        assert_eq!(text[1..].parse::<Digest>(), Err(NotADigest));
        let json = serde_json::to_string(&digest).expect("a string");
        assert_eq!(json, format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Digest>(&json).expect("a digest"), digest);
    }

    #[track_caller]
    fn check(value: &impl Serialize, expected: &str) {
        assert_eq!(String::from_utf8(canonical_json(value)).expect("JSON is text"), expected);
    }

    #[test]
    fn json_is_canonical() {
        check(
            &json!({"b": [1, 2.5, -0.0, 1e21, 1e-7], "a": null, "é": "\u{1}\n\"/", "B": true}),
            "{\"B\":true,\"a\":null,\"b\":[1,2.5,0,1e+21,1e-7],\"é\":\"\\u0001\\n\\\"/\"}",
        );
        check(
            &BTreeMap::from([("€", 1), ("\r", 2), ("😀", 3), ("\u{fb33}", 4)]),
            "{\"\\r\":2,\"€\":1,\"😀\":3,\"\u{fb33}\":4}",
        );
    }

    #[test]
    fn integers_beyond_floats_are_strings() {
        check(
            &[1_u64 << 53, (1 << 53) + 1, u64::MAX],
            "[9007199254740992,\"9007199254740993\",\"18446744073709551615\"]",
        );
        check(&[-(1_i64 << 53), i64::MIN], "[-9007199254740992,\"-9223372036854775808\"]");
        check(&1e300, "1e+300");
    }

    #[test]
    fn nan_has_no_json() {
        for bad in [f64::NAN, f64::INFINITY] {
            let refused = std::panic::catch_unwind(|| canonical_json(&json_of(bad)));
            assert!(refused.is_err(), "{bad}");
        }
    }

    fn json_of(x: f64) -> BTreeMap<&'static str, Vec<f64>> {
        BTreeMap::from([("x", vec![x])])
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        #[derive(PartialEq, Debug, Serialize, Deserialize)]
        struct Read {
            #[serde(deserialize_with = "value")]
            any: Value,
            #[serde(deserialize_with = "integer")]
            large: i64,
            #[serde(deserialize_with = "integer")]
            seed: u64,
            float: f64,
        }
        let floats: [f64; 8] = [1e17, -1e17, 85_428_352_309_453_310.0, 9_007_199_254_740_994.0, 1e20, 1e300, 0.1, 3.0];
        let written = Read {
            any: json!({ "floats": floats, "large": "9007199254740993", "small": [1, -1, 9_007_199_254_740_992_i64] }),
            large: i64::MIN,
            seed: u64::MAX,
            float: 1e18,
        };
        let bytes = canonical_json(&written);
        let read: Read = serde_json::from_slice(&bytes).expect("it was written");
        assert_eq!(canonical_json(&read), bytes);
        assert_eq!((read.large, read.seed, read.float), (i64::MIN, u64::MAX, 1e18));
        for (value, float) in read.any["floats"].as_array().expect("a list").iter().zip(floats) {
            assert_eq!(value.as_f64().map(f64::to_bits), Some(float.to_bits()));
        }
        assert!(serde_json::from_str::<Read>(r#"{"any":0,"large":"x","seed":0,"float":0}"#).is_err());
        assert_eq!(large_integer("9007199254740993"), Some(9_007_199_254_740_993));
        for text in ["9007199254740992", "+9007199254740993", "09007199254740993", "1e17", ""] {
            assert_eq!(large_integer(text), None, "{text}");
        }
    }
}
