//! In which protocol a path is spoken: what its errors look like, and what its bodies may be.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::formats::{self, Format};
use crate::problem::Problem;
use crate::request_id::{self, REQUEST_ID};
use crate::status;

/// A protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    /// Ours.
    Native,
    /// The Open Inference Protocol, version 2.
    Inference,
    /// That of MLflow's scoring server.
    Mlflow,
    /// The Open Inference Protocol over gRPC, and what else is called by that.
    Grpc,
}

impl Dialect {
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Dialect {
        match path {
            _ if status::is_call(headers) => Dialect::Grpc,
            "/invocations" => Dialect::Mlflow,
            "/v2" => Dialect::Inference,
            _ if path.starts_with("/v2/") => Dialect::Inference,
            _ => Dialect::Native,
        }
    }

    /// Whether something is posted there. Elsewhere no body is read, whatever it says.
    pub(crate) fn takes_body(path: &str) -> bool {
        path == "/invocations" || path.ends_with("/predict") || path.ends_with("/infer")
    }

    /// Refuses a body that a page of another site could send without asking, and one of a format that isn't read here.
    pub(crate) fn check_body(self, headers: &HeaderMap) -> Result<(), Problem> {
        const INFERENCE: [&str; 2] = ["application/json", "application/octet-stream"];
        match self {
            Dialect::Native => Format::of_body(headers, &Format::ALL).map(drop),
            Dialect::Mlflow => Format::of_body(headers, &Format::INVOKED).map(drop),
            Dialect::Inference => match headers.get(header::CONTENT_TYPE) {
                Some(kind) if INFERENCE.contains(&formats::essence(kind).as_str()) => Ok(()),
                // Triton's clients say no type. A browser that sends for a page says which one.
                None if !headers.contains_key(header::ORIGIN) && !headers.contains_key("sec-fetch-site") => Ok(()),
                kind => Err(Problem::unread_type(kind.map(formats::essence).as_deref(), &INFERENCE)),
            },
            Dialect::Grpc => Err(Problem::no_method()),
        }
    }

    /// The status that a problem has here: of what can't be answered, these protocols know but one kind.
    pub(crate) fn status(self, problem: &Problem) -> StatusCode {
        match problem.status() {
            StatusCode::UNPROCESSABLE_ENTITY if self != Dialect::Native => StatusCode::BAD_REQUEST,
            status => status,
        }
    }

    /// A problem as it is told here, with the request's name; any other response as it is.
    pub(crate) fn retell(self, mut response: Response, name: Option<HeaderValue>) -> Response {
        let Some(problem) = response.extensions_mut().remove::<Problem>() else {
            response.headers_mut().extend(name.map(|name| (REQUEST_ID, name)));
            return response;
        };
        let name = name.unwrap_or_else(request_id::make);
        let text = name.to_str().ok();
        let (kind, body) = match self {
            Dialect::Grpc => {
                let mut told = status::of(&problem);
                told.headers_mut().insert(REQUEST_ID, name);
                *told.extensions_mut() = std::mem::take(response.extensions_mut());
                // Its status is another: calls of gRPC go well for HTTP whatever comes of them.
                told.extensions_mut().insert(Became(self.status(&problem)));
                return told;
            }
            Dialect::Native => ("application/problem+json", problem.of_request(text)),
            Dialect::Inference => ("application/json", json!({ "error": problem.in_words() })),
            Dialect::Mlflow => {
                let body = json!({ "error_code": code(problem.status()), "message": problem.without_values() });
                ("application/json", body)
            }
        };
        let mut told = (self.status(&problem), [(header::CONTENT_TYPE, kind)], body.to_string()).into_response();
        let headers = told.headers_mut();
        // When to come back, what key to show, which method to take, how to compress.
        for of_ours in [header::WWW_AUTHENTICATE, header::RETRY_AFTER, header::ALLOW, header::ACCEPT_ENCODING] {
            headers.extend(response.headers().get(&of_ours).cloned().map(|value| (of_ours, value)));
        }
        headers.insert(REQUEST_ID, name);
        *told.extensions_mut() = std::mem::take(response.extensions_mut());
        told
    }
}

/// What the status of a response would be in our own protocol, where it says another.
#[derive(Clone, Copy)]
pub(crate) struct Became(pub(crate) StatusCode);

/// MLflow's names of statuses.
fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::FORBIDDEN => "PERMISSION_DENIED",
        StatusCode::NOT_FOUND => "ENDPOINT_NOT_FOUND",
        StatusCode::TOO_MANY_REQUESTS => "REQUEST_LIMIT_EXCEEDED",
        StatusCode::SERVICE_UNAVAILABLE => "TEMPORARILY_UNAVAILABLE",
        StatusCode::INTERNAL_SERVER_ERROR => "INTERNAL_ERROR",
        _ => "BAD_REQUEST",
    }
}
