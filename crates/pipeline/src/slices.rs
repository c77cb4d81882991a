//! Metrics of parts of the rows held out: of each value of a column by itself.

use std::collections::BTreeMap;

use evenstep_exact::draw::Draws;
use evenstep_exact::reduce::Workers;
use evenstep_model::metric::Metric;
use evenstep_table::{Batch, Column, ColumnName, Contract, Kind, NULL_BOOLEAN, did_you_mean};

use crate::PipelineError;
use crate::artifact::Slice;
use crate::evaluate::{self, Scores};
use crate::spec::Spec;

/// So many values of a column are measured: those with most rows.
const VALUES_MAX: usize = 20;

/// Of fewer rows nothing can be told but what is true of each of them, and that is nobody's business.
const ROWS_MIN: usize = 10;

/// The rows with one value.
pub(crate) struct Part {
    column: ColumnName,
    value: Option<String>,
    /// Their positions among all rows of the batches.
    rows: Vec<usize>,
}

/// The columns by whose values the spec wants rows told apart.
///
/// # Errors
/// A column that is no input, has too many values by its type, or tells of people.
pub(crate) fn columns(
    spec: &Spec,
    contract: &Contract,
    inputs: &[ColumnName],
) -> Result<Vec<ColumnName>, PipelineError> {
    let find = |name: &String| {
        let refuse = |message: String, help: Option<String>| {
            Err(spec.text.point(PipelineError::input(message).help(help), &["report", "slices"], "named here"))
        };
        let Some(column) = inputs.iter().find(|column| column.as_str() == name) else {
            let help = did_you_mean(name, inputs.iter().map(ColumnName::as_str));
            return refuse(format!("`slices` names `{name}`, which is no input column"), help);
        };
        match contract.columns.get(column) {
            Some(rule) if rule.personal => {
                refuse(format!("`slices` names `{name}`, whose values tell of people and are not shown"), None)
            }
            Some(rule) if !matches!(rule.kind, Kind::Category | Kind::Boolean) => {
                let help = "slices are of categories and booleans; a number with few values can be one by \
                            `type = \"category\"` in the contract";
                refuse(format!("`slices` names `{name}`, a column of type {}", rule.kind.word()), Some(help.to_owned()))
            }
            _ => Ok(column.clone()),
        }
    };
    spec.report.slices.iter().map(find).collect()
}

/// The rows of each value of these columns, those with most rows first, of equals in the order of the values' bytes.
pub(crate) fn parts(columns: &[ColumnName], batches: &[Batch]) -> Vec<Part> {
    columns.iter().flat_map(|column| parts_of(column, batches)).collect()
}

fn parts_of(name: &ColumnName, batches: &[Batch]) -> Vec<Part> {
    let mut rows: BTreeMap<Option<String>, Vec<usize>> = BTreeMap::new();
    let mut before = 0;
    for batch in batches {
        let column = batch.column(name);
        for row in 0..batch.rows() {
            let value = value(column, row);
            match rows.get_mut(&value) {
                Some(rows) => rows.push(before + row),
                None => drop(rows.insert(value, vec![before + row])),
            }
        }
        before += batch.rows();
    }
    let mut parts: Vec<Part> =
        rows.into_iter().map(|(value, rows)| Part { column: name.clone(), value, rows }).collect();
    parts.retain(|part| part.rows.len() >= ROWS_MIN);
    parts.sort_by_key(|part| std::cmp::Reverse(part.rows.len()));
    parts.truncate(VALUES_MAX);
    parts
}

fn value(column: &Column, row: usize) -> Option<String> {
    match column {
        Column::Boolean(cells) => (cells[row] != NULL_BOOLEAN).then(|| (cells[row] != 0).to_string()),
        column => column.coded()?.get(row).map(|value| value.to_string()),
    }
}

/// Each metric on each part, as on all rows.
pub(crate) fn measure(
    parts: Vec<Part>,
    metrics: &[Metric],
    scores: &Scores,
    draws: &Draws,
    workers: &Workers,
) -> Vec<Slice> {
    let slice = |part: Part| Slice {
        rows: part.rows.len() as u64,
        metrics: evaluate::measure(metrics, &scores.of_rows(&part.rows), draws, workers),
        column: part.column,
        value: part.value,
    };
    parts.into_iter().map(slice).collect()
}
