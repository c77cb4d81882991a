//! What MLflow's scoring server answers.

mod invocations;
mod rows;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::Service;

pub(crate) use rows::rows;

pub(crate) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/ping", get(ping))
        .route("/version", get(version))
        .route("/invocations", post(invocations::invocations))
}

/// `GET /ping`: whether more should be asked.
async fn ping(State(service): State<Arc<Service>>) -> Response {
    (service.readiness(), [(header::CONTENT_TYPE, "application/json")], "\n").into_response()
}

/// `GET /version`: of what serves; MLflow tells its own there.
async fn version() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], env!("CARGO_PKG_VERSION")).into_response()
}
