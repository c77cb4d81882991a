//! The log: a line for each request, if it is asked for, and one for whatever changes what is served. No line holds what
//! callers send: of a path it tells the route, of a body how many rows it has.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Service;
use crate::dialect::Became;
use crate::limits::LOG_LINES_MAX;
use crate::lines::{Made, Streamed};
use crate::models::Served;
use crate::parts::Parts;
use crate::seldom::Seldom;
use crate::traceparent::Parent;

/// At the end of the server, so long may what reads the log take for the last lines.
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// How lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// An object a line.
    Json,
    /// For people.
    Text,
}

/// Where lines go. They are written by a thread of their own: whoever reads them slowly keeps no request waiting, but may
/// miss some.
#[derive(Debug)]
pub(crate) struct Log {
    /// None, if requests aren't told.
    requests: Option<LogFormat>,
    to: SyncSender<Told>,
    lost: AtomicU64,
}

enum Told {
    Line(String),
    Flush(Sender<()>),
}

impl Log {
    /// A log on stderr, of requests too if it is said how.
    ///
    /// # Errors
    /// A host that starts no thread to write it.
    pub(crate) fn new(requests: Option<LogFormat>) -> io::Result<Log> {
        Log::to(requests, std::io::stderr())
    }

    fn to(requests: Option<LogFormat>, to: impl Write + Send + 'static) -> io::Result<Log> {
        let (sender, receiver) = sync_channel(LOG_LINES_MAX);
        std::thread::Builder::new().spawn(move || write(&receiver, to))?;
        Ok(Log { requests, to: sender, lost: AtomicU64::new(0) })
    }

    pub(crate) fn tells_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// Tells that something happened to what is served.
    pub(crate) fn event(&self, name: &str, more: &[(&str, Value)]) {
        let mut members = Map::from_iter([("event".to_owned(), json!(name))]);
        members.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        self.tell(members);
    }

    /// The same of what may happen often; the next line that is told says how often it wasn't.
    pub(crate) fn seldom(&self, seldom: &Seldom, name: &str, mut more: Vec<(&str, Value)>) {
        let Some(untold) = seldom.happens() else { return };
        if untold > 0 {
            more.push(("untold_before", json!(untold)));
        }
        self.event(name, &more);
    }

    fn tell(&self, members: Map<String, Value>) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let mut line = Map::from_iter([("time".to_owned(), json!(Timestamp::now().to_string()))]);
        line.extend(members);
        if lost > 0 {
            line.insert("lines_lost_before".to_owned(), json!(lost));
        }
        let line = match self.requests {
            Some(LogFormat::Json) => Value::Object(line).to_string(),
            _ => in_words(&line),
        };
        if let Err(TrySendError::Full(_)) = self.to.try_send(Told::Line(line)) {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }

    /// Waits until all was written, for a while.
    pub(crate) fn flush(&self) {
        let (done, written) = channel();
        if self.to.try_send(Told::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FLUSH_TIME);
        }
    }
}

fn write(lines: &Receiver<Told>, mut to: impl Write) {
    while let Ok(told) = lines.recv() {
        match told {
            // Whoever read may be gone; the server is not.
            Told::Line(line) => drop(to.write_all(format!("{line}\n").as_bytes())),
            Told::Flush(done) => {
                let _ = to.flush();
                let _ = done.send(());
            }
        }
    }
}

/// `time name name=value …`; a text is quoted if it has blanks, or what a terminal does something else with than show it.
fn in_words(line: &Map<String, Value>) -> String {
    let acts = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let is_plain = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '"' || acts(c));
    // Of these JSON escapes those below U+0020 alone.
    let escaped = |c: char| if acts(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    let word = |value: &Value| match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string().chars().map(escaped).collect(),
    };
    let word = |value: &Value| match value {
        Value::Object(members) => members.values().map(word).collect::<Vec<_>>().join(" "),
        other => word(other),
    };
    let words = line.iter().map(|(name, value)| match name.as_str() {
        "time" | "event" => word(value),
        _ => format!("{name}={}", word(value)),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What answered a request: a response carries it to the log.
#[derive(Clone)]
pub(crate) struct Answered {
    pub(crate) served: Arc<Served>,
    pub(crate) rows: usize,
    /// Measured for traces alone.
    #[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "there are none"))]
    pub(crate) parts: Option<Parts>,
}

/// What is told of a request whatever its answer.
struct Line {
    began: Instant,
    method: &'static str,
    route: Option<MatchedPath>,
    name: HeaderValue,
    parent: Option<Parent>,
}

/// A request that has no answer yet. If it never gets one, for its client is gone or the server ends, that is told.
pub(crate) struct Unanswered {
    line: Option<Line>,
    service: Arc<Service>,
}

impl Unanswered {
    pub(crate) fn begin(request: &Request, name: HeaderValue, service: &Arc<Service>) -> Unanswered {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let (method, parent) = (known(request.method()), Parent::of(request.headers()));
        let line = Line { began: Instant::now(), method, route, name, parent };
        Unanswered { line: Some(line), service: Arc::clone(service) }
    }

    fn pending(&mut self) -> Option<Pending> {
        let (line, service) = (self.line.take()?, Arc::clone(&self.service));
        Some(Pending { line, status: None, client: None, answered: None, service })
    }

    /// Tells a request that was answered; one whose answer is still being made once that was.
    pub(crate) fn end(mut self, client: Option<&str>, response: &Response) {
        let Some(mut pending) = self.pending() else { return };
        pending.status = Some(response.extensions().get::<Became>().map_or(response.status(), |became| became.0));
        pending.client = client.map(str::to_owned);
        pending.answered = response.extensions().get::<Answered>().cloned();
        match response.extensions().get::<Streamed>() {
            Some(streamed) => streamed.log(pending),
            None => pending.tell(None),
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(pending) = self.pending() {
            pending.tell(None);
        }
    }
}

/// A method, if it is one of HTTP's: a client may have said anything. Else the word that traces have for it.
fn known(method: &Method) -> &'static str {
    const METHODS: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

/// A line whose number of rows isn't known yet.
pub(crate) struct Pending {
    line: Line,
    /// None if it got no answer.
    status: Option<StatusCode>,
    client: Option<String>,
    answered: Option<Answered>,
    service: Arc<Service>,
}

/// A request that was answered.
pub(crate) struct Finished<'a> {
    pub(crate) began: Instant,
    pub(crate) method: &'static str,
    pub(crate) route: &'a str,
    /// None if it got no answer.
    pub(crate) status: Option<StatusCode>,
    pub(crate) parent: Option<Parent>,
    pub(crate) answered: Option<&'a Answered>,
    pub(crate) rows: usize,
    /// How it ended, if not with an answer, or one that was made row by row not with its last row.
    ended: Option<&'static str>,
}

impl Pending {
    /// Tells it, with what was made of the answer since.
    pub(crate) fn tell(self, made: Option<&Made>) {
        let known = self.answered.as_ref().map_or(0, |answered| answered.rows);
        let no_answer = || if self.service.ends.load(Ordering::Relaxed) { "cut" } else { "abandoned" };
        let finished = Finished {
            began: self.line.began,
            method: self.line.method,
            // A path that is no route may be anything.
            route: self.line.route.as_ref().map_or("none", MatchedPath::as_str),
            status: self.status,
            parent: self.line.parent,
            answered: self.answered.as_ref(),
            rows: made.map_or(known, Made::rows),
            ended: made.and_then(Made::ended).or_else(|| self.status.is_none().then(no_answer)),
        };
        let trace = match &self.service.telemetry {
            Some(telemetry) => Some(telemetry.tell(&finished)),
            None => finished.parent.map(Parent::trace_id),
        };
        if self.service.log.tells_requests() {
            self.log(&finished, trace);
        }
    }

    fn log(&self, finished: &Finished<'_>, trace: Option<String>) {
        let mut line = Map::new();
        let mut add = |name: &str, value: Value| drop(line.insert(name.to_owned(), value));
        add("status", json!(finished.status.map(|status| status.as_u16())));
        add("method", json!(finished.method));
        add("route", json!(finished.route));
        add("request", json!(self.line.name.to_str().unwrap_or_default()));
        if let Some(trace) = trace {
            add("trace", json!(trace));
        }
        if let Some(client) = &self.client {
            add("key", json!(client));
        }
        if let Some(Answered { served, .. }) = finished.answered {
            add("model", json!(served.name()));
            add("version", json!(served.version()));
            add("digest", json!(served.predictor.digest));
            add("rows", json!(finished.rows));
        }
        if let Some(ended) = finished.ended {
            add("ended", json!(ended));
        }
        add("microseconds", json!(finished.began.elapsed().as_micros() as u64));
        self.service.log.tell(line);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// A reader that reads when it is told to.
    struct Slow {
        may: Receiver<()>,
        read: Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.may.recv();
            let _ = self.read.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_reads_the_log_slowly_misses_lines_and_is_told_how_many() {
        let (go, may) = channel();
        let (read, lines) = channel();
        let log = Log::to(Some(LogFormat::Json), Slow { may, read }).expect("a thread starts");
        // One is being written, and as many wait as may.
        log.event("first", &[]);
        while log.lost.load(Ordering::Relaxed) == 0 {
            log.event("more", &[]);
        }
        log.event("lost, too", &[]);
        let told = log.lost.load(Ordering::Relaxed);
        assert_eq!(told, 2);
        drop(go);
        for _ in 0..LOG_LINES_MAX {
            lines.recv().expect("it is written");
        }
        log.event("last", &[]);
        let last = lines.iter().find(|line| line.contains("last")).expect("it is written");
        assert!(last.contains(r#""lines_lost_before":2"#), "{last}");
    }

    #[test]
    fn a_line_for_people_is_told_in_words() {
        let line = json!({ "time": "now", "event": "loaded", "model": "a", "because": "it is so", "rows": 3, "of": { "x": 1, "y": "b" } });
        let Value::Object(line) = line else { unreachable!("it is an object") };
        assert_eq!(in_words(&line), r#"now loaded model=a because="it is so" rows=3 of=1 b"#);
        let line = json!({ "model": "\u{1b}[2J", "key": "\u{9b}2J", "of": { "name": "a\u{202e}b" } });
        let Value::Object(line) = line else { unreachable!("it is an object") };
        assert_eq!(in_words(&line), r#"model="\u001b[2J" key="\u009b2J" of="a\u202eb""#);
    }
}
