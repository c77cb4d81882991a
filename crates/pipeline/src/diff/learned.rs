//! What steps and the model learned something else from: rows that differ and are learned from, rows that another split
//! gives them, what earlier steps give.

use std::collections::BTreeSet;

use evenstep_exact::draw::Seed;
use evenstep_table::{Batch, Coded, Column, ColumnName, Identity, Kind, RowKey};
use serde_json::Value;

use super::align::Slot;
use super::rows::{RowChange, ids_told};
use super::{Findings, Side, State};
use crate::split::Split;
use crate::trace::{Origin, Stage};

/// How it is told that values were learned elsewise.
pub(crate) const LEARNED: &str = "learned something else";

/// Says of all that was learned elsewise by the same spec what it was learned from.
pub(crate) fn explain(a: &Side, b: &Side, findings: &mut Findings) {
    let is_split_elsewise = findings.at(&Slot::Split).differs();
    let rows = from_rows(a, b, findings, is_split_elsewise);
    let slots: Vec<Slot> = findings.slots.iter().cloned().collect();
    for (at, slot) in slots.iter().enumerate() {
        let finding = &findings.found[at];
        let Some(which) = finding.learned.iter().position(|cause| cause.kind == "learned") else { continue };
        if !finding.causes.is_empty() {
            continue;
        }
        let mut reasons: Vec<String> = rows.iter().map(|rows| rows.text.clone()).collect();
        if is_split_elsewise {
            reasons.push("from other rows, as others are held out".to_owned());
        }
        reasons.extend(from_step(findings, at, slot, reasons.is_empty()));
        if reasons.is_empty() {
            continue;
        }
        let cause = &mut findings.found[at].learned[which];
        cause.text = cause.text.replacen(LEARNED, &format!("{LEARNED}, {}", reasons.join(" and ")), 1);
        cause.rows = rows.as_ref().map(|rows| rows.learned_from.clone()).unwrap_or_default();
    }
}

/// Rows that differ.
struct Rows {
    text: String,
    /// The ids of those that are learned from, as far as they are known.
    learned_from: Vec<Value>,
}

/// What is known of the rows that differ; None if none does.
fn from_rows(a: &Side, b: &Side, findings: &mut Findings, is_split_elsewise: bool) -> Option<Rows> {
    let input = findings.at(&Slot::Input);
    if input.seen.state != State::Differs && !input.causes.iter().any(|cause| cause.kind == "data") {
        return None;
    }
    let unknown = Rows { text: "from rows or cells that differ".to_owned(), learned_from: Vec::new() };
    let changed = &findings.rows;
    let split = split_of(a, b).filter(|_| !is_split_elsewise && !changed.input.is_empty());
    let parts = split.and_then(|split| {
        let is_held_out = |row: &RowChange| Some(split.holds_out(&key(row, a)?));
        changed.input.iter().map(|row| Some((row, is_held_out(row)?))).collect::<Option<Vec<_>>>()
    });
    let Some(parts) = parts else { return Some(unknown) };
    let part = |is_out: bool| -> Vec<&RowChange> {
        parts.iter().filter(|(_, is_held_out)| *is_held_out == is_out).map(|(row, _)| *row).collect()
    };
    let (held_out, learned_from) = (part(true), part(false));
    let text = match (learned_from.is_empty(), held_out.is_empty()) {
        (true, _) if changed.many => return Some(unknown),
        (true, _) => format!("though the rows that differ are held out{}", ids_told(&held_out, false)),
        (_, true) => format!("from the training rows that differ{}", ids_told(&learned_from, changed.many)),
        _ => format!(
            "from the training rows that differ{}, not from those held out{}",
            ids_told(&learned_from, changed.many),
            ids_told(&held_out, changed.many)
        ),
    };
    Some(Rows { text, learned_from: learned_from.into_iter().map(RowChange::called).collect() })
}

/// The split that both trainings have, if it goes by rows.
fn split_of(a: &Side, b: &Side) -> Option<Split> {
    let of = |side: &Side| {
        let is_training = side.trace.as_ref()?.head.origin == Origin::Train;
        let data = side.document.as_ref().filter(|_| is_training)?.get("data")?;
        let split = data.get("split").filter(|_| data.get("group").is_none_or(Value::is_null))?;
        Some((split.get("seed")?.as_u64()?, split.get("test")?.as_f64()?))
    };
    let (seed, test) = of(a).filter(|split| Some(*split) == of(b))?;
    Some(Split::new(Seed(seed), test))
}

/// The key of a row: as its data gave it, or else by its id, as far as the trace has it.
fn key(row: &RowChange, side: &Side) -> Option<RowKey> {
    if row.row_key.is_some() {
        return row.row_key;
    }
    let name = row.name()?;
    if let Some(key) = name.key() {
        return Some(key);
    }
    let trace = side.trace.as_ref()?;
    let id = name.id()?;
    let columns = trace.head.id.as_slice();
    let parts: Vec<&str> = id.split('\u{1f}').collect();
    if parts.len() != columns.len() {
        return None;
    }
    let mut batch = Batch::unkeyed(1);
    for (name, part) in columns.iter().zip(parts) {
        let column = match trace.stages().get(&Stage::Input)?.columns.get(name)?.kind {
            Kind::Integer => Column::Integer(vec![part.parse().ok()?]),
            Kind::Category => Column::Category(Coded::from_strings([Some(part)])),
            Kind::Text => Column::Text(Coded::from_strings([Some(part)])),
            _ => return None,
        };
        batch.insert(name.clone(), column);
    }
    Identity::by_id(columns.iter().cloned()).keys(&batch).ok()?.first().copied()
}

/// The first step before that gives something else: for reasons of its own, or, where nothing else is known, for any.
fn from_step(findings: &Findings, at: usize, slot: &Slot, for_any: bool) -> Option<String> {
    let reads: Option<BTreeSet<ColumnName>> = match slot {
        Slot::Step(pair) => {
            let record = findings.slots.pairs()[*pair].step().record.as_ref()?;
            let reads = record.get("reads").and_then(Value::as_array).into_iter().flatten();
            Some(reads.filter_map(Value::as_str).filter_map(ColumnName::new).collect())
        }
        _ => None,
    };
    let before = (0..at).filter(|at| matches!(findings.slots.iter().nth(*at), Some(Slot::Step(_))));
    let mut before = before.filter(|at| {
        let finding = &findings.found[*at];
        let is_read = reads.as_ref().is_none_or(|reads| finding.seen.columns.iter().any(|name| reads.contains(name)));
        is_read && (!finding.causes.is_empty() || for_any && finding.differs())
    });
    Some(format!("from what {} gives", findings.slots.title(before.next()?)))
}
