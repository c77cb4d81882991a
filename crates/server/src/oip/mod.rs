//! The Open Inference Protocol, version 2, over HTTP and gRPC: what KServe, Triton and others speak. One model and one
//! version of it are served: the pipeline's name, and the artifact's version.
//!
//! `tensor` and `output` are what both have in common; `infer` and `json` are for HTTP, `grpc` is for calls.

mod datatype;
#[cfg_attr(not(feature = "grpc"), path = "no_grpc.rs")]
mod grpc;
mod infer;
mod json;
mod metadata;
mod output;
mod tensor;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use evenstep_pipeline::Predictor;

use crate::Service;
use crate::problem::Problem;

pub(crate) use grpc::calls;
#[cfg(feature = "grpc")]
pub use grpc::rows as grpc_rows;

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

/// Which model, and perhaps which version, a path names.
#[derive(serde::Deserialize)]
struct Named {
    model: String,
    version: Option<String>,
}

impl Named {
    /// Refuses whatever isn't served.
    fn check(&self, service: &Service) -> Result<(), Problem> {
        model(service, &self.model, self.version.as_deref()).map(drop)
    }
}

/// The model of a name, and perhaps of a version.
fn model<'a>(service: &'a Service, name: &str, version: Option<&str>) -> Result<&'a Predictor, Problem> {
    let predictor = &service.predictor;
    if name == predictor.name && version.is_none_or(|version| version == predictor.version) {
        return Ok(predictor);
    }
    Err(Problem::no_model(name, version, (&predictor.name, &predictor.version)))
}
