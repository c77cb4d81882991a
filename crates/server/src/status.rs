//! How a call of gRPC ended: a code and a text, after the answer or in its place.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// What bodies of gRPC are.
pub(crate) const GRPC: &str = "application/grpc";
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// How messages may be compressed. A client that said another way asks again by one of these.
const ACCEPTED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("grpc-accept-encoding"), HeaderValue::from_static("identity,gzip,deflate,zstd"));
/// Clients refuse a status of more than 8 KiB, and a byte may take three.
const TEXT_BYTES_MAX: usize = 2 << 10;

/// Whether a request is a call of gRPC.
pub(crate) fn is_call(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    // What encodes the messages may be named: `application/grpc+proto`.
    kind.strip_prefix(GRPC.as_bytes()).is_some_and(|rest| rest.first().is_none_or(|next| b"+;".contains(next)))
}

/// What follows an answer that went well.
#[cfg(feature = "grpc")]
pub(crate) fn ok() -> HeaderMap {
    HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))])
}

/// A problem in place of an answer.
pub(crate) fn of(problem: &Problem) -> Response {
    let mut text = problem.in_words();
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    let text = HeaderValue::from_str(&encoded(&text)).expect("it is plain text");
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(GRPC)),
        (STATUS, code(problem.status()).into()),
        (MESSAGE, text),
        ACCEPTED,
    ];
    (head, Body::empty()).into_response()
}

/// The code of a status (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>).
fn code(status: StatusCode) -> u16 {
    const INVALID_ARGUMENT: u16 = 3;
    const DEADLINE_EXCEEDED: u16 = 4;
    const NOT_FOUND: u16 = 5;
    const PERMISSION_DENIED: u16 = 7;
    const RESOURCE_EXHAUSTED: u16 = 8;
    const UNIMPLEMENTED: u16 = 12;
    const INTERNAL: u16 = 13;
    const UNAVAILABLE: u16 = 14;
    const UNAUTHENTICATED: u16 = 16;
    match status {
        StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
        StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => PERMISSION_DENIED,
        StatusCode::NOT_FOUND => NOT_FOUND,
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => DEADLINE_EXCEEDED,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS => RESOURCE_EXHAUSTED,
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::NOT_IMPLEMENTED => {
            UNIMPLEMENTED
        }
        StatusCode::SERVICE_UNAVAILABLE => UNAVAILABLE,
        StatusCode::INTERNAL_SERVER_ERROR => INTERNAL,
        _ => INVALID_ARGUMENT,
    }
}

/// A text as a header takes it: what isn't printed in ASCII, and what stands for it, as bytes in hex.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | 0..b' ' | 0x7f.. => encoded.push_str(&format!("%{byte:02X}")),
            plain => encoded.push(char::from(plain)),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_what_its_body_is() {
        let check = |kind: &str, expected: bool| {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().expect("a value"))]);
            assert_eq!(is_call(&headers), expected, "{kind}");
        };
        check("application/grpc", true);
        check("application/grpc+proto", true);
        check("application/grpc; charset=utf-8", true);
        check("application/grpc-web", false);
        check("application/json", false);
        assert!(!is_call(&HeaderMap::new()));
    }

    #[test]
    fn a_text_is_told_in_plain_ascii_and_not_without_end() {
        let told = |text: &str| of(&Problem::malformed(text)).headers()[MESSAGE].to_str().expect("ASCII").to_owned();
        assert_eq!(told("100 % of `größe`\n"), "100 %25 of `gr%C3%B6%C3%9Fe`%0A");
        assert!((3 * TEXT_BYTES_MAX - 10..8 << 10).contains(&told(&"ö".repeat(100_000)).len()));
        assert_eq!(of(&Problem::unauthorized()).headers()[STATUS], "16");
    }
}
