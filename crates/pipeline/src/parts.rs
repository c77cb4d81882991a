//! Which rows are learned from, and which are held out, for those who compare on the same rows.

use evenstep_source::{Read, Reading};

use crate::prepare::{Surveyed, group_keys, identify, survey};
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

/// The part of every row, by its number in the source, from 0; quarantined rows are not there.
///
/// # Errors
/// As `train`, before any fit.
pub fn parts(spec: &Spec, run: &Run<'_>) -> Result<Vec<(u64, Part)>, PipelineError> {
    let Surveyed { source, contract, inputs, roles, .. } = survey(spec, run)?;
    run.progress.stage("read", Some(source.bytes()));
    let reading = Reading {
        missing: spec.data.missing.clone(),
        columns: contract.columns,
        id: roles.id.clone(),
        ..Reading::default()
    };
    let Read { mut batches, origins, .. } =
        source.read(&reading, run.workers, &|bytes| run.progress.done(bytes, ""))?;
    identify(spec, &mut batches, &origins, &roles, &inputs, run.workers, &mut Vec::new())?;
    let split = Split::new(spec.split_seed(), spec.data.split.test);
    let mut parts = Vec::new();
    let (mut before, mut last) = (0, origins.first().map(|origin| origin.place(0)));
    for (batch, origin) in batches.iter().zip(&origins) {
        let target = batch.column(&roles.target);
        let groups = roles.group.as_ref().map(|name| group_keys(name, batch)).unwrap_or_default();
        for row in 0..batch.rows() {
            let place = origin.place(row);
            if let Some(previous) = last.as_ref().filter(|previous| previous.file != place.file) {
                before += previous.row;
            }
            let part = if target.is_null(row) {
                Part::None
            } else if split.holds_out(groups.get(row).unwrap_or(&batch.keys[row])) {
                Part::Test
            } else {
                Part::Train
            };
            parts.push((before + place.row - 1, part));
            last = Some(place);
        }
    }
    Ok(parts)
}
