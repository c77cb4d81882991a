//! Asks the admin listener of a server: one request a connection, over TCP or TLS.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::Value;

use crate::admin::{BUNDLE_TYPE, SIGNATURES_LENGTH};
use crate::tls::{TlsError, known};

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// A large bundle takes its time to be compiled.
const ANSWER_TIME: Duration = Duration::from_secs(600);
/// More than any list of models.
const ANSWER_BYTES_MAX: u64 = 1 << 26;

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
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    key: String,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

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
        Ok(AdminClient { port: uri.port_u16().unwrap_or(port), host, tls, key })
    }

    /// Asks, and gives the answer.
    ///
    /// # Errors
    /// A server that isn't reached, or says no.
    pub fn ask(&self, method: &str, path: &[&str], body: Option<&Value>) -> Result<Value, ClientError> {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send(method, path, "Content-Type: application/json\r\n", &[body.as_bytes()])
    }

    /// Sends a bundle, and its signatures if there are any, to be served.
    ///
    /// # Errors
    /// A server that isn't reached, or says no.
    pub fn load(&self, path: &[&str], bundle: &[u8], signatures: Option<&[u8]>) -> Result<Value, ClientError> {
        let mut head = format!("Content-Type: {BUNDLE_TYPE}\r\n");
        if let Some(signatures) = signatures {
            head += &format!("{SIGNATURES_LENGTH}: {}\r\n", signatures.len());
        }
        self.send("PUT", path, &head, &[signatures.unwrap_or_default(), bundle])
    }

    fn send(&self, method: &str, path: &[&str], head: &str, body: &[&[u8]]) -> Result<Value, ClientError> {
        let path: String = path.iter().map(|segment| format!("/{}", encoded(segment))).collect();
        let answer = self.exchange(method, &path, head, body).map_err(|error| self.unreached(error))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
        let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        match status {
            Some(200) => Ok(body),
            Some(status) => {
                let message = body["detail"].as_str().map_or_else(|| format!("status {status}"), str::to_owned);
                Err(ClientError::Refused { status, message })
            }
            None => Err(self.unreached(std::io::Error::other("it doesn't speak HTTP"))),
        }
    }

    fn exchange(&self, method: &str, path: &str, head: &str, body: &[&[u8]]) -> std::io::Result<String> {
        let mut stream = self.connect()?;
        let (host, port, key) = (&self.host, self.port, &self.key);
        let length: usize = body.iter().map(|part| part.len()).sum();
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             {head}Content-Length: {length}\r\n\r\n"
        );
        // A server that refuses may close before it has read all, and has said why.
        let written =
            std::iter::once(head.as_bytes()).chain(body.iter().copied()).try_for_each(|part| stream.write_all(part));
        let written = written.and_then(|()| stream.flush());
        let mut answer = String::new();
        let read = stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer);
        if answer.is_empty() {
            written?;
            read?;
        }
        Ok(answer)
    }

    fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        let mut last = std::io::Error::other("the name leads nowhere");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_TIME) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(ANSWER_TIME))?;
                    stream.set_write_timeout(Some(ANSWER_TIME))?;
                    let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
                    let name = ServerName::try_from(self.host.clone()).map_err(std::io::Error::other)?;
                    let connection = ClientConnection::new(Arc::clone(tls), name).map_err(std::io::Error::other)?;
                    return Ok(Box::new(StreamOwned::new(connection, stream)));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn unreached(&self, error: std::io::Error) -> ClientError {
        ClientError::Unreached(format!("{}:{}", self.host, self.port), error)
    }
}

/// A segment of a path, whatever it holds (RFC 3986, 2.1).
fn encoded(segment: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    segment.bytes().map(byte).collect()
}
