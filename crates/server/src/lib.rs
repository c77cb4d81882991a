//! The server: an artifact's predictions over HTTP, with its contract enforced.
//!
//! One route, one file: `predict`, `health`, `openapi`, `metrics`. To add one, write its
//! file and name it in `router`.

mod check;
mod health;
mod metrics;
mod openapi;
mod predict;
mod problem;

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use evenstep_pipeline::Predictor;
use evenstep_pipeline::trace::Recorder;
use serde_json::Value;
use tokio::net::TcpListener;

pub use check::check;

use metrics::Metrics;
use problem::Problem;

/// The largest request body that is read, in bytes.
const BODY_BYTES_MAX: usize = 16 << 20;

/// After being told to stop, requests under way are waited for so long: a client that never ends
/// its request must not keep the server.
const DRAIN: Duration = Duration::from_secs(10);

/// What every route works with.
struct Service {
    predictor: Predictor,
    openapi: Value,
    metrics: Metrics,
    /// Commits to what each stage makes of live rows, if there is to be a trace.
    trace: Option<Arc<Recorder>>,
}

/// A server that can't start.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {cause}")]
pub struct ServeError {
    address: SocketAddr,
    #[source]
    cause: std::io::Error,
}

/// The routes of a predictor whose golden rows were replayed.
pub fn router(predictor: Predictor, trace: Option<Arc<Recorder>>) -> Router {
    let openapi = openapi::document(&predictor);
    let service = Arc::new(Service { predictor, openapi, metrics: Metrics::new(), trace });
    Router::new()
        .route("/predict", post(predict::predict))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(service)
}

/// Serves until the process is told to stop; requests under way are answered first.
/// `listening` is called once, with the address, when requests are taken; what is answered is committed
/// to in `trace`, if there is one.
///
/// # Errors
/// An address that can't be listened on, or threads that the host refuses.
pub fn serve(
    predictor: Predictor,
    trace: Option<Arc<Recorder>>,
    address: SocketAddr,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    let failed = |cause| ServeError { address, cause };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        listening(listener.local_addr().map_err(failed)?);
        let (told, stopping) = tokio::sync::oneshot::channel();
        let stop = async move {
            told_to_stop().await;
            let _ = told.send(());
        };
        let served = axum::serve(listener, router(predictor, trace)).with_graceful_shutdown(stop);
        let deadline = async move {
            let _ = stopping.await;
            tokio::time::sleep(DRAIN).await;
        };
        tokio::select! {
            served = served.into_future() => served.map_err(failed),
            () = deadline => Ok(()),
        }
    })
}

/// Ctrl-C, or a polite kill.
async fn told_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}
