//! The fingerprint of a table: order-free, incremental, collision-resistant.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use evenstep_exact::canonical::{Digest, Hasher};
use evenstep_exact::multiset::AdHash;
use evenstep_exact::reduce::{Partial, Workers};
use serde::{Deserialize, Serialize};

use crate::cell::{hash_rows, schema_digest};
use crate::{Batch, Column, ColumnName, Kind};

/// The sum over rows from which a fingerprint is made. Tables without common rows merge.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RowSum {
    rows: u64,
    hash: AdHash,
}

/// The digest of a table's rows and schema; `fp1:` and 64 hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(pub Digest);

impl RowSum {
    /// Adds a batch's rows: each its RowId, then the given columns' cells in name order.
    pub fn add(&mut self, batch: &Batch, columns: &BTreeMap<ColumnName, Kind>) {
        self.rows += batch.rows() as u64;
        self.hash.add(&elements(batch, columns, 0..batch.rows()));
    }

    /// Takes rows away that were added.
    pub fn subtract(&mut self, batch: &Batch, columns: &BTreeMap<ColumnName, Kind>) {
        self.rows -= batch.rows() as u64;
        self.hash.remove(&elements(batch, columns, 0..batch.rows()));
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
        sum.hash.add(&elements(batch, columns, start..end));
    });
    sum.fingerprint(columns)
}

/// The digest of each row.
fn elements(batch: &Batch, columns: &BTreeMap<ColumnName, Kind>, range: std::ops::Range<usize>) -> Vec<[u8; 32]> {
    let cells: Vec<&Column> = columns.keys().map(|name| batch.column(name)).collect();
    let with_id = |hasher: &mut Hasher, row: usize| {
        let id = batch.row_id(row);
        hasher.bytes(&id.0.0).u64(id.1.into());
    };
    let digests = hash_rows(&Hasher::new("evenstep fp1 row"), &cells, range, with_id);
    digests.into_iter().map(|digest| digest.0).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Coded, Identity, Schema, shuffle};

    fn name(text: &str) -> ColumnName {
        ColumnName::new(text).expect("not empty")
    }

    fn table(rows: std::ops::Range<i64>) -> Batch {
        let mut batch = Batch::unkeyed(rows.clone().count());
        batch.insert(name("n"), Column::Integer(rows.clone().collect()));
        let texts = rows.map(|n| (n % 4 > 0).then(|| format!("v{}", n % 3)));
        batch.insert(name("c"), Column::Category(Coded::from_strings(texts)));
        batch.keys = Identity::by_id([name("n")]).keys(&batch).expect("no null").into();
        batch
    }

    fn of(batches: &[Batch], schema: &Schema) -> Fingerprint {
        fingerprint(batches, schema, &Workers::threads(2))
    }

    #[test]
    fn order_and_partition_don_t_matter_and_every_cell_does() {
        let whole = table(0..100);
        let schema = whole.schema();
        let expected = of(std::slice::from_ref(&whole), &schema);
        for (seed, size) in [(1, 100), (2, 7), (3, 1)] {
            assert_eq!(of(&shuffle::shuffled(std::slice::from_ref(&whole), seed, size), &schema), expected);
        }
        let mut other = whole.clone();
        let mut cells: Vec<i64> = (0..100).collect();
        cells[50] = 1000;
        other.insert(name("n"), Column::Integer(cells));
        assert_ne!(of(&[other], &schema), expected);
        assert_ne!(of(&[table(0..99)], &schema), expected);
        let fewer: Schema =
            schema.iter().filter(|(column, _)| column.as_str() == "n").map(|(n, k)| (n.clone(), *k)).collect();
        assert_ne!(of(&[whole], &fewer), expected);
    }

    #[test]
    fn rows_come_and_go() {
        let schema = table(0..1).schema();
        let mut sum = RowSum::default();
        sum.add(&table(0..60), &schema);
        let mut rest = RowSum::default();
        rest.add(&table(60..100), &schema);
        sum.merge(rest);
        assert_eq!(sum.fingerprint(&schema), of(&[table(0..100)], &schema));
        sum.subtract(&table(10..20), &schema);
        assert_eq!(sum.fingerprint(&schema), of(&[table(0..10), table(20..100)], &schema));
        assert_eq!(sum.rows(), 90);
    }

    #[test]
    fn its_text_reads_back() {
        let schema = table(0..1).schema();
        let fingerprint = of(&[table(0..3)], &schema);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        assert_eq!("fp2:00".parse::<Fingerprint>(), Err(NotAFingerprint));
        // The same bits on every host, and in every release of this epoch.
        insta::assert_snapshot!(fingerprint, @"fp1:cf435bd835cb29c0f3751afc8613050055de80f44753aaa262daa55a45997db8");
    }
}
