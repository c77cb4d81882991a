//! The traces of live requests: one of each artifact that answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use evenstep_pipeline::Predictor;
use evenstep_pipeline::trace::{Head, Origin, Recorder};

/// By name and digest.
type ByArtifact = BTreeMap<(String, String), (Head, Arc<Recorder>)>;

/// What commits to live rows, artifact by artifact, each from its first row on.
#[derive(Debug, Default)]
pub struct Traces {
    of: Mutex<ByArtifact>,
}

/// What the rows that one artifact answered have come to so far.
#[derive(Debug)]
pub struct Traced {
    /// Which artifact.
    pub head: Head,
    /// Its rows.
    pub recorder: Arc<Recorder>,
    /// Whether it is served no more: all its rows are there, and it is forgotten.
    pub is_over: bool,
}

impl Traces {
    /// What commits to the rows that this predictor answers. It counts as served as long as somebody keeps that.
    pub(crate) fn recorder(&self, predictor: &Predictor) -> Arc<Recorder> {
        let head = predictor.trace_head(Origin::Serve);
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let traced = of.entry((head.name.clone(), head.digest.clone()));
        Arc::clone(&traced.or_insert_with(|| (head, Arc::default())).1)
    }

    /// All that there are.
    pub fn take(&self) -> Vec<Traced> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |recorder: &Arc<Recorder>| Arc::strong_count(recorder) == 1;
        let told = |(head, recorder): &(Head, Arc<Recorder>)| Traced {
            is_over: is_over(recorder),
            head: head.clone(),
            recorder: Arc::clone(recorder),
        };
        let all: Vec<Traced> = of.values().map(told).collect();
        for Traced { head, .. } in all.iter().filter(|traced| traced.is_over) {
            of.remove(&(head.name.clone(), head.digest.clone()));
        }
        all
    }
}
