//! What a run works with besides its spec.

use evenstep_exact::reduce::Workers;

use crate::trace::Recorder;

/// Threads to work with, and somebody to tell how it goes.
pub struct Run<'a> {
    /// The threads.
    pub workers: &'a Workers,
    /// Who is told.
    pub progress: &'a dyn Progress,
    /// Commits to every stage, if there is to be a trace.
    pub trace: Option<&'a Recorder>,
}

/// Somebody who is told how a run goes.
pub trait Progress: Sync {
    /// A stage begins: what it does, and how much there is to do, if that is known.
    fn stage(&self, name: &str, total: Option<u64>);
    /// So much of the stage is done; with a word on the state of things.
    fn done(&self, so_far: u64, note: &str);
}

/// Nobody.
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &str, _: Option<u64>) {}
    fn done(&self, _: u64, _: &str) {}
}
