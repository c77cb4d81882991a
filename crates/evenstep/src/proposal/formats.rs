//! Whether dates, times and numbers written for people are read as they were taken for: held against all cells.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenstep_pipeline::init::Declared;
use evenstep_pipeline::{PipelineError, Run};
use evenstep_source::{Reading, Source};
use evenstep_table::check::Breach;
use evenstep_table::infer::Evidence;
use evenstep_table::quality::Tally;
use evenstep_table::rule::Invalid;
use evenstep_table::{ColumnName, Kind, Rule};

/// Of so many cells one may be read as nothing.
const ONE_IN: u64 = 20;

/// Mends or takes back what is declared of dates, times and formats of numbers, and declares the days among whole numbers that may
/// be some; the columns of which too many are finer than a microsecond.
///
/// # Errors
/// Data that can't be read.
pub(super) fn hold(
    source: &Source,
    columns: &BTreeMap<ColumnName, Evidence>,
    declared: &mut BTreeMap<ColumnName, Declared>,
    may_be_days: &BTreeSet<ColumnName>,
    missing: &[String],
    run: &Run<'_>,
) -> Result<Vec<ColumnName>, PipelineError> {
    declared.extend(may_be_days.iter().map(|name| (name.clone(), Declared::days())));
    let is_held =
        |rule: &Rule| matches!(rule.kind, Kind::Date | Kind::Time | Kind::Datetime(_)) || rule.format.is_some();
    let rule = |(name, evidence): (&ColumnName, &Evidence)| {
        let inferred = || evidence.kind().map(|kind| Rule { invalid: Invalid::Null, ..Rule::new(kind) });
        let rule = declared.get(name).map(Declared::rule).or_else(inferred)?;
        is_held(&rule).then(|| (name.clone(), Arc::new(rule)))
    };
    let mut odd = misread(source, columns.iter().filter_map(rule).collect(), missing, run)?;
    let exchanged = odd.keys().filter_map(|name| Some((name.clone(), declared.get(name)?.exchanged_rule()?.into())));
    let exchanged: BTreeMap<ColumnName, Arc<Rule>> = exchanged.collect();
    let mut by_exchanged = misread(source, exchanged.clone(), missing, run)?;
    for name in exchanged.into_keys() {
        let entry = declared.get_mut(&name).expect("it was held");
        let (these, those) = (odd[&name].count, by_exchanged.get(&name).map_or(0, |tally| tally.count));
        match (these.cmp(&those), by_exchanged.remove(&name)) {
            (Ordering::Less, _) => entry.exchanged = None,
            (Ordering::Equal, _) => {}
            (Ordering::Greater, Some(tally)) => {
                entry.exchange();
                odd.insert(name, tally);
            }
            (Ordering::Greater, None) => {
                entry.exchange();
                odd.remove(&name);
            }
        }
    }
    let mut too_fine = Vec::new();
    for (name, tally) in odd {
        let values = columns[&name].values();
        let is_rare = tally.count * ONE_IN <= values;
        match declared.get_mut(&name) {
            // One that is none says that they are something else, such as seasons.
            Some(entry) if entry.is_of_months() => drop(declared.remove(&name)),
            Some(_) if may_be_days.contains(&name) => drop(declared.remove(&name)),
            // The cells of a few words are known.
            Some(entry) if entry.invalid_null && tally.count * 2 <= values => {}
            Some(entry) if entry.format.is_some() && is_rare => entry.null_few(&tally, values),
            Some(entry) if entry.format.is_some() => drop(declared.remove(&name)),
            None if is_rare => {
                let kind = columns[&name].kind().expect("it was read by its type");
                declared.insert(name, Declared::but_few(kind, &tally, values));
            }
            _ => {
                declared.remove(&name);
                too_fine.push(name);
            }
        }
    }
    Ok(too_fine)
}

/// The cells that are not read by the rules, by column.
fn misread(
    source: &Source,
    columns: BTreeMap<ColumnName, Arc<Rule>>,
    missing: &[String],
    run: &Run<'_>,
) -> Result<BTreeMap<ColumnName, Tally>, PipelineError> {
    if columns.is_empty() {
        return Ok(BTreeMap::new());
    }
    let reading = Reading { missing: missing.to_vec(), columns, ..Reading::default() };
    let quality = source.read(&reading, run.workers, &|_| ())?.quality;
    let invalid = |(name, mut seen): (ColumnName, evenstep_table::quality::ColumnQuality)| {
        Some((name, seen.breaches.remove(&Breach::Invalid)?))
    };
    Ok(quality.columns.into_iter().filter_map(invalid).collect())
}
