//! How a body becomes an answer: read within its limits, worked on where that keeps nobody waiting, and counted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::request::{self, Answer, Noticed, Refusal, Rows, Table};
use evenstep_pipeline::trace::Recorder;
use tokio::task::{spawn_blocking, yield_now};

use crate::body::{self, Held};
use crate::dialect::Dialect;
use crate::encoding::Encoding;
use crate::limits::{ANSWERED_HERE_BYTES, BODY_BYTES_MAX, SMALL_BODY_BYTES};
use crate::log::Answered;
use crate::models::Served;
use crate::names::path_of;
use crate::packing::Packing;
use crate::parts::Parts;
use crate::problem::Problem;
use crate::turns::Turns;
use crate::{Service, predict, together};

pub(crate) const BUG: &str = "the request ran into a bug";

/// What says which artifact answered.
pub(crate) const DIGEST: HeaderName = HeaderName::from_static("evenstep-digest");

/// A request under way: the server, and the bundle that answers it, whatever is served meanwhile.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) service: Arc<Service>,
    pub(crate) served: Arc<Served>,
}

/// An answer, and what is counted of it.
pub(crate) struct Said {
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: usize,
    pub(crate) flags: usize,
    /// What else its head says.
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
    /// Who answered, if the body named it.
    pub(crate) by: Option<Arc<Served>>,
}

impl Said {
    pub(crate) fn of(kind: &'static str, bytes: Vec<u8>, rows: usize, flags: usize) -> Said {
        Said { kind, bytes, rows, flags, header: None, by: None }
    }
}

/// An answer, and how long its parts took.
pub(crate) type Timed = (Said, Parts);

/// Answers a body by `work`; the head says how both are compressed.
pub(crate) async fn answer(
    asked: Asked,
    dialect: Dialect,
    head: &HeaderMap,
    body: Body,
    work: impl FnOnce(&Asked, &[u8]) -> Result<Said, Problem> + Send + 'static,
) -> Response {
    let started = Instant::now();
    let said = async {
        let (body, packing) = read(&asked, dialect, head, body).await?;
        compute(&asked, body, packing, work).await
    };
    let said = said.await;
    told(asked, dialect, head, started, said)
}

/// The same of rows in JSON that are answered in JSON, along with others that came meanwhile.
pub(crate) async fn answer_json(asked: Asked, head: &HeaderMap, body: Body) -> Response {
    let started = Instant::now();
    let said = async {
        let (body, packing) = read(&asked, Dialect::Native, head, body).await?;
        if packing.is_some() || body.bytes.len() > SMALL_BODY_BYTES || asked.service.traces.is_some() {
            return compute(&asked, body, packing, predict::json).await;
        }
        let place = asked.service.joint_turns.place()?;
        let answered = together::answer(&asked, body).await;
        place.done();
        answered
    };
    let said = said.await;
    told(asked, Dialect::Native, head, started, said)
}

/// An answer, or a problem in its place, counted.
fn told(asked: Asked, dialect: Dialect, head: &HeaderMap, started: Instant, said: Result<Timed, Problem>) -> Response {
    let prepared = said.and_then(|(mut said, parts)| {
        let encoded = encode(&mut said, dialect, head);
        Ok((asked.service.room.answer(std::mem::take(&mut said.bytes))?, encoded, said, parts))
    });
    let (body, encoded, mut said, parts) = match prepared {
        Ok(prepared) => prepared,
        Err(problem) => return asked.failed(dialect, problem, started),
    };
    asked.service.metrics.parts(&parts, started);
    let asked = said.by.take().map_or_else(|| asked.clone(), |served| asked.with(served));
    let rows = said.rows;
    asked.count(StatusCode::OK, rows, said.flags, started.elapsed());
    let mut response = respond(body, said, encoded);
    asked.sign(&mut response, rows, Some(parts));
    response
}

/// The body, and how it is compressed.
async fn read(
    asked: &Asked,
    dialect: Dialect,
    head: &HeaderMap,
    body: Body,
) -> Result<(Held, Option<Packing>), Problem> {
    let packing = Packing::of(dialect, head)?;
    let service = &asked.service;
    let body = body::within(body, BODY_BYTES_MAX, Problem::too_large)?;
    let announced = body.size_hint().lower() as usize;
    if announced > SMALL_BODY_BYTES {
        // Who would be sent away once it is read is told before: what is left of the body is only thrown away.
        service.turns_of(announced, packing).look()?;
    }
    let body = service.room.read(body).await?;
    service.keep_pace(&body.bytes).await;
    let packing = packing.filter(|packing| packing.packs(&body.bytes));
    Ok((body, packing))
}

/// Few rows take microseconds, less than to hand them to another thread; many take a thread of their own, if one is free
/// soon.
async fn compute(
    asked: &Asked,
    mut body: Held,
    packing: Option<Packing>,
    work: impl FnOnce(&Asked, &[u8]) -> Result<Said, Problem> + Send + 'static,
) -> Result<Timed, Problem> {
    let service = &asked.service;
    let turns = service.turns_of(body.bytes.len(), packing);
    if is_answered_here(body.bytes.len(), packing) {
        let _turn = turns.take().await?;
        // Whoever else has sent something is looked at first: so those who wait are known, and can be too many.
        yield_now().await;
        return timed(|| work(asked, &body.bytes));
    }
    let turn = turns.take().await?;
    let asked = asked.clone();
    let answered = spawn_blocking(move || {
        let answer = timed(|| {
            packing.map_or(Ok(()), |packing| body.unpack(packing, BODY_BYTES_MAX))?;
            work(&asked, &body.bytes)
        });
        drop(turn);
        answer
    });
    answered.await.unwrap_or_else(|_| Err(Problem::bug(BUG)))
}

/// Whether a body is answered where it was read.
fn is_answered_here(bytes: usize, packing: Option<Packing>) -> bool {
    bytes <= ANSWERED_HERE_BYTES && packing.is_none()
}

impl Service {
    /// The turns of a body.
    fn turns_of(&self, bytes: usize, packing: Option<Packing>) -> &Turns {
        if is_answered_here(bytes, packing) { &self.small_turns } else { &self.large_turns }
    }
}

/// How an answer is compressed, if it may be.
struct Encoded {
    may_be: bool,
    name: Option<&'static str>,
}

/// Compresses an answer, if the client takes that.
fn encode(said: &mut Said, dialect: Dialect, head: &HeaderMap) -> Encoded {
    // Those of calls would be compressed message by message.
    let may_be = dialect != Dialect::Grpc && Encoding::is_worth(said.bytes.len());
    let encoding = Encoding::of_answer(head, said.bytes.len()).filter(|_| may_be);
    let encoded = encoding.and_then(|encoding| Some((encoding.name(), encoding.deflate(&said.bytes).ok()?)));
    let name = encoded.map(|(name, bytes)| {
        said.bytes = bytes;
        name
    });
    Encoded { may_be, name }
}

fn respond(body: Body, said: Said, encoded: Encoded) -> Response {
    let mut response = ([(header::CONTENT_TYPE, said.kind)], body).into_response();
    let headers = response.headers_mut();
    headers.extend(said.header);
    if let Some(name) = encoded.name {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    if encoded.may_be {
        // Whoever keeps it must not give it to others who would have it otherwise.
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

impl Asked {
    /// The same of another bundle.
    pub(crate) fn with(&self, served: Arc<Served>) -> Asked {
        Asked { service: Arc::clone(&self.service), served }
    }

    /// Counts an answer.
    pub(crate) fn count(&self, status: StatusCode, rows: usize, flags: usize, took: Duration) {
        let metrics = &self.service.metrics;
        metrics.answered(Some(self.served.name()), status, took);
        let of_model = self.served.counted(metrics);
        of_model.rows.inc_by(rows as u64);
        of_model.flags.inc_by(flags as u64);
        of_model.took(took);
    }

    /// A problem in place of an answer, counted as one.
    pub(crate) fn failed(&self, dialect: Dialect, mut problem: Problem, started: Instant) -> Response {
        let asked = match problem.take_by() {
            Some(served) => self.with(served),
            None if dialect == Dialect::Grpc => return self.unheard(dialect, problem, started),
            None => self.clone(),
        };
        let problem = asked.refused(problem);
        asked.service.metrics.refused(asked.served.name(), &problem);
        asked.count(dialect.status(&problem), 0, 0, started.elapsed());
        let mut response = problem.into_response();
        asked.sign(&mut response, 0, None);
        response
    }

    /// The same of a call whose message didn't come to name a model: no model's account has it.
    fn unheard(&self, dialect: Dialect, problem: Problem, started: Instant) -> Response {
        self.service.metrics.answered(None, dialect.status(&problem), started.elapsed());
        problem.into_response()
    }

    /// What is wrong, with the place of the contract of the model that was asked.
    pub(crate) fn refused(&self, problem: Problem) -> Problem {
        let now = self.service.models.now();
        if Arc::ptr_eq(now.default(), &self.served) {
            return problem;
        }
        let (name, version) = (self.served.name(), self.served.version());
        problem.with_contract_at(|| format!("{}/openapi.json", path_of(name, version)))
    }

    /// Says in a response which artifact answered; the log is told with it.
    pub(crate) fn sign(&self, response: &mut Response, rows: usize, parts: Option<Parts>) {
        if response.status() == StatusCode::OK {
            response.headers_mut().insert(DIGEST, self.served.digest.clone());
        }
        if self.service.tells_requests() {
            response.extensions_mut().insert(Answered { served: Arc::clone(&self.served), rows, parts });
        }
    }

    /// What commits to the rows, if there are to be traces.
    fn recorder(&self) -> Option<&Recorder> {
        self.service.traces.as_ref().map(|traces| self.served.recorder(traces))
    }

    /// Answers rows, one by one.
    pub(crate) fn answers(&self, rows: Rows<'_>) -> Result<Vec<Answer<'_>>, Refusal> {
        let answered = request::answer_rows(&self.served.predictor, rows, self.recorder())?;
        self.noticed(&answered.noticed);
        Ok(answered.answers)
    }

    /// Answers rows, column by column, if `first_row` had come before them.
    pub(crate) fn table(&self, rows: Rows<'_>, first_row: u64) -> Result<Table, Refusal> {
        let table = request::answer_table(&self.served.predictor, rows, first_row, self.recorder())?;
        self.noticed(&table.noticed);
        Ok(table)
    }

    /// Counts what was noticed of rows that were answered.
    pub(crate) fn noticed(&self, Noticed { no_numbers, missing, rounded, ignored }: &Noticed) {
        let metrics = &self.service.metrics;
        metrics.no_numbers(self.served.name(), no_numbers);
        rounded.iter().for_each(|(column, cells)| metrics.rounded(self.served.name(), column, *cells));
        metrics.ignored(self.served.name(), *ignored);
        missing.iter().for_each(|(column, cells)| self.served.counted(metrics).missing(column, *cells));
    }
}

/// Works, and measures it; a panic is a bug of ours.
pub(crate) fn timed(work: impl FnOnce() -> Result<Said, Problem>) -> Result<Timed, Problem> {
    let (said, parts) = Parts::timed(|| caught(work));
    said.map(|said| (said, parts))
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
