//! Calls that last: those who watch the server's health, or keep asking what it serves. None of them keeps the server from its
//! end.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use evenstep_grpc::Watched;
use hyper::body::Frame;
use tokio::sync::watch;

/// All of them, until the server ends.
pub(crate) struct Lasting {
    watched: Watched,
    ending: watch::Sender<()>,
}

/// What a caller says, to whom it is over when the server ends, whether it has said all or not.
struct Until {
    said: Body,
    /// None, once it ended.
    end: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Lasting {
    pub(super) fn new(watched: Watched) -> Lasting {
        Lasting { watched, ending: watch::Sender::new(()) }
    }

    /// What makes a body end with the server.
    pub(super) fn ends(&self) -> impl Fn(Body) -> Body + Clone + Send + Sync + use<> {
        let ending = self.ending.subscribe();
        move |said| {
            let mut ending = ending.clone();
            let end = async move { drop(ending.changed().await) };
            Body::new(Until { said, end: Some(Box::pin(end)) })
        }
    }

    /// Tells those who watch that the server is no longer, and lets all go.
    pub(crate) async fn end(self) {
        self.watched.end().await;
        let _ = self.ending.send(());
    }
}

impl hyper::body::Body for Until {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(end) = &mut self.end else { return Poll::Ready(None) };
        if end.as_mut().poll(context).is_ready() {
            self.end = None;
            return Poll::Ready(None);
        }
        Pin::new(&mut self.said).poll_frame(context)
    }
}
