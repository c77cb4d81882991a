//! Large answers: each holds room until its client has read it. One that is read slowly is broken off once others need its room.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, Instant};

use crate::limits::{ANSWER_PACE_MIN, ANSWERS_KIB_MAX, PART_BYTES};
use crate::problem::Problem;

/// Room for the large answers that their clients have not read yet.
pub(crate) struct Answers {
    room: Arc<Semaphore>,
    unread: Mutex<Vec<Weak<Left>>>,
    /// So long an answer is looked at before it is slow: longer than the host's buffers take to be filled anew.
    look_every: Duration,
}

/// What its client has not read of an answer; None, once it was broken off.
type Left = Mutex<Option<Unread>>;

struct Unread {
    bytes: Vec<u8>,
    /// So many of them were handed on.
    read: usize,
    _room: OwnedSemaphorePermit,
    looked_at: Instant,
    /// How many had been handed on by then.
    read_by_then: usize,
}

impl Unread {
    /// How many bytes a second are read, if it was looked at long enough; it is looked at anew from now on.
    fn pace(&mut self, look_every: Duration) -> Option<f64> {
        let seconds = self.looked_at.elapsed().as_secs_f64();
        if seconds < look_every.as_secs_f64() {
            return None;
        }
        let pace = (self.read - self.read_by_then) as f64 / seconds;
        (self.looked_at, self.read_by_then) = (Instant::now(), self.read);
        Some(pace)
    }
}

fn kib(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

impl Answers {
    pub(crate) fn new(look_every: Duration) -> Answers {
        Answers { room: Arc::new(Semaphore::new(ANSWERS_KIB_MAX)), unread: Mutex::default(), look_every }
    }

    /// An answer as a body. Each other that is broken off for it is told.
    pub(crate) fn body(&self, bytes: Vec<u8>, broken_off: impl Fn()) -> Result<Body, Problem> {
        if bytes.len() <= PART_BYTES {
            return Ok(bytes.into());
        }
        if bytes.len() > ANSWERS_KIB_MAX * 1024 {
            return Err(Problem::answer_too_large(ANSWERS_KIB_MAX * 1024));
        }
        let take = || Arc::clone(&self.room).try_acquire_many_owned(kib(bytes.len()) as u32).ok();
        let room = take().or_else(|| {
            self.make_room(kib(bytes.len()), broken_off);
            take()
        });
        let _room = room.ok_or_else(Problem::busy)?;
        let unread = Unread { bytes, read: 0, _room, looked_at: Instant::now(), read_by_then: 0 };
        let left = Arc::new(Mutex::new(Some(unread)));
        let mut known = lock(&self.unread);
        known.retain(|left| left.strong_count() > 0);
        known.push(Arc::downgrade(&left));
        Ok(Body::new(Read(left)))
    }

    /// Breaks off the answers that are read the most slowly, as many as it takes; none, if all that are read slowly are too few.
    fn make_room(&self, wanted: usize, broken_off: impl Fn()) {
        let mut slow = Vec::new();
        for left in lock(&self.unread).iter().filter_map(Weak::upgrade) {
            let paced =
                lock(&left).as_mut().and_then(|unread| Some((unread.pace(self.look_every)?, unread.bytes.len())));
            slow.extend(
                paced.filter(|(pace, _)| *pace < ANSWER_PACE_MIN).map(|(pace, bytes)| (pace, kib(bytes), left)),
            );
        }
        slow.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut missing = wanted.saturating_sub(self.room.available_permits());
        if slow.iter().map(|(_, kib, _)| kib).sum::<usize>() < missing {
            return;
        }
        for (_, kib, left) in slow {
            if missing == 0 {
                return;
            }
            *lock(&left) = None;
            broken_off();
            missing = missing.saturating_sub(kib);
        }
    }
}

/// Nothing is left half done where a thread panics.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An answer, as its client reads it.
struct Read(Arc<Left>);

impl HttpBody for Read {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let mut left = lock(&self.0);
        let Some(unread) = left.as_mut() else { return Poll::Ready(Some(Err(BrokenOff))) };
        let rest = &unread.bytes[unread.read..];
        // A copy: what waits to be sent would hold all of the answer.
        let part = Bytes::copy_from_slice(&rest[..rest.len().min(PART_BYTES)]);
        unread.read += part.len();
        Poll::Ready((!part.is_empty()).then(|| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).as_ref().is_some_and(|unread| unread.read == unread.bytes.len())
    }

    fn size_hint(&self) -> SizeHint {
        let left = lock(&self.0);
        left.as_ref()
            .map_or_else(SizeHint::default, |unread| SizeHint::with_exact((unread.bytes.len() - unread.read) as u64))
    }
}

/// An answer that was read too slowly.
#[derive(Debug, thiserror::Error)]
#[error("the answer was read too slowly, and others needed its room")]
struct BrokenOff;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::StatusCode;
    use http_body_util::BodyExt;
    use tokio::time::sleep;

    use super::*;

    const LOOK_EVERY: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn an_answer_beyond_all_room_is_refused_for_good_and_one_that_waits_for_room_is_not() {
        let answers = Answers::new(Duration::from_secs(3600));
        let refused = |bytes: usize| answers.body(vec![0; bytes], || ()).err().map(|problem| problem.status());
        assert_eq!(refused(ANSWERS_KIB_MAX * 1024 + 1), Some(StatusCode::PAYLOAD_TOO_LARGE));
        let held = answers.body(vec![0; ANSWERS_KIB_MAX * 1024], || ()).expect("there is room");
        assert_eq!(refused(PART_BYTES + 1), Some(StatusCode::SERVICE_UNAVAILABLE));
        drop(held);
        assert_eq!(refused(PART_BYTES + 1), None);
    }

    #[tokio::test]
    async fn an_answer_is_handed_on_whole() {
        let bytes: Vec<u8> = (0..3 * PART_BYTES + 7).map(|at| (at % 251) as u8).collect();
        let body = Answers::new(LOOK_EVERY).body(bytes.clone(), || ()).expect("there is room");
        assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        assert!(body.collect().await.is_ok_and(|read| read.to_bytes() == bytes));
    }

    #[tokio::test]
    async fn who_reads_slowly_has_an_answer_until_others_need_its_room() {
        let (answers, broken_off) = (Answers::new(LOOK_EVERY), AtomicUsize::new(0));
        let count = || {
            broken_off.fetch_add(1, Ordering::Relaxed);
        };
        let of = |kib: usize| answers.body(vec![7; kib * 1024], count);
        let (mut slow, mut fast) = (of(ANSWERS_KIB_MAX / 2).expect("room"), of(ANSWERS_KIB_MAX / 2).expect("room"));
        let parts = ANSWERS_KIB_MAX * 512 / PART_BYTES;
        sleep(2 * LOOK_EVERY).await;
        for _ in 0..parts - 8 {
            assert!(fast.frame().await.is_some_and(|part| part.is_ok()));
        }
        assert!(of(ANSWERS_KIB_MAX).is_err(), "one half is read fast, and the other is not broken off in vain");
        assert!(slow.frame().await.is_some_and(|part| part.is_ok()));
        sleep(Duration::from_millis(600)).await;
        for _ in 0..7 {
            assert!(fast.frame().await.is_some_and(|part| part.is_ok()));
        }
        assert_eq!(broken_off.load(Ordering::Relaxed), 0);
        let _other = of(ANSWERS_KIB_MAX / 2).expect("room is made");
        assert_eq!(broken_off.load(Ordering::Relaxed), 1);
        assert!(slow.frame().await.is_some_and(|part| part.is_err()));
        assert!(fast.collect().await.is_ok_and(|rest| rest.to_bytes().len() == PART_BYTES));
    }
}
