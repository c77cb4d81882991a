//! One hash for everything that has an address, and one JSON for everything that is hashed as text.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The BLAKE3 hash of a canonical encoding; 64 hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The first 12 hex digits.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
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
        let digest = Digest(
            *blake3::Hash::from_hex(text)
                .map_err(|_| NotADigest)?
                .as_bytes(),
        );
        // One digest, one text: upper case is another.
        if digest.to_string() == text {
            Ok(digest)
        } else {
            Err(NotADigest)
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Hashes typed values, each tagged and of known length, so that no two sequences of values share bytes.
///
/// Values gather in one buffer that is hashed at the end: for many small rows keep one
/// hasher and `reset` it after each.
#[derive(Clone, Debug)]
pub struct Hasher {
    buffer: Vec<u8>,
    start: usize,
}

impl Hasher {
    /// A hasher for one purpose; equal values under another domain have another hash.
    pub fn new(domain: &str) -> Hasher {
        let mut hasher = Hasher {
            buffer: Vec::with_capacity(256),
            start: 0,
        };
        hasher.str(domain);
        hasher.start = hasher.buffer.len();
        hasher
    }

    /// Forgets all values, but not the domain.
    pub fn reset(&mut self) -> &mut Hasher {
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
        if x.is_nan() {
            self.null()
        } else {
            self.word(b'f', (x + 0.0).to_bits())
        }
    }

    /// True or false.
    pub fn bool(&mut self, yes: bool) -> &mut Hasher {
        self.buffer.push(if yes { b't' } else { b'n' });
        self
    }

    /// A missing value.
    pub fn null(&mut self) -> &mut Hasher {
        self.buffer.push(b'0');
        self
    }

    /// The start of a list of `length` values, which follow.
    pub fn list(&mut self, length: usize) -> &mut Hasher {
        self.word(b'l', length as u64)
    }

    /// The hash of the domain and all values since the start or the last `reset`.
    pub fn finish(&self) -> Digest {
        Digest(*blake3::hash(&self.buffer).as_bytes())
    }

    /// The first 16 bytes of the hash.
    pub fn finish16(&self) -> [u8; 16] {
        self.finish().0[..16].try_into().expect("16 of 32 bytes")
    }

    #[inline]
    fn tagged(&mut self, tag: u8, bytes: &[u8]) -> &mut Hasher {
        self.word(tag, bytes.len() as u64)
            .buffer
            .extend_from_slice(bytes);
        self
    }

    #[inline]
    fn word(&mut self, tag: u8, word: u64) -> &mut Hasher {
        self.buffer.push(tag);
        self.buffer.extend_from_slice(&word.to_le_bytes());
        self
    }
}

/// The canonical JSON of a value: RFC 8785, integers beyond 2^53 as strings.
///
/// # Panics
/// If a number is NaN or infinite, or a value has no JSON form.
pub fn canonical_json<T: Serialize>(value: &T) -> Vec<u8> {
    // A `Value` has no NaN: it would turn to null unseen. The first writer refuses it.
    serde_json_canonicalizer::to_writer(value, &mut std::io::sink())
        .expect("plain data with finite numbers");
    let mut value = serde_json::to_value(value).expect("plain data");
    large_integers_to_strings(&mut value);
    serde_json_canonicalizer::to_vec(&value).expect("plain data")
}

fn large_integers_to_strings(value: &mut Value) {
    const EXACT: u64 = 1 << 53;
    match value {
        Value::Number(number) => {
            let magnitude = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
            if magnitude.is_some_and(|n| n > EXACT) {
                *value = Value::String(number.to_string());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(large_integers_to_strings),
        Value::Object(members) => members.values_mut().for_each(large_integers_to_strings),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
