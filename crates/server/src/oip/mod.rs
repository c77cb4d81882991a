//! The Open Inference Protocol, version 2, over HTTP and gRPC: what KServe, Triton and others speak.
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

use crate::Service;
use axum::Router;
use axum::routing::{get, post};

pub(crate) use grpc::calls;
#[cfg(feature = "grpc")]
pub(crate) use grpc::rows as grpc_rows;
pub(crate) use infer::read;

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
