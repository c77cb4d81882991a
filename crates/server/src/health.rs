//! `GET /health`: whether more should be asked, and to those who may know, which artifact answers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::Service;

pub(crate) async fn health(State(service): State<Arc<Service>>, headers: HeaderMap) -> (StatusCode, Json<Value>) {
    let status = if service.is_ready() { "ok" } else { "ending" };
    if !service.guard.knows(&headers) {
        return (service.readiness(), Json(json!({ "status": status })));
    }
    let now = service.models.now();
    let predictor = &now.default().predictor;
    let told = json!({
        "status": status,
        "model": predictor.name,
        "version": predictor.version,
        "digest": predictor.digest,
    });
    (service.readiness(), Json(told))
}
