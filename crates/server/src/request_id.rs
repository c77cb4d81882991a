//! Names of requests: what a client, or a proxy before us, calls them in `X-Request-Id`; so that its log and ours, or a person
//! who asks why, speak of the same one.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer one is not repeated.
const LENGTH_MAX: usize = 128;

/// The name that a request has, if it may stand in a URI as it is.
pub(crate) fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let name = headers.get(REQUEST_ID)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    (!name.is_empty() && name.len() <= LENGTH_MAX && name.as_bytes().iter().all(plain)).then(|| name.clone())
}

/// A name for a request that has none.
pub(crate) fn make() -> HeaderValue {
    let mut bytes = [0; 16];
    // Without randomness names are all the same; that is no reason to answer less.
    let _ = getrandom::fill(&mut bytes);
    let name = format!("{:032x}", u128::from_be_bytes(bytes));
    HeaderValue::from_str(&name).expect("digits and letters")
}
