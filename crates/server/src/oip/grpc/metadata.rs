//! What the server, and its model, say of themselves.

use evenstep_grpc::inference::{
    ModelMetadataRequest, ModelMetadataResponse, ModelReadyRequest, ModelReadyResponse, ServerLiveRequest,
    ServerLiveResponse, ServerMetadataRequest, ServerMetadataResponse, ServerReadyRequest, ServerReadyResponse,
    model_metadata_response::TensorMetadata,
};
use evenstep_table::ColumnName;

use super::super::datatype::Datatype;
use super::super::metadata::{NAME, inputs, outputs};
use super::served;
use crate::Service;
use crate::problem::Problem;

pub(super) fn live(_: &Service, _: ServerLiveRequest) -> Result<ServerLiveResponse, Problem> {
    Ok(ServerLiveResponse { live: true })
}

pub(super) fn ready(service: &Service, _: ServerReadyRequest) -> Result<ServerReadyResponse, Problem> {
    Ok(ServerReadyResponse { ready: service.is_ready() })
}

pub(super) fn server(_: &Service, _: ServerMetadataRequest) -> Result<ServerMetadataResponse, Problem> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(ServerMetadataResponse { name: NAME.to_owned(), version, extensions: Vec::new() })
}

pub(super) fn model_ready(service: &Service, asked: ModelReadyRequest) -> Result<ModelReadyResponse, Problem> {
    let is_known = served(service, &asked.name, &asked.version).is_ok();
    Ok(ModelReadyResponse { ready: is_known && service.is_ready() })
}

pub(super) fn model(service: &Service, asked: ModelMetadataRequest) -> Result<ModelMetadataResponse, Problem> {
    let served = served(service, &asked.name, &asked.version)?;
    let predictor = &served.predictor;
    let tensor = |(name, datatype): (ColumnName, Datatype)| TensorMetadata {
        name: name.to_string(),
        datatype: datatype.name().to_owned(),
        shape: vec![-1],
    };
    Ok(ModelMetadataResponse {
        name: predictor.name.clone(),
        versions: service.models.now().versions(&predictor.name).into_iter().map(str::to_owned).collect(),
        platform: NAME.to_owned(),
        inputs: inputs(predictor).into_iter().map(tensor).collect(),
        outputs: outputs(predictor).into_iter().map(tensor).collect(),
    })
}
