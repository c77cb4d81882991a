//! Gives rows their identity: keys from an id or from content, and occurrences among equal keys.

use evenstep_exact::canonical::Hasher;
use evenstep_exact::reduce::Workers;

use crate::cell::{hash_cell, hash_rows, schema_digest};
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
        let nulls = if self.declared { self.nulls(batch) } else { Vec::new() };
        if nulls.is_empty() { Ok(self.hashes(batch)) } else { Err(nulls) }
    }

    /// The keys of a batch that has all the columns of both; where a row has a null in its id, its key by the other identity.
    pub fn keys_or(&self, other: &Identity, batch: &Batch) -> Vec<RowKey> {
        let mut keys = self.hashes(batch);
        let nulls = self.nulls(batch);
        if !nulls.is_empty() {
            let others = other.hashes(batch);
            nulls.into_iter().for_each(|NullId { row }| keys[row] = others[row]);
        }
        keys
    }

    fn nulls(&self, batch: &Batch) -> Vec<NullId> {
        let columns: Vec<&Column> = self.columns.iter().map(|name| batch.column(name)).collect();
        let null = |row: &usize| columns.iter().any(|column| column.is_null(*row));
        (0..batch.rows()).filter(null).map(|row| NullId { row }).collect()
    }

    fn hashes(&self, batch: &Batch) -> Vec<RowKey> {
        let columns: Vec<&Column> = self.columns.iter().map(|name| batch.column(name)).collect();
        let schema = schema_digest(self.columns.iter().zip(&columns).map(|(name, column)| (name, column.kind())));
        let hasher = Hasher::new(&format!("{}:{}", if self.declared { "id" } else { "row" }, schema.short()));
        let digests = hash_rows(&hasher, &columns, 0..batch.rows(), |_, _| ());
        digests.iter().map(|digest| RowKey(digest.first16())).collect()
    }
}

/// The keys that more than one row has, in the order of the keys.
/// Costs 24 bytes a row while it runs.
pub fn duplicates(batches: &[Batch], workers: &Workers) -> Vec<Duplicate> {
    groups(batches, workers, |batch| batch.keys.iter().map(|key| Some(*key)))
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
    let keys = |batch| {
        let cells = Batch::column(batch, column);
        let mut hasher = Hasher::new("evenstep cell");
        (0..batch.rows()).map(move |row| {
            (!cells.is_null(row)).then(|| {
                hash_cell(hasher.reset(), cells, row);
                RowKey(hasher.finish16())
            })
        })
    };
    let mut groups: Vec<_> = groups(batches, workers, keys).into_iter().map(|duplicate| duplicate.rows).collect();
    groups.sort_unstable();
    groups
}

/// The keys that more than one row has. Keys are hashes: their first bytes deal them out evenly, each share to be sorted alone.
fn groups<'a, I: Iterator<Item = Option<RowKey>>>(
    batches: &'a [Batch],
    workers: &Workers,
    keys: impl Fn(&'a Batch) -> I + Sync + Send,
) -> Vec<Duplicate> {
    const SHARES: usize = 64;
    let dealt = workers.map(batches.iter().enumerate().collect(), |(at, batch): (usize, &'a Batch)| {
        let room = || Vec::with_capacity(batch.rows() / SHARES * 5 / 4);
        let mut shares: Vec<Vec<(RowKey, Position)>> = (0..SHARES).map(|_| room()).collect();
        for (row, key) in keys(batch).enumerate() {
            let Some(key) = key else { continue };
            let position = Position { batch: at as u32, row: row as u32 };
            shares[usize::from(key.0[0]) * SHARES / 256].push((key, position));
        }
        shares
    });
    let in_share = |share: usize| {
        let mut keys: Vec<_> = dealt.iter().flat_map(|shares| shares[share].iter().copied()).collect();
        keys.sort_unstable();
        let repeated = keys.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
        let duplicate = |group: &[(RowKey, Position)]| Duplicate {
            key: group[0].0,
            rows: group.iter().map(|(_, position)| *position).collect(),
        };
        repeated.map(duplicate).collect::<Vec<_>>()
    };
    workers.map((0..SHARES).collect(), in_share).into_iter().flatten().collect()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Coded, shuffle};

    fn name(text: &str) -> ColumnName {
        ColumnName::new(text).expect("not empty")
    }

    /// Rows of an id, a category and a number, keyed by the given columns.
    fn table(rows: &[(i64, &str, f64)], identity: &Identity) -> Batch {
        let mut batch = Batch::unkeyed(rows.len());
        batch.insert(name("id"), Column::Integer(rows.iter().map(|row| row.0).collect()));
        batch.insert(name("c"), Column::Category(Coded::from_strings(rows.iter().map(|row| Some(row.1)))));
        batch.insert(name("x"), Column::Number(rows.iter().map(|row| row.2).collect()));
        batch.keys = identity.keys(&batch).expect("no id is null").into();
        batch
    }

    #[test]
    fn a_key_follows_from_values_not_from_codes_or_other_columns() {
        let by_id = Identity::by_id([name("id")]);
        let a = table(&[(1, "a", 0.5), (2, "b", 0.5)], &by_id);
        let b = table(&[(2, "b", 9.0), (1, "z", 0.5)], &by_id);
        assert_eq!((a.keys[0], a.keys[1]), (b.keys[1], b.keys[0]));
        let by_content = Identity::by_content([name("x"), name("c")]);
        let a = table(&[(1, "a", 0.5), (2, "b", -0.0)], &by_content);
        let b = table(&[(9, "b", 0.0), (9, "a", 0.5), (9, "a", f64::NAN)], &by_content);
        assert_eq!((a.keys[0], a.keys[1]), (b.keys[1], b.keys[0]));
        assert_ne!(b.keys[1], b.keys[2]);
    }

    #[test]
    fn a_null_id_is_told_by_its_row() {
        let by_id = Identity::by_id([name("id"), name("x")]);
        let mut batch = table(&[(1, "a", 0.5), (2, "a", 0.5)], &by_id);
        batch.insert(name("x"), Column::Number(vec![f64::NAN, 1.0]));
        assert_eq!(by_id.keys(&batch), Err(vec![NullId { row: 0 }]));
    }

    #[test]
    fn duplicates_are_found_across_batches() {
        let by_id = Identity::by_id([name("id")]);
        let batches = [table(&[(1, "a", 0.5), (2, "a", 0.5)], &by_id), table(&[(3, "b", 1.0), (1, "b", 1.0)], &by_id)];
        let found = duplicates(&batches, &Workers::threads(2));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rows, [Position { batch: 0, row: 0 }, Position { batch: 1, row: 1 }]);
        assert_eq!(repeated(&batches, &name("x"), &Workers::threads(1)).len(), 2);
    }

    #[test]
    fn equal_rows_are_ranked_by_what_is_named_first() {
        let by_c = Identity::by_content([name("c")]);
        let batches = [table(&[(5, "a", 2.0), (1, "a", 3.0)], &by_c), table(&[(9, "a", -1.0), (1, "b", 0.0)], &by_c)];
        let workers = Workers::threads(1);
        assert_eq!(occurrences(&batches, &[name("x")], &workers), [vec![1, 2], vec![0, 0]]);
        assert_eq!(occurrences(&batches, &[name("id")], &workers), [vec![1, 0], vec![2, 0]]);
    }

    proptest! {
        #[test]
        fn ranks_go_with_rows_whatever_their_order(
            rows in prop::collection::vec((0i64..3, "[ab]", prop_oneof![Just(0.5), Just(1.5), Just(f64::NAN)]), 1..40),
            seed in any::<u64>(), size in 1usize..50, threads in 1usize..4,
        ) {
            let by_c = Identity::by_content([name("c")]);
            let rows: Vec<(i64, &str, f64)> = rows.iter().map(|(id, c, x)| (*id, c.as_str(), *x)).collect();
            let lines = |batches: &[Batch]| {
                let ranks = occurrences(batches, &[name("x")], &Workers::threads(threads));
                let mut lines: Vec<String> = batches.iter().zip(&ranks).flat_map(|(batch, ranks)| {
                    (0..batch.rows()).map(move |row| {
                        let cells: Vec<Option<String>> = batch.columns().map(|(_, column)| column.text(row)).collect();
                        format!("{cells:?} {}", ranks[row])
                    })
                }).collect();
                lines.sort();
                lines
            };
            let whole = [table(&rows, &by_c)];
            prop_assert_eq!(lines(&shuffle::shuffled(&whole, seed, size)), lines(&whole));
        }
    }
}
