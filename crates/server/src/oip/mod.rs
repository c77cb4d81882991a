//! The Open Inference Protocol, version 2, over HTTP: what KServe, Triton and others speak.

mod datatype;
mod infer;
mod metadata;
mod output;
mod tensor;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use evenstep_pipeline::request::Refusal;
use serde_json::{Map, Value};

use crate::Service;

pub(crate) fn routes() -> Router<Arc<Service>> {
    let mut router = Router::new()
        .route("/v2", get(metadata::server))
        .route("/v2/", get(metadata::server))
        .route("/v2/health/live", get(metadata::live))
        .route("/v2/health/ready", get(metadata::ready));
    for model in ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"] {
        router = router
            .route(model, get(metadata::model))
            .route(&format!("{model}/ready"), get(metadata::model_ready))
            .route(&format!("{model}/infer"), post(infer::infer));
    }
    router
}

/// Parameters of a request, a tensor or an output: texts, numbers, flags.
fn parameters(parameters: Option<Value>, of: &str) -> Result<Map<String, Value>, Refusal> {
    let wrong = || Refusal::Malformed(format!("{of}: its `parameters` are no object of texts, numbers and flags"));
    match parameters {
        None => Ok(Map::new()),
        Some(Value::Object(parameters)) => {
            let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
            if parameters.values().all(plain) { Ok(parameters) } else { Err(wrong()) }
        }
        Some(_) => Err(wrong()),
    }
}
