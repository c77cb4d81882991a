//! Connections: who may open one, how long it lives, and how all of them end.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::limits::{
    CONNECTIONS_FROM_ONE_MAX, CONNECTIONS_MAX, DRAIN_TIME, GIVEN_UP_MAX, HEAD_BYTES_MAX, HEAD_TIME, IDLE_TIME,
    LOOK_EVERY, PENALTY_TIME, RESETS_MAX, RETRY_AFTER_SECONDS, STREAMS_MAX,
};
use crate::lines::Streamed;
use crate::metrics::Metrics;
use crate::problem::CutOff;
use crate::tls::Tls;

/// Answers connections until `stop`, then those that are under way, for a while.
pub(crate) async fn listen(
    listener: TcpListener,
    tls: Option<&Tls>,
    router: Router,
    metrics: &Metrics,
    stop: impl Future<Output = ()>,
) {
    let builder = Arc::new(builder());
    let doors = Doors::default();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX as usize));
    let (closing, closed) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let Ok((stream, from)) = accepted else {
            // Most often the process has no file left: a connection that ends gives one back.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let place = Arc::clone(&places).try_acquire_owned().ok().zip(doors.enter(from.ip()));
        let Some(place) = place else {
            metrics.connection_refused();
            if tls.is_none() {
                send_away(&stream);
            }
            continue;
        };
        let open = metrics.connection_opened();
        let (builder, router, closed) = (Arc::clone(&builder), router.clone(), closed.clone());
        // An answer is written at once; waiting for more to send only delays it.
        let _ = stream.set_nodelay(true);
        let acceptor = tls.map(Tls::acceptor);
        tokio::spawn(async move {
            match acceptor {
                None => serve_one(stream, &builder, router, closed).await,
                // Who doesn't come to terms in time is closed, as who doesn't ask.
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = timeout(HEAD_TIME, acceptor.accept(stream)).await {
                        serve_one(stream, &builder, router, closed).await;
                    }
                }
            }
            drop((place, open));
        });
    }
    drop(listener);
    let _ = closing.send(());
    let _ = timeout(DRAIN_TIME, places.acquire_many(CONNECTIONS_MAX)).await;
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(IDLE_TIME)
        .keep_alive_timeout(HEAD_TIME)
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32);
    builder
}

/// One connection, until it ends, is idle, or the server stops.
async fn serve_one(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    builder: &Builder<TokioExecutor>,
    router: Router,
    mut closed: watch::Receiver<()>,
) {
    let activity = Arc::new(Activity::new());
    let seen = Arc::clone(&activity);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut under_way = UnderWay::begin(&seen);
        let answered = router.call(request);
        async move {
            let Ok(mut answer) = answered.await;
            under_way.answered = answer.extensions().get::<CutOff>().is_none();
            if let Some(streamed) = answer.extensions_mut().remove::<Streamed>() {
                streamed.keep(under_way);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked_to_end = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = activity.given_up_too_often.notified() => {
                // Closed at once it would be back at once: nothing more of it is read for a while, which costs nothing.
                let _ = timeout(PENALTY_TIME, closed.changed()).await;
                return;
            }
            _ = closed.changed(), if !asked_to_end => {
                connection.as_mut().graceful_shutdown();
                asked_to_end = true;
            }
            _ = look.tick() => match activity.idle() {
                Idle::No => {}
                Idle::NeverAsked => return,
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

/// Tells a client, without listening to it, that no place is free.
fn send_away(stream: &TcpStream) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {RETRY_AFTER_SECONDS}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    // Whether it arrives is not ours to wait for.
    let _ = stream.try_write(answer.as_bytes());
}

/// How many connections each address has open.
#[derive(Clone, Default)]
struct Doors {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection of an address; dropped when it ends.
struct Entered {
    doors: Doors,
    address: IpAddr,
}

impl Doors {
    /// None if the address has as many as it may.
    fn enter(&self, address: IpAddr) -> Option<Entered> {
        let mut open = self.open.lock().expect("no holder panics");
        let of_address = open.entry(address).or_default();
        if *of_address >= CONNECTIONS_FROM_ONE_MAX {
            return None;
        }
        *of_address += 1;
        Some(Entered { doors: self.clone(), address })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut open = self.doors.open.lock().expect("no holder panics");
        if let Some(of_address) = open.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// When something was asked on a connection.
struct Activity {
    opened: Instant,
    under_way: AtomicUsize,
    /// Milliseconds after `opened` at which the last request ended; 0 before the first.
    last_ended: AtomicU64,
    asked: AtomicUsize,
    given_up: AtomicUsize,
    /// Work is begun for each, and nobody reads the answer.
    given_up_too_often: Notify,
}

enum Idle {
    No,
    NeverAsked,
    Long,
}

impl Activity {
    fn new() -> Activity {
        Activity {
            opened: Instant::now(),
            under_way: AtomicUsize::new(0),
            last_ended: AtomicU64::new(0),
            asked: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
            given_up_too_often: Notify::new(),
        }
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
        match self.last_ended.load(Ordering::Relaxed) {
            0 if open > HEAD_TIME => Idle::NeverAsked,
            ended if ended > 0 && open.saturating_sub(Duration::from_millis(ended)) > IDLE_TIME => Idle::Long,
            _ => Idle::No,
        }
    }
}

/// A request under way; dropped when it was answered, or given up.
pub(crate) struct UnderWay {
    activity: Arc<Activity>,
    answered: bool,
}

impl UnderWay {
    fn begin(activity: &Arc<Activity>) -> UnderWay {
        activity.under_way.fetch_add(1, Ordering::Relaxed);
        activity.asked.fetch_add(1, Ordering::Relaxed);
        UnderWay { activity: Arc::clone(activity), answered: false }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let now = self.activity.opened.elapsed().as_millis() as u64;
        self.activity.last_ended.store(now.max(1), Ordering::Relaxed);
        self.activity.under_way.fetch_sub(1, Ordering::Relaxed);
        if !self.answered {
            self.activity.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    async fn who_gives_up_most_of_what_it_asks_is_closed_and_who_is_only_impatient_is_not() {
        assert!(closes(0, GIVEN_UP_MAX).await);
        assert!(closes(GIVEN_UP_MAX - 1, GIVEN_UP_MAX).await);
        assert!(!closes(0, GIVEN_UP_MAX - 1).await);
        assert!(!closes(10 * GIVEN_UP_MAX, 5 * GIVEN_UP_MAX).await);
    }
}
