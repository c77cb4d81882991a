//! Errors as RFC 9457 problem details.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::RowError;
use serde_json::{Map, Value, json};

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

    /// A body that is too large: 413.
    pub(crate) fn too_large(detail: impl Into<String>) -> Problem {
        Problem { status: StatusCode::PAYLOAD_TOO_LARGE, ..Problem::malformed(detail) }
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
        Problem { status: StatusCode::NOT_FOUND, ..Problem::malformed(detail) }
    }

    /// The route takes another method: 405.
    pub(crate) fn method_not_allowed() -> Problem {
        Problem { status: StatusCode::METHOD_NOT_ALLOWED, ..Problem::malformed("this route takes another method") }
    }

    /// A bug of ours: 500.
    pub(crate) fn bug(detail: impl Into<String>) -> Problem {
        Problem { status: StatusCode::INTERNAL_SERVER_ERROR, ..Problem::malformed(detail) }
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
        (self.status, kind, Value::Object(body).to_string()).into_response()
    }
}
