//! Gives rows their identity: keys from an id or from content, and occurrences among equal keys.

use evenstep_exact::canonical::Hasher;
use evenstep_exact::reduce::Workers;

use crate::cell::{hash_cell, schema_digest};
use crate::{Batch, Column, ColumnName, RowKey};

/// Which columns make a row what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    columns: Vec<ColumnName>,
    declared: bool,
}

/// A row whose id is null, by its position in the batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NullId {
    /// The row within the batch.
    pub row: usize,
}

/// A row by its batch and its position there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// Which batch.
    pub batch: u32,
    /// The row within the batch.
    pub row: u32,
}

/// Rows that have one and the same key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Duplicate {
    /// The key.
    pub key: RowKey,
    /// The rows, in the order of the batches.
    pub rows: Vec<Position>,
}

impl Identity {
    /// By a declared id of one column or several.
    pub fn by_id(columns: impl IntoIterator<Item = ColumnName>) -> Identity {
        Identity::new(columns, true)
    }

    /// By the content of the input columns.
    pub fn by_content(columns: impl IntoIterator<Item = ColumnName>) -> Identity {
        Identity::new(columns, false)
    }

    fn new(columns: impl IntoIterator<Item = ColumnName>, declared: bool) -> Identity {
        let mut columns: Vec<ColumnName> = columns.into_iter().collect();
        columns.sort_unstable();
        columns.dedup();
        Identity { columns, declared }
    }

    /// The columns, in name order.
    pub fn columns(&self) -> &[ColumnName] {
        &self.columns
    }

    /// Whether an id is declared, so that every row has its own key.
    pub fn is_declared(&self) -> bool {
        self.declared
    }

    /// The keys of a batch that has all the columns; a null in a declared id is an error.
    pub fn keys(&self, batch: &Batch) -> Result<Vec<RowKey>, Vec<NullId>> {
        let columns: Vec<&Column> = self.columns.iter().map(|name| batch.column(name)).collect();
        if self.declared {
            let null = |row: &usize| columns.iter().any(|column| column.is_null(*row));
            let nulls: Vec<NullId> = (0..batch.rows()).filter(null).map(|row| NullId { row }).collect();
            if !nulls.is_empty() {
                return Err(nulls);
            }
        }
        let schema = schema_digest(self.columns.iter().zip(&columns).map(|(name, column)| (name, column.kind())));
        let mut hasher = Hasher::new(&format!("{}:{}", if self.declared { "id" } else { "row" }, schema.short()));
        Ok((0..batch.rows())
            .map(|row| {
                hasher.reset();
                columns.iter().for_each(|column| hash_cell(&mut hasher, column, row));
                RowKey(hasher.finish16())
            })
            .collect())
    }
}

/// The keys that more than one row has, in the order of the keys.
/// Costs 24 bytes a row while it runs.
pub fn duplicates(batches: &[Batch], workers: &Workers) -> Vec<Duplicate> {
    let keys = batches.iter().map(|batch| batch.keys.iter().map(|key| Some(*key)));
    sorted(keys, workers)
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .map(|group| Duplicate { key: group[0].0, rows: group.iter().map(|(_, position)| *position).collect() })
        .collect()
}

/// The rank of every row among rows of equal keys, batch by batch: by `first` columns, then by all
/// others in name order.
///
/// Exact, since rows that are ranked by position are equal in every cell.
pub fn occurrences(batches: &[Batch], first: &[ColumnName], workers: &Workers) -> Vec<Vec<u32>> {
    let mut ranks: Vec<Vec<u32>> = batches.iter().map(|batch| vec![0; batch.rows()]).collect();
    for duplicate in duplicates(batches, workers) {
        let mut rows: Vec<(Vec<u8>, Position)> = duplicate
            .rows
            .into_iter()
            .map(|at| (content(&batches[at.batch as usize], at.row as usize, first), at))
            .collect();
        rows.sort_unstable();
        for (rank, (_, at)) in rows.into_iter().enumerate() {
            ranks[at.batch as usize][at.row as usize] = rank as u32;
        }
    }
    ranks
}

/// The rows of each value that occurs more than once in the column; nulls don't count.
pub fn repeated(batches: &[Batch], column: &ColumnName, workers: &Workers) -> Vec<Vec<Position>> {
    let keys = batches.iter().map(|batch| {
        let cells = batch.column(column);
        let mut hasher = Hasher::new("evenstep cell");
        (0..batch.rows()).map(move |row| {
            (!cells.is_null(row)).then(|| {
                hash_cell(hasher.reset(), cells, row);
                RowKey(hasher.finish16())
            })
        })
    });
    let mut groups: Vec<Vec<Position>> = sorted(keys, workers)
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|group| group.len() > 1)
        .map(|group| group.iter().map(|(_, position)| *position).collect())
        .collect();
    groups.sort_unstable();
    groups
}

/// All keys with their positions, by key, then by position.
fn sorted<I: Iterator<Item = Option<RowKey>>>(
    batches: impl Iterator<Item = I>,
    workers: &Workers,
) -> Vec<(RowKey, Position)> {
    use rayon::prelude::*;
    let mut keys = Vec::new();
    for (batch, rows) in batches.enumerate() {
        let at = |row: usize| Position { batch: batch as u32, row: row as u32 };
        keys.extend(rows.enumerate().filter_map(|(row, key)| Some((key?, at(row)))));
    }
    workers.install(|| keys.par_sort_unstable());
    keys
}

/// What a row is ranked by: its cells as canonical bytes.
fn content(batch: &Batch, row: usize, first: &[ColumnName]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let others = batch.columns().filter(|(name, _)| !first.contains(name)).map(|(_, column)| column);
    for column in first.iter().filter_map(|name| batch.get(name.as_str())).chain(others) {
        crate::cell::write_cell(&mut bytes, column, row);
    }
    bytes
}
