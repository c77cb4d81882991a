//! Names that people give, of keys, models, versions and aliases: they stand in paths, lists and lines of a log as they are.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The longest name, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 64;

/// Whether a name has 1 to 64 letters, digits, `-`, `_` or `.`, and isn't only dots, which a path would lose.
pub(crate) fn is_name(name: &str) -> bool {
    let is_plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c));
    is_plain && (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().any(|c| c != b'.')
}

/// What is escaped in a path: all but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of a version of a model, whatever they are called.
pub fn path_of(model: &str, version: &str) -> String {
    let escaped = |name| utf8_percent_encode(name, ESCAPED);
    format!("/models/{}/versions/{}", escaped(model), escaped(version))
}

/// The names in the path of a request.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<InPath<T>, Problem> {
        let names = Path::from_request_parts(parts, state).await;
        names.map(|Path(names)| InPath(names)).map_err(|_| Problem::malformed("the path is no UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_holds_any_name() {
        assert_eq!(path_of("houses-2.1_b", "v1"), "/models/houses-2.1_b/versions/v1");
        assert_eq!(path_of("Prix à 5%?", "1"), "/models/Prix%20%C3%A0%205%25%3F/versions/1");
    }
}
