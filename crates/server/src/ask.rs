//! Asks a server: one request on a connection of its own, over TCP or TLS.

use std::io::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::runtime::Builder;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Who is asked, and how long, and how much, may be waited for.
pub(crate) struct Server {
    /// A name or an address, that of version 6 without its brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// By what the server is known, if it is asked by TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    pub(crate) connect_time: Duration,
    pub(crate) answer_time: Duration,
    pub(crate) answer_bytes_max: usize,
}

impl Server {
    /// As the head of a request names it.
    pub(crate) fn authority(&self) -> String {
        let Server { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// The same as `exchange`, for those who have nothing else to do meanwhile.
    pub(crate) fn ask(&self, request: Request<Body>) -> Result<(StatusCode, Vec<u8>)> {
        Builder::new_current_thread().enable_all().build()?.block_on(self.exchange(request))
    }

    /// Sends a request, and gives the status and the body of the answer.
    async fn exchange(&self, mut request: Request<Body>) -> Result<(StatusCode, Vec<u8>)> {
        let authority = self.authority().parse::<HeaderValue>().map_err(Error::other)?;
        request.headers_mut().insert(header::HOST, authority);
        let stream = self.connect().await?;
        let answered = async {
            let Some(tls) = &self.tls else { return self.answer(stream, request).await };
            let name = ServerName::try_from(self.host.clone()).map_err(Error::other)?;
            let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
            self.answer(stream, request).await
        };
        timeout(self.answer_time, answered).await?
    }

    /// By the first address of the name that answers; each is given the same time.
    async fn connect(&self) -> Result<TcpStream> {
        let mut failed = Error::other("the name has no address");
        for address in lookup_host((self.host.as_str(), self.port)).await? {
            match timeout(self.connect_time, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => failed = error,
                Err(late) => failed = late.into(),
            }
        }
        Err(failed)
    }

    async fn answer(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Body>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(Error::other)?;
        // It ends when the answer was read, or this is given up.
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await;
        let answered = match answer {
            Err(error) => Err(Error::other(error)),
            Ok(answer) => {
                let status = answer.status();
                let body = Limited::new(answer.into_body(), self.answer_bytes_max).collect().await;
                body.map(|body| (status, body.to_bytes().into())).map_err(Error::other)
            }
        };
        connection.abort();
        answered
    }
}
