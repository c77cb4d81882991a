//! Bodies of requests: read within a size, a time, and what all of them may take together.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::limits::{
    ANSWERS_KIB_MAX, BODIES_KIB_MAX, BODY_BYTES_MAX, BODY_TIME, PART_BYTES, REFUSED_TIME, SMALL_BODY_BYTES,
};
use crate::packing::Packing;
use crate::problem::Problem;

/// Room for the bodies of all requests that are being answered, for the start of each and for the rest of large ones; and for what is
/// more than a part of answers.
pub(crate) struct Room {
    starts: Arc<Semaphore>,
    rests: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

/// An answer, and the room that it takes until it is sent, or given up.
struct Sent {
    bytes: Full<Bytes>,
    _taken: Share,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.bytes).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.bytes.size_hint()
    }
}

/// A body, and the room that it takes until it is dropped.
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    taken: Taken,
}

impl Held {
    /// Takes the place of a body by what it is without its compression.
    pub(crate) fn unpack(&mut self, packing: Packing, bytes_max: usize) -> Result<(), Problem> {
        self.bytes = packing.unpack(&self.bytes, bytes_max)?;
        self.taken.grow(self.bytes.len())
    }
}

/// What one body takes.
pub(crate) struct Taken {
    start: Share,
    rest: Share,
}

impl Taken {
    /// Takes what is missing for so many bytes.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        self.start.grow(bytes.min(SMALL_BODY_BYTES))?;
        self.rest.grow(bytes.saturating_sub(SMALL_BODY_BYTES))
    }
}

/// What one body takes of a room, in KiB.
struct Share {
    of: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Share {
    fn of(room: &Arc<Semaphore>) -> Share {
        Share { of: Arc::clone(room), taken: None }
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let taken = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = bytes.div_ceil(1024).saturating_sub(taken);
        if missing == 0 {
            return Ok(());
        }
        let more = Arc::clone(&self.of).try_acquire_many_owned(missing as u32).map_err(|_| Problem::busy())?;
        match &mut self.taken {
            None => self.taken = Some(more),
            Some(taken) => taken.merge(more),
        }
        Ok(())
    }
}

impl Room {
    pub(crate) fn new() -> Room {
        let room = |kib| Arc::new(Semaphore::new(kib));
        Room { starts: room(BODIES_KIB_MAX), rests: room(BODIES_KIB_MAX), answers: room(ANSWERS_KIB_MAX) }
    }

    /// An answer as a body.
    pub(crate) fn answer(&self, bytes: Vec<u8>) -> Result<Body, Problem> {
        if bytes.len() <= PART_BYTES {
            return Ok(bytes.into());
        }
        let mut taken = Share::of(&self.answers);
        taken.grow(bytes.len())?;
        Ok(Body::new(Sent { bytes: Full::new(bytes.into()), _taken: taken }))
    }

    /// No room yet, to be taken as it is needed.
    pub(crate) fn hold(&self) -> Taken {
        Taken { start: Share::of(&self.starts), rest: Share::of(&self.rests) }
    }

    /// Reads a body to its end. Room is taken for bytes that came, not for those that were announced, so that a slow client
    /// takes little.
    pub(crate) async fn read(&self, body: Body) -> Result<Held, Problem> {
        self.read_up_to(body, BODY_BYTES_MAX).await
    }

    /// The same of a body that has no more than so many bytes.
    pub(crate) async fn read_up_to(&self, mut body: Body, bytes_max: usize) -> Result<Held, Problem> {
        let deadline = Instant::now() + BODY_TIME;
        let mut bytes = Vec::new();
        let mut taken = self.hold();
        loop {
            let frame = timeout_at(deadline, body.frame()).await.map_err(|_| Problem::too_slow())?;
            let Some(frame) = frame else { return Ok(Held { bytes, taken }) };
            let Ok(frame) = frame else { return Err(Problem::cut_off()) };
            let Ok(data) = frame.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > bytes_max {
                return Err(Problem::too_large(bytes_max));
            }
            taken.grow(length)?;
            bytes.extend_from_slice(&data);
        }
    }
}

/// A body that isn't said to have more than so many bytes. One that is, is refused before any of it is read, and before a client
/// that asks first is told to go on.
pub(crate) fn within(
    head: &HeaderMap,
    body: Body,
    bytes_max: usize,
    too_large: impl FnOnce(usize) -> Problem,
) -> Result<Body, Problem> {
    if body.size_hint().lower() <= bytes_max as u64 {
        return Ok(body);
    }
    if !head.contains_key(header::EXPECT) {
        // Meanwhile it is answered.
        tokio::spawn(drain(body));
    }
    Err(too_large(bytes_max))
}

/// Reads what a client that is refused still sends, for a while: closed before, it would lose the answer.
pub(crate) async fn drain(body: Body) {
    let mut body = Limited::new(body, BODY_BYTES_MAX);
    let all = async { while let Some(Ok(_)) = body.frame().await {} };
    let _ = timeout(REFUSED_TIME, all).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_bodies_take_no_room_from_small_ones_and_give_theirs_back() {
        let room = Room::new();
        let read = |bytes: usize| room.read(Body::from(vec![0; bytes]));
        let mut large = Vec::new();
        while let Ok(held) = read(BODY_BYTES_MAX).await {
            large.push(held);
        }
        assert_eq!(large.len(), BODIES_KIB_MAX * 1024 / BODY_BYTES_MAX);
        assert!(read(SMALL_BODY_BYTES).await.is_ok());
        assert!(read(SMALL_BODY_BYTES + 1).await.is_ok_and(|held| held.bytes.len() > SMALL_BODY_BYTES));
        large.clear();
        assert!(read(BODY_BYTES_MAX).await.is_ok());
        assert!(read(BODY_BYTES_MAX + 1).await.is_err());
    }
}
