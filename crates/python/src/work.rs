//! Work that takes long: without the interpreter's lock, on threads of its own, until it is done or somebody presses Ctrl-C.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evenstep_exact::reduce::{Stopped, Workers};
use evenstep_pipeline::{PipelineError, Progress, Run};
use pyo3::Borrowed;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;

use crate::error::{Class, plain, raised};

/// How often signals are looked at, and progress is told.
const TICK: Duration = Duration::from_millis(50);

/// How many threads are to work; 0 means one for each core.
#[derive(Clone, Copy, Default)]
pub(crate) struct Threads(usize);

impl<'py> FromPyObject<'_, 'py> for Threads {
    type Error = PyErr;

    fn extract(number: Borrowed<'_, 'py, PyAny>) -> PyResult<Threads> {
        let refused = |threads: &dyn Display| {
            PyValueError::new_err(format!("threads={threads}: give 0, for one for each core, or more"))
        };
        match number.extract::<i64>() {
            Ok(threads) => usize::try_from(threads).map(Threads).map_err(|_| refused(&threads)),
            Err(error) if error.is_instance_of::<PyOverflowError>(number.py()) => Err(refused(&*number)),
            Err(error) => Err(error),
        }
    }
}

/// Does the work, and tells `progress`, a function of stage, total, done and note, how it goes. An error that doesn't know
/// better is of the class.
pub(crate) fn work<T: Send>(
    py: Python<'_>,
    (threads, progress): (Threads, Option<&Bound<'_, PyAny>>),
    class: Class,
    work: impl FnOnce(&Run<'_>) -> Result<T, PipelineError> + Send,
) -> PyResult<T> {
    let watch = &Watch::default();
    let stop = Arc::clone(&watch.stop);
    let (done, waiting) = sync_channel(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| {
                let workers = Workers::threads(threads.0).stopped_by(stop);
                // Within them: what asks for threads without a name gets these, and not those of the whole process, which
                // one that is forked from it doesn't have.
                workers.install(|| work(&Run { workers: &workers, progress: watch, trace: None }))
            }));
            // Whoever waits is there until this has come.
            let _ = done.send(result);
        });
        let mut waiting = waiting;
        let mut interrupted = None;
        loop {
            let (still, received) = py.detach(move || {
                let received = waiting.recv_timeout(TICK);
                (waiting, received)
            });
            waiting = still;
            match received {
                Ok(result) => return interrupted.map_or_else(|| finished(py, result, class), Err),
                Err(RecvTimeoutError::Disconnected) => unreachable!("the work sends before it ends"),
                Err(RecvTimeoutError::Timeout) if interrupted.is_none() => {
                    interrupted = py.check_signals().and_then(|()| watch.tell(progress)).err();
                    watch.stop.store(interrupted.is_some(), Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    })
}

/// Does what takes a moment, without the interpreter's lock, and on threads of its own as [`work`] does.
pub(crate) fn briefly<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| Workers::threads(0).install(work))
}

fn finished<T>(
    py: Python<'_>,
    result: Result<Result<T, PipelineError>, Box<dyn Any + Send>>,
    class: Class,
) -> PyResult<T> {
    match result {
        Ok(result) => result.map_err(|error| raised(py, &error, class)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(plain(py, Class::Bug, &format!("a bug of Evenstep: {}", text.unwrap_or("it gave up"))))
        }
    }
}

/// How the work goes, and whether it is to go on.
#[derive(Default)]
struct Watch {
    stop: Arc<AtomicBool>,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    stage: String,
    total: Option<u64>,
    done: u64,
    note: String,
    is_told: bool,
}

impl Watch {
    fn set(&self, change: impl FnOnce(&mut State)) {
        if self.stop.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Stopped));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.is_told = false;
    }

    fn tell(&self, progress: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(progress) = progress else { return Ok(()) };
        let state = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut state.is_told, true) || state.stage.is_empty() {
                return Ok(());
            }
            state.clone()
        };
        progress.call1((state.stage, state.total, state.done, state.note)).map(drop)
    }
}

impl Progress for Watch {
    fn stage(&self, name: &str, total: Option<u64>) {
        self.set(|state| *state = State { stage: name.to_owned(), total, ..State::default() });
    }

    fn done(&self, so_far: u64, note: &str) {
        self.set(|state| {
            state.done = so_far;
            note.clone_into(&mut state.note);
        });
    }
}
