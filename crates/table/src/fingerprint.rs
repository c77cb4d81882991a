//! The fingerprint of a table: order-free, incremental, collision-resistant.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use evenstep_exact::canonical::{Digest, Hasher};
use evenstep_exact::multiset::LtHash;
use evenstep_exact::reduce::{Partial, Workers};
use serde::{Deserialize, Serialize};

use crate::cell::{hash_cell, schema_digest};
use crate::{Batch, Column, ColumnName, Kind};

/// The sum over rows from which a fingerprint is made. Tables without common rows merge.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RowSum {
    rows: u64,
    hash: LtHash,
}

/// The digest of a table's rows and schema; `fp1:` and 64 hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(pub Digest);

impl RowSum {
    /// Adds a batch's rows: each its RowId, then the given columns' cells in name order.
    pub fn add(&mut self, batch: &Batch, columns: &BTreeMap<ColumnName, Kind>) {
        self.rows += batch.rows() as u64;
        rows(batch, columns, |element| self.hash.add(element));
    }

    /// Takes rows away that were added.
    pub fn subtract(&mut self, batch: &Batch, columns: &BTreeMap<ColumnName, Kind>) {
        self.rows -= batch.rows() as u64;
        rows(batch, columns, |element| self.hash.remove(element));
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The fingerprint of the rows under their schema.
    pub fn fingerprint(&self, columns: &BTreeMap<ColumnName, Kind>) -> Fingerprint {
        let schema = schema_digest(columns.iter().map(|(name, kind)| (name, *kind)));
        let mut hasher = Hasher::new("evenstep fp1");
        hasher.bytes(&schema.0).u64(self.rows).bytes(&self.hash.digest().0);
        Fingerprint(hasher.finish())
    }
}

impl Partial for RowSum {
    fn merge(&mut self, other: RowSum) {
        self.rows += other.rows;
        self.hash.merge(other.hash);
    }
}

/// The fingerprint of all batches over the given columns, which every batch has.
pub fn fingerprint(batches: &[Batch], columns: &BTreeMap<ColumnName, Kind>, workers: &Workers) -> Fingerprint {
    // Small tasks, so that few batches still keep all threads busy.
    const ROWS: usize = 4096;
    let tasks: Vec<(usize, usize)> = batches
        .iter()
        .enumerate()
        .flat_map(|(batch, rows)| (0..rows.rows()).step_by(ROWS).map(move |start| (batch, start)))
        .collect();
    let sum: RowSum = workers.fold(tasks.len(), |task, sum: &mut RowSum| {
        let (batch, start) = tasks[task];
        let batch = &batches[batch];
        let end = batch.rows().min(start + ROWS);
        sum.rows += (end - start) as u64;
        row_range(batch, columns, start..end, |element| sum.hash.add(element));
    });
    sum.fingerprint(columns)
}

fn rows(batch: &Batch, columns: &BTreeMap<ColumnName, Kind>, element: impl FnMut(&[u8; 32])) {
    row_range(batch, columns, 0..batch.rows(), element);
}

fn row_range(
    batch: &Batch,
    columns: &BTreeMap<ColumnName, Kind>,
    range: std::ops::Range<usize>,
    mut element: impl FnMut(&[u8; 32]),
) {
    let cells: Vec<&Column> = columns.keys().map(|name| batch.column(name)).collect();
    let mut hasher = Hasher::new("evenstep fp1 row");
    for row in range {
        let id = batch.row_id(row);
        hasher.reset().bytes(&id.0.0).u64(id.1.into());
        cells.iter().for_each(|column| hash_cell(&mut hasher, column, row));
        element(&hasher.finish().0);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fp1:{}", self.0)
    }
}

/// A text that is not `fp1:` and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a fingerprint is `fp1:` and 64 hex digits")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Fingerprint, NotAFingerprint> {
        let digits = text.strip_prefix("fp1:").ok_or(NotAFingerprint)?;
        Ok(Fingerprint(digits.parse().map_err(|_| NotAFingerprint)?))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Fingerprint, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
