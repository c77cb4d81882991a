//! The way to a collector: OTLP over HTTP, by the client that asks other servers, too.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, Uri};
use opentelemetry_http::{HttpClient, HttpError};
use rustls::ClientConfig;
use serde_json::json;

use crate::ask::Server;
use crate::log::Log;
use crate::tls::known;

/// By which certificates a collector is known that is asked by TLS.
const CERTIFICATES: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const CONNECT_TIME: Duration = Duration::from_secs(2);
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// A collector says little.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A collector.
pub(super) struct Collector {
    tls: Option<Arc<ClientConfig>>,
    log: Arc<Log>,
    /// Whether spans were refused when they were sent last, which may be tried again: the first time is told.
    refused: AtomicBool,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Collector")
    }
}

impl Collector {
    /// # Errors
    /// Certificates that can't be read.
    pub(super) fn new(log: Arc<Log>) -> Result<Collector, String> {
        let file = std::env::var_os(CERTIFICATES).filter(|file| !file.is_empty()).map(PathBuf::from);
        let tls = file.map(|file| known::by_name(&file)).transpose().map_err(|error| error.to_string())?;
        Ok(Collector { tls: tls.map(Arc::new), log, refused: AtomicBool::new(false) })
    }

    fn server(&self, uri: &Uri) -> Result<Server, HttpError> {
        let host = uri.host().ok_or("the collector's address has no host")?.trim_matches(['[', ']']).to_owned();
        let (tls, port) = match (uri.scheme_str(), &self.tls) {
            (Some("https"), Some(tls)) => (Some(Arc::clone(tls)), 443),
            (Some("https"), None) => return Err(format!("to know the collector by, set `{CERTIFICATES}`").into()),
            _ => (None, 80),
        };
        Ok(Server {
            host,
            port: uri.port_u16().unwrap_or(port),
            tls,
            connect_time: CONNECT_TIME,
            answer_time: ANSWER_TIME,
            answer_bytes_max: ANSWER_BYTES_MAX,
        })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (mut head, body) = request.into_parts();
        let server = self.server(&head.uri)?;
        head.uri = head.uri.path_and_query().map_or("/", |path| path.as_str()).parse()?;
        let (status, said) = server.ask(Request::from_parts(head, Body::from(body)))?;
        let mut response = Response::new(Bytes::from(said));
        *response.status_mut() = status;
        Ok(response)
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// Called on the thread that sends spans, which has nothing else to do.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.send(request);
        let why = match &sent {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("the collector answers `{}`", response.status())),
            Err(error) => Some(error.to_string()),
        };
        if self.refused.swap(why.is_some(), Ordering::Relaxed) != why.is_some() {
            match why {
                Some(why) => self.log.event("traces_refused", &[("because", json!(why))]),
                None => self.log.event("traces_sent", &[]),
            }
        }
        sent
    }
}
