//! A server that was built without gRPC.

use std::sync::Arc;

use axum::Router;

use crate::Service;

/// Nobody can watch.
pub(crate) struct Watched;

impl Watched {
    pub(crate) async fn end(self) {}
}

/// Nothing is answered.
pub(crate) async fn calls() -> (Router<Arc<Service>>, Watched) {
    (Router::new(), Watched)
}
