//! A difference as the page shows it.

use std::collections::BTreeSet;

use evenstep_pipeline::diff::{Cells, Change, Difference, RowChange, StageLine, State, visible};
use evenstep_report as report;
use evenstep_table::{ColumnName, some_of};
use serde_json::Value;

const ROWS_SHOWN: usize = 200;
const COLUMNS_SHOWN: usize = 8;

/// The page of a difference.
pub(super) fn page(difference: &Difference, a: &str, b: &str) -> report::Difference {
    let first = difference.first.as_ref();
    let parting = first.map(|place| match &place.column {
        Some(column) => format!("They part at {}, column `{column}`.", place.stage),
        None => format!("They part at {}.", place.stage),
    });
    let rows = first.map_or(&[][..], |place| &place.rows);
    let more = rows.len().saturating_sub(ROWS_SHOWN);
    let stage = |line: &StageLine| report::DifferenceStage {
        title: line.stage.clone(),
        state: match line.state {
            State::Same => report::DifferenceState::Same,
            State::Differs => report::DifferenceState::Differs,
            State::Unknown => report::DifferenceState::Unknown,
        },
        summary: columns_told(line, COLUMNS_SHOWN),
        parts: first.is_some_and(|place| place.stage == line.stage),
    };
    report::Difference {
        a: a.to_owned(),
        b: b.to_owned(),
        parting: parting.unwrap_or_else(|| format!("{}.", nowhere(difference))),
        causes: difference
            .causes
            .iter()
            .map(|cause| report::DifferenceCause {
                kind: cause.kind.to_owned(),
                likely: cause.likely,
                text: cause.text.clone(),
            })
            .collect(),
        stages: difference.stages.iter().map(stage).collect(),
        rows: rows.iter().take(ROWS_SHOWN).flat_map(lines).collect(),
        rows_note: match (more, first.is_some_and(|place| place.many)) {
            (_, true) if rows.is_empty() => "There are more rows than a trace can name.".to_owned(),
            (_, true) => "And more.".to_owned(),
            (0, false) => String::new(),
            (more, false) => format!("And {more} more."),
        },
        notes: difference.notes.clone(),
    }
}

/// What is said where no place is known at which the runs part.
pub(super) fn nowhere(difference: &Difference) -> &'static str {
    let is_unmatched = difference.causes.iter().all(|cause| cause.kind == "unmatched");
    match difference.equal {
        true if difference.open => "Nothing that was compared differs",
        true => "Nothing differs",
        false if is_unmatched => "Not shown to be the same",
        false => "They differ",
    }
}

/// A line for each cell of a row; one for a row without cells.
fn lines(row: &RowChange) -> Vec<[String; 5]> {
    let head = [change_word(row.change).to_owned(), name_of(row)];
    let names: BTreeSet<&ColumnName> = row.a.iter().chain(&row.b).flat_map(|cells| cells.keys()).collect();
    let text = |cells: &Option<Cells>, name: &ColumnName| match cells.as_ref().and_then(|cells| cells.get(name)) {
        Some(Some(text)) => visible(text).into_owned(),
        Some(None) => "missing".to_owned(),
        None => String::new(),
    };
    let [word, id] = head;
    if names.is_empty() {
        return vec![[word, id, String::new(), String::new(), String::new()]];
    }
    let line = |name: &ColumnName| [word.clone(), id.clone(), name.to_string(), text(&row.a, name), text(&row.b, name)];
    names.into_iter().map(line).collect()
}

/// What became of a row.
pub(super) fn change_word(change: Change) -> &'static str {
    match change {
        Change::Changed => "changed",
        Change::Removed => "removed",
        Change::Added => "added",
    }
}

/// What a row is called: its id, its place, or its key.
pub(super) fn name_of(row: &RowChange) -> String {
    match (&row.id, row.place_a.as_ref().or(row.place_b.as_ref()), &row.key) {
        (Value::String(id), ..) => format!("id {}", visible(id)),
        (Value::Object(parts), ..) => {
            let part =
                |(name, value): (&String, &Value)| format!("{name} {}", visible(value.as_str().unwrap_or_default()));
            parts.iter().map(part).collect::<Vec<_>>().join(", ")
        }
        (_, Some(place), _) => place.clone(),
        (_, None, Some(key)) => format!("key {}", &key[..key.len().min(12)]),
        _ => "?".to_owned(),
    }
}

/// The columns of a stage that differ, and how far.
pub(super) fn columns_told(line: &StageLine, most: usize) -> String {
    if line.columns.is_empty() {
        return String::new();
    }
    let named = some_of(line.columns.iter().map(|name| format!("`{name}`")), most, ", ");
    let buckets = line.buckets.map_or(String::new(), |(some, all)| format!(", in {some} of {all} buckets of rows"));
    format!("{named}{buckets}")
}
