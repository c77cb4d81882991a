//! Asks the admin listener of a server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, Request, StatusCode, Uri, header};
use serde_json::Value;

use crate::admin::{BUNDLE_TYPE, SIGNATURES_LENGTH};
use crate::ask::Server;
use crate::tls::{TlsError, known};

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// A large bundle takes its time on its way, and to be compiled.
const ANSWER_TIME: Duration = Duration::from_secs(1800);
/// More than any list of models.
const ANSWER_BYTES_MAX: usize = 1 << 26;
/// More than what a listener says that isn't asked as it should be.
const LINE_BYTES_MAX: usize = 200;

/// A server that doesn't do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// An address that isn't one.
    #[error("`{0}` is no address of a server: `http://127.0.0.1:9090`, or `https://HOST:PORT`")]
    NoAddress(String),
    /// The key would be read on its way.
    #[error("the key would go to `{0}` in the clear; ask it by `https://`")]
    InTheClear(String),
    /// `https` without anything to know the server by.
    #[error("to know the server by, give its certificate, or that of who vouches for it: `--ca FILE`")]
    NoRoots,
    /// Certificates that no server can be known by.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server isn't there, or went away.
    #[error("`{0}` can't be asked: {1}")]
    Unreached(String, std::io::Error),
    /// It says no.
    #[error("{message}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// Why.
        message: String,
    },
}

/// The admin listener of a server.
pub struct AdminClient {
    server: Server,
    key: String,
}

impl AdminClient {
    /// A client of the server at `url`, which is known by the certificates of `roots` if it is encrypted.
    ///
    /// # Errors
    /// What is no address, an address beyond this host without TLS, certificates that can't be read.
    pub fn new(url: &str, roots: Option<&Path>, key: String) -> Result<AdminClient, ClientError> {
        let no_address = || ClientError::NoAddress(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| no_address())?;
        let host = uri.host().ok_or_else(no_address)?.trim_matches(['[', ']']).to_owned();
        if uri.path().len() > 1 || uri.query().is_some() {
            return Err(no_address());
        }
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let (tls, port) = match uri.scheme_str() {
            Some("http") if is_here => (None, 80),
            Some("http") => return Err(ClientError::InTheClear(host)),
            Some("https") => (Some(Arc::new(known::by_name(roots.ok_or(ClientError::NoRoots)?)?)), 443),
            _ => return Err(no_address()),
        };
        let server = Server {
            port: uri.port_u16().unwrap_or(port),
            host,
            tls,
            connect_time: CONNECT_TIME,
            answer_time: ANSWER_TIME,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        Ok(AdminClient { server, key })
    }

    /// Asks, and gives the answer.
    ///
    /// # Errors
    /// A server that isn't reached, or says no.
    pub fn ask(&self, method: &str, path: &[&str], body: Option<&Value>) -> Result<Value, ClientError> {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, path, &[(header::CONTENT_TYPE, "application/json")], body.into())
    }

    /// Sends a bundle, and its signatures if there are any, to be served.
    ///
    /// # Errors
    /// A server that isn't reached, or says no.
    pub fn load(&self, path: &[&str], bundle: &[u8], signatures: Option<&[u8]>) -> Result<Value, ClientError> {
        let length = signatures.map(|signatures| signatures.len().to_string());
        let mut head = vec![(header::CONTENT_TYPE, BUNDLE_TYPE)];
        head.extend(length.as_deref().map(|length| (SIGNATURES_LENGTH, length)));
        self.send("PUT", path, &head, [signatures.unwrap_or_default(), bundle].concat())
    }

    fn send(
        &self,
        method: &str,
        path: &[&str],
        head: &[(HeaderName, &str)],
        body: Vec<u8>,
    ) -> Result<Value, ClientError> {
        let path: String = path.iter().map(|segment| format!("/{}", encoded(segment))).collect();
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        for (name, value) in head {
            request = request.header(name, *value);
        }
        let answer = request.body(Body::from(body)).map_err(std::io::Error::other).and_then(|it| self.server.ask(it));
        let (status, body) = answer.map_err(|error| ClientError::Unreached(self.server.authority(), error))?;
        let told: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status == StatusCode::OK {
            return Ok(told);
        }
        let status = status.as_u16();
        let line = || std::str::from_utf8(&body).ok().map(str::trim).filter(|line| is_line(line));
        let detail = told["detail"].as_str().or_else(line);
        let message = detail.map_or_else(|| format!("status {status}"), str::to_owned);
        Err(ClientError::Refused { status, message })
    }
}

/// Whether what is no problem document is one line to show to people.
fn is_line(text: &str) -> bool {
    (1..=LINE_BYTES_MAX).contains(&text.len()) && !text.starts_with(['<', '{']) && !text.contains(char::is_control)
}

/// A segment of a path, whatever it holds (RFC 3986, 2.1).
fn encoded(segment: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    segment.bytes().map(byte).collect()
}
