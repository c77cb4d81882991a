//! Connections: who may open one, how long it lives, and how all of them end.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::header::HeaderValue;
use hyper::service::{Service as _, service_fn};
use hyper::{Request, StatusCode, Version, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval_at, sleep, timeout};

use crate::Service;
use crate::arriving::Arriving;
use crate::body::Holding;
use crate::dialect::Dialect;
use crate::gate::{Entered, Gate};
use crate::heard::Heard;
use crate::limits::{
    GIVEN_UP_MAX, HEAD_BYTES_MAX, HEAD_TIME, IDLE_TIME, LINGER_TIME, LOOK_EVERY, PART_BYTES, PENALTY_TIME, RESETS_MAX,
    RETRY_AFTER_SECONDS, STREAM_HEAD_BYTES_MAX, STREAM_UNREAD_BYTES_MAX, STREAMS_MAX, STREAMS_OF_MANY_MAX,
    UNACCEPTED_EVERY, UNREAD_BYTES_MAX,
};
use crate::lines::Streamed;
use crate::metrics::Metrics;
use crate::problem::{CutOff, Problem};
use crate::request_id;
use crate::seldom::Seldom;
use crate::stop::Stop;
use crate::tls::Tls;

/// The address that a request comes from.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// What a listener leads to.
pub(crate) struct Door {
    pub(crate) router: Router,
    pub(crate) gate: Arc<Gate>,
    /// Whether requests that it has no place for count among those for predictions.
    pub(crate) is_counted: bool,
}

/// Answers connections `until` the server ends, then those that are under way, for a while.
pub(crate) async fn listen(
    listener: TcpListener,
    tls: Option<&Tls>,
    door: Door,
    service: &Arc<Service>,
    until: impl Future<Output = ()>,
    stop: &Stop,
) {
    let Door { router, gate, is_counted } = door;
    let metrics = &service.metrics;
    let [alone, of_many] = [STREAMS_MAX, STREAMS_OF_MANY_MAX].map(|streams| Arc::new(builder(streams)));
    let unaccepted = Seldom::new(UNACCEPTED_EVERY);
    let (closing, closed) = watch::channel(());
    let mut until = pin!(until);
    // Once it ends: so many of those who have connected by then, and not been looked at, may still be taken.
    let mut left = None;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut until, if left.is_none() => {
                left = Some(gate.places());
                continue;
            }
            accepted = listener.accept(), if left != Some(0) => accepted,
            () = std::future::ready(()), if left.is_some() => break,
        };
        left = left.map(|left| left - 1);
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(_) if left.is_some() => break,
            Err(error) => {
                service.log.seldom(&unaccepted, "connection_not_taken", vec![("because", json!(error.to_string()))]);
                // Most often the process has no file left: a connection that ends gives one back.
                sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(entered) = gate.enter(from.ip()) else {
            metrics.connection_refused();
            if tls.is_none() {
                send_away(&stream);
            }
            continue;
        };
        let open = metrics.connection_opened();
        let builder = Arc::clone(if gate.has_many() { &of_many } else { &alone });
        let (router, service) = (router.clone(), Arc::clone(service));
        let ending = Ending { closed: closed.clone(), stop: stop.clone() };
        // An answer is written at once; waiting for more to send only delays it.
        let _ = stream.set_nodelay(true);
        let acceptor = tls.map(Tls::acceptor);
        tokio::spawn(async move {
            let counted = is_counted.then_some(&service.metrics);
            match acceptor {
                None => serve_one(stream, from, entered, &builder, router, counted, ending).await,
                // Who doesn't come to terms in time is closed, as who doesn't ask.
                Some(acceptor) => {
                    let accepted = async {
                        if is_in_the_clear(&stream).await {
                            tell_of_tls(&stream);
                            return None;
                        }
                        acceptor.accept(stream).await.ok()
                    };
                    let mut closed = ending.closed.clone();
                    let ends = async {
                        let _ = closed.changed().await;
                        sleep(LINGER_TIME).await;
                    };
                    let stream = tokio::select! {
                        accepted = timeout(HEAD_TIME, accepted) => accepted.ok().flatten(),
                        () = ends => None,
                    };
                    if let Some(stream) = stream {
                        serve_one(stream, from, entered, &builder, router, counted, ending).await;
                    }
                }
            }
            drop(open);
        });
    }
    drop(listener);
    let _ = closing.send(());
    stop.wait_for(gate.left()).await;
}

fn builder(streams_max: u32) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // Its time for a head runs from the answer before on, and so is that of an idle connection; a slow head is seen by `Activity`.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE_TIME).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(IDLE_TIME)
        .keep_alive_timeout(HEAD_TIME)
        .max_concurrent_streams(streams_max)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_header_list_size(STREAM_HEAD_BYTES_MAX)
        .initial_connection_window_size(UNREAD_BYTES_MAX)
        .initial_stream_window_size(STREAM_UNREAD_BYTES_MAX);
    builder
}

/// How a connection hears that the server ends.
#[derive(Clone)]
struct Ending {
    /// Nobody is let in any more.
    closed: watch::Receiver<()>,
    stop: Stop,
}

/// One connection, until it ends, is idle, or the server stops.
async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    from: SocketAddr,
    entered: Entered,
    builder: &Builder<TokioExecutor>,
    router: Router,
    counted: Option<&Metrics>,
    ending: Ending,
) {
    let activity = Arc::new(Activity::new());
    let (entered, busy) = (Arc::new(entered), Arc::clone(&activity));
    let overstaying = Arc::clone(&entered);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(from.ip()));
        let is_of_frames = request.version() == Version::HTTP_2;
        if is_of_frames {
            busy.is_of_frames.store(true, Ordering::Relaxed);
        }
        let stream = if is_of_frames { entered.begin() } else { None };
        let early = if is_of_frames { Early::begin(&busy) } else { None };
        let (mut under_way, seen) = (UnderWay::begin(&busy), Arc::clone(&busy));
        let answered = if is_of_frames && stream.is_none() {
            counted.into_iter().for_each(|metrics| metrics.asked(None, StatusCode::SERVICE_UNAVAILABLE));
            Err(NoPlace::of(request, &entered, &busy))
        } else {
            Ok(router.call(Arriving::of(request, &busy, stream.clone())))
        };
        async move {
            let mut answer = match answered {
                Ok(answered) => answered.await.unwrap_or_else(|never| match never {}),
                Err(no_place) => no_place.answer(),
            };
            under_way.answered = answer.extensions().get::<CutOff>().is_none();
            if let Some(streamed) = answer.extensions_mut().remove::<Streamed>() {
                streamed.keep(under_way);
            }
            if !is_of_frames && seen.is_ending.load(Ordering::SeqCst) {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            let answer = answer.map(|body| paced(body, &seen));
            Ok::<_, Infallible>(match stream {
                Some(stream) => answer.map(|body| Body::new(Holding::new(body, (stream, early)))),
                None => answer,
            })
        }
    });
    let stream = TokioIo::new(Heard { stream, activity: Arc::clone(&activity) });
    let mut connection = pin!(builder.serve_connection(stream, service));
    let apart = apart(from);
    let mut look = interval_at(tokio::time::Instant::now() + apart, LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked_to_end = false;
    let mut until = ending.clone();
    let mut ends = pin!(async {
        let _ = until.closed.changed().await;
        activity.end();
        // Some clients of HTTP/2 take no more answers once they are told that the connection ends, also not to what they asked before.
        // All are told in time: of what they ask after that they know that nobody begins it.
        tokio::select! {
            () = activity.settled.notified() => sleep(LINGER_TIME).await,
            () = until.stop.nearly_over() => {}
        }
    });
    loop {
        tokio::select! {
            ended = connection.as_mut() => match ended {
                Err(error) if !activity.is_asked() && is_misspoken(&*error) => return left_alone(ending, apart).await,
                _ => return,
            },
            () = activity.given_up_too_often.notified() => return left_alone(ending, apart).await,
            () = activity.unread.notified() => return,
            () = &mut ends, if !asked_to_end => {
                connection.as_mut().graceful_shutdown();
                asked_to_end = true;
            }
            _ = look.tick() => match activity.idle() {
                _ if overstaying.overstays() => return,
                Idle::No => {}
                Idle::NeverAsked | Idle::SlowHead => return,
                // A client that doesn't read its last answer keeps the connection from ending.
                Idle::Long if asked_to_end => return,
                Idle::Long => {
                    connection.as_mut().graceful_shutdown();
                    asked_to_end = true;
                }
            }
        }
    }
}

/// Closed at once a client would be back at once: nothing more of it is read for a while, which costs nothing.
async fn left_alone(mut ending: Ending, apart: Duration) {
    let _ = timeout(PENALTY_TIME + apart, ending.closed.changed()).await;
}

/// Up to as long as it takes until a connection is looked at again: clients that came together aren't closed together, to come
/// together again.
fn apart(from: SocketAddr) -> Duration {
    // Knuth 1997, "The art of computer programming" 3, 6.4: multiplicative hashing, by the golden ratio.
    LOOK_EVERY.mul_f64(f64::from(from.port().wrapping_mul(40_503)) / 65_536.0)
}

/// Whether a connection ended by what was said on it, not by its loss.
fn is_misspoken(error: &(dyn Error + 'static)) -> bool {
    !std::iter::successors(Some(error), |&error| error.source()).any(|error| error.is::<io::Error>())
}

/// A request that there is no place for. Of it is kept what has to be there while its client is told.
struct NoPlace {
    dialect: Dialect,
    name: Option<HeaderValue>,
    body: Body,
}

impl NoPlace {
    fn of(request: Request<Incoming>, entered: &Entered, activity: &Arc<Activity>) -> NoPlace {
        let dialect = Dialect::of(request.uri().path(), request.headers());
        let name = request_id::given(request.headers());
        let body = match entered.refuse() {
            Some(held) => Body::new(Arriving::of(request, activity, held).into_body()),
            // Dropped once the client was told, which most clients hear.
            None => Body::new(request.into_body()),
        };
        NoPlace { dialect, name, body }
    }

    fn answer(self) -> Response {
        let answer = self.dialect.retell(Problem::busy().into_response(), self.name);
        answer.map(|body| Body::new(Holding::new(body, self.body)))
    }
}

/// Tells a client, without listening to it, that no place is free.
fn send_away(stream: &TcpStream) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {RETRY_AFTER_SECONDS}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    // Whether it arrives is not ours to wait for.
    let _ = stream.try_write(answer.as_bytes());
}

/// Whether a request begins in the clear, with its method. A handshake begins with 22 (RFC 8446, 5.1).
async fn is_in_the_clear(stream: &TcpStream) -> bool {
    let mut first = [0];
    stream.peek(&mut first).await.is_ok_and(|read| read > 0) && first[0].is_ascii_uppercase()
}

/// Tells a client that asks in the clear how to ask here.
fn tell_of_tls(stream: &TcpStream) {
    // Closed with bytes unread, it would lose the answer.
    let _ = stream.try_read(&mut [0; 1 << 12]);
    let said = "this port speaks TLS; ask it by https://\n";
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{said}",
        said.len()
    );
    let _ = stream.try_write(answer.as_bytes());
}

/// When something was asked on a connection.
pub(crate) struct Activity {
    opened: Instant,
    under_way: AtomicUsize,
    /// Milliseconds after `opened` at which the last request ended, or a part of its answer was taken; 0 before the first.
    last_ended: AtomicU64,
    /// The same at which the first bytes came since a request began; 0 if none did.
    heard: AtomicU64,
    /// Of HTTP/2, on which more than heads is sent between requests.
    is_of_frames: AtomicBool,
    /// Whether the server ends; over HTTP/1.1 the next answer is the last.
    is_ending: AtomicBool,
    /// Requests over HTTP/2 that were begun before that, and whose answers weren't handed on.
    early: AtomicUsize,
    /// The server ends, and there are none of those.
    settled: Notify,
    asked: AtomicUsize,
    given_up: AtomicUsize,
    /// Work is begun for each, and nobody reads the answer.
    given_up_too_often: Notify,
    /// Its client doesn't read the one answer that is under way.
    unread: Notify,
}

enum Idle {
    No,
    NeverAsked,
    /// The head of a request has begun, and doesn't end.
    SlowHead,
    Long,
}

impl Activity {
    fn new() -> Activity {
        Activity {
            opened: Instant::now(),
            under_way: AtomicUsize::new(0),
            last_ended: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            is_of_frames: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
            early: AtomicUsize::new(0),
            settled: Notify::new(),
            asked: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
            given_up_too_often: Notify::new(),
            unread: Notify::new(),
        }
    }

    /// Something was done for the client, or it took some of an answer.
    fn touch(&self) {
        let now = self.opened.elapsed().as_millis() as u64;
        self.last_ended.store(now.max(1), Ordering::Relaxed);
    }

    /// The server ends.
    fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        if self.early.load(Ordering::SeqCst) == 0 {
            self.settled.notify_one();
        }
    }

    /// Bytes came.
    pub(crate) fn hear(&self) {
        if self.under_way.load(Ordering::Relaxed) == 0 && self.heard.load(Ordering::Relaxed) == 0 {
            let now = self.opened.elapsed().as_millis() as u64;
            self.heard.store(now.max(1), Ordering::Relaxed);
        }
    }

    /// Whether anything was asked so far.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) > 0
    }

    /// Counts a request whose client took it back.
    fn give_up(&self) {
        let given_up = self.given_up.fetch_add(1, Ordering::Relaxed) + 1;
        if given_up >= GIVEN_UP_MAX && given_up > self.asked.load(Ordering::Relaxed) / 2 {
            self.given_up_too_often.notify_one();
        }
    }

    fn idle(&self) -> Idle {
        if self.under_way.load(Ordering::Relaxed) > 0 {
            return Idle::No;
        }
        let open = self.opened.elapsed();
        let heard = Duration::from_millis(self.heard.load(Ordering::Relaxed));
        if !heard.is_zero() && !self.is_of_frames.load(Ordering::Relaxed) && open.saturating_sub(heard) > HEAD_TIME {
            return Idle::SlowHead;
        }
        match self.last_ended.load(Ordering::Relaxed) {
            0 if open > HEAD_TIME => Idle::NeverAsked,
            ended if ended > 0 && open.saturating_sub(Duration::from_millis(ended)) > IDLE_TIME => Idle::Long,
            _ => Idle::No,
        }
    }
}

/// An answer whose client may take long to read it: it is handed on in parts, each of which shows that the connection is not
/// idle.
struct Paced {
    body: Body,
    /// What was made of it, and not handed on yet.
    made: Bytes,
    seen: Arc<Activity>,
}

/// An answer as it is, if the system takes it at once.
fn paced(body: Body, seen: &Arc<Activity>) -> Body {
    match body.size_hint().exact() {
        Some(bytes) if bytes <= PART_BYTES as u64 => body,
        _ => Body::new(Paced { body, made: Bytes::new(), seen: Arc::clone(seen) }),
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.made.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.made = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                end => return Poll::Ready(end),
            }
        }
        self.seen.touch();
        let part = self.made.len().min(PART_BYTES);
        Poll::Ready(Some(Ok(Frame::data(self.made.split_to(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.made.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut hint, made) = (self.body.size_hint(), self.made.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + made);
        }
        hint.set_lower(hint.lower() + made);
        hint
    }
}

/// A request under way; dropped when it was answered, or given up.
pub(crate) struct UnderWay {
    activity: Arc<Activity>,
    answered: bool,
    unread: AtomicBool,
}

impl UnderWay {
    fn begin(activity: &Arc<Activity>) -> UnderWay {
        activity.under_way.fetch_add(1, Ordering::Relaxed);
        activity.heard.store(0, Ordering::Relaxed);
        activity.asked.fetch_add(1, Ordering::Relaxed);
        UnderWay { activity: Arc::clone(activity), answered: false, unread: AtomicBool::new(false) }
    }

    /// What is left of a request that was answered already.
    pub(crate) fn of_rest(activity: &Arc<Activity>) -> UnderWay {
        activity.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay { activity: Arc::clone(activity), answered: true, unread: AtomicBool::new(false) }
    }

    /// Says that its client doesn't read the answer: it ends the connection. Over HTTP/2, where others may be under way on it, the
    /// answer alone is broken off.
    pub(crate) fn unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.activity.touch();
        self.activity.under_way.fetch_sub(1, Ordering::Relaxed);
        // Over HTTP/1.1 nothing else is answered meanwhile; what is left of the request may still come.
        if *self.unread.get_mut() && !self.activity.is_of_frames.load(Ordering::Relaxed) {
            self.activity.unread.notify_one();
        }
        if !self.answered {
            self.activity.give_up();
        }
    }
}

/// A request over HTTP/2 that was begun before the server ends, until its answer was handed on.
struct Early(Arc<Activity>);

impl Early {
    fn begin(activity: &Arc<Activity>) -> Option<Early> {
        if activity.is_ending.load(Ordering::SeqCst) {
            return None;
        }
        activity.early.fetch_add(1, Ordering::SeqCst);
        Some(Early(Arc::clone(activity)))
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        let left = self.0.early.fetch_sub(1, Ordering::SeqCst) - 1;
        if left == 0 && self.0.is_ending.load(Ordering::SeqCst) {
            self.0.settled.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::Response;
    use http_body_util::BodyExt;
    use http_body_util::channel::Channel;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::places::Places;

    /// Whether a connection is closed on which so many requests are answered, and so many given up.
    async fn closes(answered: usize, given_up: usize) -> bool {
        let activity = Arc::new(Activity::new());
        for _ in 0..answered {
            let mut under_way = UnderWay::begin(&activity);
            under_way.answered = true;
        }
        for _ in 0..given_up {
            drop(UnderWay::begin(&activity));
        }
        timeout(Duration::ZERO, activity.given_up_too_often.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn a_large_answer_is_handed_on_in_parts_that_show_its_client_reads() {
        let activity = Arc::new(Activity::new());
        let bytes: Vec<u8> = (0..3 * PART_BYTES + 7).map(|at| (at % 251) as u8).collect();
        let mut body = paced(Body::from(bytes.clone()), &activity);
        assert_eq!(body.size_hint().exact(), Some(bytes.len() as u64));
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            assert_eq!(activity.last_ended.swap(0, Ordering::Relaxed).min(1), 1, "it is seen");
            let part = frame.expect("it is there").into_data().expect("data");
            assert!(part.len() <= PART_BYTES);
            read.extend_from_slice(&part);
            assert_eq!(body.size_hint().exact(), Some((bytes.len() - read.len()) as u64));
        }
        assert!(read == bytes && body.is_end_stream());
        assert_eq!(activity.last_ended.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_does_not_read_a_streamed_answer_is_closed_once_that_is_said() {
        let router = Router::new().fallback(async || {
            let streamed = Streamed::default();
            let (sender, channel) = Channel::<Bytes, Infallible>::new(1);
            let mut answer = Response::new(Body::new(channel));
            answer.extensions_mut().insert(streamed.clone());
            tokio::spawn(async move {
                sleep(Duration::from_millis(50)).await;
                streamed.unread();
                drop(sender);
            });
            answer
        });
        let (mut client, server) = tokio::io::duplex(1024);
        let (_closing, closed) = watch::channel(());
        let builder = builder(STREAMS_MAX);
        const PLACE: Places = Places { all: 1, from_one: 1 };
        let from = SocketAddr::from(([127, 0, 0, 1], 1));
        let entered = Gate::new(PLACE, PLACE).enter(from.ip()).expect("a place");
        let ending = Ending { closed, stop: Stop::new(Duration::ZERO) };
        let served = serve_one(server, from, entered, &builder, router, None, ending);
        client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it reads");
        assert!(timeout(HEAD_TIME / 2, served).await.is_ok());
    }

    #[tokio::test]
    async fn who_gives_up_most_of_what_it_asks_is_closed_and_who_is_only_impatient_is_not() {
        assert!(closes(0, GIVEN_UP_MAX).await);
        assert!(closes(GIVEN_UP_MAX - 1, GIVEN_UP_MAX).await);
        assert!(!closes(0, GIVEN_UP_MAX - 1).await);
        assert!(!closes(10 * GIVEN_UP_MAX, 5 * GIVEN_UP_MAX).await);
    }
}
