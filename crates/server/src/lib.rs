//! The server: an artifact's predictions over HTTP, with its contract enforced.
//!
//! One route, one file: `predict`, `health`, `openapi`, `metrics`; one protocol of others, one folder: `oip`, `mlflow`. To
//! add one, write it and name it in `router`. Before them stand the connections (`listen`), who may ask (`guard`, `keys`), in
//! what protocol (`dialect`) and how much a client may take (`limits`, `body`).

mod body;
mod check;
pub mod clients;
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
mod work;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::HeaderValue;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use evenstep_pipeline::mock::{self, Pace};
use evenstep_pipeline::trace::Recorder;
use evenstep_pipeline::{Predictor, ServingSection, Time};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use check::check;
pub use keys::{ApiKeys, KeysError};

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
    /// What the contract says of serving.
    pub serving: ServingSection,
    /// How long answers take that are made up; those of models take as long as they take.
    pub pace: Option<Pace>,
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
    pace: Option<Pace>,
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
            openapi: openapi::document(&predictor, &options.serving),
            predictor,
            metrics: Metrics::new(options.serving.latency.p99.map(Time::duration)),
            guard: Guard::new(options.listen, options.keys, &options.allowed_hosts),
            room: Room::new(),
            turns: Arc::new(Semaphore::new(threads)),
            trace: options.trace,
            pace: options.pace,
        }
    }

    /// Waits as long as an answer takes that is made up.
    async fn keep_pace(&self, request: &[u8]) {
        if let Some(pace) = &self.pace {
            tokio::time::sleep(pace.time(request)).await;
        }
    }
}

fn router(service: Arc<Service>) -> Router {
    let is_mock = service.predictor.digest.starts_with(mock::PREFIX);
    let router = Router::new()
        .route("/predict", post(predict::predict))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .merge(oip::routes())
        .merge(mlflow::routes())
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn_with_state(Arc::clone(&service), guard::guard))
        .with_state(service);
    if is_mock { router.layer(map_response(mocked)) } else { router }
}

/// Marks an answer that is made up, whatever its route.
async fn mocked(mut response: Response) -> Response {
    response.headers_mut().insert("evenstep-mock", HeaderValue::from_static("true"));
    response
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
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        listening(listener.local_addr().map_err(failed)?);
        listen::listen(listener, router(Arc::clone(&service)), &service.metrics, told_to_stop()).await;
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
