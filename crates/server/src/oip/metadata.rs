//! What the server, and its model, say of themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenstep_pipeline::request;
use evenstep_table::{ColumnName, Kind};
use serde_json::{Value, json};

use super::datatype::Datatype;
use crate::Service;
use crate::models::Chosen;

/// `GET /v2`
pub(super) async fn server() -> Json<Value> {
    Json(json!({
        "name": "evenstep",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    }))
}

/// `GET /v2/health/live`
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// `GET /v2/health/ready`: a server that listens has replayed its golden rows.
pub(super) async fn ready() -> Json<Value> {
    Json(json!({ "ready": true }))
}

/// `GET /v2/models/M/ready`
pub(super) async fn model_ready(Chosen(served): Chosen) -> Json<Value> {
    Json(json!({ "name": served.name(), "ready": true }))
}

/// `GET /v2/models/M`
pub(super) async fn model(State(service): State<Arc<Service>>, Chosen(served): Chosen) -> Json<Value> {
    let predictor = &served.predictor;
    let tensor = |name: &ColumnName, kind: Kind| json!({ "name": name, "datatype": Datatype::of(kind), "shape": [-1] });
    let inputs = predictor.contract.columns.iter().filter(|(name, _)| predictor.inputs.contains(name));
    let outputs = request::answer_header(predictor);
    Json(json!({
        "name": predictor.name,
        "versions": service.models.now().versions(&predictor.name),
        "platform": "evenstep",
        "inputs": inputs.map(|(name, rule)| tensor(name, rule.kind)).collect::<Vec<_>>(),
        "outputs": outputs.iter().map(|(name, kind)| tensor(name, *kind)).collect::<Vec<_>>(),
    }))
}
