//! Both sides' cells of the rows that differ, where the data can still be read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};

use evenstep_exact::reduce::Workers;
use evenstep_source::Source;
use evenstep_table::{ColumnName, RowKey, counted, some_of};
use serde_json::Value;

use super::align::Slot;
use super::commitments::DATA_DIFFER;
use super::reread::{Row, UNREAD, View, each_row_as, each_row_traced, unread};
use super::rows::{Cells, Change, RowChange};
use super::{Cause, Findings, Side};
use crate::trace::{Element, Stage};

/// So many columns stand in a sentence.
const COLUMNS_TOLD: usize = 10;

/// A row of the data.
struct Found {
    key: RowKey,
    id: Option<String>,
    place: String,
    cells: Cells,
}

impl Row<'_> {
    /// Its cells, and where it stands; its id, unless that tells of people.
    fn found(&self, personal: &BTreeSet<ColumnName>) -> Found {
        let Row { batch, at, key, names, id, place, is_traced: _ } = *self;
        let place = place(at);
        let file = Path::new(&*place.file).file_name();
        let file = file.map_or(place.file.to_string(), |name| name.to_string_lossy().into_owned());
        let shows_id = !id.is_empty() && !id.iter().any(|name| personal.contains(name));
        let text =
            || id.iter().map(|name| batch.column(name).text(at).unwrap_or_default()).collect::<Vec<_>>().join(" ");
        Found {
            key: *key,
            id: shows_id.then(text),
            place: format!("{file} row {}", place.row),
            cells: names.iter().map(|name| ((*name).clone(), batch.column(name).text(at))).collect(),
        }
    }
}

/// The rows that are looked for, and how many there are of each.
type Wanted = BTreeMap<(Stage, Element), usize>;

/// The last of them, in the order of the data: which of equal rows one side has more often, nobody knows.
type AllFound = BTreeMap<(Stage, Element), VecDeque<Found>>;

/// Looks the rows up in whichever data can still be read. A row is taken for the one that was traced only if
/// its cells have the hash that the trace gave: data that changed since then are not shown for what they were.
pub(super) fn read(a: &Side, b: &Side, findings: &mut Findings, workers: &Workers) {
    let (rows, view) = (&findings.rows.input, &findings.rows.view);
    if rows.is_empty() && view.as_text.is_empty() {
        if findings.unmatched && is_one_file(a, b) && [a, b].iter().all(|side| is_as_traced(side, workers)) {
            blame_no_data(findings);
        }
        return;
    }
    let wanted = |of: fn(&RowChange) -> Option<Element>| {
        let mut wanted = Wanted::new();
        let all = rows.iter().filter_map(|row| Some((row.stage.clone(), of(row)?)));
        all.for_each(|element| *wanted.entry(element).or_default() += 1);
        wanted
    };
    let mut notes = Vec::new();
    let personal = personal(a, b);
    let mut found = |side: &Side, view: &View, wanted: &Wanted| {
        if wanted.is_empty() {
            return BTreeMap::new();
        }
        look_up(side, wanted, &personal, view, workers).unwrap_or_else(|why| {
            notes.push(unread(side, &why));
            BTreeMap::new()
        })
    };
    let (wanted_a, wanted_b) = (wanted(|row| row.of_a), wanted(|row| row.of_b));
    let all = (wanted_a.values().sum::<usize>(), wanted_b.values().sum::<usize>());
    let mut of_a = found(a, &view.of_a(), &wanted_a);
    let mut of_b = found(b, view, &wanted_b);
    for row in of_b.values_mut().flatten() {
        let name = |name: ColumnName| view.called.get(&name).cloned().unwrap_or(name);
        row.cells = std::mem::take(&mut row.cells).into_iter().map(|(column, cell)| (name(column), cell)).collect();
    }
    let count = |found: &AllFound| found.values().map(VecDeque::len).sum::<usize>();
    let found = (count(&of_a), count(&of_b));
    for (side, found, all) in [(a, found.0, all.0), (b, found.1, all.1)] {
        let named = format!("the data of {} {UNREAD}", side.name);
        if found < all && !notes.iter().any(|note: &String| note.starts_with(&named)) {
            notes.push(unread(side, "they are no longer what was traced"));
        }
    }
    let renamed = view.called.iter().filter(|(name, _)| personal.contains(*name)).map(|(_, called)| called);
    let hidden: BTreeSet<ColumnName> = personal.iter().chain(renamed).cloned().collect();
    let shown = |name: &ColumnName, cell: &Option<String>| match cell {
        Some(_) if hidden.contains(name) => Some("(personal)".to_owned()),
        cell => cell.clone(),
    };
    let differing = findings.at(&Slot::Input).seen.columns.clone();
    let seen = &findings.found[findings.slots.position(&Slot::Input)].seen;
    // What is known to differ in this row's bucket, and may so in the row.
    let may_differ = |name: &ColumnName, found: &Found| {
        seen.differs_in_bucket(name, &found.key).unwrap_or_else(|| differing.contains(name))
    };
    let weight = weight(a, b);
    for row in &mut findings.rows.input {
        let take = |found: &mut AllFound, element: Element| found.get_mut(&(row.stage.clone(), element))?.pop_front();
        let mine = row.of_a.and_then(|element| take(&mut of_a, element));
        let theirs = row.of_b.and_then(|element| take(&mut of_b, element));
        let (mine, theirs) = (mine.as_ref(), theirs.as_ref());
        if let Some(id) = mine.or(theirs).and_then(|found| found.id.as_ref()).filter(|_| row.id.is_null()) {
            row.id = Value::String(id.clone());
        }
        row.row_key = mine.or(theirs).map(|found| found.key);
        let weighs_nothing = |found: &Found| {
            let cell = weight.iter().flatten().find_map(|name| found.cells.get(name)?.as_ref());
            cell.and_then(|cell| cell.parse::<f64>().ok()) == Some(0.0)
        };
        let is_whole = mine.is_some() == row.of_a.is_some() && theirs.is_some() == row.of_b.is_some();
        row.is_weightless = (is_whole && weight.is_some()).then(|| mine.into_iter().chain(theirs).all(weighs_nothing));
        (row.place_a, row.place_b) = (mine.map(|found| found.place.clone()), theirs.map(|found| found.place.clone()));
        (row.a, row.b) = match (mine, theirs) {
            (Some(mine), Some(theirs)) => {
                // A live row has no label.
                let pair = |name: &ColumnName| Some((mine.cells.get(name)?, theirs.cells.get(name)?));
                let differs = |name: &ColumnName| pair(name).is_some_and(|(mine, theirs)| mine != theirs);
                let only = |cells: &Cells| -> Cells {
                    cells
                        .iter()
                        .filter(|(name, _)| differs(name))
                        .map(|(name, cell)| (name.clone(), shown(name, cell)))
                        .collect()
                };
                (Some(only(&mine.cells)), Some(only(&theirs.cells)))
            }
            (mine, theirs) => {
                // Of a row that both have, the columns that differ are known, if not the cells of the other side.
                let of_both = row.change == Change::Changed && !differing.is_empty();
                let of = |found: &Found| -> Cells {
                    let cells = found.cells.iter().filter(|(name, _)| !of_both || may_differ(name, found));
                    cells.map(|(name, cell)| (name.clone(), shown(name, cell))).collect()
                };
                (mine.map(of), theirs.map(of))
            }
        };
    }
    notes.into_iter().for_each(|note| findings.note(note));
    if differing.is_empty() {
        name_columns(findings);
    }
    if found == all && !findings.rows.unnamed && is_one_file(a, b) {
        blame_no_data(findings);
    }
}

/// Names the columns in which rows were seen to differ: where one side has more rows than the other, no commitment tells them.
fn name_columns(findings: &mut Findings) {
    let mut rows: BTreeMap<ColumnName, usize> = BTreeMap::new();
    let changed = findings.rows.input.iter().filter(|row| row.change == Change::Changed && row.b.is_some());
    for name in changed.filter_map(|row| row.a.as_ref()).flat_map(BTreeMap::keys) {
        *rows.entry(name.clone()).or_default() += 1;
    }
    if rows.is_empty() {
        return;
    }
    let mut often: Vec<(&ColumnName, &usize)> = rows.iter().collect();
    often.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    // Of more rows than are kept no columns are counted.
    let is_all = !findings.rows.many;
    let count = |rows: usize| if is_all { format!(" in {}", counted(rows, "row")) } else { String::new() };
    let told = often.iter().map(|(name, rows)| format!("`{name}`{}", count(**rows)));
    let told = some_of(told, COLUMNS_TOLD, ", ");
    let input = findings.at(&Slot::Input);
    if let Some(cause) = input.causes.iter_mut().find(|cause| cause.text.starts_with(DATA_DIFFER)) {
        cause.text.push_str(&format!("; changed is {told}"));
    }
    input.seen.columns = rows.into_keys().collect();
}

/// Of data that are the same bytes, rows differ only for how they are read.
fn blame_no_data(findings: &mut Findings) {
    let input = findings.at(&Slot::Input);
    let (of_data, others) = std::mem::take(&mut input.causes).into_iter().partition(|cause| cause.kind == "data");
    input.causes = others;
    let of_data: Vec<Cause> = of_data;
    let mut rest: Vec<&str> = of_data.iter().filter_map(|cause| cause.text.strip_prefix(DATA_DIFFER)).collect();
    if rest.is_empty() {
        rest.push("");
    }
    let notes = rest.iter().map(|rest| format!("the data of both are the same files, read elsewise{rest}"));
    findings.notes.extend(notes);
}

/// Whether the data of a side can be read, and are what was traced.
fn is_as_traced(side: &Side, workers: &Workers) -> bool {
    let traced = side.trace.as_ref().zip(side.salt.as_ref());
    let sketch = traced.and_then(|(trace, salt)| trace.sketch(&Stage::Input, salt));
    sketch.is_some_and(|sketch| each_row_traced(side, &Stage::Input, &sketch, workers, |_, _| ()).is_ok())
}

/// Whether the data of both sides are the same, byte by byte.
fn is_one_file(a: &Side, b: &Side) -> bool {
    let paths = |side: &Side| {
        let data = side.data.as_ref()?;
        Some(Source::open(&data.source, &data.base).ok()?.paths().to_vec())
    };
    let hash = |path: &PathBuf| Some(blake3::Hasher::new().update_reader(File::open(path).ok()?).ok()?.finalize());
    let size = |path: &PathBuf| path.metadata().ok().map(|metadata| metadata.len());
    let same = |(a, b): (&PathBuf, &PathBuf)| {
        let real = a.canonicalize().ok();
        real.is_some() && real == b.canonicalize().ok()
            || size(a) == size(b) && hash(a).is_some_and(|of_a| Some(of_a) == hash(b))
    };
    paths(a).zip(paths(b)).is_some_and(|(a, b)| !a.is_empty() && a.len() == b.len() && a.iter().zip(&b).all(same))
}

fn look_up(
    side: &Side,
    wanted: &Wanted,
    personal: &BTreeSet<ColumnName>,
    view: &View,
    workers: &Workers,
) -> Result<AllFound, String> {
    let mut found = AllFound::new();
    each_row_as(side, view, workers, |stage, element, row| {
        let wanted_one = (stage.clone(), element);
        if let Some(count) = wanted.get(&wanted_one).filter(|_| row.is_traced) {
            let last = found.entry(wanted_one).or_default();
            if last.len() == *count {
                last.pop_front();
            }
            last.push_back(row.found(personal));
        }
    })?;
    Ok(found)
}

/// The column that weighs rows, if that is one on both sides, or none.
fn weight(a: &Side, b: &Side) -> Option<Option<ColumnName>> {
    let weight = |side: &Side| ColumnName::new(side.document.as_ref()?.pointer("/data/weight")?.as_str()?);
    (weight(a) == weight(b)).then(|| weight(a))
}

/// The columns whose values tell of people, as the contract of either side has it.
pub(crate) fn personal(a: &Side, b: &Side) -> BTreeSet<ColumnName> {
    let rules = |side: &Side| side.document.as_ref()?.get("contract")?.as_object().cloned();
    let rules = [a, b].into_iter().filter_map(rules).flatten();
    rules.filter(|(_, rule)| rule["personal"] == true).filter_map(|(name, _)| ColumnName::new(&name)).collect()
}
