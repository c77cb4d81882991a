//! What every server of gRPC tells: whether it is well, and what it serves.

use tonic::codec::CompressionEncoding::Gzip;
use tonic::codegen::tokio_stream::{StreamExt, once};
use tonic::codegen::{BoxStream, async_trait};
use tonic::{Code, Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_check_response::ServingStatus::ServiceUnknown;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};
use tonic_reflection::server::{Builder, v1, v1alpha};

use crate::DESCRIPTORS;

/// Those who ask by health or reflection send a name.
const MESSAGE_BYTES_MAX: usize = 4 << 10;
/// The service whose health is told, besides that of the whole server, whose name is empty.
const INFERENCE: &str = "inference.GRPCInferenceService";

/// Those who watch whether the server is well.
pub struct Watched(HealthReporter);

impl Watched {
    /// Nobody yet, and the service that lets them in: `grpc.health.v1.Health`.
    pub async fn new() -> (Watched, HealthServer<impl Health>) {
        let reporter = HealthReporter::new();
        reporter.set_service_status(INFERENCE, ServingStatus::Serving).await;
        let service = HealthServer::new(Patient(HealthService::from_health_reporter(reporter.clone())));
        (Watched(reporter), service.max_decoding_message_size(MESSAGE_BYTES_MAX).accept_compressed(Gzip))
    }

    /// Tells them that the server is no longer, and lets them go: it would wait for them.
    pub async fn end(mut self) {
        for name in ["", INFERENCE] {
            self.0.set_service_status(name, ServingStatus::NotServing).await;
            self.0.clear_service_status(name).await;
        }
    }
}

/// Health by which who watches a service that isn't known is told so, and goes on watching, as the protocol has it.
struct Patient(HealthService);

#[async_trait]
impl Health for Patient {
    type WatchStream = BoxStream<HealthCheckResponse>;

    async fn check(&self, asked: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.check(asked).await
    }

    async fn watch(&self, asked: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        match self.0.watch(asked).await {
            Ok(told) => Ok(Response::new(Box::pin(told.into_inner()))),
            Err(no) if no.code() == Code::NotFound => {
                // No service comes to be while the server runs: nothing follows but the server's end.
                let server = self.0.watch(Request::new(HealthCheckRequest::default())).await?.into_inner();
                let unknown = HealthCheckResponse { status: ServiceUnknown.into() };
                Ok(Response::new(Box::pin(once(Ok(unknown)).chain(server.filter(|_| false)))))
            }
            Err(no) => Err(no),
        }
    }
}

/// `grpc.reflection.v1.ServerReflection`
pub fn reflection() -> v1::ServerReflectionServer<impl v1::ServerReflection> {
    let service = described().build_v1().expect("descriptors are whole");
    service.max_decoding_message_size(MESSAGE_BYTES_MAX).accept_compressed(Gzip)
}

/// `grpc.reflection.v1alpha.ServerReflection`, which older clients ask.
pub fn reflection_alpha() -> v1alpha::ServerReflectionServer<impl v1alpha::ServerReflection> {
    let service = described().build_v1alpha().expect("descriptors are whole");
    service.max_decoding_message_size(MESSAGE_BYTES_MAX).accept_compressed(Gzip)
}

fn described() -> Builder<'static> {
    Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
        .include_reflection_service(false)
}
