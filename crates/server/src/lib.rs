//! The server: an artifact's predictions over HTTP and gRPC, with its contract enforced.
//!
//! One route, one file: `predict`, `health`, `openapi`, `metrics`; one protocol of others, one folder: `oip`, `mlflow`. To
//! add one, write it and name it in `router`. Before them stand the connections (`listen`), who may ask (`guard`, `keys`), in
//! what protocol (`dialect`) and how much a client may take (`limits`, `body`).

mod body;
mod check;
mod dialect;
mod encoding;
mod formats;
mod guard;
mod health;
mod keys;
mod limits;
mod lines;
mod listen;
mod metrics;
mod mlflow;
mod oip;
mod openapi;
mod predict;
mod problem;
mod request_id;
mod status;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use evenstep_pipeline::Predictor;
use evenstep_pipeline::trace::Recorder;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use check::check;
pub use keys::{ApiKeys, KeysError};
#[cfg(feature = "grpc")]
pub use oip::grpc_rows;

use body::Room;
use guard::Guard;
use metrics::Metrics;
use problem::Problem;

/// How a server is reached, and by whom.
pub struct Options {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The keys of those who may ask; everyone, if there is none.
    pub keys: Option<ApiKeys>,
    /// Names of this host that requests may ask for, besides those of a loopback address. On another address any name
    /// will do, if there is none.
    pub allowed_hosts: Vec<String>,
    /// Commits to what each stage makes of live rows, if there is to be a trace.
    pub trace: Option<Arc<Recorder>>,
}

/// What every route works with.
struct Service {
    predictor: Predictor,
    openapi: Value,
    metrics: Metrics,
    guard: Guard,
    room: Room,
    /// One a large request that is being computed.
    turns: Arc<Semaphore>,
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

impl Service {
    fn new(predictor: Predictor, options: Options) -> Service {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Service {
            openapi: openapi::document(&predictor),
            predictor,
            metrics: Metrics::new(),
            guard: Guard::new(options.listen, options.keys, &options.allowed_hosts),
            room: Room::new(),
            turns: Arc::new(Semaphore::new(threads)),
            trace: options.trace,
        }
    }
}

fn router(service: Arc<Service>, calls: Router<Arc<Service>>) -> Router {
    Router::new()
        .route("/predict", post(predict::predict))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .merge(oip::routes())
        .merge(mlflow::routes())
        .merge(calls)
        .fallback(nowhere)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn_with_state(Arc::clone(&service), guard::guard))
        .with_state(service)
}

/// What no route answers.
async fn nowhere(request: Request) -> Problem {
    if status::is_call(request.headers()) { Problem::no_method() } else { Problem::not_found() }
}

/// Serves a predictor whose golden rows were replayed, until the process is told to stop; requests under way are answered
/// first. `listening` is called once, with the address, when requests are taken.
///
/// # Errors
/// An address that can't be listened on, or threads that the host refuses.
pub fn serve(predictor: Predictor, options: Options, listening: impl FnOnce(SocketAddr)) -> Result<(), ServeError> {
    let address = options.listen;
    let failed = |cause| ServeError { address, cause };
    let service = Arc::new(Service::new(predictor, options));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let (calls, watched) = oip::calls().await;
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        listening(listener.local_addr().map_err(failed)?);
        let stop = async {
            told_to_stop().await;
            watched.end().await;
        };
        listen::listen(listener, router(Arc::clone(&service), calls), &service.metrics, stop).await;
        Ok(())
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
