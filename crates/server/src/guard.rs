//! What stands before every route: the host that was asked for, the key, and what the body is said to be.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Service;
use crate::dialect::Dialect;
use crate::host::{self, Named};
use crate::keyring::Keyring;
use crate::log::Unanswered;
use crate::origin;
use crate::problem::Problem;
use crate::request_id;

/// The routes that need no key: whoever looks after the process may have none, and who reads the page for people gives it
/// there. They tell nothing of the model then.
pub(crate) const OPEN: [&str; 9] = [
    "/docs",
    "/health",
    "/ping",
    "/v2/health/live",
    "/v2/health/ready",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
];

/// Who may ask, and by which name of this host.
#[derive(Default)]
pub(crate) struct Guard {
    /// Everyone, if there is none.
    keys: Option<Arc<Keyring>>,
    hosts: Hosts,
    /// Names that its operator gave it.
    allowed: Vec<String>,
    /// Whether it is asked by TLS alone.
    is_encrypted: bool,
}

/// The names by which it may be asked: a page from elsewhere whose name was made to point here (DNS rebinding) asks by another.
#[derive(Default)]
enum Hosts {
    /// Any: such a page has no key.
    #[default]
    Any,
    /// Those that no page from elsewhere has: addresses, and names without a dot.
    Near,
    These(Vec<String>),
}

impl Hosts {
    fn have(&self, asked: Option<&Named<'_>>) -> bool {
        match self {
            Hosts::Any => true,
            Hosts::Near => asked.is_none_or(|asked| asked.is_address() || !asked.host.contains('.')),
            Hosts::These(names) => asked.is_some_and(|asked| names.contains(&asked.host.to_ascii_lowercase())),
        }
    }
}

impl Guard {
    /// On a loopback address its own names are answered, and beyond it, where no key is asked for, those that no page from
    /// elsewhere has; and what its operator allows.
    pub(crate) fn new(listen: SocketAddr, keys: Option<Arc<Keyring>>, allowed: &[String], is_encrypted: bool) -> Guard {
        let ip = listen.ip();
        let own: &[String] = if ip.is_loopback() {
            &["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), ip.to_string()]
        } else {
            &[]
        };
        let these: Vec<String> = own.iter().chain(allowed).map(|host| host.to_ascii_lowercase()).collect();
        let hosts = match (these.is_empty(), &keys) {
            (false, _) => Hosts::These(these),
            (true, None) => Hosts::Near,
            (true, Some(_)) => Hosts::Any,
        };
        Guard { keys, hosts, allowed: allowed.to_vec(), is_encrypted }
    }

    /// Refuses a request for another host, one that names none as it should, one that a page of elsewhere sends, one without a key
    /// that is known, or one more than its key may ask; else the name of its key, if it shows one.
    pub(crate) fn admit(&self, request: &Request, open: &[&str]) -> Result<Option<String>, Problem> {
        let asked = host::named(request)?;
        check_coding(request.headers())?;
        if !self.hosts.have(asked.as_ref()) {
            return Err(Problem::misdirected());
        }
        origin::check(request, asked.as_ref(), &self.allowed, self.is_encrypted)?;
        let Some(keys) = &self.keys else { return Ok(None) };
        if open.contains(&request.uri().path()) {
            return Ok(keys.named(request.headers()));
        }
        let admitted = keys.admitted(request.headers()).ok_or_else(Problem::unauthorized)?;
        admitted.map(Some).map_err(Problem::too_often)
    }

    /// Whether a request needs a key.
    pub(crate) fn asks_for_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// The name of the key that a request shows, if it is one of these.
    pub(crate) fn named(&self, headers: &HeaderMap) -> Option<String> {
        self.keys.as_ref()?.named(headers)
    }

    /// Whether a request may be told of the model.
    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        !self.asks_for_keys() || self.named(headers).is_some()
    }
}

/// How a body was cut for its way is undone here, how it was compressed for it is not.
fn check_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if is_chunked(coding) => Ok(()),
        _ => Err(Problem::unread_coding()),
    }
}

/// A page of another site can send a form, but no body of these types, unless this server allows it.
fn check_content_type(request: &Request, dialect: Dialect) -> Result<(), Problem> {
    let takes_body = Dialect::takes_body(request.uri().path());
    if takes_body && request.method() == Method::POST { dialect.check_body(request.headers()) } else { Ok(()) }
}

/// Lets a request through, or answers it here; what is wrong is told in the words of its protocol.
pub(crate) async fn guard(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let dialect = Dialect::of(request.uri().path(), request.headers());
    let mut name = request_id::given(request.headers());
    let line = service.tells_requests().then(|| {
        // So that log and client speak of the same request.
        let name = name.get_or_insert_with(request_id::make).clone();
        Unanswered::begin(&request, name, &service)
    });
    let admitted = service.guard.admit(&request, &OPEN);
    let checked = admitted.and_then(|key| check_content_type(&request, dialect).map(|()| key));
    let (response, key) = match checked {
        Ok(key) => (next.run(request).await, key),
        Err(problem) => {
            service.metrics.asked(None, dialect.status(&problem));
            let key = line.as_ref().and_then(|_| service.guard.named(request.headers()));
            (problem.into_response(), key)
        }
    };
    let response = dialect.retell(response, name);
    if let Some(line) = line {
        line.end(key.as_deref(), &response);
    }
    response
}
