//! Which columns tell rows apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_pipeline::init::{self, Words};
use evenstep_pipeline::{PipelineError, Run, like_id};
use evenstep_source::Source;
use evenstep_table::identity::{self, Identity};
use evenstep_table::infer::Evidence;
use evenstep_table::{ColumnName, Kind, counted};

use super::read;

/// Columns that a person calls an id are never missing, and tell all rows apart.
pub(super) fn refuse_no_ids(
    source: &Source,
    columns: &BTreeMap<ColumnName, Evidence>,
    id: &[ColumnName],
    missing: &[String],
    run: &Run<'_>,
) -> Result<(), PipelineError> {
    if id.is_empty() {
        return Ok(());
    }
    if let Some(name) = id.iter().find(|name| columns[*name].nulls > 0) {
        return Err(PipelineError::input(format!(
            "`{name}` is no id: it is missing in {}",
            counted(columns[name].nulls as usize, "row")
        )));
    }
    let kinds = id.iter().filter_map(|name| Some((name.clone(), columns[name].kind_as_name()?))).collect();
    let mut batches = read(source, &kinds, missing, run)?;
    let identity = Identity::by_id(id.iter().cloned());
    for batch in &mut batches {
        let keys = identity.keys(batch);
        batch.keys = Arc::new(keys.map_err(|_| PipelineError::input("an id has values that are no numbers"))?);
    }
    let duplicates = identity::duplicates(&batches, run.workers);
    let Some(first) = duplicates.first() else { return Ok(()) };
    let at = first.rows[0];
    let cells = id.iter().map(|name| batches[at.batch as usize].column(name).text(at.row as usize).unwrap_or_default());
    let said = format!(
        "`{}` is no id: {} {} in several rows, such as `{}`",
        id.iter().map(ColumnName::as_str).collect::<Vec<_>>().join("`, `"),
        counted(duplicates.len(), "value"),
        if duplicates.len() == 1 { "stands" } else { "stand" },
        cells.collect::<Vec<_>>().join(", ")
    );
    Err(PipelineError::input(said).help("name a column, or several, that tell every row apart; or none".to_owned()))
}

/// Columns that tell rows apart.
#[derive(Default)]
pub(super) struct LikeIds {
    /// Those that say no more of them.
    pub(super) found: Vec<ColumnName>,
    /// Those that are called like an id and tell nearly all rows apart.
    pub(super) nearly: Vec<ColumnName>,
    /// Those that may be ids or measures: another whole number in every row.
    pub(super) unique: Vec<ColumnName>,
}

/// Which columns tell rows apart, and how surely they say no more of them.
pub(super) fn like_ids(
    source: &Source,
    columns: &BTreeMap<ColumnName, Evidence>,
    words: &BTreeMap<ColumnName, Words>,
    target: &ColumnName,
    missing: &[String],
    run: &Run<'_>,
) -> Result<LikeIds, PipelineError> {
    let may_be_one = |(name, evidence): (&ColumnName, &Evidence)| {
        let kind = evidence.kind_as_name().filter(|kind| name != target && like_id::can_be(*kind))?;
        let is_called_so = like_id::is_called_so(name.as_str());
        let unique = evidence.distinct().is_none_or(|distinct| distinct as u64 == evidence.values());
        let is_code = || {
            let words = words.get(name).filter(|words| like_id::are_codes(words.iter().map(|(text, _)| text)));
            words.is_some() && init::declare(name, evidence, words, false).is_none()
        };
        let may_be = is_called_so || unique && (kind == Kind::Integer || is_code());
        may_be.then(|| (name.clone(), kind))
    };
    let candidates: BTreeMap<ColumnName, Kind> = columns.iter().filter_map(may_be_one).collect();
    if candidates.is_empty() {
        return Ok(LikeIds::default());
    }
    let batches = read(source, &candidates, missing, run)?;
    let found = like_id::find(candidates.keys().cloned(), &batches, run.workers);
    let others = || candidates.keys().filter(|name| !found.contains(name)).cloned();
    let nearly = like_id::find_nearly(others(), &batches, run.workers);
    let unique = like_id::find_unique(others(), &batches, run.workers);
    Ok(LikeIds { found, nearly, unique })
}
