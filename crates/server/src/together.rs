//! Requests that come together are answered together: their rows are one batch, for which steps are run and columns are found
//! once, and each row has the bits that it has alone. Nobody waits for others to come. A body that was read gives way once to
//! what has arrived meanwhile, as every small one does; whoever is back first answers all that wait by then. So a server with
//! little to do answers one by one, and the more there is to do, the less each takes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use evenstep_pipeline::request::answer_together;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::oneshot::{Sender, channel};
use tokio::task::yield_now;

use crate::body::Held;
use crate::limits::{TOGETHER_BYTES_MAX, TOGETHER_MAX};
use crate::parts::Parts;
use crate::predict;
use crate::problem::Problem;
use crate::work::{Asked, BUG, Said, Timed, timed};

/// Requests to one bundle that wait to be answered.
#[derive(Default)]
pub(crate) struct Together {
    waiting: Mutex<VecDeque<Waiting>>,
}

struct Waiting {
    body: Held,
    tell: Sender<Result<Timed, Problem>>,
}

/// Takes away what a client left that is gone before it was answered.
struct Left<'t> {
    of: &'t Together,
    is_answered: bool,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.of.lock().retain(|one| !one.tell.is_closed());
        }
    }
}

/// Answers rows in JSON, in JSON, along with others to the same bundle.
pub(crate) async fn answer(asked: &Asked, body: Held) -> Result<Timed, Problem> {
    let together = &asked.served.together;
    // Dropped after `told`, by whose end it knows whose body nobody waits for.
    let mut left = Left { of: together, is_answered: false };
    let (tell, mut told) = channel();
    together.lock().push_back(Waiting { body, tell });
    yield_now().await;
    loop {
        match told.try_recv() {
            Ok(answer) => {
                left.is_answered = true;
                return answer;
            }
            Err(TryRecvError::Closed) => return Err(Problem::bug(BUG)),
            Err(TryRecvError::Empty) => {}
        }
        let group = together.take();
        if group.is_empty() {
            // Another thread is about to answer it.
            let answer = (&mut told).await;
            left.is_answered = true;
            return answer.unwrap_or_else(|_| Err(Problem::bug(BUG)));
        }
        answer_all(asked, group);
    }
}

impl Together {
    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those who came first, as many as are answered at once.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.lock();
        let mut bytes = 0;
        let fits = |one: &&Waiting| {
            bytes += one.body.bytes.len();
            bytes <= TOGETHER_BYTES_MAX
        };
        // One at least: no body that comes here is larger.
        let count = waiting.iter().take(TOGETHER_MAX).take_while(fits).count();
        waiting.drain(..count).collect()
    }
}

/// Tells each its answer; who is gone isn't told.
fn answer_all(asked: &Asked, group: Vec<Waiting>) {
    let predictor = &asked.served.predictor;
    if group.len() > 1 {
        let bodies: Vec<&[u8]> = group.iter().map(|one| &one.body.bytes[..]).collect();
        let work = || {
            let (answers, noticed) = answer_together(predictor, &bodies)?;
            let said: Vec<Said> = answers.iter().map(|answers| predict::in_json(predictor, answers)).collect();
            Some((said, noticed))
        };
        let (all, parts) = Parts::timed(|| catch_unwind(AssertUnwindSafe(work)).ok().flatten());
        if let Some((said, noticed)) = all {
            asked.noticed(&noticed);
            for (one, said) in group.into_iter().zip(said) {
                let _ = one.tell.send(Ok((said, parts.clone())));
            }
            return;
        }
    }
    for one in group {
        let _ = one.tell.send(timed(|| predict::json(asked, &one.body.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::body::{Room, Times};
    use crate::gate::Gate;
    use crate::places::Places;

    #[tokio::test]
    async fn who_is_gone_leaves_nothing_behind_and_who_waits_stays() {
        let (together, room) = (Together::default(), Room::new(Gate::new(Places::of(8), Places::of(8)), Times::USUAL));
        let body = async || room.read(Body::from("7")).await.expect("there is room");
        let (one, other) = (body().await, body().await);
        let (tell, _waits) = channel();
        together.lock().push_back(Waiting { body: one, tell });
        {
            let _left = Left { of: &together, is_answered: false };
            let (tell, _told) = channel();
            together.lock().push_back(Waiting { body: other, tell });
        }
        assert_eq!(together.lock().len(), 1);
        assert_eq!(together.take().len(), 1);
        assert!(together.take().is_empty());
    }
}
