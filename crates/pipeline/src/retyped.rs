//! Columns whose types nobody declared, and which are read by other types than when the lock was written: one cell may do that.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_source::Reading;
use evenstep_table::check::Breach;
use evenstep_table::quality::{Quality, Tally, Violation};
use evenstep_table::rule::Invalid;
use evenstep_table::{ColumnName, Contract, Kind, Rule, counted};

use crate::init::key;
use crate::prepare::as_known;
use crate::{PipelineError, Run, Silent, Spec};

/// What is to be said of them: the types, and the first cell that is not of the one before. `now` has each column's type in a word.
///
/// # Errors
/// Data that can't be read.
pub fn retyped(
    spec: &Spec,
    locked: &Contract,
    lock: &str,
    now: &BTreeMap<ColumnName, &'static str>,
    run: &Run<'_>,
) -> Result<Vec<String>, PipelineError> {
    let is_declared = |name: &ColumnName| spec.contract.get(name.as_str()).is_some_and(|rule| rule.kind.is_some());
    let was = |(name, kind): (&ColumnName, &&'static str)| {
        let rule = locked.columns.get(name).filter(|rule| rule.kind.word() != *kind && !is_declared(name))?;
        // Whatever else the rule says, only cells of another type are looked for.
        let as_before = Rule {
            invalid: Invalid::Null,
            format: rule.format.clone(),
            personal: rule.personal,
            ..Rule::new(rule.kind)
        };
        Some((name.clone(), Arc::new(as_before)))
    };
    let columns: BTreeMap<ColumnName, Arc<Rule>> = now.iter().filter_map(was).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let quality = of_other_types(spec, columns.clone(), run)?;
    let told = |(name, rule): (&ColumnName, &Arc<Rule>)| {
        let (was, is) = (rule.kind.word(), now[name]);
        let found = invalid(&quality, name);
        let cell = found.and_then(|found| Some((found.count, found.first.first()?))).map(|(count, first)| {
            let more = if count > 1 { format!(", and {} more", counted(count - 1, "cell")) } else { String::new() };
            format!(" ({first}{more})")
        });
        format!(
            "`{name}` is read as {is}, and was {was} when `{lock}` was written{}: [contract] {} = {{ type = \"{was}\" }} keeps it",
            cell.unwrap_or_default(),
            key(name)
        )
    };
    Ok(columns.iter().map(told).collect())
}

/// The first cell of a column that is not of the type; None if there is none, or the data can't be read any more.
pub(crate) fn first_of_other_type(spec: &Spec, name: &ColumnName, kind: Kind, run: &Run<'_>) -> Option<Violation> {
    let rule = Rule { invalid: Invalid::Null, ..Rule::new(kind) };
    let quality = of_other_types(spec, [(name.clone(), Arc::new(rule))].into(), run).ok()?;
    invalid(&quality, name)?.first.first().cloned()
}

/// What is found of the columns by rules under which cells of another type become null.
fn of_other_types(
    spec: &Spec,
    columns: BTreeMap<ColumnName, Arc<Rule>>,
    run: &Run<'_>,
) -> Result<Quality, PipelineError> {
    let reading = Reading { missing: spec.data.missing.clone(), columns, ..Reading::default() };
    let quiet = Run { workers: run.workers, progress: &Silent, trace: None };
    let source = as_known(spec, spec.source()?, &quiet)?;
    Ok(source.read(&reading, run.workers, &|_| ())?.quality)
}

fn invalid<'q>(quality: &'q Quality, name: &ColumnName) -> Option<&'q Tally> {
    quality.columns.get(name)?.breaches.get(&Breach::Invalid)
}
