//! Errors as RFC 9457 problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::RowError;
use serde_json::{Map, Value, json};

use crate::limits::RETRY_AFTER_SECONDS;

/// An answer that is no prediction.
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    errors: Vec<RowError>,
    count: usize,
}

impl Problem {
    /// A body that isn't what the route reads: 400.
    pub(crate) fn malformed(detail: impl Into<String>) -> Problem {
        Problem { status: StatusCode::BAD_REQUEST, detail: detail.into(), errors: Vec::new(), count: 0 }
    }

    fn of(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, ..Problem::malformed(detail) }
    }

    /// No key, or none that is known: 401.
    pub(crate) fn unauthorized() -> Problem {
        Problem::of(StatusCode::UNAUTHORIZED, "show a key: `Authorization: Bearer KEY`, or `X-API-Key: KEY`")
    }

    /// A body that took too long to arrive: 408.
    pub(crate) fn too_slow() -> Problem {
        Problem::of(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive")
    }

    /// A body that is too large: 413.
    pub(crate) fn too_large(bytes_max: usize) -> Problem {
        let detail = format!("a body may have {} MiB; send the rows in several requests", bytes_max >> 20);
        Problem::of(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// A body that doesn't say that it is JSON: 415.
    pub(crate) fn no_json(kind: &str) -> Problem {
        let said = if kind.is_empty() { "no type".to_owned() } else { format!("`{kind}`") };
        let detail = format!("the body is said to have {said}; send `Content-Type: application/json`");
        Problem::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// A host that this server isn't: 421.
    pub(crate) fn misdirected() -> Problem {
        let detail = "this server doesn't go by the name in `Host`; `serve --allow-host NAME` lets it";
        Problem::of(StatusCode::MISDIRECTED_REQUEST, detail)
    }

    /// More requests than can be answered soon: 503.
    pub(crate) fn busy() -> Problem {
        Problem::of(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once; try again later")
    }

    /// Rows that break the contract: 422.
    pub(crate) fn contract(errors: Vec<RowError>, count: usize) -> Problem {
        let fields = if count == 1 { "1 field breaks".to_owned() } else { format!("{count} fields break") };
        let detail = format!("{fields} the contract; see /openapi.json");
        Problem { status: StatusCode::UNPROCESSABLE_ENTITY, detail, errors, count }
    }

    /// No such route: 404.
    pub(crate) fn not_found() -> Problem {
        let detail = "there are POST /predict, GET /health, /metrics and /openapi.json";
        Problem::of(StatusCode::NOT_FOUND, detail)
    }

    /// The route takes another method: 405.
    pub(crate) fn method_not_allowed() -> Problem {
        Problem::of(StatusCode::METHOD_NOT_ALLOWED, "this route takes another method")
    }

    /// A bug of ours: 500.
    pub(crate) fn bug(detail: impl Into<String>) -> Problem {
        Problem::of(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!("about:blank"));
        body.insert("title".to_owned(), json!(self.status.canonical_reason().unwrap_or("error")));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail));
        if !self.errors.is_empty() {
            body.insert("count".to_owned(), json!(self.count));
            body.insert("errors".to_owned(), json!(self.errors));
        }
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, Value::Object(body).to_string()).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
            }
            _ => {}
        }
        response
    }
}
