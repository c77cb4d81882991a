//! Bodies that are compressed on their way, by `Content-Encoding` and `Accept-Encoding`.

use std::io::{self, Read, Write};

use axum::http::{HeaderMap, HeaderName, header};
use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use crate::limits::{ENCODED_BYTES_MIN, WINDOW_LOG_MAX};
use crate::problem::Problem;

/// A way to compress.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Encoding {
    Zstd,
    Gzip,
    /// With zlib's head, as RFC 9110 has it.
    Deflate,
}

impl Encoding {
    /// The best first.
    const ALL: [Encoding; 3] = [Encoding::Zstd, Encoding::Gzip, Encoding::Deflate];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Encoding::Zstd => "zstd",
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
        }
    }

    /// What it is called, by old clients too (RFC 9110, 8.4.1.3).
    fn names(self) -> &'static [&'static str] {
        match self {
            Encoding::Zstd => &["zstd"],
            Encoding::Gzip => &["gzip", "x-gzip"],
            Encoding::Deflate => &["deflate"],
        }
    }

    /// The one that is called so.
    pub(crate) fn named(name: &str) -> Option<Encoding> {
        Encoding::ALL.into_iter().find(|encoding| encoding.names().contains(&name))
    }

    /// How a header says that something is compressed; None if it isn't.
    pub(crate) fn said(headers: &HeaderMap, by: &HeaderName) -> Result<Option<Encoding>, Problem> {
        // Several lines are one list (RFC 9110, 5.3).
        let said = headers.get_all(by).iter().map(|said| said.to_str().unwrap_or_default().trim());
        let said: Vec<&str> = said.filter(|said| !said.eq_ignore_ascii_case("identity")).collect();
        let said = said.join(", ").to_ascii_lowercase();
        match Encoding::named(&said) {
            None if said.is_empty() => Ok(None),
            None => Err(Problem::unread_encoding(&said)),
            some => Ok(some),
        }
    }

    /// Whether an answer of so many bytes may be compressed at all.
    pub(crate) fn is_worth(bytes: usize) -> bool {
        bytes >= ENCODED_BYTES_MIN
    }

    /// How an answer may be compressed; None if its client takes none of the ways.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Encoding> {
        if !headers.contains_key(header::ACCEPT_ENCODING) {
            return None;
        }
        let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let accepted = values.collect::<Vec<_>>().join(",").to_ascii_lowercase();
        let welcome = |names: &[&str]| {
            accepted.split(',').any(|part| {
                let mut part = part.split(';').map(str::trim);
                part.next().is_some_and(|name| names.contains(&name))
                    && !part.any(|part| part.strip_prefix("q=").is_some_and(is_zero))
            })
        };
        Encoding::ALL.into_iter().find(|encoding| welcome(encoding.names()))
    }

    /// What a body is without its compression, if that isn't larger than it may be.
    pub(crate) fn inflate(self, bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, Problem> {
        let inflated = match self {
            Encoding::Zstd => zstd::Decoder::with_buffer(bytes).and_then(|mut decoder| {
                // A frame says how much memory it wants.
                decoder.window_log_max(WINDOW_LOG_MAX)?;
                within(decoder, bytes_max)
            }),
            Encoding::Gzip => within(MultiGzDecoder::new(bytes), bytes_max),
            Encoding::Deflate => within(ZlibDecoder::new(bytes), bytes_max),
        };
        let inflated =
            inflated.map_err(|error| Problem::malformed(format!("the body is no {}: {error}", self.name())))?;
        if inflated.len() > bytes_max { Err(Problem::too_large(bytes_max)) } else { Ok(inflated) }
    }

    /// An answer, compressed fast.
    pub(crate) fn deflate(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Encoding::Zstd => zstd::encode_all(bytes, 1),
            Encoding::Gzip => {
                let mut to = GzEncoder::new(Vec::new(), Compression::fast());
                to.write_all(bytes)?;
                to.finish()
            }
            Encoding::Deflate => {
                let mut to = ZlibEncoder::new(Vec::new(), Compression::fast());
                to.write_all(bytes)?;
                to.finish()
            }
        }
    }
}

/// Reads one byte more than there may be, at most.
fn within(from: impl Read, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_zero(quality: &str) -> bool {
    quality.trim().parse::<f64>().is_ok_and(|quality| quality == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BODY_BYTES_MAX;

    #[test]
    fn what_is_compressed_comes_back_and_no_bomb_goes_off() {
        for encoding in Encoding::ALL {
            let text = "many words, ".repeat(1000).into_bytes();
            let small = encoding.deflate(&text).expect("memory takes it");
            assert!(small.len() < 500);
            assert!(encoding.inflate(&small, text.len()).is_ok_and(|inflated| inflated == text), "{encoding:?}");
            assert!(encoding.inflate(&small[..small.len() / 2], text.len()).is_err(), "{encoding:?}");
            assert!(encoding.inflate(b"nothing of it", 100).is_err(), "{encoding:?}");
            let bomb = encoding.deflate(&vec![0; BODY_BYTES_MAX + 1]).expect("memory takes it");
            let problem = encoding.inflate(&bomb, BODY_BYTES_MAX).expect_err("it is too large");
            assert_eq!(problem.status(), axum::http::StatusCode::PAYLOAD_TOO_LARGE, "{encoding:?}");
        }
    }

    #[test]
    fn a_body_is_compressed_as_it_says() {
        let said = |value: &str| {
            let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, value.parse().expect("a value"))]);
            Encoding::said(&headers, &header::CONTENT_ENCODING).ok()
        };
        assert_eq!(said("x-gzip"), Some(Some(Encoding::Gzip)));
        assert_eq!(said(" ZSTD"), Some(Some(Encoding::Zstd)));
        assert_eq!(said("identity"), Some(None));
        assert_eq!(said("br"), None);
        let mut headers = HeaderMap::new();
        for field in ["gzip", "br"] {
            headers.append(header::CONTENT_ENCODING, field.parse().expect("a value"));
        }
        assert!(Encoding::said(&headers, &header::CONTENT_ENCODING).is_err());
    }

    #[test]
    fn an_answer_is_compressed_as_is_welcome() {
        let check = |accepted: &str, expected: Option<Encoding>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().expect("a value"));
            assert_eq!(Encoding::accepted(&headers), expected, "{accepted}");
        };
        check("gzip, deflate", Some(Encoding::Gzip));
        check("gzip, deflate, br, zstd", Some(Encoding::Zstd));
        check("GZIP;q=0.5, zstd;q=0", Some(Encoding::Gzip));
        check("x-gzip", Some(Encoding::Gzip));
        check("identity", None);
        check("br", None);
        check("", None);
        let mut headers = HeaderMap::new();
        for field in ["br", "gzip"] {
            headers.append(header::ACCEPT_ENCODING, field.parse().expect("a value"));
        }
        assert_eq!(Encoding::accepted(&headers), Some(Encoding::Gzip));
    }
}
