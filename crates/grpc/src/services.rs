//! What every server of gRPC tells: whether it is well, and what it serves.

use tonic::codec::CompressionEncoding::Gzip;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, health_reporter};
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
        let (reporter, service) = health_reporter();
        reporter.set_service_status(INFERENCE, ServingStatus::Serving).await;
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
