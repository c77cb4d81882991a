//! The same protocol over gRPC, and what every server of gRPC tells: health and reflection. Calls come to the same port as
//! requests, through the same guards and limits.
//!
//! A call of one message is answered as a request is, by `work`, so that room, turns and counts are those of HTTP. What may
//! last, as watching the health does, is left to a library.

mod contents;
mod infer;
mod lasting;
mod metadata;

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use evenstep_grpc::{FrameError, Message, Watched, framed, message, reflection, reflection_alpha};
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::Service;
use crate::body;
use crate::deadline::Deadline;
use crate::dialect::Dialect;
use crate::limits::{BODY_TIME, SMALL_BODY_BYTES};
use crate::models::Served;
use crate::packing::Packing;
use crate::problem::Problem;
use crate::status::{self, GRPC};
use crate::work::{self, Asked, caught};

pub(crate) use infer::rows;
pub(crate) use lasting::Lasting;

/// The routes of calls, and those that last.
pub(crate) async fn calls(service: &Arc<Service>) -> (Router<Arc<Service>>, Lasting) {
    let (watched, health) = Watched::new().await;
    let lasting = Lasting::new(watched);
    let ends = lasting.ends();
    let routes = Router::new()
        .route_service("/grpc.health.v1.Health/{method}", health)
        .route_service("/grpc.reflection.v1.ServerReflection/{method}", reflection())
        .route_service("/grpc.reflection.v1alpha.ServerReflection/{method}", reflection_alpha())
        .layer(map_request(move |request: Request| std::future::ready(request.map(&ends))))
        .layer(from_fn(soon));
    let method = |name: &str| format!("/inference.GRPCInferenceService/{name}");
    let router = Router::new()
        .route(&method("ServerLive"), told(metadata::live))
        .route(&method("ServerReady"), told(metadata::ready))
        .route(&method("ServerMetadata"), told(metadata::server))
        .route(&method("ModelReady"), told(metadata::model_ready))
        .route(&method("ModelMetadata"), told(metadata::model))
        .merge(routes)
        .layer(from_fn_with_state(Arc::clone(service), in_time))
        .route(&method("ModelInfer"), post(infer))
        .layer(from_fn(only_calls));
    (router, lasting)
}

/// Refuses whatever isn't said to be a call: a page of another site could send it.
async fn only_calls(request: Request, next: Next) -> Response {
    if status::is_call(request.headers()) {
        return next.run(request).await;
    }
    let said = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
    Problem::unread_type(said.as_deref(), &[GRPC]).into_response()
}

/// Whoever asks for what may last says so within the time of a body.
async fn soon(request: Request, next: Next) -> Response {
    timeout(BODY_TIME, next.run(request)).await.unwrap_or_else(|_| Problem::too_slow().into_response())
}

/// Whoever no longer waits for an answer is told so, and nothing is computed for it that wasn't begun.
async fn in_time(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let deadline = Deadline::of(Dialect::Grpc, request.headers());
    let answer = async { Ok(next.run(request).await) };
    Deadline::keep(deadline, answer).await.unwrap_or_else(|late| {
        service.metrics.asked(None, late.status());
        late.into_response()
    })
}

/// A method that tells what is known already.
fn told<Q, A>(tell: fn(&Service, Q) -> Result<A, Problem>) -> MethodRouter<Arc<Service>>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
{
    post(async move |State(service): State<Arc<Service>>, request: Request| {
        let packing = Packing::of(Dialect::Grpc, request.headers());
        // A name or two. Whoever asks may not even have a key.
        let body = request.into_body();
        let body = match body::within(body, SMALL_BODY_BYTES, Problem::too_large) {
            Ok(body) => service.room.read_up_to(body, SMALL_BODY_BYTES).await,
            Err(problem) => Err(problem),
        };
        let answer = body.and_then(|mut body| {
            if let Some(packing) = packing?.filter(|packing| packing.packs(&body.bytes)) {
                body.unpack(packing, SMALL_BODY_BYTES)?;
            }
            caught(|| Ok(framed(&tell(&service, message(&body.bytes)?)?)))
        });
        match answer {
            Ok(bytes) => ended(([(header::CONTENT_TYPE, GRPC)], bytes).into_response()),
            Err(problem) => problem.into_response(),
        }
    })
}

/// `ModelInfer`
async fn infer(State(service): State<Arc<Service>>, request: Request) -> Response {
    let served = Arc::clone(service.models.now().default());
    let (head, body) = request.into_parts();
    let call = Asked::new(service, served);
    ended(work::answer(call, Dialect::Grpc, &head.headers, body, infer::answer).await)
}

/// An answer, and that it went well; a problem as it is.
fn ended(response: Response) -> Response {
    if response.extensions().get::<Problem>().is_some() {
        return response;
    }
    response.map(|body| Body::new(body.with_trailers(ready(Some(Ok(status::ok()))))))
}

/// The bundle of a name, and of a version, if it isn't left open.
fn served(service: &Service, name: &str, version: &str) -> Result<Arc<Served>, Problem> {
    let version = (!version.is_empty()).then_some(version);
    service.models.now().find(Some(name), version).map(Arc::clone)
}

impl From<FrameError> for Problem {
    fn from(error: FrameError) -> Problem {
        let detail = error.to_string();
        match error {
            FrameError::Compressed => Problem::unread_frame(detail),
            FrameError::Fields(_) => Problem::too_many(detail),
            FrameError::Length(_) | FrameError::Message(_) => Problem::malformed(detail),
        }
    }
}
