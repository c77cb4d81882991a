//! Turns: a body that was read waits until a thread is free to compute its answer. Who would wait for long is sent away at
//! once, while the client can still ask another server; who would not waits, since to send a request away costs from a tenth of
//! an answer to all of a small one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{TURN_TIME, WAIT_TIME, WAITING_SURELY};
use crate::problem::Problem;

/// Turns of requests that are alike in how long they take.
pub(crate) struct Turns {
    /// One a request that is being computed.
    free: Arc<Semaphore>,
    waiting: Arc<Waiting>,
}

/// Requests that are being computed, or wait for that.
struct Waiting {
    /// One for each.
    places: Arc<Semaphore>,
    /// How many of those there are, and how many may be taken however long that takes.
    all: usize,
    surely: usize,
    pace: Mutex<Pace>,
}

/// How fast requests are answered, as long as some wait.
#[derive(Default)]
struct Pace {
    /// Seconds from one to the next, in the mean of the last.
    between: f64,
    /// In the mean of so many.
    of: u32,
    /// When the last was answered, if others waited then.
    last: Option<Instant>,
}

/// A mean is of so many at most: more than a pause of the host makes slow, fewer than wait.
const REMEMBERED: u32 = 256;

impl Pace {
    /// One was answered; others wait, or don't.
    fn learn(&mut self, now: Instant, others: bool) {
        if let Some(last) = self.last {
            self.of = (self.of + 1).min(REMEMBERED);
            self.between += ((now - last).as_secs_f64() - self.between) / f64::from(self.of);
        }
        self.last = others.then_some(now);
    }
}

impl Waiting {
    fn count(&self) -> usize {
        self.all - self.places.available_permits()
    }

    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among those who wait or are computed, until it is dropped.
pub(crate) struct Place {
    waiting: Arc<Waiting>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// Its request was computed; who leaves before tells nothing of how long that takes.
    pub(crate) fn done(&self) {
        self.waiting.pace().learn(Instant::now(), self.waiting.count() > 1);
    }
}

/// A turn, until it is dropped.
pub(crate) struct Turn {
    _free: OwnedSemaphorePermit,
    place: Place,
}

impl Turn {
    /// As of a place.
    pub(crate) fn done(self) {
        self.place.done();
    }
}

impl Turns {
    /// As many at once as there are threads; while that is quick, so many may wait.
    pub(crate) fn new(threads: usize, waiting_max: usize) -> Turns {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let all = threads + waiting_max;
        let surely = threads + WAITING_SURELY;
        let waiting = Waiting { places: semaphore(all), all, surely, pace: Mutex::default() };
        Turns { free: semaphore(threads), waiting: Arc::new(waiting) }
    }

    /// Refuses who would find no place, or wait too long, unless no more wait than surely may.
    pub(crate) fn look(&self) -> Result<(), Problem> {
        let count = self.waiting.count();
        let is_long = || count as f64 * self.waiting.pace().between > WAIT_TIME.as_secs_f64();
        let is_full = count == self.waiting.all;
        if is_full || count >= self.waiting.surely && is_long() { Err(Problem::busy()) } else { Ok(()) }
    }

    /// A place, unless too many wait for how long that takes.
    pub(crate) fn place(&self) -> Result<Place, Problem> {
        self.look()?;
        let permit = Arc::clone(&self.waiting.places).try_acquire_owned().map_err(|_| Problem::busy())?;
        Ok(Place { waiting: Arc::clone(&self.waiting), _permit: permit })
    }

    /// Waits for a turn, behind those who came before.
    pub(crate) async fn take(&self) -> Result<Turn, Problem> {
        let place = self.place()?;
        let free = timeout(TURN_TIME, Arc::clone(&self.free).acquire_owned()).await;
        let Ok(Ok(free)) = free else { return Err(Problem::busy()) };
        Ok(Turn { _free: free, place })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use tokio::task::unconstrained;

    use super::*;

    #[tokio::test]
    async fn who_finds_too_many_waiting_is_sent_away_at_once_and_others_have_their_turn_in_order() {
        let turns = Turns::new(2, WAITING_SURELY);
        let (one, two) = (turns.take().await.expect("it is free"), turns.take().await.expect("it is free"));
        let mut waiting: Vec<_> = (0..WAITING_SURELY).map(|_| Box::pin(turns.take())).collect();
        for wait in &mut waiting {
            assert!(poll_immediate(wait).await.is_none(), "it waits");
        }
        let mut late = Box::pin(turns.take());
        let refused = poll_immediate(&mut late).await.expect("it is sent away").err().expect("there is no place");
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        drop(one);
        assert!(poll_immediate(&mut waiting[1]).await.is_none(), "the first goes first");
        assert!(poll_immediate(&mut waiting[0]).await.is_some_and(|turn| turn.is_ok()));
        drop(two);
    }

    #[test]
    fn who_would_wait_too_long_is_sent_away_unless_few_wait() {
        let turns = Turns::new(1, 4 * WAITING_SURELY);
        let take = |count| -> Vec<Place> { (0..count).map_while(|_| turns.place().ok()).collect() };
        let all = 4 * WAITING_SURELY + 1;
        assert_eq!(take(2 * all).len(), all, "nobody knows how long it takes");
        // So fast that twice as many as surely may wait are answered in time; and so slow that one isn't.
        turns.waiting.pace().between = WAIT_TIME.as_secs_f64() / (2 * WAITING_SURELY) as f64;
        assert_eq!(take(all).len(), 2 * WAITING_SURELY + 1);
        turns.waiting.pace().between = 2.0 * WAIT_TIME.as_secs_f64();
        assert_eq!(take(all).len(), WAITING_SURELY + 1);
    }

    #[test]
    fn the_pace_is_that_of_the_last_answers_while_others_waited() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let mut learn = |count, milliseconds, others| {
            for _ in 0..count {
                now += Duration::from_millis(milliseconds);
                pace.learn(now, others);
            }
            pace.between
        };
        let is = |between: f64, milliseconds: f64| (between * 1e3 / milliseconds - 1.0).abs() < 0.1;
        assert_eq!(learn(100, 1000, false), 0.0, "nobody waited");
        assert!(is(learn(3, 2, true), 2.0), "the first are believed");
        assert!(is(learn(5 * REMEMBERED, 4, true), 4.0), "the last count");
        learn(1, 4, false);
        assert!(is(learn(1, 10_000, true), 4.0), "there was nothing to do");
    }

    /// What a future gives without being waited for.
    async fn poll_immediate<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::select! {
            biased;
            // So many are looked at in one go that the runtime would have this test wait.
            given = unconstrained(future) => Some(given),
            () = std::future::ready(()) => None,
        }
    }
}
