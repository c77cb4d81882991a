//! The listener for those who say what is served: apart from the one for predictions, off unless it is asked for, and never
//! without a key. It takes bundles, not paths: nothing that a request names is read from this host or fetched from another.

mod act;
mod acts;
mod change;
mod load;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) use acts::check_acts;
pub use acts::{ActLog, ActLogError, ActsEnd, read_acts};
pub(crate) use change::check_target;
pub(crate) use load::{BUNDLE_TYPE, SIGNATURES_LENGTH};

use crate::Service;
use crate::dialect::Dialect;
use crate::guard::Guard;
use crate::keyring::Keyring;
use crate::limits::REFUSED_EVERY;
use crate::listen::Peer;
use crate::log::Unanswered;
use crate::problem::Problem;
use crate::request_id;
use crate::seldom::Seldom;

/// Where it is told what to serve, and by whom.
pub struct AdminOptions {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The keys of those who may.
    pub keys: Keyring,
    /// Where it is written down what they did, if it is.
    pub acts: Option<ActLog>,
}

/// What every route works with.
struct Admin {
    service: Arc<Service>,
    guard: Guard,
    acts: Option<ActLog>,
    /// One bundle is loaded at a time: each may take much memory.
    loading: Arc<Semaphore>,
    /// Requests that were refused, of which an attack may make many: those without a key that counts, and others.
    strangers: Seldom,
    refused: Seldom,
}

/// The key that a request showed, by name.
#[derive(Clone)]
struct By(String);

/// What a line of the log has besides its name.
type Member = (&'static str, Value);

/// The routes, behind their own keys.
pub(crate) fn router(service: Arc<Service>, guard: Guard, acts: Option<ActLog>) -> Router {
    let loading = Arc::new(Semaphore::new(1));
    let [strangers, refused] = [(); 2].map(|()| Seldom::new(REFUSED_EVERY));
    let admin = Arc::new(Admin { service, guard, acts, loading, strangers, refused });
    Router::new()
        .route("/models", get(change::models))
        .route("/models/{model}", get(change::model).delete(change::unload_model))
        .route("/models/{model}/versions/{version}", put(load::load).delete(change::unload))
        .route("/models/{model}/aliases/{alias}", put(change::point).delete(change::delete_alias))
        .route("/models/{model}/aliases/{alias}/rollback", post(change::roll_back))
        .fallback(|| async { Problem::unknown(KNOWN) })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(from_fn_with_state(Arc::clone(&admin), guarded))
        .with_state(admin)
}

const KNOWN: &str = "there are GET /models, GET and DELETE /models/NAME, PUT and DELETE /models/NAME/versions/VERSION, \
    PUT and DELETE /models/NAME/aliases/ALIAS, and POST /models/NAME/aliases/ALIAS/rollback";

/// Lets a request through that shows a key.
async fn guarded(State(admin): State<Arc<Admin>>, mut request: Request, next: Next) -> Response {
    let name = request_id::given(request.headers()).unwrap_or_else(request_id::make);
    let line = admin.service.tells_requests().then(|| Unanswered::begin(&request, name.clone(), &admin.service));
    let who = admin.who(&request);
    let (response, by) = match admin.guard.admit(&request, &[]) {
        Err(problem) => (problem.into_response(), None),
        Ok(by) => {
            let by = by.unwrap_or_default().to_owned();
            request.extensions_mut().insert(By(by.clone()));
            (next.run(request).await, Some(by))
        }
    };
    if response.status().is_client_error() {
        // Mistakes of those who have a key leave nobody untold who has none.
        let refused = if by.is_some() { &admin.refused } else { &admin.strangers };
        admin.tell_refused(refused, who, response.status());
    }
    let response = Dialect::Native.retell(response, Some(name));
    if let Some(line) = line {
        line.end(by.as_deref(), &response);
    }
    response
}

impl Admin {
    /// From where a request comes, and whose key it shows, if it is anyone's.
    fn who(&self, request: &Request) -> Vec<Member> {
        let headers = request.headers();
        let from = request.extensions().get::<Peer>().map(|peer| peer.0);
        let key = self.guard.named(headers).or_else(|| self.service.guard.named(headers));
        let from = [("from", json!(from.as_ref().map(IpAddr::to_string)))];
        from.into_iter().chain(key.map(|key| ("key", json!(key)))).collect()
    }

    /// Tells, whether requests are told or not, that somebody was refused who wanted to see or change what is served.
    fn tell_refused(&self, refused: &Seldom, who: Vec<Member>, status: StatusCode) {
        let members = [("status", json!(status.as_u16()))].into_iter().chain(who).collect();
        self.service.log.seldom(refused, "admin_refused", members);
    }
}
