//! The server: the predictions of artifacts over HTTP and gRPC, with their contracts enforced.
//!
//! One route, one file: `predict`, `health`, `openapi`, `metrics`; one protocol of others, one folder: `oip`, `mlflow`. To
//! add one, write it and name it in `router`. Before them stand the connections (`listen`, `gate`, `tls`), who may ask (`guard`,
//! `keys`), in what protocol (`dialect`) and how much a client may take (`limits`, `arriving`, `body`). Which artifact answers is for
//! `models` to say; what changes that are a file (`watch`) and, behind keys of its own, `admin`.

mod admin;
mod answers;
mod arriving;
mod ask;
mod body;
mod check;
mod client;
pub mod clients;
mod deadline;
mod dialect;
mod encoding;
mod exposition;
pub mod foreign;
mod formats;
mod gate;
mod guard;
mod health;
mod heard;
mod host;
mod keyring;
mod keys;
mod limits;
mod lines;
mod listen;
mod log;
mod metrics;
mod mlflow;
mod models;
mod names;
mod oip;
mod openapi;
mod origin;
mod packing;
mod page;
mod parts;
mod places;
mod predict;
mod problem;
mod rate;
mod request_id;
mod seldom;
mod status;
mod stop;
#[cfg_attr(not(feature = "otel"), path = "no_telemetry.rs")]
mod telemetry;
mod tls;
mod together;
mod traceparent;
mod traces;
mod turns;
mod wanted;
mod watch;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use evenstep_pipeline::mock::{self, Pace};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};

pub use admin::{ActLog, ActLogError, ActsEnd, AdminOptions, read_acts};
pub use check::check;
pub use client::{AdminClient, ClientError};
pub use keyring::Keyring;
pub use keys::{ApiKeys, KeysError};
pub use log::LogFormat;
pub use models::{Bundle, Loader, Models, ModelsError};
pub use names::path_of;
pub use rate::PER_SECOND_MAX;
pub use tls::{TlsError, TlsFiles};
pub use traces::{Traced, Traces};

use body::{Room, Times};
use gate::Gate;
use guard::Guard;
use limits::{ADMIN_CONNECTIONS_MAX, CONNECTIONS_AT_ONCE, CONNECTIONS_MAX, CUT_OFF_TIME, WAITING_MAX, WAITING_SURELY};
use listen::Door;
use log::Log;
use metrics::Metrics;
use places::{FILES_WANTED, Limited, Places};
use problem::Problem;
use stop::Stop;
use telemetry::Telemetry;
use tls::Tls;
use turns::Turns;
use watch::{Files, HangUp};

/// How a server is reached, and by whom.
pub struct Options {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The keys of those who may ask; everyone, if there is none.
    pub keys: Option<Keyring>,
    /// Names of this host that requests may ask for, besides those of a loopback address. On another address any name
    /// will do, if there is none.
    pub allowed_hosts: Vec<String>,
    /// Commit to what each stage makes of live rows, if there are to be traces.
    pub traces: Option<Arc<Traces>>,
    /// What connections are encrypted by, if they are.
    pub tls: Option<TlsFiles>,
    /// Where it is told what to serve, if it is.
    pub admin: Option<AdminOptions>,
    /// How each request is told on stderr, if it is.
    pub log: Option<LogFormat>,
    /// How long answers take that are made up; those of models take as long as they take.
    pub pace: Option<Pace>,
    /// How long it goes on after it was told to stop, while it says that others should be asked.
    pub shutdown_delay: Duration,
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub struct Listening {
    /// To requests for predictions.
    pub address: SocketAddr,
    /// To those who say what is served.
    pub admin: Option<SocketAddr>,
}

/// What every route works with.
struct Service {
    models: Models,
    metrics: Metrics,
    log: Arc<Log>,
    telemetry: Option<Telemetry>,
    guard: Guard,
    room: Room,
    /// Of bodies that take microseconds, and of those that take longer.
    joint_turns: Turns,
    small_turns: Turns,
    large_turns: Turns,
    traces: Option<Arc<Traces>>,
    pace: Option<Pace>,
    /// Whether the server was told to stop, and others should be asked.
    ends: AtomicBool,
}

/// A server that can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address that is taken, or isn't of this host.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// A certificate that can't be shown.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Service {
    /// Whether requests are told, to people or to a collector.
    fn tells_requests(&self) -> bool {
        self.log.tells_requests() || self.telemetry.is_some()
    }

    /// Whether more should be asked: a server that listens has replayed its golden rows.
    fn is_ready(&self) -> bool {
        !self.ends.load(Ordering::Relaxed)
    }

    /// By which status that is told.
    fn readiness(&self) -> StatusCode {
        if self.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }

    /// Waits as long as an answer takes that is made up.
    async fn keep_pace(&self, request: &[u8]) {
        if let Some(pace) = &self.pace {
            tokio::time::sleep(pace.time(request)).await;
        }
    }
}

fn router(service: Arc<Service>, calls: Router<Arc<Service>>) -> Router {
    let is_mock = service.models.with_default(|predictor| predictor.digest.starts_with(mock::PREFIX));
    let router = Router::new()
        .route("/predict", post(predict::predict))
        .route("/health", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .route("/docs", get(page::page))
        .merge(models::routes())
        .merge(oip::routes())
        .merge(mlflow::routes())
        .merge(calls)
        .fallback(nowhere)
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

/// What no route answers.
async fn nowhere(request: Request) -> Problem {
    if status::is_call(request.headers()) { Problem::no_method() } else { Problem::not_found() }
}

/// Serves models whose golden rows were replayed, until the process is told to stop; requests under way are answered
/// first. `listening` is called once, with the addresses, when requests are taken.
///
/// # Errors
/// An address that can't be listened on, a certificate that can't be shown, or threads that the host refuses.
pub fn serve(models: Models, options: Options, listening: impl FnOnce(Listening)) -> Result<(), ServeError> {
    let Options { listen, keys, allowed_hosts, traces, tls, admin, log, pace, shutdown_delay } = options;
    let tls = tls.map(Tls::open).transpose()?.map(Arc::new);
    let keys = keys.map(Arc::new);
    let mut files = Files { tls: tls.clone(), keyrings: keys.iter().cloned().collect() };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failed = |cause| ServeError::Listen(listen, cause);
    let log = Arc::new(Log::new(log).map_err(failed)?);
    let telemetry = Telemetry::of_environment(&log).unwrap_or_else(|because| {
        log.event("traces_off", &[("because", json!(because))]);
        None
    });
    let limited = Limited::by_host();
    if let Some(files) = limited.files {
        let (all, from_one) = (json!(limited.callers.all), json!(limited.callers.from_one));
        let because = format!("the process may open {files} files, and {FILES_WANTED} are wanted");
        let members = [("connections", all), ("from_one_address", from_one), ("because", json!(because))];
        log.event("fewer_connections", &members);
    }
    // Requests over HTTP/2 take no files.
    let callers = Gate::new(limited.callers, Places::of(CONNECTIONS_MAX as usize));
    let admins = Gate::new(limited.admins, Places::of(ADMIN_CONNECTIONS_MAX));
    let service = Arc::new(Service {
        metrics: Metrics::new(tls.is_some(), models.is_watched(), telemetry.as_ref().map(Telemetry::lost)),
        models,
        log,
        telemetry,
        guard: Guard::new(listen, keys, &allowed_hosts, tls.is_some()),
        room: Room::new(Arc::clone(&callers), Times::USUAL),
        joint_turns: Turns::new(threads, WAITING_MAX),
        small_turns: Turns::new(threads, WAITING_MAX),
        large_turns: Turns::new(threads, WAITING_SURELY),
        traces,
        pace,
        ends: AtomicBool::new(false),
    });
    tls.iter().for_each(|tls| watch::tell_end(&service, tls));
    // A thread's own queue has 256 places. Beside 1,000 busy connections most would find none there, which costs more than to
    // answer them and has some wait for a tenth of a second. So few are looked at in one go.
    let builder = &mut tokio::runtime::Builder::new_multi_thread();
    builder.max_io_events_per_tick(CONNECTIONS_AT_ONCE);
    let runtime = builder.enable_all().build().map_err(failed)?;
    let ended = runtime.block_on(async {
        let (stop, hang_up) = (Stop::new(shutdown_delay), HangUp::new());
        let (listener, address) = bind(listen)?;
        let admin = match admin {
            None => None,
            Some(admin) => {
                let (listener, address) = bind(admin.listen)?;
                let keys = Arc::new(admin.keys);
                files.keyrings.push(Arc::clone(&keys));
                let guard = Guard::new(admin.listen, Some(keys), &allowed_hosts, tls.is_some());
                if let Some((acts, line)) = admin.acts.as_ref().and_then(|acts| Some((acts, acts.mended?))) {
                    let file = json!(acts.path().to_string_lossy());
                    service.log.event("act_cut_off", &[("file", file), ("line", json!(line))]);
                }
                let router = admin::router(Arc::clone(&service), guard, admin.acts);
                Some((listener, address, router))
            }
        };
        listening(Listening { address, admin: admin.as_ref().map(|(_, address, _)| *address) });
        let (calls, lasting) = oip::calls(&service).await;
        let watching = tokio::spawn(watch::watch(Arc::clone(&service), files, hang_up, stop.clone()));
        let tls = tls.as_deref();
        let until = async {
            stop.told(1).await;
            service.ends.store(true, Ordering::Relaxed);
            stop.due().await;
            lasting.end().await;
        };
        let door = Door { router: router(Arc::clone(&service), calls), gate: callers, is_counted: true };
        let answering = listen::listen(listener, tls, door, &service, until, &stop);
        let changing = async {
            if let Some((listener, _, router)) = admin {
                let door = Door { router, gate: admins, is_counted: false };
                listen::listen(listener, tls, door, &service, stop.due(), &stop).await;
            }
        };
        tokio::join!(answering, changing);
        stop.wait_for(watching).await;
        Ok(())
    });
    // What is cut off is told in the log. A thread that still loads a bundle may never end.
    runtime.shutdown_timeout(CUT_OFF_TIME);
    ended.inspect(|()| {
        if let Some(telemetry) = &service.telemetry {
            telemetry.flush();
        }
        service.log.flush();
    })
}

fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let failed = |cause| ServeError::Listen(address, cause);
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
    // Else nobody could listen here again for a minute after the last connection.
    #[cfg(unix)]
    socket.set_reuseaddr(true).map_err(failed)?;
    socket.bind(address).map_err(failed)?;
    // A burst of new connections waits for its turn; the usual 128 of them would have some reset.
    let listener = socket.listen(CONNECTIONS_MAX).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
