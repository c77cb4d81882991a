//! What the server, and its model, say of themselves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use evenstep_pipeline::{Predictor, request};
use evenstep_table::ColumnName;
use serde_json::{Value, json};

use super::datatype::Datatype;
use crate::Service;
use crate::models::Chosen;

/// What the server, and the kind of its models, is called.
pub(super) const NAME: &str = "evenstep";

/// `GET /v2`
pub(super) async fn server() -> Json<Value> {
    Json(json!({
        "name": NAME,
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    }))
}

/// `GET /v2/health/live`
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "live": true }))
}

/// `GET /v2/health/ready`: whether more should be asked.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, Json<Value>) {
    (service.readiness(), Json(json!({ "ready": service.is_ready() })))
}

/// `GET /v2/models/M/ready`
pub(super) async fn model_ready(
    State(service): State<Arc<Service>>,
    Chosen(served): Chosen,
) -> (StatusCode, Json<Value>) {
    (service.readiness(), Json(json!({ "name": served.name(), "ready": service.is_ready() })))
}

/// `GET /v2/models/M`
pub(super) async fn model(State(service): State<Arc<Service>>, Chosen(served): Chosen) -> Json<Value> {
    let predictor = &served.predictor;
    let tensors = |tensors: Vec<(ColumnName, Datatype)>| -> Vec<Value> {
        let tensors = tensors.into_iter();
        tensors.map(|(name, datatype)| json!({ "name": name, "datatype": datatype.name(), "shape": [-1] })).collect()
    };
    Json(json!({
        "name": predictor.name,
        "versions": service.models.now().versions(&predictor.name),
        "platform": NAME,
        "inputs": tensors(inputs(predictor)),
        "outputs": tensors(outputs(predictor)),
    }))
}

/// Tensors that a model takes, each of the type that holds its column without loss.
pub(super) fn inputs(predictor: &Predictor) -> Vec<(ColumnName, Datatype)> {
    let inputs = predictor.contract.columns.iter().filter(|(name, _)| predictor.inputs.contains(name));
    inputs.map(|(name, rule)| (name.clone(), Datatype::of(rule.kind))).collect()
}

/// Tensors that it gives.
pub(super) fn outputs(predictor: &Predictor) -> Vec<(ColumnName, Datatype)> {
    request::answer_header(predictor).into_iter().map(|(name, kind)| (name, Datatype::of(kind))).collect()
}
