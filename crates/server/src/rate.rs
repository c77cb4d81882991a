//! How often somebody may ask.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many requests a key may ask in a second at most: more than a server answers.
pub const PER_SECOND_MAX: f64 = 1e6;

/// Of so many a second as many may come at once, and one always. The generic cell rate algorithm (ITU-T I.371, annex A): one
/// number says when the next would be due if all came evenly, so nobody waits for a lock.
#[derive(Debug)]
pub(crate) struct Rate {
    began: Instant,
    /// In nanoseconds, as what follows.
    interval: u64,
    /// So much before it is due may one come.
    ahead: u64,
    /// Since it began.
    due: AtomicU64,
}

impl Rate {
    pub(crate) fn of(per_second: f64) -> Rate {
        let interval = (1e9 / per_second) as u64;
        let ahead = 1_000_000_000_u64.saturating_sub(interval);
        Rate { began: Instant::now(), interval, ahead, due: AtomicU64::new(0) }
    }

    /// Counts one that comes now; or how long to wait for the next that may.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        self.take_at(self.began.elapsed())
    }

    fn take_at(&self, now: Duration) -> Result<(), Duration> {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let next =
            |due: u64| (due <= now.saturating_add(self.ahead)).then(|| due.max(now).saturating_add(self.interval));
        let taken = self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        taken.map(drop).map_err(|due| Duration::from_nanos(due - now - self.ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `tries`, one each `every_ms`, are taken.
    fn taken(rate: &Rate, from_ms: u64, tries: u64, every_ms: u64) -> usize {
        (0..tries).filter(|n| rate.take_at(Duration::from_millis(from_ms + n * every_ms)).is_ok()).count()
    }

    #[test]
    fn a_seconds_worth_may_come_at_once_and_then_as_many_a_second() {
        let rate = Rate::of(10.0);
        assert_eq!(taken(&rate, 0, 100, 0), 10);
        assert_eq!(rate.take_at(Duration::ZERO), Err(Duration::from_millis(100)));
        assert_eq!(taken(&rate, 100, 5, 0), 1);
        assert_eq!(taken(&rate, 200, 1000, 10), 100, "over ten seconds");
        assert_eq!(taken(&rate, 60_000, 100, 0), 10, "who rests saves up no more than a second's worth");
    }

    #[test]
    fn less_than_one_a_second_may_come_one_by_one() {
        let rate = Rate::of(0.5);
        assert_eq!(taken(&rate, 0, 3, 0), 1);
        assert_eq!(rate.take_at(Duration::from_millis(500)), Err(Duration::from_millis(1500)));
        assert_eq!(taken(&rate, 2000, 3, 0), 1);
    }

    #[test]
    fn many_at_a_time_are_counted_each() {
        let rate = Rate::of(1000.0);
        let all = || {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| taken(&rate, 0, 1000, 0))).collect();
                threads.into_iter().map(|thread| thread.join().expect("it counts")).sum::<usize>()
            })
        };
        assert_eq!(all(), 1000);
    }
}
