//! Fitting a step in rounds, and what comes of it.

use evenstep_exact::reduce::{Next, Workers};
use evenstep_table::{Batch, ColumnName};
use serde_json::Value;

use crate::{Site, Step, StepError};

/// A step that has learned, whatever its type.
pub trait AnyFitted: Send + Sync {
    /// Where it stands, and what it reads.
    fn site(&self) -> &Site;
    /// See [`Step::VERSION`].
    fn version(&self) -> u32;
    /// The spec with every default written out.
    fn spec(&self) -> Value;
    /// What it learned.
    fn params(&self) -> Value;
    /// See [`Step::apply`].
    fn apply(&self, batch: Batch) -> Result<Batch, StepError>;
    /// See [`Step::apply_training`].
    fn apply_training(&self, batch: Batch) -> Result<Batch, StepError>;
    /// See [`Step::has_training_form`].
    fn has_training_form(&self) -> bool;
}

/// The columns that a step writes, whatever the rows: those that it put into this batch, which may be an empty one.
/// All others it leaves as they are.
pub fn written(before: &Batch, after: &Batch) -> Vec<ColumnName> {
    let is_same = |name: &ColumnName, column| before.get(name.as_str()).is_some_and(|old| std::ptr::eq(old, column));
    after.columns().filter(|(name, column)| !is_same(name, *column)).map(|(name, _)| name.clone()).collect()
}

pub(crate) struct Fitted<S: Step> {
    pub(crate) step: S,
    pub(crate) site: Site,
    pub(crate) params: S::Params,
}

impl<S: Step> AnyFitted for Fitted<S> {
    fn site(&self) -> &Site {
        &self.site
    }

    fn version(&self) -> u32 {
        S::VERSION
    }

    fn spec(&self) -> Value {
        serde_json::to_value(&self.step).expect("a spec is plain data")
    }

    fn params(&self) -> Value {
        serde_json::to_value(&self.params).expect("parameters are plain data")
    }

    fn apply(&self, batch: Batch) -> Result<Batch, StepError> {
        self.step.apply(&self.site, &self.params, batch)
    }

    fn apply_training(&self, batch: Batch) -> Result<Batch, StepError> {
        self.step.apply_training(&self.site, &self.params, batch)
    }

    fn has_training_form(&self) -> bool {
        self.step.has_training_form()
    }
}

/// Learns from the batches, in as many passes as the step asks for.
pub(crate) fn fit<S: Step>(
    step: &S,
    site: &Site,
    batches: &[Batch],
    workers: &Workers,
) -> Result<S::Params, StepError> {
    let mut round = step.start(site)?;
    loop {
        let seen = workers.fold(batches.len(), |task, seen| step.observe(site, &round, seen, &batches[task]));
        match step.next(site, round, seen)? {
            Next::Again(again) => round = again,
            Next::Done(params) => return Ok(params),
        }
    }
}
