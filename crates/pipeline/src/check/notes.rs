//! What a check says for people.

use evenstep_table::infer::Evidence;
use evenstep_table::{Batch, Column, ColumnName, NULL_INTEGER, counted};

use crate::as_of;
use crate::init::{Words, dates_in_two_ways, declare};
use crate::mixed::is_declared;
use crate::prepare::Surveyed;
use crate::spec::Spec;

/// Integers beyond it are not all floats.
const LARGE: u64 = 1 << 53;

/// What is to be said of the spec, and of types that were inferred.
pub(super) fn notes(spec: &Spec, surveyed: &Surveyed, extra: &[ColumnName], rows: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if surveyed.roles.id.is_empty() {
        notes.push(format!(
            "no id is declared: rows are told apart by their {}, so another choice of columns is another split",
            counted(surveyed.inputs.len(), "input column")
        ));
        if spec.draws() {
            notes.push("a step draws when it is applied: without an id, equal rows draw equally".to_owned());
        }
    } else {
        notes.push(format!("that ids are unique took {} of memory to check", bytes(rows * 24)));
    }
    let asked = spec.data.as_of.and_then(|_| as_of::column(&surveyed.roles)).map(|(_, column)| column);
    let extra: Vec<&ColumnName> = extra.iter().filter(|name| asked != Some(*name)).collect();
    if !extra.is_empty() {
        let names: Vec<&str> = extra.into_iter().map(ColumnName::as_str).collect();
        notes.push(format!("columns that the pipeline doesn't use: {}", names.join(", ")));
    }
    notes
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{} KB", count.div_ceil(1000)),
        _ => format!("{} MB", count.div_ceil(1_000_000)),
    }
}

/// What is to be said of inputs that are texts, but look like dates.
pub(super) fn dates(spec: &Spec, surveyed: &Surveyed, batches: &[Batch]) -> Vec<String> {
    let mut notes = Vec::new();
    for name in surveyed.inputs.iter().filter(|name| !is_declared(spec, name)) {
        let mut words = Words::default();
        batches.iter().filter_map(|batch| batch.column(name).coded()).for_each(|coded| words.see(coded));
        let declared = declare(name, &surveyed.inferred.columns[name], Some(&words), false);
        if let Some(declared) =
            declared.filter(|declared| words.cells() > 0 && declared.format.is_some() && !declared.kind.is_numeric())
        {
            notes.push(format!("the values of `{name}` look like dates or times: [contract] {}", declared.line(name)));
        } else if !surveyed.contract.columns[name].personal {
            notes.extend(dates_in_two_ways(name, &words));
        }
    }
    notes
}

/// Whether the column has integers that a float doesn't hold.
pub(super) fn is_large(name: &ColumnName, evidence: &Evidence, batches: &[Batch]) -> bool {
    batches.iter().any(|batch| match batch.column(name) {
        Column::Number(_) => evidence.beyond() > 0,
        Column::Integer(cells) => cells.iter().any(|cell| *cell != NULL_INTEGER && cell.unsigned_abs() > LARGE),
        _ => false,
    })
}
