//! `GET /health`: whether the artifact answers, and which one it is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::Service;

pub(crate) async fn health(State(service): State<Arc<Service>>) -> Json<Value> {
    let predictor = &service.predictor;
    Json(json!({
        "status": "ok",
        "model": predictor.name,
        "version": predictor.version,
        "digest": predictor.digest,
    }))
}
