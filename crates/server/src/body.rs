//! Bodies of requests: read within a size, a time, and what all of them may take together.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::answers::Answers;
use crate::gate::Gate;
use crate::limits::{
    BODIES_KIB_MAX, BODY_BYTES_MAX, BODY_TIME, HURRIED_BYTES_MIN, HURRIED_PART, HURRY_EVERY, LOOK_EVERY,
    SMALL_BODY_BYTES,
};
use crate::packing::Packing;
use crate::problem::Problem;

/// Room for the bodies of all requests that are being answered: for the start of each, for the rest of large ones, and for large
/// answers.
pub(crate) struct Room {
    starts: Arc<Semaphore>,
    rests: Arc<Semaphore>,
    pub(crate) answers: Answers,
    gate: Arc<Gate>,
    times: Times,
}

/// How long bodies may take.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    /// For all of one.
    pub(crate) whole: Duration,
    /// Between two looks at how it comes.
    pub(crate) look_every: Duration,
}

impl Times {
    pub(crate) const USUAL: Times = Times { whole: BODY_TIME, look_every: HURRY_EVERY };
}

/// How a body comes.
pub(crate) struct Pace {
    times: Times,
    /// When it has to be there.
    deadline: Instant,
    /// When it was last looked at, if it holds room.
    looked_at: Option<Instant>,
    /// How many bytes have come since, and in all.
    new: usize,
    all: usize,
}

impl Pace {
    /// Of a body that begins now.
    fn new(times: Times) -> Pace {
        let now = Instant::now();
        Pace { times, deadline: now + times.whole, looked_at: Some(now), new: 0, all: 0 }
    }

    /// It has begun, and holds some from now on.
    pub(crate) fn hold(&mut self) {
        if self.looked_at.is_none() {
            *self = Pace::new(self.times);
        }
    }
}

/// An answer, and what is held until it is sent, or given up.
pub(crate) struct Holding<B, H> {
    body: B,
    _held: H,
}

impl<B, H> Holding<B, H> {
    pub(crate) fn new(body: B, held: H) -> Holding<B, H> {
        Holding { body, _held: held }
    }
}

impl<B: HttpBody + Unpin, H: Unpin> HttpBody for Holding<B, H> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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

    /// Gives back what is more than so many bytes need.
    pub(crate) fn give_back(&mut self, bytes: usize) {
        self.start.give_back(bytes.min(SMALL_BODY_BYTES));
        self.rest.give_back(bytes.saturating_sub(SMALL_BODY_BYTES));
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

    fn give_back(&mut self, bytes: usize) {
        if let Some(taken) = &mut self.taken {
            drop(taken.split(taken.num_permits().saturating_sub(bytes.div_ceil(1024))));
        }
    }
}

impl Room {
    pub(crate) fn new(gate: Arc<Gate>, times: Times) -> Room {
        let room = |kib| Arc::new(Semaphore::new(kib));
        Room {
            starts: room(BODIES_KIB_MAX),
            rests: room(BODIES_KIB_MAX),
            answers: Answers::new(LOOK_EVERY),
            gate,
            times,
        }
    }

    /// How what is waited for comes, which holds no room yet.
    pub(crate) fn patient(&self) -> Pace {
        Pace { looked_at: None, ..Pace::new(self.times) }
    }

    /// Whether so little is left that who is slow should make room.
    fn is_short(&self) -> bool {
        let little = |room: &Semaphore| room.available_permits() < BODIES_KIB_MAX / 4;
        little(&self.starts) || little(&self.rests) || self.gate.is_crowded()
    }

    /// No room yet, to be taken as it is needed.
    pub(crate) fn hold(&self) -> Taken {
        Taken { start: Share::of(&self.starts), rest: Share::of(&self.rests) }
    }

    /// The next part of a body; None after its last. One that comes slowly has all its time, unless others need its room.
    pub(crate) async fn part(&self, body: &mut Body, pace: &mut Pace) -> Result<Option<Bytes>, Problem> {
        loop {
            let look_at = pace.looked_at.map_or(pace.deadline, |at| at + pace.times.look_every);
            let part = timeout_at(look_at.min(pace.deadline), body.frame()).await;
            let now = Instant::now();
            let part = match part {
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(Problem::cut_off()),
                Ok(Some(Ok(frame))) => frame.into_data().ok(),
                Err(_) => None,
            };
            let bytes = part.as_ref().map_or(0, Bytes::len);
            (pace.new, pace.all) = (pace.new + bytes, pace.all + bytes);
            let is_slow = pace.new < HURRIED_BYTES_MIN.max(pace.all / HURRIED_PART);
            if now >= pace.deadline || now >= look_at && is_slow && self.is_short() {
                return Err(Problem::too_slow());
            }
            if now >= look_at {
                (pace.looked_at, pace.new) = (Some(now), 0);
            }
            if part.is_some() {
                return Ok(part);
            }
        }
    }

    /// Reads a body to its end. Room is taken for bytes that came, not for those that were announced, so that a slow client
    /// takes little.
    pub(crate) async fn read(&self, body: Body) -> Result<Held, Problem> {
        self.read_up_to(body, BODY_BYTES_MAX).await
    }

    /// The same of a body that has no more than so many bytes.
    pub(crate) async fn read_up_to(&self, mut body: Body, bytes_max: usize) -> Result<Held, Problem> {
        let (mut bytes, mut taken, mut pace) = (Vec::new(), self.hold(), Pace::new(self.times));
        while let Some(part) = self.part(&mut body, &mut pace).await? {
            let length = bytes.len() + part.len();
            if length > bytes_max {
                return Err(Problem::too_large(bytes_max));
            }
            taken.grow(length)?;
            bytes.extend_from_slice(&part);
        }
        Ok(Held { bytes, taken })
    }
}

/// A body that isn't said to have more than so many bytes. One that is, is refused before any of it is read, and before a client
/// that asks first is told to go on.
pub(crate) fn within(body: Body, bytes_max: usize, too_large: impl FnOnce(usize) -> Problem) -> Result<Body, Problem> {
    if body.size_hint().lower() <= bytes_max as u64 { Ok(body) } else { Err(too_large(bytes_max)) }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::http::StatusCode;
    use http_body_util::channel::Channel;
    use tokio::time::sleep;

    use super::*;
    use crate::places::Places;

    fn room(times: Times) -> Room {
        Room::new(Gate::new(Places::of(8), Places::of(8)), times)
    }

    #[tokio::test]
    async fn large_bodies_take_no_room_from_small_ones_and_give_theirs_back() {
        let room = room(Times::USUAL);
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

    #[tokio::test]
    async fn who_is_slow_is_waited_for_until_others_need_the_room() {
        let look_every = Duration::from_millis(100);
        let room = room(Times { look_every, ..Times::USUAL });
        let slowly = async || {
            let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
            let send = async move {
                let _ = sender.send_data(Bytes::from_static(b"1")).await;
                sleep(2 * look_every + look_every / 2).await;
                let _ = sender.send_data(Bytes::from_static(b"2")).await;
            };
            tokio::join!(send, room.read(Body::new(channel))).1
        };
        assert!(slowly().await.is_ok_and(|held| held.bytes == b"12"));
        let mut others = room.hold();
        others.grow(BODIES_KIB_MAX * 1024).expect("there is room");
        assert_eq!(slowly().await.err().map(|problem| problem.status()), Some(StatusCode::REQUEST_TIMEOUT));
        others.give_back(1);
        assert!(slowly().await.is_ok());
    }
}
