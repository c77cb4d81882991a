//! `POST /predict`: one row, or a list of rows, by the contract.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::{self, Answer, Refusal};
use serde::Serialize;
use tokio::time::timeout;

use crate::Service;
use crate::body::Held;
use crate::limits::{SMALL_BODY_BYTES, TURN_TIME};
use crate::problem::Problem;

const BUG: &str = "the request ran into a bug";

#[derive(Serialize)]
struct Answered<'a> {
    model: &'a str,
    version: &'a str,
    digest: &'a str,
    predictions: Vec<Answer>,
}

pub(crate) async fn predict(State(service): State<Arc<Service>>, body: Body) -> Response {
    let started = Instant::now();
    let result = match service.room.read(body).await {
        Ok(body) => answer(&service, body).await,
        Err(problem) => Err(problem),
    };
    match result {
        Ok(request::Answered { answers: predictions, no_numbers }) => {
            service.metrics.no_numbers(&no_numbers);
            let flags = predictions.iter().map(|answer| answer.flags.len()).sum();
            service.metrics.answered(StatusCode::OK, predictions.len(), flags, started.elapsed());
            let predictor = &service.predictor;
            let (model, version, digest) = (&predictor.name, &predictor.version, &predictor.digest);
            let text = serde_json::to_string(&Answered { model, version, digest, predictions });
            let text = text.expect("answers are plain data");
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Err(problem) => {
            service.metrics.answered(problem.status(), 0, 0, started.elapsed());
            problem.into_response()
        }
    }
}

/// Few rows take microseconds, less than to hand them to another thread; many take a thread of their own, if one is free
/// soon.
async fn answer(service: &Arc<Service>, body: Held) -> Result<request::Answered, Problem> {
    if body.bytes.len() <= SMALL_BODY_BYTES {
        return answer_here(service, &body);
    }
    let turn = timeout(TURN_TIME, Arc::clone(&service.turns).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Problem::busy()) };
    let service = Arc::clone(service);
    let answered = tokio::task::spawn_blocking(move || {
        let answers = answer_here(&service, &body);
        drop(turn);
        answers
    });
    answered.await.unwrap_or_else(|_| Err(Problem::bug(BUG)))
}

fn answer_here(service: &Service, body: &Held) -> Result<request::Answered, Problem> {
    // A panic is a bug of ours; the next request must not suffer from it.
    let answered = catch_unwind(AssertUnwindSafe(|| {
        request::answer_traced(&service.predictor, &body.bytes, service.trace.as_deref())
    }));
    match answered {
        Ok(Ok(answers)) => Ok(answers),
        Ok(Err(Refusal::Malformed(detail))) => Err(Problem::malformed(detail)),
        Ok(Err(Refusal::Contract { errors, count })) => Err(Problem::contract(errors, count)),
        Ok(Err(Refusal::Bug(detail))) => Err(Problem::bug(detail)),
        Err(_) => Err(Problem::bug(BUG)),
    }
}
