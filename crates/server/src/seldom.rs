//! What may happen so often that it isn't told each time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When it was told last, and how often it happened since.
#[derive(Debug)]
pub(crate) struct Seldom {
    every: Duration,
    last: Mutex<(Option<Instant>, u64)>,
}

impl Seldom {
    /// Told once in that time at most.
    pub(crate) fn new(every: Duration) -> Seldom {
        Seldom { every, last: Mutex::new((None, 0)) }
    }

    /// How often it wasn't told since it was told last; None, if it isn't told this time, too.
    pub(crate) fn happens(&self) -> Option<u64> {
        let (last, untold) = &mut *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < self.every) {
            *untold += 1;
            return None;
        }
        *last = Some(Instant::now());
        Some(std::mem::take(untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_told_is_counted() {
        let seldom = Seldom::new(Duration::from_millis(50));
        assert_eq!([(); 3].map(|()| seldom.happens()), [Some(0), None, None]);
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!([(); 2].map(|()| seldom.happens()), [Some(2), None]);
    }
}
