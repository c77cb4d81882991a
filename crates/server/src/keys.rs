//! API keys: who may ask. A server knows their hashes only.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::names::{NAME_BYTES_MAX, is_name};
use crate::rate::{PER_SECOND_MAX, Rate};

/// The start of every key, so that a leaked one is known for what it is.
const PREFIX: &str = "evk_";
const KEY_BYTES: usize = 32;

/// The keys that a server takes, as a TOML file has them: `[[key]]` with `name`, `sha256` and perhaps `requests_per_second`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeys {
    #[serde(default, rename = "key")]
    keys: Vec<ApiKey>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApiKey {
    name: String,
    /// Of the key, in hex. A key has 256 random bits, so no slow hash is called for.
    sha256: String,
    /// As many as come, if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_second: Option<f64>,
    #[serde(skip)]
    rate: Option<Arc<Rate>>,
}

/// Keys that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file can't be read.
    #[error("it can't be read: {0}")]
    Unread(#[from] std::io::Error),
    /// The file doesn't parse, at that line and column. What stands there may be a key, and is told nobody.
    #[error("{0}")]
    Malformed(String),
    /// A hash isn't one.
    #[error("the `sha256` of `{0}` isn't 64 hex digits")]
    NoHash(String),
    /// A second key of a name.
    #[error("there is a key named `{0}` already")]
    Named(String),
    /// A name that nobody could read.
    #[error("a name has 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` or `.`, and `{0}` has not")]
    BadName(String),
    /// A number of requests that none is.
    #[error("the `requests_per_second` of `{0}` is above 0 and up to {PER_SECOND_MAX}, such as 10 or 0.5, or left out")]
    NoRate(String),
    /// The host gives no random bits.
    #[error("no random bits: {0}")]
    Random(getrandom::Error),
}

fn malformed(text: &str, error: &toml::de::Error) -> KeysError {
    KeysError::Malformed(placed(text, error))
}

/// The error with its line and column, without what stands there: it may be a secret that was put into the wrong file.
pub(crate) fn placed(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {}, column {column}: {}", before.matches('\n').count() + 1, unvalued(error.message()).trim_end())
}

/// What serde says, without the value that it didn't expect: `invalid type, expected a sequence`. A name that is no longer than a word is
/// one that was mistyped.
fn unvalued(message: &str) -> String {
    const WORD: usize = 24;
    let kinds = ["invalid type", "invalid value", "unknown field", "unknown variant"];
    let Some(kind) = kinds.into_iter().find(|kind| message.starts_with(kind)) else { return message.to_owned() };
    if kind == "unknown field" && message.split('`').nth(1).is_some_and(|name| name.len() <= WORD) {
        return message.to_owned();
    }
    message.rsplit_once(", expected ").map_or_else(|| kind.to_owned(), |(_, known)| format!("{kind}, expected {known}"))
}

impl ApiKeys {
    /// The keys of a file's text.
    ///
    /// # Errors
    /// Text that isn't such a file, a hash that isn't one, a name that stands twice.
    pub fn parse(text: &str) -> Result<ApiKeys, KeysError> {
        let mut keys: ApiKeys = toml::from_str(text).map_err(|error| malformed(text, &error))?;
        for key in &mut keys.keys {
            check_name(&key.name)?;
            key.rate = rate(&key.name, key.requests_per_second)?;
        }
        for (at, key) in keys.keys.iter().enumerate() {
            let is_hash = key.sha256.len() == 64 && key.sha256.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
            if !is_hash {
                return Err(KeysError::NoHash(key.name.clone()));
            }
            if keys.keys[..at].iter().any(|other| other.name == key.name) {
                return Err(KeysError::Named(key.name.clone()));
            }
        }
        Ok(keys)
    }

    /// Adds a new key, and gives it: it is nowhere else.
    ///
    /// # Errors
    /// A name that is taken or can't be read, a rate that is none, or a host without random bits.
    pub fn add(&mut self, name: &str, requests_per_second: Option<f64>) -> Result<String, KeysError> {
        check_name(name)?;
        let rate = rate(name, requests_per_second)?;
        if self.keys.iter().any(|key| key.name == name) {
            return Err(KeysError::Named(name.to_owned()));
        }
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(KeysError::Random)?;
        let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        let (name, sha256) = (name.to_owned(), hash(key.as_bytes()));
        self.keys.push(ApiKey { name, sha256, requests_per_second, rate });
        Ok(key)
    }

    /// The file's text.
    pub fn text(&self) -> String {
        toml::to_string(self).expect("names and hashes are plain data")
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The name of the key that a request shows.
    pub(crate) fn named(&self, headers: &HeaderMap) -> Option<&str> {
        Some(&self.shown(headers)?.name)
    }

    /// The same of a request that counts; or how long its client has to wait, that asks more often than it may.
    pub(crate) fn admitted(&self, headers: &HeaderMap) -> Option<Result<&str, Duration>> {
        let key = self.shown(headers)?;
        let taken = key.rate.as_ref().map_or(Ok(()), |rate| rate.take());
        Some(taken.map(|()| key.name.as_str()))
    }

    /// The key that a request shows: `Authorization: Bearer KEY`, or `X-API-Key: KEY`. Hashes are compared, so how long that
    /// takes tells nothing of a key.
    fn shown(&self, headers: &HeaderMap) -> Option<&ApiKey> {
        let shown = match headers.get(header::AUTHORIZATION) {
            Some(value) => bearer(value.as_bytes())?,
            None => headers.get("x-api-key")?.as_bytes(),
        };
        let hash = hash(shown);
        self.keys.iter().find(|key| key.sha256 == hash)
    }
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(key.trim_ascii())
}

fn check_name(name: &str) -> Result<(), KeysError> {
    if is_name(name) { Ok(()) } else { Err(KeysError::BadName(name.to_owned())) }
}

fn rate(name: &str, per_second: Option<f64>) -> Result<Option<Arc<Rate>>, KeysError> {
    let Some(per_second) = per_second else { return Ok(None) };
    if per_second > 0.0 && per_second <= PER_SECOND_MAX {
        return Ok(Some(Arc::new(Rate::of(per_second))));
    }
    Err(KeysError::NoRate(name.to_owned()))
}

/// The SHA-256 in hex.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("a value"))])
    }

    #[test]
    fn a_file_that_does_not_parse_is_told_by_its_place_alone() {
        let told = |text: &str| ApiKeys::parse(text).expect_err("it doesn't parse").to_string();
        let unquoted = told("[[key]]\nname = \"a\"\nsha256 = evk_secret\n");
        assert!(unquoted.starts_with("line 3, column 10: ") && !unquoted.contains("evk_"), "{unquoted}");
        for text in [
            "[[key]]\nname = \"a\"\nkey = \"evk_secret\"\n",
            "key = \"evk_secret\"",
            "evk_0123456789abcdef0123456789abcdef = 1",
        ] {
            assert!(!told(text).contains("evk_"), "{}", told(text));
        }
    }

    #[test]
    fn a_key_is_known_by_its_hash_in_either_header() {
        let mut keys = ApiKeys::default();
        let crm = keys.add("crm", None).expect("a name");
        let other = keys.add("batch-2", Some(0.5)).expect("a name");
        let keys = ApiKeys::parse(&keys.text()).expect("it reads what it wrote");
        assert!(!keys.text().contains(&crm[PREFIX.len()..]));
        assert_eq!(keys.named(&headers("authorization", &format!("Bearer {crm}"))), Some("crm"));
        assert_eq!(keys.named(&headers("authorization", &format!("bearer {other}"))), Some("batch-2"));
        assert_eq!(keys.named(&headers("x-api-key", &crm)), Some("crm"));
        for wrong in ["", "Bearer", "Bearer ", "Basic abc", &crm[..crm.len() - 1], crm.as_str()] {
            assert_eq!(keys.named(&headers("authorization", wrong)), None, "{wrong}");
        }
        assert_eq!(keys.named(&HeaderMap::new()), None);
        let admitted = |key: &str| keys.admitted(&headers("x-api-key", key)).map(|admitted| admitted.is_ok());
        assert_eq!([(); 2].map(|()| admitted(&crm)), [Some(true), Some(true)]);
        assert_eq!([(); 2].map(|()| admitted(&other)), [Some(true), Some(false)]);
        assert_eq!(admitted("evk_x"), None);
    }

    #[test]
    fn files_that_hold_no_keys_are_refused() {
        let said = |text: &str| ApiKeys::parse(text).expect_err("it is refused").to_string();
        let hash = "0".repeat(64);
        assert!(said("key = 3").contains("line 1"));
        assert!(said(&format!("[[key]]\nname = \"a\"\nsha256 = \"{}\"", &hash[1..])).contains("64 hex digits"));
        assert!(said(&format!("[[key]]\nname = \"a b\"\nsha256 = \"{hash}\"")).contains("`a b`"));
        let one = format!("[[key]]\nname = \"a\"\nsha256 = \"{hash}\"\n");
        assert!(said(&one.repeat(2)).contains("already"));
        for rate in ["0", "-1", "nan", "inf", "2e6"] {
            assert!(said(&format!("{one}requests_per_second = {rate}")).contains("such as 10 or 0.5"), "{rate}");
        }
        assert!(said(&format!("{one}requests_per_second = \"10\"")).contains("line 4"));
        ApiKeys::parse(&format!("{one}requests_per_second = 10")).expect("a whole number");
        assert!(ApiKeys::parse("").expect("it is empty").is_empty());
    }
}
