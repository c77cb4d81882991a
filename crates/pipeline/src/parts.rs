//! Which rows are learned from, and which are held out, for those who compare on the same rows.

use evenstep_source::{Read, Reading};
use evenstep_table::{Column, ColumnName, Kind};

use crate::prepare::{Surveyed, group_keys, identify, survey};
use crate::score::id_header;
use crate::spec::Spec;
use crate::split::Split;
use crate::{PipelineError, Run};

/// What becomes of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It is learned from.
    Train,
    /// It is held out.
    Test,
    /// It has no target.
    None,
}

impl Part {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Test => "test",
            Part::None => "none",
        }
    }
}

/// Rows of one batch, and what becomes of each.
pub struct Parted {
    /// Their numbers in the source, from 0.
    pub rows: Vec<i64>,
    /// The columns of their declared id, if there is one.
    pub id: Vec<Column>,
    /// Their parts.
    pub parts: Vec<Part>,
}

/// What becomes of all rows, in the order of the source.
pub struct Parts {
    /// What the id's columns are called, and their types.
    pub id: Vec<(ColumnName, Kind)>,
    /// Batch by batch.
    pub batches: Vec<Parted>,
}

/// The part of every row; quarantined rows are not there.
///
/// # Errors
/// As `train`, before any fit.
pub fn parts(spec: &Spec, run: &Run<'_>) -> Result<Parts, PipelineError> {
    let Surveyed { source, kept, contract, inputs, roles, .. } = survey(spec, run)?;
    run.progress.stage("read", Some(source.bytes()));
    let id = id_header(&roles.id, &contract);
    let reading = Reading {
        missing: spec.data.missing.clone(),
        columns: contract.columns,
        id: roles.id.clone(),
        ..Reading::default()
    };
    let Read { mut batches, origins, offsets, .. } =
        source.read_kept(kept, &reading, run.workers, &|bytes| run.progress.done(bytes, ""))?;
    identify(spec, &mut batches, &origins, &roles, &inputs, run.workers)?;
    let split = Split::new(spec.split_seed(), spec.data.split.test);
    let mut parted = Vec::new();
    for (batch, origin) in batches.iter().zip(&origins) {
        let target = batch.column(&roles.target);
        let groups = roles.group.as_ref().map(|name| group_keys(name, batch)).unwrap_or_default();
        let (mut rows, mut parts) = (Vec::new(), Vec::new());
        for row in 0..batch.rows() {
            parts.push(if target.is_null(row) {
                Part::None
            } else if split.holds_out(groups.get(row).unwrap_or(&batch.keys[row])) {
                Part::Test
            } else {
                Part::Train
            });
            rows.push(offsets[&origin.file] + origin.place(row).row as i64);
        }
        let id = roles.id.iter().map(|name| batch.column(name).clone()).collect();
        parted.push(Parted { rows, id, parts });
    }
    Ok(Parts { id, batches: parted })
}
