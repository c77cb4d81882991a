//! Targets that can't be learned, told before a spec is proposed.

use std::collections::BTreeMap;

use evenstep_model::{TARGET_MAX, too_large};
use evenstep_pipeline::init::Words;
use evenstep_pipeline::{PipelineError, Run};
use evenstep_source::Source;
use evenstep_table::infer::Evidence;
use evenstep_table::{ColumnName, Kind};

use super::read;

/// More values are no classes, if there are half as many as rows.
const FEW: usize = 100;
/// In fewer rows, every class may stand alone by chance.
const ROWS: u64 = 20;

/// The target's values, if they are few, and how many rows have each.
pub(super) fn classes(
    source: &Source,
    target: &ColumnName,
    kind: Option<Kind>,
    evidence: &Evidence,
    missing: &[String],
    run: &Run<'_>,
) -> Result<BTreeMap<String, u64>, PipelineError> {
    let mut values = BTreeMap::new();
    let (Some(kind), Some(..=FEW)) = (kind, evidence.distinct()) else { return Ok(values) };
    for batch in read(source, &[(target.clone(), kind)].into(), missing, run)? {
        let column = batch.column(target);
        for value in (0..batch.rows()).filter_map(|row| column.text(row)) {
            *values.entry(value).or_default() += 1;
        }
    }
    Ok(values)
}

/// Refuses numbers that the trees of the proposal can't learn.
pub(super) fn refuse_too_large(
    source: &Source,
    target: &ColumnName,
    kind: Option<Kind>,
    classes: &BTreeMap<String, u64>,
    missing: &[String],
    run: &Run<'_>,
) -> Result<(), PipelineError> {
    // Of two classes no number counts.
    let Some(kind @ Kind::Number) = kind.filter(|_| classes.len() != 2) else { return Ok(()) };
    let batches = read(source, &[(target.clone(), kind)].into(), missing, run)?;
    let numbers = batches.iter().filter_map(|batch| batch.column(target).to_numbers());
    let large: usize = numbers.map(|cells| cells.iter().filter(|number| number.abs() > TARGET_MAX).count()).sum();
    if large == 0 {
        return Ok(());
    }
    let error = too_large(large as u64);
    Err(PipelineError::input(format!("`{target}`: {}", error.message)).help(error.help))
}

/// Refuses what is neither numbers nor classes of which there is more than one.
pub(super) fn refuse(
    target: &ColumnName,
    kind: Option<Kind>,
    evidence: &Evidence,
    words: Option<&Words>,
    classes: &BTreeMap<String, u64>,
) -> Result<(), PipelineError> {
    let Some(kind) = kind else {
        return Err(PipelineError::input(format!("the target `{target}` has no value in any row")));
    };
    if evidence.distinct() == Some(1) {
        let said = format!("the target `{target}` has the same value in all rows: there is nothing to learn");
        return Err(PipelineError::input(said));
    }
    if matches!(kind, Kind::Date | Kind::Time | Kind::Datetime(_)) {
        let said = format!("the target `{target}` is of type {}: predicted are numbers and classes", kind.word());
        let help = "let the data say how long it takes, say in days: a number".to_owned();
        return Err(PipelineError::input(said).help(help));
    }
    if let (1, Some(only)) = (classes.len(), classes.keys().next()) {
        let kind = kind.word();
        let said =
            format!("the target `{target}` is `{only}` wherever it is of type {kind}: there is nothing to learn");
        return Err(PipelineError::input(said));
    }
    if evidence.formatted().is_some() && classes.is_empty() && matches!(kind, Kind::Category | Kind::Text) {
        let shown = words.map(Words::shown).unwrap_or_default();
        let said = format!("the target `{target}` has numbers as people write them, which are text: {shown}");
        return Err(PipelineError::input(said).help(
            "write them as `1234.5`; in a spec `[contract]` can show how they are written: `format = \"1.234,56\"`"
                .to_owned(),
        ));
    }
    let (rows, distinct) = (evidence.values(), evidence.distinct().map_or(u64::MAX, |distinct| distinct as u64));
    let many = distinct > FEW as u64 && distinct > rows / 2 || distinct >= rows - rows / 10;
    if kind == Kind::Text && rows >= ROWS && many {
        let said =
            format!("the target `{target}` has another text in nearly every row: predicted are numbers and classes");
        return Err(PipelineError::input(said).help("a class is learned from the rows that have it".to_owned()));
    }
    Ok(())
}
