//! The rows that differ, by their own ids; with their cells, where the data can still be read.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_exact::reduce::Workers;
use evenstep_source::{Mode, Reading, Source};
use evenstep_table::quality::Place;
use evenstep_table::{Batch, Column, ColumnName, Contract, Kind, RowKey, Rule, counted, some_of};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::align::{Slot, Slots};
use super::commitments::DATA_DIFFER;
use super::words::visible;
use super::{Cause, Findings, Side};
use crate::prepare::as_known;
use crate::score::keys;
use crate::trace::{Element, Origin, Reconciled, RowName, Sketch, Stage, contents, elements};
use crate::{Artifact, PipelineError, Run, Silent, Spec};

/// Of more rows than a sketch recovers so many of each kind are told; the others are counted.
const ROWS_KEPT: usize = 1000;
/// So many ids stand in a sentence.
const IDS_TOLD: usize = 5;
/// What notes say of data that can't be read, or are no longer what was traced.
pub const UNREAD: &str = "can't be looked at";
/// So many columns.
const COLUMNS_TOLD: usize = 10;

/// The cells of a row, as text; None for a missing one.
pub type Cells = BTreeMap<ColumnName, Option<String>>;

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Both sides have it, with other cells.
    Changed,
    /// Only A has it.
    Removed,
    /// Only B has it.
    Added,
}

/// Why a training has no part of a row that its data have.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum LeftOut {
    /// It has no target.
    Unlabelled,
    /// By `as_of` it was not known yet, or nobody knows since when.
    Later,
}

/// A row that differs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RowChange {
    /// Its id: a text, or an object of several; null where there is none, or only its hash is known.
    pub id: Value,
    /// Without an id at hand: its key, or the hash of its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What became of it.
    pub change: Change,
    /// Where A's data have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_a: Option<String>,
    /// Where B's data have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_b: Option<String>,
    /// A's cells, where they can still be read: those that differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<Cells>,
    /// B's cells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub b: Option<Cells>,
    /// Where the elements were sketched.
    #[serde(skip)]
    stage: Stage,
    #[serde(skip)]
    of_a: Option<Element>,
    #[serde(skip)]
    of_b: Option<Element>,
    /// The other side's data have it, and its training left it out.
    #[serde(skip)]
    left_out: Option<LeftOut>,
    /// What it is known by, once its data were read.
    #[serde(skip)]
    pub(crate) row_key: Option<RowKey>,
}

impl RowChange {
    pub(crate) fn name(&self) -> Option<RowName> {
        self.of_a.or(self.of_b).map(|element| element.name)
    }

    /// Its id, or else its key.
    pub(crate) fn called(&self) -> Value {
        if self.id.is_null() { json!(self.key) } else { self.id.clone() }
    }
}

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
    fn of_a(&self) -> View {
        View { called: Names::new(), ..self.clone() }
    }
}

/// The rows that differ, at the input and at the output.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) input: Vec<RowChange>,
    pub(crate) output: Vec<RowChange>,
    /// There are more than can be named, or are kept.
    pub(crate) many: bool,
    /// How many more of each kind there are than are kept; of those that one side alone has, left out by the other or not.
    pub(crate) beyond: BTreeMap<(Change, Option<LeftOut>), usize>,
    /// Whether the other side's data have a row that its training left out isn't known.
    pub(crate) unsure: bool,
    /// There is no salt to name them by.
    pub(crate) unnamed: bool,
    /// How its data are read to find them again.
    pub(crate) view: View,
    /// Of other rows these cells are written alike.
    pub(crate) others_are_read_elsewise: bool,
    /// A row of one name may stand there several times: one that seems to be on one side alone may be on both.
    pub(crate) may_repeat: bool,
}

/// Rows as they are told of a place.
pub(crate) struct OfPlace {
    pub(crate) rows: Vec<RowChange>,
    pub(crate) many: bool,
    /// The column in which all of them differ, if cells were read.
    pub(crate) column: Option<ColumnName>,
}

impl Changed {
    /// Rows only in A and rows only in B; those of one name are one row that changed. Without an `id` that
    /// may be shown, a hash names them.
    pub(crate) fn of(stage: &Stage, first: &[Element], second: &[Element], id: Option<&[ColumnName]>) -> Changed {
        let mut by_name: BTreeMap<RowName, (Vec<Element>, Vec<Element>)> = BTreeMap::new();
        first.iter().for_each(|element| by_name.entry(element.name).or_default().0.push(*element));
        second.iter().for_each(|element| by_name.entry(element.name).or_default().1.push(*element));
        let mut changed = Changed::default();
        // In the order of the data.
        for name in first.iter().chain(second).map(|element| element.name) {
            let Some((mine, theirs)) = by_name.remove(&name) else { continue };
            for at in 0..mine.len().max(theirs.len()) {
                changed.input.push(change(stage, &name, mine.get(at).copied(), theirs.get(at).copied(), id));
            }
        }
        changed
    }

    /// Counts what is more of each kind than is told.
    pub(crate) fn keep_first(&mut self) {
        let mut kept = BTreeMap::<Change, usize>::new();
        let beyond = &mut self.beyond;
        self.input.retain(|row| {
            let kept = kept.entry(row.change).or_default();
            *kept += 1;
            if *kept > ROWS_KEPT {
                *beyond.entry((row.change, row.left_out)).or_default() += 1;
            }
            *kept <= ROWS_KEPT
        });
        self.many |= !self.beyond.is_empty();
        self.sort();
    }

    /// Tells, of rows that one training alone had, those which the other left out: for want of a target, or by its `as_of`.
    pub(crate) fn look_for_left_out(
        &mut self,
        (a, traced_a): (&Side, &Sketch),
        (b, traced_b): (&Side, &Sketch),
        stage: &Stage,
        workers: &Workers,
    ) {
        for (change, side, traced) in [(Change::Removed, b, traced_b), (Change::Added, a, traced_a)] {
            let lone = self.input.iter().filter(|row| row.change == change);
            let wanted: BTreeSet<RowName> = lone.filter_map(RowChange::name).collect();
            if !is_training(side) || wanted.is_empty() {
                continue;
            }
            match left_out(side, stage, traced, &wanted, workers) {
                Ok(found) => {
                    let lone = self.input.iter_mut().filter(|row| row.change == change);
                    lone.for_each(|row| row.left_out = row.name().and_then(|name| found.get(&name).copied()));
                }
                Err(_) => self.unsure = true,
            }
        }
    }

    /// Whether rows could be told apart, and all or the first of them are here.
    pub(crate) fn is_known(&self) -> bool {
        !self.unnamed && (!self.many || !self.input.is_empty())
    }

    /// Whether no row differs but those that a training left out.
    pub(crate) fn is_left_out(&self) -> bool {
        !self.input.is_empty() && !self.many && self.input.iter().all(|row| row.left_out.is_some())
    }

    /// Adds rows of which only the labels differ.
    pub(crate) fn join(&mut self, labels: Changed) {
        let known: BTreeSet<RowName> = self.input.iter().filter_map(RowChange::name).collect();
        self.input.extend(labels.input.into_iter().filter(|row| row.name().is_some_and(|name| !known.contains(&name))));
        self.many |= labels.many;
        // Of rows that are not kept it isn't known whether they are among those of the inputs.
        if self.beyond.is_empty() {
            self.beyond = labels.beyond;
        }
        self.unnamed |= labels.unnamed;
        self.view.lone.extend(labels.view.lone);
        self.view.as_text.extend(labels.view.as_text);
        self.others_are_read_elsewise |= labels.others_are_read_elsewise;
        self.sort();
    }

    fn sort(&mut self) {
        self.input.sort_by_key(|x| (x.change, order(x)));
    }

    /// How many rows became what, and the first ids.
    pub(crate) fn summary(&self) -> String {
        let told = |change: Change, left_out: Option<LeftOut>, word: &str| {
            let rows: Vec<&RowChange> =
                self.input.iter().filter(|row| (row.change, row.left_out) == (change, left_out)).collect();
            let count = rows.len() + self.beyond.get(&(change, left_out)).copied().unwrap_or(0);
            if count == 0 {
                return None;
            }
            Some(format!("{} {word}{}", counted(count, "row"), ids_told(&rows, count > rows.len())))
        };
        let parts = [
            told(Change::Changed, None, "changed"),
            told(Change::Removed, None, if self.may_repeat { "in A only, or more often" } else { "in A only" }),
            told(Change::Removed, Some(LeftOut::Unlabelled), "without a target in B"),
            told(Change::Removed, Some(LeftOut::Later), "left out in B by its `as_of`"),
            told(Change::Added, None, if self.may_repeat { "in B only, or more often" } else { "in B only" }),
            told(Change::Added, Some(LeftOut::Unlabelled), "without a target in A"),
            told(Change::Added, Some(LeftOut::Later), "left out in A by its `as_of`"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// The rows of the input.
    pub(crate) fn input(self) -> OfPlace {
        let column = column_of(&self.input);
        OfPlace { rows: self.input, many: self.many, column }
    }

    /// The rows of the output, if that is the place.
    pub(crate) fn at_output(self, slots: &Slots, at: usize) -> OfPlace {
        let rows = if slots.is_output(at) { self.output } else { Vec::new() };
        OfPlace { rows, many: false, column: None }
    }
}

/// Numbers by size, all others by their letters.
fn order(row: &RowChange) -> (Option<u64>, String) {
    let text = id_text(&row.id);
    (text.parse().ok(), text)
}

/// The first ids of some rows, between parentheses; nothing, if none has one.
pub(crate) fn ids_told(rows: &[&RowChange], are_more: bool) -> String {
    let ids: Vec<String> = rows
        .iter()
        .filter(|row| !row.id.is_null())
        .take(IDS_TOLD)
        .map(|row| visible(&id_text(&row.id)).into_owned())
        .collect();
    let more = if are_more || rows.len() > ids.len() { ", …" } else { "" };
    if ids.is_empty() { String::new() } else { format!(" (id {}{more})", ids.join(", ")) }
}

/// An id as text.
fn id_text(id: &Value) -> String {
    match id {
        Value::String(text) => text.clone(),
        Value::Object(parts) => parts.values().map(id_text).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

/// The first column in which the rows are known to differ.
fn column_of(rows: &[RowChange]) -> Option<ColumnName> {
    let changed = rows.iter().filter(|row| row.change == Change::Changed);
    changed.filter_map(|row| row.a.as_ref().filter(|_| row.b.is_some())).flat_map(BTreeMap::keys).min().cloned()
}

fn change_of(of_a: Option<Element>, of_b: Option<Element>) -> Change {
    match (of_a, of_b) {
        (Some(_), Some(_)) => Change::Changed,
        (Some(_), None) => Change::Removed,
        _ => Change::Added,
    }
}

fn change(
    stage: &Stage,
    name: &RowName,
    of_a: Option<Element>,
    of_b: Option<Element>,
    id: Option<&[ColumnName]>,
) -> RowChange {
    let name = if id.is_some() { *name } else { name.hidden() };
    let known = name.id().map(|text| id_value(&text, id.unwrap_or_default()));
    RowChange {
        key: known.is_none().then(|| name.hex()),
        id: known.unwrap_or(Value::Null),
        change: change_of(of_a, of_b),
        place_a: None,
        place_b: None,
        a: None,
        b: None,
        stage: stage.clone(),
        of_a,
        of_b,
        left_out: None,
        row_key: None,
    }
}

/// The id's parts stand in the order of its columns, with a unit separator between them.
fn id_value(text: &str, id: &[ColumnName]) -> Value {
    let parts: Vec<&str> = text.split('\u{1f}').collect();
    if id.len() < 2 || parts.len() != id.len() {
        return Value::String(text.to_owned());
    }
    let part = |(name, part): (&ColumnName, &str)| (name.to_string(), Value::String(part.to_owned()));
    Value::Object(id.iter().zip(parts).map(part).collect::<Map<_, _>>())
}

/// A row of the data.
struct Found {
    key: RowKey,
    id: Option<String>,
    place: String,
    cells: Cells,
}

/// Looks the rows up in whichever data can still be read. A row is taken for the one that was traced only if
/// its cells have the hash that the trace gave: data that changed since then are not shown for what they were.
pub(crate) fn read_values(a: &Side, b: &Side, findings: &mut Findings, workers: &Workers) {
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
    for row in &mut findings.rows.input {
        let take = |found: &mut AllFound, element: Element| found.get_mut(&(row.stage.clone(), element))?.pop_front();
        let mine = row.of_a.and_then(|element| take(&mut of_a, element));
        let theirs = row.of_b.and_then(|element| take(&mut of_b, element));
        let (mine, theirs) = (mine.as_ref(), theirs.as_ref());
        if let Some(id) = mine.or(theirs).and_then(|found| found.id.as_ref()).filter(|_| row.id.is_null()) {
            row.id = Value::String(id.clone());
        }
        row.row_key = mine.or(theirs).map(|found| found.key);
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
    if found == all && is_one_file(a, b) {
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

/// The rows of B under the names that A has for its columns, as a sketch, if its data are still what was traced.
///
/// # Errors
/// A sentence on data that can't be read, or are others by now.
pub(crate) fn called_as(
    side: &Side,
    traced: &Sketch,
    stage: &Stage,
    view: &View,
    workers: &Workers,
) -> Result<Sketch, String> {
    let mut sketch = Sketch::default();
    let vouched = each_row_traced(side, stage, traced, workers, |_, _| ());
    let read = vouched.and_then(|()| {
        each_row_as(side, view, workers, |of, element, row| {
            if of == stage && row.is_traced {
                sketch.add(std::iter::once(element));
            }
        })
    });
    read.map(|()| sketch).map_err(|why| unread(side, &why))
}

/// The rows that are looked for, and how many there are of each.
type Wanted = BTreeMap<(Stage, Element), usize>;
/// The last of them, in the order of the data: which of equal rows one side has more often, nobody knows.
type AllFound = BTreeMap<(Stage, Element), VecDeque<Found>>;

/// The rows by which the inputs of both sides differ: what sketches recover, without their limit.
///
/// # Errors
/// A sentence on the side whose data can't be read any more, or are others by now.
pub(crate) fn reconcile_data(
    a: (&Side, &Sketch),
    b: (&Side, &Sketch),
    stage: &Stage,
    workers: &Workers,
) -> Result<[Vec<Element>; 2], String> {
    apart(a, b, |(side, traced), act| {
        let read = each_row_traced(side, stage, traced, workers, |element, is_traced| {
            if is_traced {
                act(element);
            }
        });
        read.map_err(|why| unread(side, &why))
    })
}

/// The same where the rows are read otherwise than they were sketched.
///
/// # Errors
/// As [`reconcile_data`].
pub(crate) fn reconcile_viewed(
    a: (&Side, &Sketch),
    b: (&Side, &Sketch),
    stage: &Stage,
    view: &View,
    workers: &Workers,
) -> Result<[Vec<Element>; 2], String> {
    for (side, traced) in [a, b] {
        each_row_traced(side, stage, traced, workers, |_, _| ()).map_err(|why| unread(side, &why))?;
    }
    apart((a.0, &view.of_a()), (b.0, view), |(side, view), act| {
        let read = each_row_as(side, view, workers, |of, element, row| {
            if of == stage && row.is_traced {
                act(element);
            }
        });
        read.map_err(|why| unread(side, &why))
    })
}

/// Rows are looked at in so many parts.
const PARTS: usize = 1 << 16;

/// The elements that either side has more often than the other. Held are only those of parts that differ, which a first pass finds.
fn apart<S: Copy>(
    a: S,
    b: S,
    each: impl Fn(S, &mut dyn FnMut(Element)) -> Result<(), String>,
) -> Result<[Vec<Element>; 2], String> {
    let hash = |element: &Element| BuildHasherDefault::<DefaultHasher>::default().hash_one(element);
    let part = |hash: u64| (hash >> 48) as usize;
    let sums = |side| {
        let mut sums = vec![0_u64; PARTS];
        each(side, &mut |element| {
            let hash = hash(&element);
            sums[part(hash)] = sums[part(hash)].wrapping_add(hash);
        })?;
        Ok::<_, String>(sums)
    };
    let (of_a, of_b) = (sums(a)?, sums(b)?);
    let differing = |side| {
        let mut differing = Vec::new();
        each(side, &mut |element| {
            let part = part(hash(&element));
            differing.extend((of_a[part] != of_b[part]).then_some(element));
        })?;
        Ok::<_, String>(differing)
    };
    let (mine, theirs) = (differing(a)?, differing(b)?);
    Ok([more_often(&mine, &theirs), more_often(&theirs, &mine)])
}

pub(crate) fn unread(side: &Side, why: &str) -> String {
    format!("the data of {} {UNREAD}: {why}", side.name)
}

/// The columns whose values tell of people, as the contract of either side has it.
pub(crate) fn personal(a: &Side, b: &Side) -> BTreeSet<ColumnName> {
    let rules = |side: &Side| side.document.as_ref()?.get("contract")?.as_object().cloned();
    let rules = [a, b].into_iter().filter_map(rules).flatten();
    rules.filter(|(_, rule)| rule["personal"] == true).filter_map(|(name, _)| ColumnName::new(&name)).collect()
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

/// Which of these rows a training left out, though its data have them, if these are still what was traced.
fn left_out(
    side: &Side,
    stage: &Stage,
    traced: &Sketch,
    wanted: &BTreeSet<RowName>,
    workers: &Workers,
) -> Result<BTreeMap<RowName, LeftOut>, String> {
    let (mut found, mut known) = (BTreeMap::new(), BTreeSet::new());
    each_row_traced(side, stage, traced, workers, |element, is_traced| {
        if wanted.contains(&element.name) {
            known.insert(element.name);
            found.extend((!is_traced).then_some((element.name, LeftOut::Unlabelled)));
        }
    })?;
    if as_of(side).is_some() {
        let view = View { later: true, ..View::default() };
        each_row_as(side, &view, workers, |of, element, _| {
            if of == stage && wanted.contains(&element.name) && !known.contains(&element.name) {
                found.insert(element.name, LeftOut::Later);
            }
        })?;
    }
    Ok(found)
}

/// Hands on the elements of all rows of a stage, and whether they are among those that were traced.
///
/// # Errors
/// A sentence on data that can't be read, or are no longer what was traced.
fn each_row_traced(
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

/// The elements that one has more often than the other, in the order in which it has them.
fn more_often(all: &[Element], of_other: &[Element]) -> Vec<Element> {
    let mut left: BTreeMap<Element, usize> = BTreeMap::new();
    of_other.iter().for_each(|element| *left.entry(*element).or_default() += 1);
    let is_more = |element: &&Element| match left.get_mut(element).filter(|left| **left > 0) {
        Some(left) => {
            *left -= 1;
            false
        }
        None => true,
    };
    all.iter().filter(is_more).copied().collect()
}

/// A row as its run read it.
struct Row<'a> {
    batch: &'a Batch,
    at: usize,
    key: &'a RowKey,
    names: &'a [&'a ColumnName],
    id: &'a [ColumnName],
    place: &'a dyn Fn(usize) -> Place,
    /// A training leaves out rows without a target.
    is_traced: bool,
}

/// Reads the data of a side as its run did, and hands on each row as each of its ends was sketched.
fn each_row(side: &Side, workers: &Workers, act: impl FnMut(&Stage, Element, &Row<'_>)) -> Result<(), String> {
    each_row_as(side, &View::default(), workers, act)
}

/// The same as the view has it.
fn each_row_as(
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

fn is_training(side: &Side) -> bool {
    side.trace.as_ref().is_some_and(|trace| trace.head.origin == Origin::Train)
}

/// The artifact of a training that left out what it didn't know by then.
fn as_of(side: &Side) -> Option<&Artifact> {
    side.artifact.as_ref().filter(|artifact| is_training(side) && artifact.data.as_of.is_some())
}

/// The rows that the training knew, if its spec had an `as_of`.
fn known_then(side: &Side, source: Source, named: &str, workers: &Workers) -> Result<Source, PipelineError> {
    let Some(artifact) = as_of(side) else { return Ok(source) };
    let spec = Spec::from_resolved(&artifact.spec, named)?;
    as_known(&spec, source, &Run { workers, progress: &Silent, trace: None })
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
