//! `GET /health`: whether the artifact answers, and to those who may know, which one it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::Service;

pub(crate) async fn health(State(service): State<Arc<Service>>, headers: HeaderMap) -> Json<Value> {
    if !service.guard.knows(&headers) {
        return Json(json!({ "status": "ok" }));
    }
    let now = service.models.now();
    let predictor = &now.default().predictor;
    Json(json!({
        "status": "ok",
        "model": predictor.name,
        "version": predictor.version,
        "digest": predictor.digest,
    }))
}
