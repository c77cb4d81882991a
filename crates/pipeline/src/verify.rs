//! Reproducing a training, and saying part by part whether it gave the same.

use std::time::Instant;

use evenstep_exact::draw::Draws;
use evenstep_table::rule::Absent;
use evenstep_table::{Batch, ColumnName};
use serde::Serialize;
use serde_json::Value;

use crate::artifact::{Artifact, DataRoles};
use crate::lock::{Check, Lock};
use crate::prepare::prepare;
use crate::spec::Spec;
use crate::train::{Trained, train_prepared};
use crate::{PipelineError, Run};

/// The order in which rows and columns are given to the training that verifies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// As they come from the source.
    AsRead,
    /// Rows in another order and other groups.
    Shuffled,
}

/// What was compared, and what it cost.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// Whether everything is the same.
    pub equal: bool,
    /// Part by part.
    pub checks: Vec<Check>,
    /// How long it took to train again, in seconds.
    pub seconds: f64,
}

/// Trains again by the spec and compares with the lock.
///
/// # Errors
/// As `train`.
pub fn verify(spec: &Spec, lock: &Lock, order: Order, run: &Run<'_>) -> Result<(Verified, Trained), PipelineError> {
    let started = Instant::now();
    let mut prepared = prepare(spec, run)?;
    if order == Order::Shuffled {
        prepared.batches = shuffled(std::mem::take(&mut prepared.batches), spec);
    }
    let trained = train_prepared(spec, prepared, run)?;
    let checks = lock.compare(&trained.artifact);
    let equal = checks.iter().all(|check| check.equal);
    Ok((Verified { equal, checks, seconds: started.elapsed().as_secs_f64() }, trained))
}

/// Trains again by the spec that a bundle holds, which names other data now, and compares with the bundle's artifact.
/// Other data are told by their fingerprint, and nothing is trained on them.
///
/// # Errors
/// As `train`.
pub fn verify_artifact(
    artifact: &Artifact,
    spec: &Spec,
    order: Order,
    run: &Run<'_>,
) -> Result<Verified, PipelineError> {
    let started = Instant::now();
    let (then, named) = (&artifact.fingerprint, spec.source_name());
    let source = spec.source()?;
    let has = |name: &str| source.column_names().iter().any(|column| column.as_str() == name);
    if let Some(lacking) = needed(artifact, spec).into_iter().find(|name| !has(name)) {
        let detail = format!("in the bundle {then}, and `{named}` has no column `{lacking}`");
        let checks = vec![Check { name: "fingerprint".to_owned(), equal: false, detail }];
        return Ok(Verified { equal: false, checks, seconds: started.elapsed().as_secs_f64() });
    }
    let mut prepared = prepare(spec, run)?;
    let now = prepared.fingerprint.clone();
    let mut checks = vec![Check { name: "fingerprint".to_owned(), equal: *then == now, detail: now.clone() }];
    if *then == now {
        if order == Order::Shuffled {
            prepared.batches = shuffled(std::mem::take(&mut prepared.batches), spec);
        }
        let again = train_prepared(spec, prepared, run)?.artifact;
        checks = Lock::of(artifact).compare(&again);
        let detail = "what the columns looked like".to_owned();
        checks.push(Check { name: "profile".to_owned(), equal: artifact.profile == again.profile, detail });
        // Rows that are read from a bundle have numbers written in another way.
        let same = artifact.golden.iter().map(|row| &row.bits).eq(again.golden.iter().map(|row| &row.bits));
        let detail = "those that training again makes up".to_owned();
        checks.push(Check { name: "golden rows again".to_owned(), equal: same, detail });
    } else {
        checks[0].detail = format!(
            "in the bundle {then}, of `{named}` {now}: these are other rows or columns; `evenstep diff` of trainings on both names them"
        );
    }
    let equal = checks.iter().all(|check| check.equal);
    Ok(Verified { equal, checks, seconds: started.elapsed().as_secs_f64() })
}

/// The columns without which no data are those of a training.
fn needed(artifact: &Artifact, spec: &Spec) -> Vec<String> {
    let DataRoles { id, target, weight, group, .. } = &artifact.data;
    let must_come =
        |name: &&ColumnName| artifact.contract.columns.get(*name).is_some_and(|rule| rule.absent == Absent::Reject);
    let inputs = artifact.inputs.iter().filter(must_come);
    let read = id.iter().chain([target]).chain(weight).chain(group).chain(inputs).map(ToString::to_string);
    let times = spec.data.time.iter().chain(&spec.data.recorded).cloned();
    // The first steps choose among columns, some of which no later one sees.
    let chosen = spec.steps.iter().take(spec.choosing_steps()).map(|step| step.spec()["columns"].take());
    let named = |columns: Value| serde_json::from_value::<Vec<String>>(columns).unwrap_or_default();
    read.chain(times).chain(chosen.flat_map(named)).collect()
}

/// The same rows in another order, in batches of other sizes.
fn shuffled(batches: Vec<Batch>, spec: &Spec) -> Vec<Batch> {
    let draws = Draws::new(spec.seed(), "verify/shuffle");
    let mut shuffled: Vec<Batch> = batches
        .into_iter()
        .flat_map(|batch| {
            let mut rows: Vec<usize> = (0..batch.rows()).collect();
            rows.sort_by_key(|row| (draws.priority(&batch.keys[*row].0), *row));
            rows.chunks(rows.len().div_ceil(3).max(1)).map(|part| batch.take(part)).collect::<Vec<_>>()
        })
        .collect();
    shuffled.reverse();
    shuffled
}
