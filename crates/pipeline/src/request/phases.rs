//! What an answer is made of, for those who measure how long each part takes. Nothing is measured for anyone else.

use std::cell::RefCell;
use std::time::Instant;

/// A part of an answer. They follow one another, on one thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Rows are read, and typed by the contract.
    Parse,
    /// Steps make features of them.
    Steps,
    /// The model predicts.
    Model,
}

thread_local! {
    static ENDS: RefCell<Option<Vec<(Phase, Instant)>>> = const { RefCell::new(None) };
}

/// Works, and tells when each phase of it ended; those of an answer that is refused are missing from some on.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Vec<(Phase, Instant)>) {
    ENDS.set(Some(Vec::with_capacity(3)));
    let done = work();
    (done, ENDS.take().unwrap_or_default())
}

/// Notes that a phase ends here, if anybody measures.
pub(crate) fn ended(phase: Phase) {
    ENDS.with_borrow_mut(|ends| {
        if let Some(ends) = ends {
            ends.push((phase, Instant::now()));
        }
    });
}
