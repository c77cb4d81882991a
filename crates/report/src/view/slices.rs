//! How well the model does on parts of the rows held out: a table a column, a line a value.

use super::scores::interval;
use crate::metric::{self, finite};
use crate::number::count;
use crate::{Page, SliceLine};

/// The metrics by the values of one column.
pub(super) struct SliceTable {
    pub(super) column: String,
    /// The metrics' labels.
    pub(super) heads: Vec<String>,
    pub(super) rows: Vec<SliceRow>,
}

/// The metrics on the rows that have one value.
pub(super) struct SliceRow {
    /// Absent where the value is missing.
    pub(super) value: Option<String>,
    pub(super) count: String,
    pub(super) cells: Vec<SliceCell>,
}

/// One metric on them.
pub(super) struct SliceCell {
    pub(super) value: String,
    pub(super) interval: String,
    pub(super) baseline: String,
}

/// The tables, in the order of their columns' names.
pub(super) fn slices(page: &Page) -> Vec<SliceTable> {
    let mut tables: Vec<SliceTable> = Vec::new();
    for line in &page.slices {
        let at = tables.iter().position(|table| table.column == line.column).unwrap_or_else(|| {
            let heads = line.metrics.iter().map(|of| metric::label(&of.name)).collect();
            tables.push(SliceTable { column: line.column.clone(), heads, rows: Vec::new() });
            tables.len() - 1
        });
        tables[at].rows.push(row(line));
    }
    tables.sort_by(|a, b| a.column.cmp(&b.column));
    tables
}

fn row(line: &SliceLine) -> SliceRow {
    let cell = |of: &crate::MetricLine| {
        let print = |x: Option<f64>| finite(x).map(|x| metric::print(&of.name, x));
        SliceCell {
            value: print(of.value).unwrap_or_else(|| "undefined".to_owned()),
            interval: interval(of),
            baseline: print(of.baseline).map_or_else(String::new, |baseline| format!("baseline {baseline}")),
        }
    };
    SliceRow { value: line.value.clone(), count: count(line.rows), cells: line.metrics.iter().map(cell).collect() }
}
