//! The host that a request names (RFC 9112, 3.2; RFC 9113, 8.3.1). Who stands before us may have gone by another line than we
//! do, so what could be read in two ways is refused.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::http::{Version, header};

use crate::problem::Problem;

/// The host; None if nothing names one, as HTTP/1.0 may.
pub(crate) fn named(request: &Request) -> Result<Option<Named<'_>>, Problem> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Problem::malformed("there are several lines of `Host`"));
    }
    let line = line.map(|value| value.to_str().ok().and_then(Named::parse).ok_or_else(invalid)).transpose()?;
    let target = request.uri().authority();
    let target = target.map(|target| Named::parse(target.as_str()).ok_or_else(invalid)).transpose()?;
    let version = request.version();
    if let (Some(target), Some(line), Version::HTTP_2) = (&target, &line, version)
        && !target.is(line)
    {
        return Err(Problem::malformed("`:authority` names another host than `host`"));
    }
    // In HTTP/1.1 a target that names a host still needs the line, which then isn't looked at.
    let is_missing = match version {
        Version::HTTP_11 => line.is_none(),
        Version::HTTP_2 => line.is_none() && target.is_none(),
        _ => false,
    };
    if is_missing {
        return Err(Problem::malformed("the request names no host; send `Host`"));
    }
    Ok(target.or(line))
}

fn invalid() -> Problem {
    Problem::malformed("`Host` is no name or address, and perhaps a port")
}

/// A host, and perhaps a port (RFC 3986, 3.2).
pub(crate) struct Named<'r> {
    pub(crate) host: &'r str,
    port: Option<u16>,
}

impl<'r> Named<'r> {
    pub(crate) fn parse(text: &'r str) -> Option<Named<'r>> {
        let end = match text.strip_prefix('[') {
            Some(rest) => {
                let inner = &rest[..rest.find(']')?];
                inner.parse::<Ipv6Addr>().ok()?;
                inner.len() + 2
            }
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, port) = text.split_at(end);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
        if !host.starts_with('[') && !host.bytes().all(plain) {
            return None;
        }
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        Some(Named { host, port })
    }

    /// Whether the host is a number, not a name.
    pub(crate) fn is_address(&self) -> bool {
        self.host.starts_with('[') || self.host.parse::<Ipv4Addr>().is_ok()
    }

    /// The port, or the one that its scheme has.
    pub(crate) fn port_or(&self, default: u16) -> u16 {
        self.port.unwrap_or(default)
    }

    /// Whether both are one: a port that isn't said is whichever there is.
    fn is(&self, other: &Named<'_>) -> bool {
        let ports = self.port.zip(other.port);
        self.host.eq_ignore_ascii_case(other.host) && ports.is_none_or(|(one, other)| one == other)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_request_names_one_host_or_is_refused() {
        let check = |target: &str, hosts: &[&str], version: Version, expected: Option<Option<&str>>| {
            let mut request = Request::builder().uri(target).version(version);
            for host in hosts {
                request = request.header("host", *host);
            }
            let request = request.body(Body::empty()).expect("a request");
            let found = named(&request).ok().map(|named| named.map(|named| named.host));
            assert_eq!(found, expected, "{target} {hosts:?}");
        };
        let check_11 = |target, hosts: &[&str], expected| check(target, hosts, Version::HTTP_11, expected);
        check_11("/", &["localhost"], Some(Some("localhost")));
        check_11("/", &["[::1]:80"], Some(Some("[::1]")));
        check_11("/", &["LOCALHOST:"], Some(Some("LOCALHOST")));
        check_11("/", &[""], Some(Some("")));
        check_11("http://a.example/", &["A.example:80"], Some(Some("a.example")));
        check_11("/", &[], None);
        check_11("/", &["a", "b"], None);
        check_11("/", &["a", "a"], None);
        check_11("http://a/", &["b"], Some(Some("a")));
        check_11("http://a/", &[], None);
        for wrong in ["a b", "me@a", "a:b", "a:99999", "a:1:2", "[::1", "[x]", "[::1]x", "a/b", "a\\b", "ä"] {
            check_11("/", &[wrong], None);
        }
        check("/", &[], Version::HTTP_10, Some(None));
        check("http://a/", &[], Version::HTTP_2, Some(Some("a")));
        check("http://a/", &["b"], Version::HTTP_2, None);
        check("http://a:80/", &["a:81"], Version::HTTP_2, None);
        check("http://a:80/", &["A"], Version::HTTP_2, Some(Some("a")));
        check("/", &["a"], Version::HTTP_2, Some(Some("a")));
        check("/", &[], Version::HTTP_2, None);
    }
}
