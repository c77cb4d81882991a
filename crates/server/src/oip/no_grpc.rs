//! A server that was built without gRPC.

use std::sync::Arc;

use axum::Router;

use crate::Service;

/// Nobody can watch.
pub(crate) struct Lasting;

impl Lasting {
    pub(crate) async fn end(self) {}
}

/// Nothing is answered.
pub(crate) async fn calls(_: &Arc<Service>) -> (Router<Arc<Service>>, Lasting) {
    (Router::new(), Lasting)
}
