//! The traces of live requests: one of each artifact that answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenstep_pipeline::Predictor;
use evenstep_pipeline::trace::{Head, Origin, Recorder};

/// By name and digest.
type ByArtifact = BTreeMap<(String, String), Traced>;

/// What commits to live rows, artifact by artifact, each from its first row on.
#[derive(Debug, Default)]
pub struct Traces {
    of: Mutex<ByArtifact>,
}

/// What the rows that one artifact answered have come to so far.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Which artifact.
    pub head: Head,
    /// Its rows.
    pub recorder: Arc<Recorder>,
}

impl Traced {
    /// Its name and digest: one artifact may be served under several names.
    pub fn key(&self) -> (String, String) {
        (self.head.name.clone(), self.head.digest.clone())
    }
}

impl Traces {
    fn of(&self) -> MutexGuard<'_, ByArtifact> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What commits to the rows that this predictor answers. It counts as served as long as somebody keeps that.
    pub(crate) fn recorder(&self, predictor: &Predictor) -> Arc<Recorder> {
        let new = Traced { head: predictor.trace_head(Origin::Serve), recorder: Arc::default() };
        Arc::clone(&self.of().entry(new.key()).or_insert(new).recorder)
    }

    /// All that there are.
    pub fn all(&self) -> Vec<Traced> {
        self.of().values().cloned().collect()
    }

    /// Forgets what an artifact's rows came to, if it is served no more and has no more than so many; says whether it did.
    pub fn forget(&self, traced: &Traced, rows: u64) -> bool {
        let mut of = self.of();
        // One is kept here, and one is at hand.
        let is_over = Arc::strong_count(&traced.recorder) == 2 && traced.recorder.rows() == rows;
        is_over && of.remove(&traced.key()).is_some()
    }
}
