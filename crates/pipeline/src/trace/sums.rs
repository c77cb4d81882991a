//! What is gathered of the rows that pass a stage: sums that merge in any order.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Partial;
use evenstep_table::{Batch, Column, ColumnName, Kind, RowKey};
use serde::{Deserialize, Serialize};

use super::Stage;
use super::hash::{self, Wide};
use super::sketch::{Element, RowName, Sketch, id_text};

/// Buckets while sums are gathered; fewer are stored where there are many columns.
pub(crate) const BUCKETS: usize = 256;

/// What has passed each stage so far.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Sums {
    pub(crate) stages: BTreeMap<Stage, Passed>,
}

/// What has passed one stage.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct Passed {
    pub(crate) rows: u64,
    pub(crate) row_set: Wide,
    pub(crate) columns: BTreeMap<ColumnName, ColumnSum>,
    /// At the input and at the output.
    pub(crate) ends: Option<Sketch>,
}

/// The cells of one column.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct ColumnSum {
    pub(crate) kind: Option<Kind>,
    pub(crate) nulls: u64,
    pub(crate) values: Wide,
    /// Empty as long as no row has passed.
    pub(crate) buckets: Vec<Wide>,
}

/// What a column is called, and its cells.
pub(crate) type Named<'a> = (&'a ColumnName, &'a Column);

impl Sums {
    /// Adds the cells of the columns that a stage wrote.
    pub(crate) fn add<'a>(&mut self, stage: &Stage, keys: &[RowKey], columns: impl IntoIterator<Item = Named<'a>>) {
        let passed = self.passed(stage, keys);
        let rows = Rows::of(keys);
        for (name, column) in columns {
            passed.column(name, column).add(&rows, column);
        }
    }

    /// Adds rows where they come in or go out: they are sketched, too, by their declared id or by their key.
    pub(crate) fn add_ends<'a>(
        &mut self,
        stage: &Stage,
        keys: &[RowKey],
        id: &[&Column],
        columns: impl IntoIterator<Item = Named<'a>>,
    ) {
        let passed = self.passed(stage, keys);
        let rows = Rows::of(keys);
        let mut content = vec![0_u64; keys.len()];
        for (name, column) in columns {
            passed.column(name, column).add_with_content(&rows, column, hash::of_name(name.as_str()), &mut content);
        }
        let sketch = passed.ends.get_or_insert_default();
        elements(keys, id, &content, |_, element| sketch.add(&element));
    }

    fn passed(&mut self, stage: &Stage, keys: &[RowKey]) -> &mut Passed {
        if !self.stages.contains_key(stage) {
            self.stages.insert(stage.clone(), Passed::default());
        }
        let passed = self.stages.get_mut(stage).expect("it is there now");
        passed.rows += keys.len() as u64;
        for key in keys {
            hash::add(&mut passed.row_set, hash::alone(hash::words(key)));
        }
        passed
    }
}

/// The sketch's elements of all rows of a batch, by the columns whose hashes `content` has gathered.
pub(crate) fn elements(keys: &[RowKey], id: &[&Column], content: &[u64], mut each: impl FnMut(usize, Element)) {
    let mut text = Vec::new();
    for (row, (key, content)) in keys.iter().zip(content).enumerate() {
        let name = if id.is_empty() {
            RowName::of_key(key)
        } else {
            id_text(id, row, &mut text);
            RowName::of_id(&text)
        };
        each(row, Element { name, content: *content });
    }
}

/// The hash of each row's cells in these columns.
pub(crate) fn contents(batch: &Batch, names: &[&ColumnName]) -> Vec<u64> {
    let mut content = vec![0_u64; batch.rows()];
    for name in names {
        let of_name = hash::of_name(name.as_str());
        let sum = |row: usize, cell| content[row] = content[row].wrapping_add(hash::in_content(cell, of_name));
        hash::cells(batch.column(name), sum);
    }
    content
}

impl Passed {
    fn column(&mut self, name: &ColumnName, column: &Column) -> &mut ColumnSum {
        if !self.columns.contains_key(name) {
            self.columns.insert(name.clone(), ColumnSum::default());
        }
        let sum = self.columns.get_mut(name).expect("it is there now");
        sum.kind = Some(column.kind());
        if sum.buckets.is_empty() {
            sum.buckets = vec![[0; 2]; BUCKETS];
        }
        sum
    }
}

/// The one of 256 buckets in which a row is summed up.
pub(crate) fn bucket_of(key: &RowKey) -> u8 {
    bucket(hash::words(key))
}

fn bucket(row: Wide) -> u8 {
    (hash::of_row(row) >> 56) as u8
}

/// Rows as they are mixed with cells.
struct Rows {
    /// The words of their keys.
    words: Vec<Wide>,
    /// Which bucket each falls into.
    buckets: Vec<u8>,
}

impl Rows {
    fn of(keys: &[RowKey]) -> Rows {
        let words: Vec<Wide> = keys.iter().map(hash::words).collect();
        let buckets = words.iter().copied().map(bucket).collect();
        Rows { words, buckets }
    }
}

impl ColumnSum {
    fn add(&mut self, rows: &Rows, column: &Column) {
        self.nulls += column.nulls() as u64;
        let buckets = self.buckets.first_chunk_mut::<BUCKETS>().expect("all buckets are there");
        let (words, bucket) = (&rows.words[..column.rows()], &rows.buckets[..column.rows()]);
        hash::cells(column, |at, cell| {
            hash::add(&mut buckets[usize::from(bucket[at])], hash::in_row(words[at], cell));
        });
    }

    fn add_with_content(&mut self, rows: &Rows, column: &Column, name: u64, content: &mut [u64]) {
        self.nulls += column.nulls() as u64;
        let buckets = self.buckets.first_chunk_mut::<BUCKETS>().expect("all buckets are there");
        let (words, bucket) = (&rows.words[..column.rows()], &rows.buckets[..column.rows()]);
        let content = &mut content[..column.rows()];
        let mut values = self.values;
        hash::cells(column, |at, cell| {
            hash::add(&mut buckets[usize::from(bucket[at])], hash::in_row(words[at], cell));
            hash::add(&mut values, hash::alone(cell));
            content[at] = content[at].wrapping_add(hash::in_content(cell, name));
        });
        self.values = values;
    }
}

impl Partial for Sums {
    fn merge(&mut self, other: Sums) {
        for (stage, theirs) in other.stages {
            self.stages.entry(stage).or_default().merge(theirs);
        }
    }
}

impl Partial for Passed {
    fn merge(&mut self, other: Passed) {
        self.rows += other.rows;
        hash::add(&mut self.row_set, other.row_set);
        Partial::merge(&mut self.columns, other.columns);
        match (&mut self.ends, other.ends) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }
}

impl Partial for ColumnSum {
    fn merge(&mut self, other: ColumnSum) {
        self.kind = self.kind.or(other.kind);
        self.nulls += other.nulls;
        hash::add(&mut self.values, other.values);
        if self.buckets.is_empty() {
            self.buckets = other.buckets;
            return;
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            hash::add(mine, theirs);
        }
    }
}
