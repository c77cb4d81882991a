//! What is gathered of the rows that pass a stage: sums that merge in any order.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Partial;
use evenstep_table::{Batch, Column, ColumnName, Kind, RowKey};
use serde::{Deserialize, Serialize};

use super::Stage;
use super::hash::{self, Words};
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
    pub(crate) row_set: u64,
    pub(crate) columns: BTreeMap<ColumnName, ColumnSum>,
    /// At the input and at the output.
    pub(crate) ends: Option<Sketch>,
}

/// The cells of one column.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct ColumnSum {
    pub(crate) kind: Option<Kind>,
    pub(crate) nulls: u64,
    pub(crate) values: u64,
    /// Empty as long as no row has passed.
    pub(crate) buckets: Vec<u64>,
}

/// What a column is called, and its cells.
type Cells<'a> = (&'a ColumnName, &'a Column);

/// Rows with what they are called in a sketch: their declared id, or their key.
pub(crate) struct Named<'a> {
    keys: &'a [RowKey],
    names: Vec<RowName>,
}

impl<'a> Named<'a> {
    pub(crate) fn of(keys: &'a [RowKey], id: &[&Column]) -> Named<'a> {
        let mut text = Vec::new();
        let mut name = |(row, key)| {
            if id.is_empty() {
                return RowName::of_key(key);
            }
            id_text(id, row, &mut text);
            RowName::of_id(&text)
        };
        Named { keys, names: keys.iter().enumerate().map(&mut name).collect() }
    }
}

impl Sums {
    /// Adds the cells of the columns that a stage wrote.
    pub(crate) fn add<'a>(&mut self, stage: &Stage, keys: &[RowKey], columns: impl IntoIterator<Item = Cells<'a>>) {
        let passed = self.passed(stage, keys);
        let (rows, mut cells) = (Rows::of(keys), Vec::new());
        for (name, column) in columns {
            hash::cells(column, &mut cells);
            passed.column(name, column).add(&rows, &cells);
        }
    }

    /// Adds rows where they come in or go out: they are sketched, too.
    pub(crate) fn add_ends<'a>(
        &mut self,
        stage: &Stage,
        rows: &Named<'_>,
        columns: impl IntoIterator<Item = Cells<'a>>,
    ) {
        let passed = self.passed(stage, rows.keys);
        let (keys, mut cells) = (Rows::of(rows.keys), Vec::new());
        let mut content = vec![0_u64; rows.keys.len()];
        for (name, column) in columns {
            hash::cells(column, &mut cells);
            let sum = passed.column(name, column);
            sum.add(&keys, &cells);
            sum.values = cells.iter().fold(sum.values, |sum, cell| sum.wrapping_add(hash::alone(*cell)));
            add_content(&mut content, name, &cells);
        }
        let sketch = passed.ends.get_or_insert_default();
        for (name, content) in rows.names.iter().zip(content) {
            sketch.add(&Element { name: *name, content });
        }
    }

    fn passed(&mut self, stage: &Stage, keys: &[RowKey]) -> &mut Passed {
        if !self.stages.contains_key(stage) {
            self.stages.insert(stage.clone(), Passed::default());
        }
        let passed = self.stages.get_mut(stage).expect("it is there now");
        passed.rows += keys.len() as u64;
        for key in keys {
            passed.row_set = passed.row_set.wrapping_add(hash::of_row(hash::words(key)));
        }
        passed
    }
}

/// The sketch's elements of all rows of a batch, by the columns whose hashes `content` has gathered.
pub(crate) fn elements(keys: &[RowKey], id: &[&Column], content: &[u64], mut each: impl FnMut(usize, Element)) {
    for (row, (name, content)) in Named::of(keys, id).names.into_iter().zip(content).enumerate() {
        each(row, Element { name, content: *content });
    }
}

/// The hash of each row's cells in these columns, each under the name that it is called by.
pub(crate) fn contents<'a>(
    batch: &Batch,
    names: &[&'a ColumnName],
    called: impl Fn(&'a ColumnName) -> &'a ColumnName,
) -> Vec<u64> {
    let (mut content, mut cells) = (vec![0_u64; batch.rows()], Vec::new());
    for name in names {
        hash::cells(batch.column(name), &mut cells);
        add_content(&mut content, called(name), &cells);
    }
    content
}

fn add_content(content: &mut [u64], name: &ColumnName, cells: &[u64]) {
    let of_name = hash::of_name(name.as_str());
    for (content, cell) in content.iter_mut().zip(cells) {
        *content = content.wrapping_add(hash::in_content(*cell, of_name));
    }
}

impl Passed {
    fn column(&mut self, name: &ColumnName, column: &Column) -> &mut ColumnSum {
        if !self.columns.contains_key(name) {
            self.columns.insert(name.clone(), ColumnSum::default());
        }
        let sum = self.columns.get_mut(name).expect("it is there now");
        sum.kind = Some(column.kind());
        if sum.buckets.is_empty() {
            sum.buckets = vec![0; BUCKETS];
        }
        sum
    }
}

/// The one of 256 buckets in which a row is summed up.
pub(crate) fn bucket_of(key: &RowKey) -> u8 {
    bucket(hash::words(key))
}

fn bucket(row: Words) -> u8 {
    (hash::of_row(row) >> 56) as u8
}

/// Rows as they are mixed with cells.
struct Rows {
    /// The words of their keys.
    words: Vec<Words>,
    /// Which bucket each falls into.
    buckets: Vec<u8>,
}

impl Rows {
    fn of(keys: &[RowKey]) -> Rows {
        let words: Vec<Words> = keys.iter().map(hash::words).collect();
        let buckets = words.iter().copied().map(bucket).collect();
        Rows { words, buckets }
    }
}

impl ColumnSum {
    fn add(&mut self, rows: &Rows, cells: &[u64]) {
        let buckets = self.buckets.first_chunk_mut::<BUCKETS>().expect("all buckets are there");
        for ((cell, words), bucket) in cells.iter().zip(&rows.words).zip(&rows.buckets) {
            let sum = &mut buckets[usize::from(*bucket)];
            *sum = sum.wrapping_add(hash::in_row(*words, *cell));
        }
        self.nulls += cells.iter().filter(|cell| hash::is_null(**cell)).count() as u64;
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
        self.row_set = self.row_set.wrapping_add(other.row_set);
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
        self.values = self.values.wrapping_add(other.values);
        if self.buckets.is_empty() {
            self.buckets = other.buckets;
            return;
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets) {
            *mine = mine.wrapping_add(theirs);
        }
    }
}
