//! The rows that differ, by their own ids.

use std::collections::{BTreeMap, BTreeSet};

use evenstep_exact::reduce::Workers;
use evenstep_table::{ColumnName, RowKey, counted};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Side;
use super::align::Slots;
use super::reconcile::left_out;
use super::reread::{View, is_training};
use super::words::visible;
use crate::trace::{Element, RowName, Sketch, Stage};

/// Of more rows than a sketch recovers so many of each kind are told; the others are counted.
const ROWS_KEPT: usize = 1000;
/// So many ids stand in a sentence.
const IDS_TOLD: usize = 5;

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
    pub(super) stage: Stage,
    #[serde(skip)]
    pub(super) of_a: Option<Element>,
    #[serde(skip)]
    pub(super) of_b: Option<Element>,
    /// The other side's data have it, and its training left it out.
    #[serde(skip)]
    left_out: Option<LeftOut>,
    /// What it is known by, once its data were read.
    #[serde(skip)]
    pub(crate) row_key: Option<RowKey>,
    /// Whether it has no weight wherever it is, once its data were read.
    #[serde(skip)]
    pub(crate) is_weightless: Option<bool>,
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
    /// There is nothing to name them by; or only what tells those of one side from the others, not which of both have changed.
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
                Ok(found) if found.is_empty() => (),
                Ok(mut found) => {
                    // What both left out is not what one of them lacks.
                    let (other, traced) = if change == Change::Removed { (a, traced_a) } else { (b, traced_b) };
                    match is_training(other).then(|| left_out(other, stage, traced, &wanted, workers)) {
                        None => (),
                        Some(Ok(of_both)) => {
                            for (name, (_, rows)) in of_both {
                                found.entry(name).and_modify(|(_, left)| *left = left.saturating_sub(rows));
                            }
                        }
                        Some(Err(_)) => self.unsure = true,
                    }
                    for row in self.input.iter_mut().filter(|row| row.change == change) {
                        let left = row.name().and_then(|name| found.get_mut(&name)).filter(|(_, rows)| *rows > 0);
                        if let Some((why, rows)) = left {
                            row.left_out = Some(*why);
                            *rows -= 1;
                        }
                    }
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
        self.unsure |= labels.unnamed;
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
        is_weightless: None,
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
