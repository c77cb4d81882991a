//! Checking spec, contract and data, without fitting a model.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_source::{Mode, Read, Reading};
use evenstep_table::quality::{Quality, Tally};
use evenstep_table::rule::Available;
use evenstep_table::{ColumnName, Contract};
use serde::Serialize;

use crate::interface::Interface;
use crate::look_alike::look_alike;
use crate::prepare::{Surveyed, prepare, survey};
use crate::spec::Spec;
use crate::train::check_steps;
use crate::{PipelineError, Run, evaluate, like_id, mixed, slices};

mod copies;
mod notes;

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Whether the spec trains on these data.
    pub ok: bool,
    /// Rows read.
    pub rows: u64,
    /// What the columns look like.
    pub columns: BTreeMap<ColumnName, CheckedColumn>,
    /// Cells for which nothing is trained.
    pub rejected: Tally,
    /// The fingerprint of the columns used.
    pub fingerprint: Option<String>,
    /// The features that would reach the model.
    pub features: Vec<ColumnName>,
    /// Sentences for people.
    pub notes: Vec<String>,
    /// What a bundle would promise to those who ask it, if the spec trains.
    #[serde(skip)]
    pub interface: Option<Interface>,
}

/// What a column looks like.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedColumn {
    /// Its type.
    pub kind: &'static str,
    /// Its role: `input`, `target`, `id`, `weight` or `group`.
    pub role: &'static str,
    /// How many cells are null.
    pub nulls: u64,
    /// How many distinct values there are, if they are few.
    pub distinct: Option<usize>,
    /// How many cells break which rule, with the first of them.
    pub breaches: BTreeMap<&'static str, Tally>,
}

/// Checks everything that can be checked without fitting a model: the steps are fitted.
///
/// # Errors
/// What no training could start from. Cells that break the contract are no error but an answer.
pub fn check(spec: &Spec, run: &Run<'_>) -> Result<Checked, PipelineError> {
    let mut surveyed = survey(spec, run)?;
    let kept = std::mem::take(&mut surveyed.kept);
    run.progress.stage("check cells", Some(surveyed.source.bytes()));
    let reading = Reading {
        missing: spec.data.missing.clone(),
        columns: surveyed.contract.columns.clone(),
        id: surveyed.roles.id.clone(),
        mode: Mode::Training,
        ..Reading::default()
    };
    let Read { quality, extra, batches, .. } =
        surveyed.source.examine_kept(kept, &reading, run.workers, &|bytes| run.progress.done(bytes, ""))?;
    let like_ids = like_id::find(surveyed.inputs.iter().cloned(), &batches, run.workers);
    let is_large = |name: &&ColumnName| notes::is_large(name, &surveyed.inferred.columns[*name], &batches);
    let large: Vec<&ColumnName> = surveyed.inputs.iter().filter(is_large).collect();
    let dates = notes::dates(spec, &surveyed, &batches);
    drop(batches);
    let mut checked = Checked {
        ok: quality.rejected.count == 0,
        rows: quality.rows,
        columns: columns(&surveyed, &quality),
        rejected: quality.rejected.clone(),
        fingerprint: None,
        features: Vec::new(),
        notes: notes::notes(spec, &surveyed, &extra, quality.rows),
        interface: None,
    };
    checked.notes.extend(dates);
    if !checked.ok {
        checked.notes.extend(surveyed.notes.iter().cloned());
    }
    if checked.ok {
        let prepared = prepare(spec, run)?;
        evaluate::metrics(spec, &prepared.task)?;
        slices::columns(spec, &prepared.contract, &prepared.inputs)?;
        checked.fingerprint = Some(prepared.fingerprint.clone());
        checked.interface = Some(Interface::of_prepared(spec, &prepared));
        checked.notes.extend(prepared.notes.iter().cloned());
        checked.notes.extend(look_alike(prepared.task.classes()));
        checked.notes.extend(copies::of(spec, &prepared, run.workers));
        let steps = check_steps(spec, prepared, run);
        let steps = steps.map_err(|error| mixed::blame(error, &surveyed.mixed, spec, run))?;
        checked.notes.extend(steps.idle());
        checked.features = steps.output.into_keys().collect();
        for name in like_ids.into_iter().filter(|name| checked.features.contains(name)) {
            let or_declare = if surveyed.roles.id.is_empty() { "declare it as `id`, or " } else { "" };
            checked.notes.push(format!(
                "`{name}` has another value in every row, as an id has, and is learned from: {or_declare}drop it with `drop_columns`"
            ));
        }
        for name in large.into_iter().filter(|name| checked.features.contains(name)) {
            checked.notes.push(format!(
                "`{name}` has integers beyond 2^53: models read them as floats, which are the same for neighbours"
            ));
        }
    }
    Ok(checked)
}

/// What is to be said of inputs that a feature store is to bring: none can be asked yet.
pub fn store_note(contract: &Contract, inputs: &[ColumnName]) -> Option<String> {
    let from_store = |name: &&ColumnName| contract.columns[*name].available == Available::Store;
    let names: Vec<&str> = inputs.iter().filter(from_store).map(ColumnName::as_str).collect();
    (!names.is_empty()).then(|| {
        format!("available = \"store\": no feature store can be asked yet, so requests must bring {}", names.join(", "))
    })
}

fn columns(surveyed: &Surveyed, quality: &Quality) -> BTreeMap<ColumnName, CheckedColumn> {
    let roles = &surveyed.roles;
    let role = |name: &ColumnName| {
        if *name == roles.target {
            "target"
        } else if roles.id.contains(name) {
            "id"
        } else if roles.weight.as_ref() == Some(name) {
            "weight"
        } else if roles.group.as_ref() == Some(name) {
            "group"
        } else {
            "input"
        }
    };
    let column = |(name, rule): (&ColumnName, &Arc<evenstep_table::Rule>)| {
        let found = quality.columns.get(name);
        let breaches = found.into_iter().flat_map(|found| &found.breaches);
        let column = CheckedColumn {
            kind: rule.kind.word(),
            role: role(name),
            nulls: found.map_or(0, |found| found.nulls),
            distinct: surveyed.inferred.columns[name].distinct(),
            breaches: breaches.map(|(breach, tally)| (breach.word(), tally.clone())).collect(),
        };
        (name.clone(), column)
    };
    surveyed.contract.columns.iter().map(column).collect()
}
