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
use crate::deadline::Deadline;
use crate::dialect::Dialect;
use crate::encoding::Encoding;
use crate::limits::{ANSWERED_HERE_BYTES, BODY_BYTES_MAX, CELLS_HERE_MAX, SMALL_BODY_BYTES};
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
    /// Whether others wait for the thread that works on it: then it takes no long work.
    is_waited_for: bool,
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
    /// How it is compressed.
    pub(crate) encoding: Option<Encoding>,
}

impl Said {
    pub(crate) fn of(kind: &'static str, bytes: Vec<u8>, rows: usize, flags: usize) -> Said {
        Said { kind, bytes, rows, flags, header: None, by: None, encoding: None }
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
    work: impl Fn(&Asked, &[u8]) -> Result<Said, Problem> + Send + 'static,
) -> Response {
    let (started, wanted) = (Instant::now(), Wanted::of(dialect, head));
    let said = async {
        let (body, packing) = read(&asked, dialect, head, body).await?;
        compute(&asked, body, packing, wanted, work).await
    };
    let said = Deadline::keep(Deadline::of(dialect, head), said).await;
    told(asked, dialect, wanted, started, said)
}

/// The same of rows in JSON that are answered in JSON, along with others that came meanwhile.
pub(crate) async fn answer_json(asked: Asked, head: &HeaderMap, body: Body) -> Response {
    let (started, wanted) = (Instant::now(), Wanted::of(Dialect::Native, head));
    let said = async {
        let (body, packing) = read(&asked, Dialect::Native, head, body).await?;
        if packing.is_some() || body.bytes.len() > SMALL_BODY_BYTES || asked.service.traces.is_some() {
            return compute(&asked, body, packing, wanted, predict::json).await;
        }
        let place = asked.service.joint_turns.place()?;
        let answered = together::answer(&asked, body).await;
        place.done();
        answered.map(|timed| wanted.encoded(timed))
    };
    let said = Deadline::keep(Deadline::of(Dialect::Native, head), said).await;
    told(asked, Dialect::Native, wanted, started, said)
}

/// An answer, or a problem in its place, counted.
fn told(asked: Asked, dialect: Dialect, wanted: Wanted, started: Instant, said: Result<Timed, Problem>) -> Response {
    let prepared = said.and_then(|(mut said, parts)| {
        let varies = wanted.may_vary && (said.encoding.is_some() || Encoding::is_worth(said.bytes.len()));
        let Service { room, metrics, .. } = &*asked.service;
        let body = room.answers.body(std::mem::take(&mut said.bytes), || metrics.answer_broken_off())?;
        Ok((body, varies, said, parts))
    });
    let (body, varies, mut said, parts) = match prepared {
        Ok(prepared) => prepared,
        Err(problem) => return asked.failed(dialect, problem, started),
    };
    asked.service.metrics.parts(&parts, started);
    let asked = said.by.take().map_or_else(|| asked.clone(), |served| asked.with(served));
    let rows = said.rows;
    asked.count(StatusCode::OK, rows, said.flags, started.elapsed());
    let mut response = respond(body, said, varies);
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
/// soon. How many a body has is known once it is read, however short it is.
async fn compute(
    asked: &Asked,
    mut body: Held,
    packing: Option<Packing>,
    wanted: Wanted,
    work: impl Fn(&Asked, &[u8]) -> Result<Said, Problem> + Send + 'static,
) -> Result<Timed, Problem> {
    let service = &asked.service;
    if is_answered_here(body.bytes.len(), packing) {
        let turn = service.small_turns.take().await?;
        // Whoever else has sent something is looked at first: so those who wait are known, and can be too many.
        yield_now().await;
        let here = Asked { is_waited_for: true, ..asked.clone() };
        let answer = timed(|| work(&here, &body.bytes));
        if !answer.as_ref().is_err_and(Problem::is_long) {
            turn.done();
            return answer.map(|timed| wanted.encoded(timed));
        }
    }
    let turn = service.large_turns.take().await?;
    let asked = asked.clone();
    let answered = spawn_blocking(move || {
        let answer = timed(|| {
            packing.map_or(Ok(()), |packing| body.unpack(packing, BODY_BYTES_MAX))?;
            work(&asked, &body.bytes)
        });
        let answer = answer.map(|timed| wanted.encoded(timed));
        turn.done();
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

/// How a client wants an answer.
#[derive(Clone, Copy)]
struct Wanted {
    /// Whether it may be compressed at all: those of calls would be, message by message.
    may_vary: bool,
    encoding: Option<Encoding>,
}

impl Wanted {
    fn of(dialect: Dialect, head: &HeaderMap) -> Wanted {
        let may_vary = dialect != Dialect::Grpc;
        Wanted { may_vary, encoding: Encoding::accepted(head).filter(|_| may_vary) }
    }

    /// The answer, compressed, if the client takes that and it is worth it.
    fn encoded(self, (mut said, parts): Timed) -> Timed {
        let encoding = self.encoding.filter(|_| Encoding::is_worth(said.bytes.len()));
        if let Some((encoding, bytes)) =
            encoding.and_then(|encoding| Some((encoding, encoding.deflate(&said.bytes).ok()?)))
        {
            (said.bytes, said.encoding) = (bytes, Some(encoding));
        }
        (said, parts)
    }
}

fn respond(body: Body, said: Said, varies: bool) -> Response {
    let mut response = ([(header::CONTENT_TYPE, said.kind)], body).into_response();
    let headers = response.headers_mut();
    headers.extend(said.header);
    if let Some(encoding) = said.encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    }
    if varies {
        // Whoever keeps it must not give it to others who would have it otherwise.
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}

impl Asked {
    pub(crate) fn new(service: Arc<Service>, served: Arc<Served>) -> Asked {
        Asked { service, served, is_waited_for: false }
    }

    /// The same of another bundle.
    pub(crate) fn with(&self, served: Arc<Served>) -> Asked {
        Asked { served, ..self.clone() }
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

    /// Refuses work that others would wait for: it takes a thread of its own.
    fn refuse_long(&self, rows: &Rows<'_>) -> Result<(), Problem> {
        let is_long = self.is_waited_for && self.served.predictor.cells_of(rows.len()) > CELLS_HERE_MAX;
        if is_long { Err(Problem::long()) } else { Ok(()) }
    }

    /// Answers rows, one by one.
    pub(crate) fn answers(&self, rows: Rows<'_>) -> Result<Vec<Answer<'_>>, Problem> {
        self.refuse_long(&rows)?;
        let answered = request::answer_rows(&self.served.predictor, rows, self.recorder())?;
        self.noticed(&answered.noticed);
        Ok(answered.answers)
    }

    /// Answers rows, column by column.
    pub(crate) fn table(&self, rows: Rows<'_>) -> Result<Table, Problem> {
        self.refuse_long(&rows)?;
        Ok(self.table_after(rows, 0)?)
    }

    /// The same of rows before which so many had come, wherever it is worked on.
    pub(crate) fn table_after(&self, rows: Rows<'_>, first_row: u64) -> Result<Table, Refusal> {
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
