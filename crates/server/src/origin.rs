//! The page that a browser sends a request for (RFC 6454; Fetch, 3.2). A browser names it whatever the page wants, if the request
//! may change something; clients that are no browsers name none.

use axum::extract::Request;
use axum::http::{Method, header};

use crate::host::Named;
use crate::problem::Problem;

/// Refuses what is sent for a page that is neither of this server, asked by that name, nor of a host that may be asked for.
/// Before a server that speaks no TLS may stand a proxy that does.
pub(crate) fn check(
    request: &Request,
    asked: Option<&Named<'_>>,
    allowed: &[String],
    is_encrypted: bool,
) -> Result<(), Problem> {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    let is_ours = |origin: &str| {
        let (default_port, origin) = match origin.split_once("://")? {
            ("https", origin) => (443, origin),
            ("http", origin) if !is_encrypted => (80, origin),
            _ => return None,
        };
        let origin = Named::parse(origin)?;
        let is_asked = |asked: &Named<'_>| {
            asked.host.eq_ignore_ascii_case(origin.host) && asked.port_or(default_port) == origin.port_or(default_port)
        };
        let is_allowed = || allowed.iter().any(|host| host.eq_ignore_ascii_case(origin.host));
        Some(asked.is_some_and(is_asked) || is_allowed())
    };
    let mut origins = request.headers().get_all(header::ORIGIN).iter();
    let all_ours = origins.all(|origin| origin.to_str().ok().and_then(is_ours).unwrap_or(false));
    if all_ours { Ok(()) } else { Err(Problem::foreign_origin()) }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::host;

    #[test]
    fn only_pages_of_this_server_and_of_hosts_that_are_allowed_may_send() {
        let check = |method: &str, host: &str, origin: &str, is_encrypted: bool, expected: bool| {
            let request = Request::builder().method(method).uri("/").header("host", host).header("origin", origin);
            let request = request.body(Body::empty()).expect("a request");
            let asked = host::named(&request).expect("a host");
            let found = check(&request, asked.as_ref(), &["models.example".to_owned()], is_encrypted).is_ok();
            assert_eq!(found, expected, "{method} {host} {origin}");
        };
        for (host, origin, expected) in [
            ("localhost:8080", "http://localhost:8080", true),
            ("LOCALHOST:8080", "http://localhost:8080", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("localhost:8080", "http://localhost", false),
            ("localhost:8080", "http://localhost:3000", false),
            ("localhost:8080", "http://127.0.0.1:8080", false),
            ("a.example", "http://a.example", true),
            ("a.example:80", "http://a.example", true),
            ("a.example", "https://a.example", true),
            ("a.example", "https://a.example:8443", false),
            ("a.example", "http://models.example", true),
            ("a.example", "https://models.example:8443", true),
            ("a.example", "http://evil.example", false),
            ("a.example", "http://models.example.evil.example", false),
            ("a.example", "null", false),
            ("a.example", "", false),
            ("a.example", "a.example", false),
            ("a.example", "file://", false),
            ("a.example", "chrome-extension://a.example", false),
        ] {
            for method in ["POST", "PUT", "DELETE", "OPTIONS", "X"] {
                check(method, host, origin, false, expected);
            }
            check("GET", host, origin, false, true);
            check("HEAD", host, origin, false, true);
        }
        check("POST", "a.example", "http://a.example", true, false);
        check("POST", "a.example", "https://a.example", true, true);
    }
}
