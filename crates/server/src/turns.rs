//! Turns: a body that was read waits until a thread is free to compute its answer. Who finds too many waiting is sent away at
//! once, while it is cheap and the client can still ask another server.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::limits::{TURN_TIME, WAITING_MAX};
use crate::problem::Problem;

/// Turns of requests that are alike in how long they take.
pub(crate) struct Turns {
    /// One a request that is being computed.
    free: Arc<Semaphore>,
    /// One a request that is being computed, or waits for that.
    places: Arc<Semaphore>,
}

/// A turn, until it is dropped.
pub(crate) struct Turn {
    _free: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Turns {
    /// As many at once as there are threads.
    pub(crate) fn new(threads: usize) -> Turns {
        Turns { free: Arc::new(Semaphore::new(threads)), places: Arc::new(Semaphore::new(threads + WAITING_MAX)) }
    }

    /// A place among those who wait, until it is dropped.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| Problem::busy())
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
        let turns = Turns::new(2);
        let (one, two) = (turns.take().await.expect("it is free"), turns.take().await.expect("it is free"));
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| Box::pin(turns.take())).collect();
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
