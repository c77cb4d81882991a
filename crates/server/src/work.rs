//! How a body becomes an answer: read within its limits, worked on where that keeps nobody waiting, and counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::{self, Answer, Refusal, Rows, Table};
use tokio::time::timeout;

use crate::Service;
use crate::dialect::Dialect;
use crate::encoding::Encoding;
use crate::limits::{SMALL_BODY_BYTES, TURN_TIME};
use crate::problem::Problem;

const BUG: &str = "the request ran into a bug";

/// An answer, and what is counted of it.
pub(crate) struct Said {
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: usize,
    pub(crate) flags: usize,
    /// What else its head says.
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
}

/// Answers a body by `work`; the head says how both are compressed.
pub(crate) async fn answer(
    service: Arc<Service>,
    dialect: Dialect,
    head: &HeaderMap,
    body: Body,
    work: impl FnOnce(&Service, &[u8]) -> Result<Said, Problem> + Send + 'static,
) -> Response {
    let started = Instant::now();
    let said = said(&service, head, body, work).await;
    match said {
        Ok(said) => {
            service.metrics.answered(StatusCode::OK, said.rows, said.flags, started.elapsed());
            respond(said, head)
        }
        Err(problem) => {
            service.metrics.answered(dialect.status(&problem), 0, 0, started.elapsed());
            problem.into_response()
        }
    }
}

/// Few rows take microseconds, less than to hand them to another thread; many take a thread of their own, if one is free
/// soon.
async fn said(
    service: &Arc<Service>,
    head: &HeaderMap,
    body: Body,
    work: impl FnOnce(&Service, &[u8]) -> Result<Said, Problem> + Send + 'static,
) -> Result<Said, Problem> {
    let encoding = Encoding::of_body(head)?;
    let mut body = service.room.read(body).await?;
    service.keep_pace(&body.bytes).await;
    if body.bytes.len() <= SMALL_BODY_BYTES && encoding.is_none() {
        return caught(|| work(service, &body.bytes));
    }
    let turn = timeout(TURN_TIME, Arc::clone(&service.turns).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(Problem::busy()) };
    let service = Arc::clone(service);
    let answered = tokio::task::spawn_blocking(move || {
        let answer = caught(|| {
            encoding.map_or(Ok(()), |encoding| body.inflate(encoding))?;
            work(&service, &body.bytes)
        });
        drop(turn);
        answer
    });
    answered.await.unwrap_or_else(|_| Err(Problem::bug(BUG)))
}

fn respond(mut said: Said, head: &HeaderMap) -> Response {
    let encoding = Encoding::of_answer(head, said.bytes.len());
    let encoded = encoding.and_then(|encoding| Some((encoding.name(), encoding.deflate(&said.bytes).ok()?)));
    let name = encoded.map(|(name, bytes)| {
        said.bytes = bytes;
        name
    });
    let mut response = ([(header::CONTENT_TYPE, said.kind)], said.bytes).into_response();
    let headers = response.headers_mut();
    headers.extend(said.header);
    if let Some(name) = name {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

impl Service {
    /// Answers rows, one by one.
    pub(crate) fn answers(&self, rows: &Rows) -> Result<Vec<Answer>, Refusal> {
        let answered = request::answer_rows(&self.predictor, rows, self.trace.as_deref())?;
        self.metrics.no_numbers(&answered.no_numbers);
        Ok(answered.answers)
    }

    /// Answers rows, column by column, if `first_row` had come before them.
    pub(crate) fn table(&self, rows: &Rows, first_row: u64) -> Result<Table, Refusal> {
        let table = request::answer_table(&self.predictor, rows, first_row, self.trace.as_deref())?;
        self.metrics.no_numbers(&table.no_numbers);
        Ok(table)
    }
}

/// A panic is a bug of ours; the next request must not suffer from it.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Problem::bug(BUG)))
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Malformed(detail) => Problem::malformed(detail),
            Refusal::TooLarge(detail) => Problem::too_many(detail),
            Refusal::Contract { errors, count } => Problem::contract(errors, count),
            Refusal::Bug(detail) => Problem::bug(detail),
        }
    }
}
