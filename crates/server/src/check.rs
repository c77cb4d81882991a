//! Whether a server answers that it is well: for containers, which hold no other program that could ask.

use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::ask::Server;
use crate::tls::known;

/// A server that is well answers at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any answer of `GET /health`.
const ANSWER_BYTES_MAX: usize = 1 << 16;

/// What the server that listens on an address says of itself; by TLS, if it is said which certificate it shows.
///
/// # Errors
/// A server that isn't there, is silent, shows another certificate, or says that it isn't well.
pub fn check(address: SocketAddr, certificate: Option<&Path>) -> Result<String> {
    let address = reachable(address);
    let tls = certificate.map(known::by_certificate).transpose().map_err(Error::other)?.map(Arc::new);
    let server = Server {
        host: address.ip().to_string(),
        port: address.port(),
        tls,
        connect_time: PATIENCE,
        answer_time: PATIENCE,
        answer_bytes_max: ANSWER_BYTES_MAX,
    };
    let request = Request::get("/health").body(Body::empty()).map_err(Error::other)?;
    let by_tls = if server.tls.is_none() { "; one that speaks TLS is asked with `--tls-cert`" } else { "" };
    let unanswered = |error: Error| {
        let hint = if error.kind() == ErrorKind::ConnectionRefused { "" } else { by_tls };
        Error::other(format!("no server answers at `{address}`: {error}{hint}"))
    };
    match server.ask(request).map_err(unanswered)? {
        (StatusCode::OK, said) => Ok(String::from_utf8_lossy(&said).into_owned()),
        (status, _) => {
            let hint = if status == StatusCode::BAD_REQUEST { by_tls } else { "" };
            Err(Error::other(format!("`{address}` answers `{status}`{hint}")))
        }
    }
}

/// Who listens on every address is asked on that of the host itself.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn answered(answer: &'static str) -> Result<String> {
        let listener = TcpListener::bind("0.0.0.0:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            // All of it: who closes with bytes unread resets the connection, and the answer is lost.
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a request");
                asked.extend(byte);
            }
            assert!(asked.starts_with(b"GET /health HTTP"));
            stream.write_all(answer.as_bytes()).expect("an answer");
        });
        let said = check(address, None);
        server.join().expect("it answers");
        said
    }

    #[test]
    fn only_a_server_that_says_so_is_well() {
        assert_eq!(answered("HTTP/1.1 200 OK\r\nx: y\r\n\r\n{}").expect("it is well"), "{}");
        assert!(answered("HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        let unfit = answered("what?").expect_err("it speaks something else").to_string();
        assert!(unfit.contains("--tls-cert"), "{unfit}");
        let refused = check(([127, 0, 0, 1], 1).into(), None).expect_err("nobody listens").to_string();
        assert!(refused.contains("127.0.0.1:1") && !refused.contains("--tls-cert"), "{refused}");
    }
}
