//! `POST /predict`: one row, or a list of rows, by the contract.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::{self, Answer, Refusal};
use serde::Serialize;

use crate::Service;
use crate::problem::Problem;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    version: &'a str,
    digest: &'a str,
    predictions: Vec<Answer>,
}

pub(crate) async fn predict(
    State(service): State<Arc<Service>>,
    body: Result<axum::body::Bytes, BytesRejection>,
) -> Response {
    let started = Instant::now();
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return Problem::too_large(rejection.body_text()).into_response(),
    };
    let work = Arc::clone(&service);
    let answered = tokio::task::spawn_blocking(move || {
        // A panic is a bug of ours; the next request must not suffer from it.
        request::answer_traced(&work.predictor, &body, work.trace.as_deref())
    })
    .await;
    let result = match answered {
        Ok(Ok(answers)) => Ok(answers),
        Ok(Err(Refusal::Malformed(detail))) => Err(Problem::malformed(detail)),
        Ok(Err(Refusal::Contract { errors, count })) => Err(Problem::contract(errors, count)),
        Ok(Err(Refusal::Bug(detail))) => Err(Problem::bug(detail)),
        Err(_) => Err(Problem::bug("the request ran into a bug")),
    };
    match result {
        Ok(predictions) => {
            let flags = predictions.iter().map(|answer| answer.flags.len()).sum();
            service.metrics.answered(StatusCode::OK, predictions.len(), flags, started.elapsed());
            let predictor = &service.predictor;
            let body =
                Body { model: &predictor.name, version: &predictor.version, digest: &predictor.digest, predictions };
            let text = serde_json::to_string(&body).expect("answers are plain data");
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        Err(problem) => {
            service.metrics.answered(problem.status(), 0, 0, started.elapsed());
            problem.into_response()
        }
    }
}
