//! One repository of a registry, as HTTP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use docker_credential::DockerCredential;
use serde_json::Value;
use ureq::http::{Method, Request, Response, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::challenge::Challenge;
use super::reference::is_loopback;
use super::{PushError, Reference, credentials};
use crate::image::{MANIFEST, digest};

/// So long is a registry waited for until it takes a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// So long for an answer to what it was sent: it hashes layers, and may copy them elsewhere.
const ANSWER: Duration = Duration::from_secs(300);
/// So long may a layer travel.
const LAYER: Duration = Duration::from_secs(3600);
/// So much of an answer is read, in bytes: errors and tokens are short.
const ANSWER_BYTES_MAX: u64 = 1 << 18;
/// So often may a registry point elsewhere.
const REDIRECTS_MAX: u32 = 10;
/// So much of what a registry says is shown, in letters.
const SHOWN: usize = 200;

/// A repository that images are pushed to.
pub(super) struct Registry<'a> {
    agent: Agent,
    reference: &'a Reference,
    /// Scheme and host.
    base: String,
    /// Where credentials are looked for, if the registry asks for some.
    credentials: Option<&'a Path>,
    /// What was found there.
    credential: Option<DockerCredential>,
    /// The header that shows who asks, once the registry said how.
    authorization: Option<String>,
}

impl<'a> Registry<'a> {
    /// Nothing is asked yet.
    pub(super) fn new(reference: &'a Reference, credentials: Option<&'a Path>) -> Registry<'a> {
        // What Docker calls `docker.io` answers elsewhere.
        let host = if reference.registry() == "docker.io" { "registry-1.docker.io" } else { reference.registry() };
        let loopback = is_loopback(host);
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(!loopback)
            .tls_config(tls)
            .proxy(if loopback { None } else { Proxy::try_from_env() })
            .user_agent("evenstep")
            .timeout_connect(Some(CONNECT))
            .timeout_send_body(Some(LAYER))
            .timeout_recv_response(Some(ANSWER))
            .timeout_recv_body(Some(ANSWER))
            // Within the host another address would be followed in the clear.
            .max_redirects(if loopback { 0 } else { REDIRECTS_MAX })
            .max_redirects_will_error(false)
            .build()
            .new_agent();
        let base = format!("{}://{host}", if loopback { "http" } else { "https" });
        Registry { agent, reference, base, credentials, credential: None, authorization: None }
    }

    /// Sends a blob, unless it is there; says whether it was sent.
    pub(super) fn offer(&mut self, blob: &[u8]) -> Result<bool, PushError> {
        let digest = digest(blob);
        let there = self.send(&Method::HEAD, &self.path(&format!("blobs/{digest}")), None, &[])?;
        match there.status() {
            StatusCode::OK => return Ok(false),
            StatusCode::NOT_FOUND => {}
            _ => return Err(self.unexpected("look for a layer", there)),
        }
        let begun = self.send(&Method::POST, &self.path("blobs/uploads/"), None, &[])?;
        if begun.status() != StatusCode::ACCEPTED {
            return Err(self.unexpected("take a layer", begun));
        }
        let location = self.location(&begun)?;
        let joint = if location.contains('?') { '&' } else { '?' };
        let to = format!("{location}{joint}digest={}", digest.replace(':', "%3A"));
        let taken = self.send(&Method::PUT, &to, Some("application/octet-stream"), blob)?;
        match taken.status() {
            StatusCode::CREATED => Ok(true),
            _ => Err(self.unexpected("take a layer", taken)),
        }
    }

    /// Gives the image its tag; returns its digest.
    pub(super) fn name(&mut self, manifest: &[u8]) -> Result<String, PushError> {
        let path = self.path(&format!("manifests/{}", self.reference.tag()));
        let named = self.send(&Method::PUT, &path, Some(MANIFEST), manifest)?;
        if named.status() != StatusCode::CREATED {
            return Err(self.unexpected("take the manifest", named));
        }
        let digest = digest(manifest);
        // Not every registry says it; one that says another has changed the image.
        match header(&named, "docker-content-digest") {
            Some(told) if told != digest => Err(PushError::Answer {
                registry: self.reference.registry().to_owned(),
                asked: "take the manifest",
                answer: format!("that its digest is `{told}`, and it is `{digest}`"),
            }),
            _ => Ok(digest),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/v2/{}/{rest}", self.base, self.reference.repository())
    }

    /// Where the registry wants a layer to be sent.
    fn location(&self, response: &Response<Body>) -> Result<String, PushError> {
        let location = header(response, "location").unwrap_or_default();
        let location = if location.starts_with('/') { format!("{}{location}", self.base) } else { location.to_owned() };
        self.check(&location)?;
        Ok(location)
    }

    /// Neither secrets nor images travel in the clear, but within a host.
    fn check(&self, address: &str) -> Result<(), PushError> {
        let uri: Option<Uri> = address.parse().ok();
        // What stands before an `@` only looks like a host.
        let is_safe = uri.as_ref().zip(uri.as_ref().and_then(Uri::authority)).is_some_and(|(uri, authority)| {
            let within = uri.scheme_str() == Some("http") && is_loopback(authority.as_str());
            !authority.as_str().contains('@') && (within || uri.scheme_str() == Some("https"))
        });
        if is_safe {
            return Ok(());
        }
        Err(PushError::Unsafe { registry: self.reference.registry().to_owned(), address: address.to_owned() })
    }

    /// Sends a request; once more, if the registry wants to know who asks.
    fn send(
        &mut self,
        method: &Method,
        address: &str,
        media_type: Option<&str>,
        body: &[u8],
    ) -> Result<Response<Body>, PushError> {
        let response = self.send_once(method, address, media_type, body)?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let headers = response.headers().get_all("www-authenticate").iter();
        let challenge = headers.filter_map(|header| header.to_str().ok()).find_map(Challenge::read);
        let challenge = challenge.ok_or_else(|| self.refused(response))?;
        let registry = self.reference.registry();
        self.credential = credentials::read(self.credentials, registry)
            .map_err(|cause| PushError::Credentials { registry: registry.to_owned(), cause })?;
        self.authorization = Some(self.authorize(challenge)?);
        self.send_once(method, address, media_type, body)
    }

    fn send_once(
        &self,
        method: &Method,
        address: &str,
        media_type: Option<&str>,
        body: &[u8],
    ) -> Result<Response<Body>, PushError> {
        let mut request = Request::builder().method(method).uri(address);
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        // An upload may lie with another host, which has its own right in the address.
        let ours = address.strip_prefix(&self.base).is_some_and(|rest| rest.starts_with('/'));
        if let Some(authorization) = self.authorization.as_ref().filter(|_| ours) {
            request = request.header("authorization", authorization);
        }
        let sent = if *method == Method::HEAD {
            request.body(()).map_err(ureq::Error::Http).and_then(|request| self.agent.run(request))
        } else {
            request.body(body).map_err(ureq::Error::Http).and_then(|request| self.agent.run(request))
        };
        sent.map_err(|error| self.unreachable(&error))
    }

    /// The header that answers a challenge.
    fn authorize(&self, challenge: Challenge) -> Result<String, PushError> {
        let (realm, service, scope) = match (challenge, &self.credential) {
            (Challenge::Basic, Some(DockerCredential::UsernamePassword(name, password))) => {
                return Ok(basic(name, password));
            }
            (Challenge::Basic, _) => return Err(self.no_credentials()),
            (Challenge::Bearer { realm, service, scope }, _) => (realm, service, scope),
        };
        self.check(&realm)?;
        let scope = scope.unwrap_or_else(|| format!("repository:{}:pull,push", self.reference.repository()));
        let service = service.iter().map(|service| ("service", service.as_str()));
        // Source: Docker Registry v2 authentication, "Token" and "OAuth2".
        let answer = match &self.credential {
            Some(DockerCredential::IdentityToken(token)) => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", "evenstep"),
                    ("scope", scope.as_str()),
                    ("refresh_token", token.as_str()),
                ];
                self.agent.post(&realm).send_form(form.into_iter().chain(service))
            }
            password => {
                let request = self.agent.get(&realm).query_pairs(service).query("scope", &scope);
                match password {
                    Some(DockerCredential::UsernamePassword(name, password)) => {
                        request.header("authorization", basic(name, password)).call()
                    }
                    _ => request.call(),
                }
            }
        };
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            // The specification of tokens doesn't say how a wrong password is answered; some say 400.
            StatusCode::BAD_REQUEST if self.credential.is_some() => return Err(self.refused(answer)),
            _ => return Err(self.unexpected("give a token", answer)),
        }
        let token: Value = serde_json::from_str(&text(answer)).unwrap_or_default();
        let token = token["token"].as_str().or_else(|| token["access_token"].as_str());
        token.map(|token| format!("Bearer {token}")).ok_or_else(|| PushError::Answer {
            registry: self.reference.registry().to_owned(),
            asked: "give a token",
            answer: "none".to_owned(),
        })
    }

    fn no_credentials(&self) -> PushError {
        PushError::NoCredentials { registry: self.reference.registry().to_owned() }
    }

    fn refused(&self, response: Response<Body>) -> PushError {
        if self.credential.is_none() {
            return self.no_credentials();
        }
        PushError::Refused {
            registry: self.reference.registry().to_owned(),
            repository: self.reference.repository().to_owned(),
            said: said(response),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> PushError {
        PushError::Unreachable { registry: self.reference.registry().to_owned(), cause: error.to_string() }
    }

    fn unexpected(&self, asked: &'static str, response: Response<Body>) -> PushError {
        let registry = self.reference.registry().to_owned();
        match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.refused(response),
            StatusCode::NOT_FOUND => PushError::NotFound {
                registry,
                repository: self.reference.repository().to_owned(),
                said: said(response),
            },
            status => PushError::Answer { registry, asked, answer: format!("{status}{}", said(response)) },
        }
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// The body, as far as it is text and short.
fn text(mut response: Response<Body>) -> String {
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).lossy_utf8(true);
    body.read_to_string().unwrap_or_default()
}

/// What a registry says of an error, after a colon; nothing if it says nothing of use.
// Source: OCI distribution specification 1.1, "Error codes".
fn said(response: Response<Body>) -> String {
    let said: Value = serde_json::from_str(&text(response)).unwrap_or_default();
    let first = &said["errors"][0];
    let words = first["message"].as_str().or_else(|| first["code"].as_str()).or_else(|| said["details"].as_str());
    words.map_or_else(String::new, |words| {
        let shown = words.chars().filter(|letter| !letter.is_control()).take(SHOWN);
        format!(": {}", shown.collect::<String>())
    })
}
