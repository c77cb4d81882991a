//! Turns: a body that was read waits until a thread is free to compute its answer. Who would wait for long is sent away at
//! once, while the client can still ask another server; who would not waits, since to send a request away costs about
//! as much as to answer a small one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{TURN_TIME, WAIT_TIME, WAITING_SURELY};
use crate::problem::Problem;

/// Turns of requests that are alike in how long they take.
pub(crate) struct Turns {
    /// One a request that is being computed.
    free: Arc<Semaphore>,
    /// One a request that is being computed, or waits for that.
    places: Arc<Semaphore>,
    /// How many places are left when as many wait as surely may.
    few: usize,
    /// Microseconds from place to answer, of the last that was answered.
    last_took: Arc<AtomicU64>,
}

/// A place among those who wait or are computed, until it is dropped.
pub(crate) struct Place {
    since: Instant,
    last_took: Arc<AtomicU64>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.last_took.store(self.since.elapsed().as_micros() as u64, Ordering::Relaxed);
    }
}

/// A turn, until it is dropped.
pub(crate) struct Turn {
    _free: OwnedSemaphorePermit,
    _place: Place,
}

impl Turns {
    /// As many at once as there are threads; while that is quick, so many may wait.
    pub(crate) fn new(threads: usize, waiting_max: usize) -> Turns {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let (free, places) = (semaphore(threads), semaphore(threads + waiting_max));
        Turns { free, places, few: waiting_max - WAITING_SURELY, last_took: Arc::default() }
    }

    /// A place, unless too many wait for how long they wait.
    pub(crate) fn place(&self) -> Result<Place, Problem> {
        let is_slow = u128::from(self.last_took.load(Ordering::Relaxed)) > WAIT_TIME.as_micros();
        if is_slow && self.places.available_permits() <= self.few {
            return Err(Problem::busy());
        }
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::busy())?;
        Ok(Place { since: Instant::now(), last_took: Arc::clone(&self.last_took), _permit: permit })
    }

    /// Waits for a turn, behind those who came before.
    pub(crate) async fn take(&self) -> Result<Turn, Problem> {
        let place = self.place()?;
        let free = timeout(TURN_TIME, Arc::clone(&self.free).acquire_owned()).await;
        let Ok(Ok(free)) = free else { return Err(Problem::busy()) };
        Ok(Turn { _free: free, _place: place })
    }
}

#[cfg(test)]
mod tests {
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
    fn only_few_may_wait_while_that_takes_long() {
        let turns = Turns::new(1, 4 * WAITING_SURELY);
        let mut waiting: Vec<Place> = (0..=WAITING_SURELY).map(|_| turns.place().expect("a burst")).collect();
        waiting.push(turns.place().expect("as long as nobody knows better"));
        let mut first = waiting.remove(0);
        first.since -= 2 * WAIT_TIME;
        drop(first);
        assert!(turns.place().is_err(), "it would take long");
        waiting.truncate(WAITING_SURELY);
        waiting.push(turns.place().expect("few wait"));
        drop(waiting.pop());
        waiting.push(turns.place().expect("few wait"));
        waiting.push(turns.place().expect("it takes no longer"));
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
