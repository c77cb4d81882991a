//! How the server is told to stop: by Ctrl-C, or a polite kill. Told once, it goes on until those who ask have heard of it, then ends
//! what is under way; told twice, it ends at once.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::limits::{DRAIN_TIME, LAST_TIME};

/// Whether it was told.
#[derive(Clone)]
pub(crate) struct Stop {
    told: watch::Receiver<Told>,
    delay: Duration,
}

#[derive(Clone, Copy, Default)]
struct Told {
    times: usize,
    first: Option<Instant>,
}

impl Stop {
    /// Hears signals from here on. After the first the server goes on for so long.
    pub(crate) fn new(delay: Duration) -> Stop {
        let (tell, told) = watch::channel(Told::default());
        let mut signals = Signals::new();
        tokio::spawn(async move {
            loop {
                signals.next().await;
                tell.send_modify(|told| {
                    told.times += 1;
                    told.first.get_or_insert_with(Instant::now);
                });
            }
        });
        Stop { told, delay }
    }

    /// Waits until it was told so often.
    pub(crate) async fn told(&self, times: usize) {
        let _ = self.told.clone().wait_for(|told| told.times >= times).await;
    }

    /// Waits until it was told, and those who ask had their time to hear of it.
    pub(crate) async fn due(&self) {
        self.told(1).await;
        self.until(self.first() + self.delay).await;
    }

    fn first(&self) -> Instant {
        self.told.borrow().first.unwrap_or_else(Instant::now)
    }

    /// Waits until little time is left of that for what is under way.
    pub(crate) async fn nearly_over(&self) {
        self.told(1).await;
        self.until(self.over() - LAST_TIME).await;
    }

    /// Waits for what is under way when it is due, for a while.
    pub(crate) async fn wait_for(&self, under_way: impl Future) {
        tokio::select! {
            _ = under_way => {}
            () = self.until(self.over()) => {}
        }
    }

    /// When nothing is waited for any more.
    fn over(&self) -> Instant {
        self.first() + self.delay + DRAIN_TIME
    }

    /// Waits until then, or until it was told twice.
    async fn until(&self, then: Instant) {
        tokio::select! {
            () = self.told(2) => {}
            () = sleep_until(then) => {}
        }
    }
}

/// The signals that say so.
#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    fn new() -> Signals {
        use tokio::signal::unix::{SignalKind, signal};
        Signals([SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
            let heard = match signal {
                Some(signal) => signal.recv().await,
                None => None,
            };
            // Where no signal is heard, none ever will be.
            if heard.is_none() {
                std::future::pending().await
            }
        }
        let [interrupted, terminated] = &mut self.0;
        tokio::select! {
            () = heard(interrupted) => {}
            () = heard(terminated) => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Signals {
        Signals
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn who_is_told_twice_waits_for_nothing() {
        let (tell, told) = watch::channel(Told { times: 1, first: Some(Instant::now()) });
        let stop = Stop { told, delay: Duration::from_secs(3600) };
        stop.told(1).await;
        stop.wait_for(async {}).await;
        assert!(timeout(Duration::from_millis(50), stop.wait_for(pending::<()>())).await.is_err(), "it waits");
        assert!(timeout(Duration::from_millis(50), stop.due()).await.is_err(), "it goes on");
        tell.send_modify(|told| told.times += 1);
        stop.due().await;
        stop.wait_for(pending::<()>()).await;
        // Nor does who was told long ago.
        let stop = Stop { delay: Duration::ZERO, ..stop };
        tell.send_replace(Told { times: 1, first: Instant::now().checked_sub(DRAIN_TIME) });
        stop.due().await;
        stop.wait_for(pending::<()>()).await;
    }
}
