//! Rows that come line by line (NDJSON): answered while they come, in memory that doesn't grow with them.
//!
//! What is answered doesn't depend on where the body was cut on its way.

use std::io::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use evenstep_pipeline::Predictor;
use evenstep_pipeline::request::{self, Refusal, Rows};
use http_body_util::channel::{Channel, Sender};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use crate::Service;
use crate::formats::Format;
use crate::limits::{BODY_TIME, LINE_BYTES_MAX, SMALL_BODY_BYTES};
use crate::listen::UnderWay;
use crate::log::Pending;
use crate::models::Served;
use crate::predict::written;
use crate::problem::Problem;
use crate::work::{Asked, caught};

/// Answers that wait for their client to read them.
const WAITING: usize = 2;

/// Marks a response whose body is still being made; keeps its request under way until it is.
#[derive(Clone, Default)]
pub(crate) struct Streamed(Arc<Streaming>);

#[derive(Default)]
struct Streaming {
    under_way: OnceLock<UnderWay>,
    line: OnceLock<Pending>,
    made: Made,
}

/// What was made of an answer until it ended.
#[derive(Default)]
pub(crate) struct Made {
    rows: AtomicUsize,
    how: OnceLock<Option<&'static str>>,
}

impl Made {
    pub(crate) fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// How it ended; None if with its last row.
    pub(crate) fn ended(&self) -> Option<&'static str> {
        self.how.get().copied().unwrap_or(Some("cut"))
    }
}

impl Streamed {
    pub(crate) fn keep(&self, under_way: UnderWay) {
        let _ = self.0.under_way.set(under_way);
    }

    /// Says that its client doesn't read it.
    pub(crate) fn unread(&self) {
        self.0.under_way.get().into_iter().for_each(UnderWay::unread);
    }

    /// Tells the log once the answer was made.
    pub(crate) fn log(&self, line: Pending) {
        let _ = self.0.line.set(line);
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            line.tell(Some(&self.made));
        }
    }
}

/// All rows of a body, for an answer in another format.
pub(crate) fn all(predictor: &Predictor, bytes: &[u8]) -> Result<Rows<'static>, Problem> {
    predictor.refuse_many(lines(bytes).count())?;
    let rows = lines(bytes).map(|(at, line)| parsed(line, || place(at)));
    Ok(Rows::Objects(rows.collect::<Result<Vec<_>, _>>()?.into()))
}

/// Answers rows while they come. The answer's status is told before the first row was read, so that what is wrong with
/// one is said in a line of its own, the last.
///
/// A client that asks first whether it may send them is answered once it sent some: hyper tells it to go on when the body
/// is read, and no more after the answer's head.
pub(crate) async fn answer(
    service: Arc<Service>,
    served: Arc<Served>,
    mut body: Body,
    is_asked_first: bool,
) -> Response {
    let room = &service.room;
    let first = if is_asked_first { Some(room.part(&mut body, &mut room.patient()).await) } else { None };
    let asked = Asked::new(service, served);
    let (sender, channel) = Channel::<Bytes, Error>::new(WAITING);
    let streamed = Streamed::default();
    let mut response = ([(header::CONTENT_TYPE, Format::Lines.media_type())], Body::new(channel)).into_response();
    asked.sign(&mut response, 0, None);
    response.extensions_mut().insert(streamed.clone());
    tokio::spawn(Stream { asked, sender, row: 0, line: 0, flags: 0, streamed }.run(first, body));
    response
}

/// The next part of a body, if there is one.
type Part = Result<Option<Bytes>, Problem>;

/// An answer under way.
struct Stream {
    asked: Asked,
    sender: Sender<Bytes, Error>,
    /// How many rows were answered.
    row: u64,
    /// How many lines came before those at hand, blank ones too.
    line: usize,
    flags: usize,
    streamed: Streamed,
}

impl Stream {
    async fn run(mut self, first: Option<Part>, body: Body) {
        let started = Instant::now();
        let ended = self.answer_all(first, body).await;
        let (status, how) = match ended {
            Ok(()) => (StatusCode::OK, None),
            Err(Ended::Refused(status)) => (status, Some("refused")),
            Err(Ended::Gone) => (StatusCode::OK, Some("abandoned")),
        };
        self.asked.count(status, self.row as usize, self.flags, started.elapsed());
        let _ = self.streamed.0.made.how.set(how);
        if let Err(Ended::Gone) = ended {
            self.streamed.unread();
            // The client must not take what it has for the whole.
            self.sender.abort(Error::other("the client is gone, or reads too slowly"));
        }
    }

    async fn answer_all(&mut self, mut first: Option<Part>, mut body: Body) -> Result<(), Ended> {
        let service = Arc::clone(&self.asked.service);
        let (mut held, mut rest, mut pace) = (service.room.hold(), Vec::new(), service.room.patient());
        loop {
            let found = match first.take() {
                Some(first) => first,
                None => service.room.part(&mut body, &mut pace).await,
            };
            let part = match found {
                Err(problem) => return self.refuse(problem).await,
                Ok(None) => return self.answer_lines(&rest).await,
                Ok(Some(part)) => part,
            };
            if let Err(problem) = held.grow(rest.len() + part.len()) {
                return self.refuse(problem).await;
            }
            // What was there before ends no line.
            let whole = part.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| rest.len() + end + 1);
            rest.extend_from_slice(&part);
            self.answer_lines(&rest[..whole]).await?;
            rest.drain(..whole);
            // What a long line took isn't kept for the next.
            rest.shrink_to(2 * rest.len());
            held.give_back(rest.len());
            // The next line may be long in coming; once it began it has to end.
            if whole > 0 {
                pace = service.room.patient();
            }
            if !rest.is_empty() {
                pace.hold();
            }
            if rest.len() > LINE_BYTES_MAX {
                return self.refuse(too_long(|| place(self.line)).into()).await;
            }
        }
    }

    /// Answers whole lines, a few at a time, so that others have their turn.
    async fn answer_lines(&mut self, mut text: &[u8]) -> Result<(), Ended> {
        while !text.is_empty() {
            let cut = text.iter().skip(SMALL_BODY_BYTES).position(|byte| *byte == b'\n');
            let (few, more) = text.split_at(cut.map_or(text.len(), |cut| SMALL_BODY_BYTES + cut + 1));
            text = more;
            self.asked.service.keep_pace(few).await;
            let (said, problem) = self.say(few);
            self.send(said).await?;
            if let Some(problem) = problem {
                return self.refuse(problem).await;
            }
        }
        Ok(())
    }

    /// The answers to lines, and what is wrong with the first line that has none.
    fn say(&mut self, text: &[u8]) -> (Vec<u8>, Option<Problem>) {
        let mut problem = None;
        // Rows with and without an id are told apart, as they would be alone.
        let mut runs: Vec<(bool, Vec<Map<String, Value>>)> = Vec::new();
        for (at, line) in lines(text) {
            match parsed(line, || place(self.line + at)) {
                Ok(row) => {
                    let has_id = has_id(&self.asked.served.predictor, &row);
                    match runs.last_mut().filter(|(same, _)| *same == has_id) {
                        Some((_, rows)) => rows.push(row),
                        None => runs.push((has_id, vec![row])),
                    }
                }
                Err(refusal) => {
                    problem = Some(refusal.into());
                    break;
                }
            }
        }
        self.line += text.iter().filter(|byte| **byte == b'\n').count();
        let mut said = Vec::new();
        for (_, rows) in runs {
            if let Err(earlier) = self.say_of(&rows, &mut said) {
                return (said, Some(earlier));
            }
        }
        (said, problem)
    }

    /// Answers rows up to the first that is refused.
    fn say_of(&mut self, rows: &[Map<String, Value>], said: &mut Vec<u8>) -> Result<(), Problem> {
        let mut errors = match caught(|| Ok(self.asked.table_after(Rows::Objects(rows.into()), self.row)))? {
            Ok(table) => {
                let bytes = written(&table, Format::Lines).map_err(|error| Problem::bug(error.to_string()))?;
                said.extend(bytes);
                self.row += rows.len() as u64;
                self.streamed.0.made.rows.store(self.row as usize, Ordering::Relaxed);
                self.flags += table.flags.len();
                return Ok(());
            }
            Err(Refusal::Contract { errors, .. }) => errors,
            Err(refusal) => return Err(refusal.into()),
        };
        let first = errors.iter().map(|error| error.row).min().unwrap_or(0);
        errors.retain(|error| error.row == first);
        if first > 0 {
            self.say_of(&rows[..first], said)?;
        }
        for error in &mut errors {
            error.row = self.row as usize;
        }
        let count = errors.len();
        let problem = Problem::contract(errors, count);
        self.asked.service.metrics.refused(self.asked.served.name(), &problem);
        Err(problem)
    }

    /// Ends the answer with a line that says why.
    async fn refuse(&mut self, problem: Problem) -> Result<(), Ended> {
        let problem = self.asked.refused(problem);
        let line = json!({ "error": problem.json(), "row": self.row });
        self.send(format!("{line}\n").into_bytes()).await?;
        Err(Ended::Refused(problem.status()))
    }

    async fn send(&mut self, said: Vec<u8>) -> Result<(), Ended> {
        if said.is_empty() {
            return Ok(());
        }
        match timeout(BODY_TIME, self.sender.send_data(said.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Ended::Gone),
        }
    }
}

/// Why an answer ends before its rows.
enum Ended {
    /// A line of it says so, with this status.
    Refused(StatusCode),
    /// The client reads no more, or too slowly.
    Gone,
}

/// Lines that are not blank, or too long to be looked at, and how many come before each.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let counts = |(_, line): &(usize, &[u8])| line.len() > LINE_BYTES_MAX || !line.trim_ascii().is_empty();
    text.split(|byte| *byte == b'\n').enumerate().filter(counts)
}

/// Where a line is, as editors count, before what is wrong with it.
fn place(at: usize) -> String {
    format!("line {}: ", at + 1)
}

/// The row of a line; what is wrong with it begins with its place.
fn parsed(line: &[u8], place: impl Fn() -> String) -> Result<Map<String, Value>, Refusal> {
    if line.len() > LINE_BYTES_MAX {
        return Err(too_long(place));
    }
    let value = request::parse(line, "the line").map_err(|refusal| refusal.at(&place()))?;
    request::object(value).ok_or_else(|| Refusal::Malformed(format!("{}the line is no object", place())))
}

fn too_long(place: impl Fn() -> String) -> Refusal {
    Refusal::TooLarge(format!("{}a line may have {} MiB", place(), LINE_BYTES_MAX >> 20))
}

fn has_id(predictor: &Predictor, row: &Map<String, Value>) -> bool {
    predictor.data.id.iter().all(|name| row.contains_key(name.as_str()))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use evenstep_pipeline::{Interface, mock};
    use http_body_util::BodyExt;
    use tokio::time::sleep;

    use super::*;
    use crate::body::{Room, Times};
    use crate::gate::Gate;
    use crate::guard::Guard;
    use crate::limits::WAITING_SURELY;
    use crate::log::Log;
    use crate::metrics::Metrics;
    use crate::models::Models;
    use crate::places::Places;
    use crate::turns::Turns;

    const CONTRACT: &[u8] = br#"{
        "evenstep_contract": 1, "name": "lines", "target": "y", "task": { "kind": "regression" },
        "id": [], "inputs": ["x"], "missing": [], "serving": { "extra": "reject" }, "columns": {
            "x": { "type": "number", "missing": "allow", "invalid": "reject", "out_of_range": "flag", "available": "request", "absent": "null" },
            "y": { "type": "number", "missing": "allow", "invalid": "reject", "out_of_range": "flag", "available": "request", "absent": "null", "min": 0, "max": 1 }
        }
    }"#;

    /// A server whose bodies have to come in such times.
    fn service(times: Times) -> Arc<Service> {
        let interface = Interface::parse(CONTRACT).expect("a contract");
        let turns = || Turns::new(1, WAITING_SURELY);
        Arc::new(Service {
            models: Models::of_one(mock::predictor(&interface).expect("a mock")),
            metrics: Metrics::new(false, false, None),
            log: Arc::new(Log::new(None).expect("a thread")),
            telemetry: None,
            guard: Guard::default(),
            room: Room::new(Gate::new(Places::of(8), Places::of(8)), times),
            joint_turns: turns(),
            small_turns: turns(),
            large_turns: turns(),
            traces: None,
            pace: None,
            ends: false.into(),
        })
    }

    #[tokio::test]
    async fn lines_that_are_cut_anywhere_go_on_for_longer_than_a_body_may_take_and_no_line_does() {
        let whole = Duration::from_millis(400);
        let service = service(Times { whole, ..Times::USUAL });
        let served = Arc::clone(service.models.now().default());
        let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
        let mut answers = answer(service, served, Body::new(channel), false).await.into_body();
        let mut next = async || {
            let frame = answers.frame().await.expect("an answer").expect("it comes");
            String::from_utf8(frame.into_data().expect("data").to_vec()).expect("UTF-8")
        };
        sender.send_data(Bytes::from_static(b"{\"x\"")).await.expect("it reads");
        for _ in 0..12 {
            sleep(whole / 8).await;
            sender.send_data(Bytes::from_static(b": 1}\n{\"x\"")).await.expect("it reads");
            let said = next().await;
            assert!(said.contains("prediction"), "{said}");
        }
        let said = next().await;
        assert!(said.contains("took too long to arrive"), "{said}");
    }
}
