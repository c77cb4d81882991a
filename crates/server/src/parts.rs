//! What an answer is made of, and how long each part took; a response carries it to those who tell.

use std::time::Instant;

use evenstep_pipeline::request::phases::{self, Phase};

/// The stages of an answer, in their order.
pub(crate) const STAGES: [&str; 5] = ["wait", "parse", "steps", "model", "write"];

/// When parts of an answer ended.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    began: Instant,
    ends: Vec<(Phase, Instant)>,
    ended: Instant,
}

impl Parts {
    /// Works, and measures it.
    pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Parts) {
        let began = Instant::now();
        let (done, ends) = phases::timed(work);
        (done, Parts { began, ends, ended: Instant::now() })
    }

    /// Their names, in their order, and when each began and ended, of a request that came at `came`: before its answer is
    /// computed its body is read, and it waits for its turn; after that the answer is written.
    pub(crate) fn of_request(&self, came: Instant) -> impl Iterator<Item = (&'static str, Instant, Instant)> {
        let name = |phase: &Phase| match phase {
            Phase::Parse => "parse",
            Phase::Steps => "steps",
            Phase::Model => "model",
        };
        let computed = self.ends.iter().map(move |(phase, end)| (name(phase), *end));
        let all = std::iter::once(("wait", self.began)).chain(computed).chain([("write", self.ended)]);
        all.scan(came, |began, (name, ended)| Some((name, std::mem::replace(began, ended), ended)))
    }
}
