//! The data of a run once more, as the run read them or as the other side would call them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenstep_exact::reduce::Workers;
use evenstep_source::{Mode, Reading, Source};
use evenstep_table::quality::Place;
use evenstep_table::{Batch, Column, ColumnName, Contract, Kind, RowKey, Rule};
use serde_json::Value;

use super::Side;
use crate::prepare::as_known;
use crate::score::keys;
use crate::trace::{Element, Origin, Reconciled, Sketch, Stage, contents, elements};
use crate::{Artifact, PipelineError, Run, Silent, Spec};

/// What notes say of data that can't be read, or are no longer what was traced.
pub const UNREAD: &str = "can't be looked at";

/// What columns of B are called in A, where that is another name.
pub(crate) type Names = BTreeMap<ColumnName, ColumnName>;

/// How rows are read that can be compared with those of the other side, where that is not as their run sketched them.
#[derive(Clone, Default)]
pub(crate) struct View {
    /// Columns of B by the names that A has for them.
    pub(crate) called: Names,
    /// Columns that both sides read by other types: their cells are compared as they are written.
    pub(crate) as_text: BTreeSet<ColumnName>,
    /// Columns that one side alone has at a stage: they don't count.
    pub(crate) lone: BTreeSet<ColumnName>,
    /// With the rows that a training left out by its `as_of`.
    pub(crate) later: bool,
}

impl View {
    /// The same for A, whose columns are called by their own names.
    pub(super) fn of_a(&self) -> View {
        View { called: Names::new(), ..self.clone() }
    }
}

/// A row as its run read it.
pub(super) struct Row<'a> {
    pub(super) batch: &'a Batch,
    pub(super) at: usize,
    pub(super) key: &'a RowKey,
    pub(super) names: &'a [&'a ColumnName],
    pub(super) id: &'a [ColumnName],
    pub(super) place: &'a dyn Fn(usize) -> Place,
    /// A training leaves out rows without a target.
    pub(super) is_traced: bool,
}

/// Reads the data of a side as its run did, and hands on each row as each of its ends was sketched.
fn each_row(side: &Side, workers: &Workers, act: impl FnMut(&Stage, Element, &Row<'_>)) -> Result<(), String> {
    each_row_as(side, &View::default(), workers, act)
}

/// The same as the view has it.
pub(super) fn each_row_as(
    side: &Side,
    view: &View,
    workers: &Workers,
    mut act: impl FnMut(&Stage, Element, &Row<'_>),
) -> Result<(), String> {
    let (Some(data), Some(trace)) = (&side.data, &side.trace) else {
        return Err("nothing says where they are".to_owned());
    };
    let Some(document) = &side.document else {
        return Err("there is no lock or bundle beside the trace, by which they are read".to_owned());
    };
    let part = |pointer: &str| document.pointer(pointer).cloned();
    let read =
        |pointer: &str| serde_json::from_value(part(pointer).unwrap_or(Value::Null)).map_err(|error| error.to_string());
    let contract: Contract = read("/contract")?;
    let inputs: Vec<ColumnName> = serde_json::from_value(part("/inputs").unwrap_or_default()).unwrap_or_default();
    let missing: Vec<String> = serde_json::from_value(part("/data/missing").unwrap_or_default()).unwrap_or_default();
    let of_stage = |stage: &Stage| -> Vec<&ColumnName> {
        trace.stages().get(stage).into_iter().flat_map(|stage| stage.columns.keys()).collect()
    };
    let stages = [Stage::Input, Stage::Labels];
    let mut names: Vec<&ColumnName> = stages.iter().flat_map(of_stage).collect();
    names.sort_unstable();
    let sketched = stages.map(|stage| {
        let names = of_stage(&stage).into_iter().filter(|name| !view.lone.contains(*name));
        (names.collect::<Vec<_>>(), stage)
    });
    let has_id = !trace.head.id.is_empty() && trace.head.id.iter().all(|name| names.contains(&name));
    let id = if has_id { trace.head.id.clone() } else { Vec::new() };
    let scoring = trace.head.origin != Origin::Train;
    let written = |name: &ColumnName, rule: &Arc<Rule>| match view.as_text.contains(name) {
        true => Arc::new(Rule::new(Kind::Text)),
        false => Arc::clone(rule),
    };
    let rules = contract.columns.iter().filter(|(name, _)| names.contains(name));
    let reading = Reading {
        missing,
        columns: rules.map(|(name, rule)| (name.clone(), written(name, rule))).collect(),
        id: id.clone(),
        mode: if scoring { Mode::Scoring } else { Mode::Training },
        seen: side.artifact.as_ref().filter(|_| scoring).map(|artifact| artifact.seen.clone()).unwrap_or_default(),
    };
    if names.iter().any(|name| !reading.columns.contains_key(*name)) {
        return Err("the lock has no rule for a column of the trace".to_owned());
    }
    let source = Source::open(&data.source, &data.base).map_err(|error| error.to_string())?;
    let known = if view.later { Ok(source) } else { known_then(side, source, &data.source, workers) };
    let source = known.map_err(|error| error.message)?;
    if let Some(name) = names.iter().find(|name| !source.column_names().contains(name)) {
        return Err(format!("they have no column `{name}`"));
    }
    let mut read = source.read(&reading, workers, &|_| ()).map_err(|error| error.to_string())?;
    let target = part("/data/target").filter(|_| !scoring);
    let target = target.and_then(|name| names.iter().find(|known| Some(known.as_str()) == name.as_str()));
    for (batch, origin) in read.batches.iter_mut().zip(&read.origins) {
        let keys = keys(batch, &id, &inputs);
        let columns: Vec<&Column> = id.iter().map(|name| batch.column(name)).collect();
        let is_traced = |row: usize| target.is_none_or(|target| !batch.column(target).is_null(row));
        for (of_stage, stage) in &sketched {
            let content = contents(batch, of_stage, |name| view.called.get(name).unwrap_or(name));
            elements(&keys, &columns, &content, |at, element| {
                let (place, is_traced) = (&|at| origin.place(at), is_traced(at));
                act(stage, element, &Row { batch, at, key: &keys[at], names: &names, id: &id, place, is_traced });
            });
        }
    }
    Ok(())
}

/// Hands on the elements of all rows of a stage, and whether they are among those that were traced.
///
/// # Errors
/// A sentence on data that can't be read, or are no longer what was traced.
pub(super) fn each_row_traced(
    side: &Side,
    stage: &Stage,
    traced: &Sketch,
    workers: &Workers,
    mut act: impl FnMut(Element, bool),
) -> Result<(), String> {
    let mut sketch = Sketch::default();
    each_row(side, workers, |of, element, row| {
        if of == stage {
            if row.is_traced {
                sketch.add(std::iter::once(element));
            }
            act(element, row.is_traced);
        }
    })?;
    match sketch.reconcile(traced) {
        Reconciled::All { first, second } if first.is_empty() && second.is_empty() => Ok(()),
        _ => Err("they are no longer what was traced".to_owned()),
    }
}

pub(super) fn is_scoring(side: &Side) -> bool {
    side.trace.as_ref().is_some_and(|trace| trace.head.origin != Origin::Train)
}

pub(super) fn is_training(side: &Side) -> bool {
    side.trace.as_ref().is_some_and(|trace| trace.head.origin == Origin::Train)
}

/// The artifact of a training that left out what it didn't know by then.
pub(super) fn as_of(side: &Side) -> Option<&Artifact> {
    side.artifact.as_ref().filter(|artifact| is_training(side) && artifact.data.as_of.is_some())
}

/// The rows that the training knew, if its spec had an `as_of`.
fn known_then(side: &Side, source: Source, named: &str, workers: &Workers) -> Result<Source, PipelineError> {
    let Some(artifact) = as_of(side) else { return Ok(source) };
    let spec = Spec::from_resolved(&artifact.spec, named)?;
    as_known(&spec, source, &Run { workers, progress: &Silent, trace: None })
}

pub(crate) fn unread(side: &Side, why: &str) -> String {
    format!("the data of {} {UNREAD}: {why}", side.name)
}
