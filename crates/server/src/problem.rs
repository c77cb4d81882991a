//! Errors as RFC 9457 problem details.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::RowError;
use serde_json::{Map, Value, json};

use crate::formats::Format;
use crate::limits::RETRY_AFTER_SECONDS;
use crate::models::Served;

/// So many errors are told where there is one line for all.
const TOLD_IN_WORDS: usize = 10;
/// So many characters are told of the start of a detail, and of its end.
const DETAIL_START: usize = 1500;
const DETAIL_END: usize = 400;

/// An answer that is no prediction. A response made of it carries it along, to be told in another protocol's words.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<RowError>,
    count: usize,
    /// Where the contract is told that rows break.
    contract: Option<String>,
    /// How bodies may be compressed instead.
    codings: Option<&'static str>,
    /// In how many seconds it may go better.
    retry_after: Option<u16>,
    /// Whether its client is gone, or took the request back.
    is_cut_off: bool,
    /// Whether it says no more than that the request needs a thread of its own.
    is_long: bool,
    /// Who was asked, if the body named it.
    by: Option<Arc<Served>>,
}

/// The text without its middle, if it is longer than anyone reads: a name that it tells may have megabytes.
fn bounded(text: String) -> String {
    let Some((start, _)) = text.char_indices().nth(DETAIL_START) else { return text };
    let Some((end, _)) = text.char_indices().rev().nth(DETAIL_END) else { return text };
    if start < end { format!("{} … {}", &text[..start], &text[end..]) } else { text }
}

/// An answer that nobody reads: its request was taken back.
#[derive(Clone, Copy)]
pub(crate) struct CutOff;

impl Problem {
    /// A body that isn't what the route reads: 400.
    pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
        let detail = bounded(detail.into());
        let status = StatusCode::BAD_REQUEST;
        Problem {
            status,
            detail,
            errors: Vec::new(),
            count: 0,
            contract: None,
            codings: None,
            retry_after: None,
            is_cut_off: false,
            is_long: false,
            by: None,
        }
    }

    fn of(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, ..Problem::malformed(detail) }
    }

    /// No key, or none that is known: 401.
    pub(crate) fn unauthorized() -> Problem {
        Problem::of(StatusCode::UNAUTHORIZED, "show a key: `Authorization: Bearer KEY`, or `X-API-Key: KEY`")
    }

    /// A body that ended before its end, or whose chunks are none (RFC 9112, 7.1): 400.
    pub(crate) fn cut_off() -> Problem {
        Problem {
            is_cut_off: true,
            ..Problem::malformed("the body ended before its end, or in the midst of a chunk that is none")
        }
    }

    /// A body that took too long to arrive: 408.
    pub(crate) fn too_slow() -> Problem {
        Problem::of(
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long to arrive; send it again, in smaller parts if the way is slow",
        )
    }

    /// A body that is too large: 413.
    pub(crate) fn too_large(bytes_max: usize) -> Problem {
        let detail = match bytes_max >> 20 {
            0 => format!("a body may have {} KiB here", bytes_max >> 10),
            mib => format!("a body may have {mib} MiB; send the rows in several requests"),
        };
        Problem::of(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// More than one request may ask for: 413.
    pub(crate) fn too_many(detail: impl Into<String>) -> Problem {
        Problem::of(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// An answer of a type that there is none of: 406.
    pub(crate) fn not_acceptable() -> Problem {
        let detail = format!("answers are {}; `Accept` has none of them", listed(&Format::ALL.map(Format::media_type)));
        Problem::of(StatusCode::NOT_ACCEPTABLE, detail)
    }

    /// A body that says that it is of no type, or of one that isn't read here: 415.
    pub(crate) fn unread_type(said: Option<&str>, known: &[&str]) -> Problem {
        let said = said.map_or("no type".to_owned(), |said| format!("`{said}`"));
        let detail = format!("the body is said to have {said}; send `Content-Type: {}`", known.join("`, or `"));
        Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// A body that is compressed in a way that isn't read: 415.
    pub(crate) fn unread_encoding(said: &str) -> Problem {
        let detail = format!(
            "the body is said to be compressed (`{said}`); send it as it is, or by gzip, zstd or deflate; \
             lines that are answered while they come are sent as they are"
        );
        let codings = Some("gzip, zstd, deflate");
        Problem { codings, ..Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail) }
    }

    /// Lines that are to be answered while they come, and are compressed: 415.
    pub(crate) fn compressed_lines(said: &str) -> Problem {
        let detail = format!(
            "the body is said to be compressed (`{said}`), and lines that are answered while they come are sent as they are; \
             for an answer in another format, as `Accept: text/csv` asks for, they may be compressed"
        );
        Problem { codings: Some("identity"), ..Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail) }
    }

    /// A bundle that is compressed for its way: 415.
    pub(crate) fn compressed_bundle() -> Problem {
        let detail = "the body is said to be compressed, and bundles are sent as they are";
        Problem { codings: Some("identity"), ..Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail) }
    }

    /// A body that was changed for its way in another way than being cut: 501.
    pub(crate) fn unread_coding() -> Problem {
        let detail =
            "`Transfer-Encoding` has more than `chunked`, which alone is undone here; compress by `Content-Encoding`";
        Problem::of(StatusCode::NOT_IMPLEMENTED, detail)
    }

    /// A message of gRPC that can't be read as it is: 415.
    #[cfg(feature = "grpc")]
    pub(crate) fn unread_frame(detail: impl Into<String>) -> Problem {
        Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// Text that is written in another way than UTF-8: 415.
    pub(crate) fn unread_charset(said: &str) -> Problem {
        let detail = format!("the body is said to be `{said}`; send UTF-8");
        Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// No such model, version, alias or route: 404.
    pub(crate) fn unknown(detail: impl Into<String>) -> Problem {
        Problem::of(StatusCode::NOT_FOUND, detail)
    }

    /// A change that something else is in the way of: 409.
    pub(crate) fn conflict(detail: impl Into<String>) -> Problem {
        Problem::of(StatusCode::CONFLICT, detail)
    }

    /// A bundle that is refused: 422.
    pub(crate) fn unloadable(detail: impl Into<String>) -> Problem {
        Problem::of(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// A host that this server isn't: 421.
    pub(crate) fn misdirected() -> Problem {
        let detail = "this server doesn't go by the name in `Host`; `serve --allow-host NAME` lets it";
        Problem::of(StatusCode::MISDIRECTED_REQUEST, detail)
    }

    /// What a page of another site sends: 403.
    pub(crate) fn foreign_origin() -> Problem {
        let detail = "a page of another site sends this, as `Origin` says, and only this server's own may; if a proxy shows them under \
             another name, `serve --allow-host NAME` says so";
        Problem::of(StatusCode::FORBIDDEN, detail)
    }

    /// One more than the key may ask: 429.
    pub(crate) fn too_often(wait: Duration) -> Problem {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let detail = format!("the key may not ask so often; try again in {seconds} s");
        let retry_after = Some(u16::try_from(seconds).unwrap_or(u16::MAX));
        Problem { retry_after, ..Problem::of(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// A request that wasn't answered in the time that its client waits, as this header says: 504.
    pub(crate) fn past_deadline(said_by: &HeaderName) -> Problem {
        let detail = format!("the time of `{said_by}` is over; try again later, or wait longer");
        Problem::of(StatusCode::GATEWAY_TIMEOUT, detail)
    }

    /// More requests than can be answered soon: 503.
    pub(crate) fn busy() -> Problem {
        let problem = Problem::of(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once; try again later");
        Problem { retry_after: Some(RETRY_AFTER_SECONDS as u16), ..problem }
    }

    /// Work that others would wait for, where it was begun. Nobody is told it.
    pub(crate) fn long() -> Problem {
        Problem { is_long: true, ..Problem::busy() }
    }

    pub(crate) fn is_long(&self) -> bool {
        self.is_long
    }

    /// An answer that takes more room than all answers have: 413.
    pub(crate) fn answer_too_large(bytes_max: usize) -> Problem {
        let detail = format!(
            "the answer would have more than {} MiB; send the rows in several requests, or line by line",
            bytes_max >> 20
        );
        Problem::of(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// An act that can't be written down: 503.
    pub(crate) fn unwritten() -> Problem {
        let detail = "nothing was done, for it can't be written down who did it; the log of the server says why";
        Problem::of(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// Rows that break the contract: 422.
    pub(crate) fn contract(errors: Vec<RowError>, count: usize) -> Problem {
        let fields = if count == 1 { "1 field breaks".to_owned() } else { format!("{count} fields break") };
        let contract = Some("/openapi.json".to_owned());
        Problem {
            errors,
            count,
            contract,
            ..Problem::of(StatusCode::UNPROCESSABLE_ENTITY, format!("{fields} the contract"))
        }
    }

    /// The cells that break the contract, as far as they are told.
    pub(crate) fn errors(&self) -> &[RowError] {
        &self.errors
    }

    /// No such route: 404.
    pub(crate) fn not_found() -> Problem {
        Problem::unknown(
            "there are POST /predict, /models/NAME/predict, /invocations and /v2/models/NAME/infer, GET /health, \
             /metrics, /openapi.json, /docs, /models, /models/NAME, /models/NAME/openapi.json, /ping, /version, /v2, \
             /v2/health/live, /v2/health/ready, /v2/models/NAME and /v2/models/NAME/ready; a model's paths also with \
             /versions/VERSION after its name",
        )
    }

    /// No such method of gRPC: 501.
    pub(crate) fn no_method() -> Problem {
        let detail = if cfg!(feature = "grpc") {
            "there are inference.GRPCInferenceService with ServerLive, ServerReady, ServerMetadata, ModelReady, ModelMetadata \
             and ModelInfer, grpc.health.v1.Health and grpc.reflection.v1.ServerReflection"
        } else {
            "this engine was built without `grpc`; it answers over HTTP"
        };
        Problem::of(StatusCode::NOT_IMPLEMENTED, detail)
    }

    /// The route takes another method: 405.
    pub(crate) fn method_not_allowed() -> Problem {
        Problem::of(
            StatusCode::METHOD_NOT_ALLOWED,
            "this route takes another method, which `Allow` in the head of this answer names",
        )
    }

    /// A bug of ours: 500.
    pub(crate) fn bug(detail: impl Into<String>) -> Problem {
        Problem::of(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    /// The same of a model whose contract is told elsewhere.
    pub(crate) fn with_contract_at(self, path: impl FnOnce() -> String) -> Problem {
        Problem { contract: self.contract.map(|_| path()), ..self }
    }

    /// The same of a model that the body named.
    #[cfg(feature = "grpc")]
    pub(crate) fn by(self, served: Arc<Served>) -> Problem {
        Problem { by: Some(served), ..self }
    }

    /// The model that the body named, if it did.
    pub(crate) fn take_by(&mut self) -> Option<Arc<Served>> {
        self.by.take()
    }

    fn detail(&self) -> String {
        match &self.contract {
            Some(path) => format!("{}; see {path}", self.detail),
            None => self.detail.clone(),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// In one line, with what was found.
    pub(crate) fn in_words(&self) -> String {
        self.one_line(|error| format!("row {}: {}", error.row, error.message))
    }

    /// In one line, without any value of a row.
    pub(crate) fn without_values(&self) -> String {
        self.one_line(|error| format!("row {}: `{}` is {}", error.row, error.field, error.rule.word()))
    }

    fn one_line(&self, tell: impl Fn(&RowError) -> String) -> String {
        let told: Vec<String> = self.errors.iter().take(TOLD_IN_WORDS).map(tell).collect();
        let more = self.count.saturating_sub(told.len());
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let detail = self.detail();
        if told.is_empty() { detail } else { format!("{detail}: {}{more}", told.join("; ")) }
    }

    /// As RFC 9457 has it.
    pub(crate) fn json(&self) -> Value {
        self.of_request(None)
    }

    /// The same, of a request that has a name.
    pub(crate) fn of_request(&self, name: Option<&str>) -> Value {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!("about:blank"));
        body.insert("title".to_owned(), json!(self.status.canonical_reason().unwrap_or("error")));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail()));
        if let Some(name) = name {
            body.insert("instance".to_owned(), json!(name));
        }
        if !self.errors.is_empty() {
            body.insert("count".to_owned(), json!(self.count));
            body.insert("errors".to_owned(), json!(self.errors));
        }
        Value::Object(body)
    }
}

fn listed(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}

impl IntoResponse for Problem {
    /// A response without a body: `Dialect::retell` gives it one, in the words of its protocol.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(codings) = self.codings {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(codings));
        }
        if self.is_cut_off {
            response.extensions_mut().insert(CutOff);
        }
        response.extensions_mut().insert(self);
        response
    }
}
