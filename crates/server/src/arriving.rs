//! A request's body on its way. What is left of one that is refused is read for a while: closed before, its client would lose the
//! answer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::{Request, header};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::gate::Stream;
use crate::limits::{BODY_BYTES_MAX, REFUSED_TIME};

/// The body, and the place of its request, if it has one of its own.
pub(crate) struct Arriving {
    /// None, once it ended.
    body: Option<Incoming>,
    /// Its client asks first whether to send it, and wasn't told to.
    is_held_back: bool,
    stream: Option<Stream>,
}

impl Arriving {
    pub(crate) fn of(request: Request<Incoming>, stream: Option<Stream>) -> Request<Arriving> {
        let is_held_back = request.headers().contains_key(header::EXPECT);
        request.map(|body| Arriving { body: Some(body), is_held_back, stream })
    }
}

impl HttpBody for Arriving {
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

impl Drop for Arriving {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream() && !self.is_held_back) else { return };
        if let Ok(runtime) = Handle::try_current() {
            let stream = self.stream.take();
            runtime.spawn(async move {
                let mut body = Limited::new(body, BODY_BYTES_MAX);
                let _ = timeout(REFUSED_TIME, async { while let Some(Ok(_)) = body.frame().await {} }).await;
                drop(stream);
            });
        }
    }
}
