//! Load for `bench/strain`: rows to `POST /predict` at a rate that doesn't wait for answers, or, of a rate of 0, as fast as they
//! are answered. Tells what came back as JSON.
//!
//! ```sh
//! cargo run --release -p evenstep-server --example load -- ADDRESS FOLDER BODIES RATE SECONDS CONNECTIONS DEADLINE_MS
//! ```

use std::cell::{Cell, RefCell};
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::str::FromStr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{sleep_until, timeout};

/// Who isn't answered by then is counted as broken.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who finds all connections busy for so long, when it is due, doesn't ask any more.
const WAIT_FOR_CONNECTION: Duration = Duration::from_millis(100);

/// What is sent, when, and what came back.
struct Load {
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    began: Instant,
    ends: Instant,
    /// Between two requests; none, if each connection asks when it was answered.
    every: Option<Duration>,
    asked: Cell<u64>,
    given_up: Cell<u64>,
    in_flight: Cell<usize>,
    seen: RefCell<Seen>,
}

/// Microseconds of requests.
#[derive(Default)]
struct Seen {
    /// Answered, from when it was due.
    good: Vec<u32>,
    /// Sent away, from when it was sent.
    shed: Vec<u32>,
    /// How much later than it was due each was sent.
    late: Vec<u32>,
    refused: u64,
    broken: u64,
    in_flight_max: usize,
}

/// A connection, and what was read of it beyond the last answer.
struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer's status, and whether its connection stays.
struct Answer {
    status: u16,
    stays: bool,
}

fn main() {
    let mut args = std::env::args().skip(1);
    let address = argument(&mut args, "ADDRESS");
    let folder: String = argument(&mut args, "FOLDER");
    let bodies: usize = argument(&mut args, "BODIES");
    let rate: f64 = argument(&mut args, "RATE");
    let seconds: u64 = argument(&mut args, "SECONDS");
    let connections: usize = argument(&mut args, "CONNECTIONS");
    let deadline: u32 = argument(&mut args, "DEADLINE_MS");
    let requests = (0..bodies).map(|body| request(&Path::new(&folder).join(body.to_string()))).collect();
    let began = Instant::now();
    let load = Rc::new(Load {
        address,
        requests,
        began,
        ends: began + Duration::from_secs(seconds),
        every: (rate > 0.0).then(|| Duration::from_secs_f64(1.0 / rate)),
        asked: Cell::new(0),
        given_up: Cell::new(0),
        in_flight: Cell::new(0),
        seen: RefCell::default(),
    });
    // One thread, so that the server has the rest of the cores.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    LocalSet::new().block_on(&runtime, async {
        let asking: Vec<_> = (0..connections).map(|_| tokio::task::spawn_local(ask(Rc::clone(&load)))).collect();
        for one in asking {
            one.await.expect("it doesn't panic");
        }
    });
    tell(&load.told(deadline));
}

fn argument<T: FromStr>(args: &mut impl Iterator<Item = String>, name: &str) -> T {
    let text = args.next().unwrap_or_else(|| panic!("{name} is missing"));
    text.parse().unwrap_or_else(|_| panic!("{name} is not `{text}`"))
}

#[expect(clippy::print_stdout, reason = "it is a program")]
fn tell(told: &Value) {
    println!("{told}");
}

fn request(body: &Path) -> Vec<u8> {
    let body = std::fs::read(body).expect("a body in the folder");
    let length = body.len();
    let head = format!(
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.into_bytes(), body].concat()
}

/// Asks, one request after the other, until the time is over.
async fn ask(load: Rc<Load>) {
    let mut connection = None;
    loop {
        let number = load.asked.get();
        let due = load.every.map_or_else(Instant::now, |every| load.began + every.mul_f64(number as f64));
        if due >= load.ends {
            return;
        }
        load.asked.set(number + 1);
        sleep_until(due.into()).await;
        if load.every.is_some() && due.elapsed() > WAIT_FOR_CONNECTION {
            load.given_up.set(load.given_up.get() + 1);
            continue;
        }
        load.in_flight.set(load.in_flight.get() + 1);
        let sent = Instant::now();
        let request = &load.requests[number as usize % load.requests.len()];
        let answer = timeout(PATIENCE, exchange(&mut connection, load.address, request)).await;
        load.see(due, sent, answer.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into())).ok().as_ref());
        load.in_flight.set(load.in_flight.get() - 1);
    }
}

/// Sends a request and reads its answer, on a new connection if there is none.
async fn exchange(kept: &mut Option<Connection>, address: SocketAddr, request: &[u8]) -> Result<Answer> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(address).await?,
    };
    connection.write(request).await?;
    let answer = connection.answer().await?;
    if answer.stays {
        *kept = Some(connection);
    }
    Ok(answer)
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, read: Vec::new() })
    }

    async fn write(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn answer(&mut self) -> Result<Answer> {
        let no_answer = || Error::other("it doesn't speak HTTP");
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = std::str::from_utf8(&self.read[..end]).map_err(|_| no_answer())?.to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(no_answer)?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).ok_or_else(no_answer)?;
        while self.read.len() < end + length {
            self.more().await?;
        }
        self.read.drain(..end + length);
        Ok(Answer { status, stays: !head.contains("connection: close") })
    }

    async fn more(&mut self) -> Result<()> {
        let mut some = [0; 1 << 14];
        loop {
            match self.stream.try_read(&mut some) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    self.read.extend_from_slice(&some[..read]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.readable().await?,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Load {
    fn see(&self, due: Instant, sent: Instant, answer: Option<&Answer>) {
        let microseconds = |from: Instant, to: Instant| (to - from).as_micros() as u32;
        let now = Instant::now();
        let mut seen = self.seen.borrow_mut();
        seen.in_flight_max = seen.in_flight_max.max(self.in_flight.get());
        seen.late.push(microseconds(due, sent));
        match answer.map(|answer| answer.status) {
            Some(200) => seen.good.push(microseconds(due, now)),
            Some(429 | 503) => seen.shed.push(microseconds(sent, now)),
            Some(_) => seen.refused += 1,
            None => seen.broken += 1,
        }
    }

    /// What came back; an answer after the deadline is of no use.
    fn told(&self, deadline_ms: u32) -> Value {
        let mut seen = self.seen.take();
        let in_time = seen.good.iter().filter(|took| **took <= deadline_ms * 1000).count();
        json!({
            "seconds": self.began.elapsed().as_secs_f64(),
            "asked": self.asked.get(),
            "given_up": self.given_up.get(),
            "answered": seen.good.len(),
            "in_time": in_time,
            "shed": seen.shed.len(),
            "refused": seen.refused,
            "broken": seen.broken,
            "in_flight_max": seen.in_flight_max,
            "good_ms": spread(&mut seen.good),
            "shed_ms": spread(&mut seen.shed),
            "late_ms": spread(&mut seen.late),
        })
    }
}

/// Median, 99 of a hundred, and the most, in milliseconds.
fn spread(microseconds: &mut [u32]) -> Value {
    microseconds.sort_unstable();
    let at = |share: f64| {
        let place = (microseconds.len() as f64 * share) as usize;
        microseconds.get(place.min(microseconds.len().saturating_sub(1))).map(|took| f64::from(*took) / 1000.0)
    };
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}
