//! A table as `bench/tree_data.py` writes it: a folder with `header.json` and one file a column, little-endian, and one of weights if
//! rows have any.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenstep_table::{Batch, Coded, Column, ColumnName, Kind, Labels, RowKey, Schema, Task};
use serde::Deserialize;

pub(crate) struct Table {
    folder: PathBuf,
    header: Header,
}

#[derive(Deserialize)]
struct Header {
    /// Empty in a regression.
    classes: Vec<String>,
    columns: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    /// The strings that the codes of a category point to; none for a number.
    values: Option<Vec<String>>,
}

/// Row numbers.
pub(crate) struct Rows(Vec<u32>);

impl Rows {
    pub(crate) fn read(path: &Path) -> Rows {
        Rows(cells(path, u32::from_le_bytes))
    }
}

impl Table {
    pub(crate) fn open(folder: &Path) -> Table {
        let header = std::fs::read(folder.join("header.json")).expect("a table has a header");
        Table { folder: folder.to_owned(), header: serde_json::from_slice(&header).expect("a header") }
    }

    pub(crate) fn task(&self) -> Task {
        match &self.header.classes[..] {
            [] => Task::Regression,
            [no, yes] => Task::Binary { classes: [no.clone(), yes.clone()] },
            classes => Task::Multiclass { classes: classes.to_vec() },
        }
    }

    pub(crate) fn schema(&self) -> Schema {
        let kind = |column: &Described| if column.values.is_some() { Kind::Category } else { Kind::Number };
        self.header.columns.iter().map(|column| (name(column), kind(column))).collect()
    }

    /// The given rows with their labels, so many in a batch; a row is known by its number.
    pub(crate) fn batches(&self, rows: &Rows, batch_rows: usize) -> Vec<Batch> {
        let chunks = || rows.0.chunks(batch_rows);
        let target = cells(&self.folder.join("target"), f64::from_le_bytes);
        let weight = self.folder.join("weight");
        let weight = if weight.exists() { cells(&weight, f64::from_le_bytes) } else { Vec::new() };
        let mut batches: Vec<Batch> = chunks()
            .map(|rows| {
                let mut batch = Batch::new(rows.iter().map(|row| key(*row)).collect());
                let (occurrence, target) = (vec![0; rows.len()], pick(&target, rows));
                let weight = if weight.is_empty() { Vec::new() } else { pick(&weight, rows) };
                batch.labels = Some(Arc::new(Labels { occurrence, target, weight, ..Labels::default() }));
                batch
            })
            .collect();
        // One column at a time, so that little more than the batches is held.
        for (position, column) in self.header.columns.iter().enumerate() {
            let path = self.folder.join(position.to_string());
            match &column.values {
                None => {
                    let all = cells(&path, f64::from_le_bytes);
                    for (batch, rows) in batches.iter_mut().zip(chunks()) {
                        batch.insert(name(column), Column::Number(pick(&all, rows)));
                    }
                }
                Some(values) => {
                    let values: Arc<Vec<Arc<str>>> =
                        Arc::new(values.iter().map(|value| value.as_str().into()).collect());
                    let all = cells(&path, u32::from_le_bytes);
                    for (batch, rows) in batches.iter_mut().zip(chunks()) {
                        let coded = Coded { values: values.clone(), codes: pick(&all, rows) };
                        batch.insert(name(column), Column::Category(coded));
                    }
                }
            }
        }
        batches
    }
}

fn name(column: &Described) -> ColumnName {
    ColumnName::new(&column.name).expect("a name")
}

/// Spread like the keys of real rows, which are hashes.
fn key(row: u32) -> RowKey {
    RowKey(u128::from(row).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_le_bytes())
}

fn pick<T: Copy>(cells: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|row| cells[*row as usize]).collect()
}

fn cells<T, const BYTES: usize>(path: &Path, of: impl Fn([u8; BYTES]) -> T) -> Vec<T> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (cells, rest) = bytes.as_chunks::<BYTES>();
    assert!(rest.is_empty(), "{} holds whole cells", path.display());
    cells.iter().map(|cell| of(*cell)).collect()
}
