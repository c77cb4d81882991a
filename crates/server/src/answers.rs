//! Large answers: each holds room until its client has read it. One that is read slowly is broken off once others need its room.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant};

use crate::limits::{ANSWERS_KIB_MAX, HURRIED_BYTES_MIN, HURRIED_PART, PART_BYTES};
use crate::problem::Problem;

/// Room for the large answers that their clients have not read yet.
pub(crate) struct Answers {
    room: Arc<Semaphore>,
    unread: Mutex<Vec<Weak<Mutex<Unread>>>>,
    /// So long an answer is looked at before it is slow.
    look_every: Duration,
}

/// What its client has not read of an answer.
struct Unread {
    /// None, once it was broken off.
    bytes: Option<Bytes>,
    room: Option<OwnedSemaphorePermit>,
    /// How much there was.
    all: usize,
    looked_at: Instant,
    /// How many bytes were handed on since.
    new: usize,
}

impl Unread {
    /// Whether it is read so slowly that it should make room.
    fn is_slow(&mut self, look_every: Duration) -> bool {
        let looks = self.looked_at.elapsed().as_secs_f64() / look_every.as_secs_f64();
        if looks < 1.0 {
            return false;
        }
        let is_slow = (self.new as f64) < looks * HURRIED_BYTES_MIN.max(self.all / HURRIED_PART) as f64;
        (self.looked_at, self.new) = (Instant::now(), 0);
        is_slow
    }

    fn break_off(&mut self) {
        (self.bytes, self.room) = (None, None);
    }
}

impl Answers {
    pub(crate) fn new(look_every: Duration) -> Answers {
        Answers { room: Arc::new(Semaphore::new(ANSWERS_KIB_MAX)), unread: Mutex::default(), look_every }
    }

    /// An answer as a body.
    pub(crate) fn body(&self, bytes: Vec<u8>) -> Result<Body, Problem> {
        if bytes.len() <= PART_BYTES {
            return Ok(bytes.into());
        }
        if bytes.len() > ANSWERS_KIB_MAX * 1024 {
            return Err(Problem::answer_too_large(ANSWERS_KIB_MAX * 1024));
        }
        let kib = bytes.len().div_ceil(1024) as u32;
        let take = || Arc::clone(&self.room).try_acquire_many_owned(kib).ok();
        let room = take().or_else(|| {
            self.make_room();
            take()
        });
        let room = Some(room.ok_or_else(Problem::busy)?);
        let (all, looked_at) = (bytes.len(), Instant::now());
        let unread = Arc::new(Mutex::new(Unread { bytes: Some(bytes.into()), room, all, looked_at, new: 0 }));
        let mut known = lock(&self.unread);
        known.retain(|unread| unread.strong_count() > 0);
        known.push(Arc::downgrade(&unread));
        Ok(Body::new(Read(unread)))
    }

    /// Breaks off what is read slowly.
    fn make_room(&self) {
        for unread in lock(&self.unread).iter().filter_map(Weak::upgrade) {
            let mut unread = lock(&unread);
            if unread.is_slow(self.look_every) {
                unread.break_off();
            }
        }
    }
}

/// Nothing is left half done where a thread panics.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer, as its client reads it.
struct Read(Arc<Mutex<Unread>>);

impl HttpBody for Read {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let mut unread = lock(&self.0);
        let Some(bytes) = &mut unread.bytes else { return Poll::Ready(Some(Err(BrokenOff))) };
        let part = bytes.split_to(bytes.len().min(PART_BYTES));
        unread.new += part.len();
        Poll::Ready((!part.is_empty()).then(|| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).bytes.as_ref().is_some_and(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(lock(&self.0).bytes.as_ref().map_or(0, Bytes::len) as u64)
    }
}

/// An answer that was read too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the answer was read too slowly, and others needed its room")]
struct BrokenOff;

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use http_body_util::BodyExt;
    use tokio::time::sleep;

    use super::*;

    const LOOK_EVERY: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn an_answer_beyond_all_room_is_refused_for_good_and_one_that_waits_for_room_is_not() {
        let answers = Answers::new(Duration::from_secs(3600));
        let refused = |bytes: usize| answers.body(vec![0; bytes]).err().map(|problem| problem.status());
        assert_eq!(refused(ANSWERS_KIB_MAX * 1024 + 1), Some(StatusCode::PAYLOAD_TOO_LARGE));
        let held = answers.body(vec![0; ANSWERS_KIB_MAX * 1024]).expect("there is room");
        assert_eq!(refused(PART_BYTES + 1), Some(StatusCode::SERVICE_UNAVAILABLE));
        drop(held);
        assert_eq!(refused(PART_BYTES + 1), None);
    }

    #[tokio::test]
    async fn an_answer_is_handed_on_whole() {
        let bytes: Vec<u8> = (0..3 * PART_BYTES + 7).map(|at| (at % 251) as u8).collect();
        let body = Answers::new(LOOK_EVERY).body(bytes.clone()).expect("there is room");
        assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        assert!(body.collect().await.is_ok_and(|read| read.to_bytes() == bytes));
    }

    #[tokio::test]
    async fn who_reads_slowly_has_an_answer_until_others_need_its_room() {
        let answers = Answers::new(LOOK_EVERY);
        let half = || answers.body(vec![7; ANSWERS_KIB_MAX * 512]);
        let mut slow = half().expect("there is room");
        assert!(slow.frame().await.is_some_and(|part| part.is_ok()));
        let mut fast = half().expect("there is room");
        sleep(2 * LOOK_EVERY).await;
        for _ in 0..ANSWERS_KIB_MAX * 512 / PART_BYTES - 1 {
            assert!(fast.frame().await.is_some_and(|part| part.is_ok()));
        }
        assert!(slow.frame().await.is_some_and(|part| part.is_ok()), "nobody needs its room");
        let _other = half().expect("room is made");
        assert!(slow.frame().await.is_some_and(|part| part.is_err()));
        assert!(fast.collect().await.is_ok_and(|rest| rest.to_bytes().len() == PART_BYTES));
    }
}
