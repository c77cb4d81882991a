//! A request's body on its way. What is left of one that is refused is read for a while: closed before, its client would lose the
//! answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::{Request, Version, header};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::limits::{BODY_BYTES_MAX, REFUSED_TIME};
use crate::listen::{Activity, UnderWay};

/// The body, and what is held until it has come, or isn't read any more.
pub(crate) struct Arriving<H: Send + 'static> {
    /// None, once it ended.
    body: Option<Incoming>,
    /// Its client asks first whether to send it, and wasn't told to.
    is_held_back: bool,
    activity: Arc<Activity>,
    held: Option<H>,
}

impl<H: Send> Arriving<H> {
    pub(crate) fn of(request: Request<Incoming>, activity: &Arc<Activity>, held: H) -> Request<Arriving<H>> {
        // Over HTTP/2 nobody is told.
        let is_held_back = request.headers().contains_key(header::EXPECT) && request.version() < Version::HTTP_2;
        let activity = Arc::clone(activity);
        request.map(|body| Arriving { body: Some(body), is_held_back, activity, held: Some(held) })
    }
}

impl<H: Send + Unpin> HttpBody for Arriving<H> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.is_held_back = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let part = ready!(Pin::new(body).poll_frame(context));
        if !matches!(part, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(part)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl<H: Send> Drop for Arriving<H> {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream() && !self.is_held_back) else { return };
        if let Ok(runtime) = Handle::try_current() {
            let held = (self.held.take(), UnderWay::of_rest(&self.activity));
            runtime.spawn(async move {
                let mut body = Limited::new(body, BODY_BYTES_MAX);
                let _ = timeout(REFUSED_TIME, async { while let Some(Ok(_)) = body.frame().await {} }).await;
                drop(held);
            });
        }
    }
}
