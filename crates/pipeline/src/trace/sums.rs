//! What is gathered of the rows that pass a stage: sums that merge in any order.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Partial;
use evenstep_table::{Batch, Column, ColumnName, Kind, NULL_INTEGER, RowKey};
use serde::{Deserialize, Serialize};

use super::Stage;
use super::hash::{self, BLOCK, Cells, Contents, Ends, Written};
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
    /// In a step: the rows' cells, bucket by bucket. Empty as long as no row has passed.
    pub(crate) buckets: Vec<u64>,
    /// At the input and at the output.
    pub(crate) ends: Option<Sketch>,
}

/// The cells of one column.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(crate) struct ColumnSum {
    pub(crate) kind: Option<Kind>,
    pub(crate) nulls: u64,
    /// All cells with their rows' keys.
    pub(crate) total: u64,
    /// At the input and at the output: all cells without the keys.
    pub(crate) values: u64,
    /// At the input and at the output: what the total is made of. Empty as long as no row has passed.
    pub(crate) buckets: Vec<u64>,
}

/// A column that is being added: its cells, what is added to them in the content of rows, and what they come to.
struct Adding<'a> {
    name: &'a ColumnName,
    cells: Cells<'a>,
    key: u64,
    sum: ColumnSum,
}

/// Rows as cells are summed up by: the same at every stage that they pass.
pub(crate) struct Rows {
    /// The hash of them all, blind to their order.
    set: u64,
    /// What is added to the cells of each.
    keys: Vec<u64>,
    /// Which bucket each falls into.
    buckets: Vec<u8>,
}

impl Rows {
    pub(crate) fn of(keys: &[RowKey]) -> Rows {
        let mut rows = Rows { set: 0, keys: Vec::with_capacity(keys.len()), buckets: Vec::with_capacity(keys.len()) };
        for words in keys.iter().map(hash::words) {
            let hash = hash::of_row(words);
            rows.set = rows.set.wrapping_add(hash);
            rows.keys.push(hash::key_of_row(words));
            rows.buckets.push(bucket(hash));
        }
        rows
    }
}

/// Rows with what they are called in a sketch: their declared id, or their key.
pub(crate) struct Named {
    pub(crate) rows: Rows,
    names: Vec<RowName>,
}

impl Named {
    pub(crate) fn of(keys: &[RowKey], id: &[&Column]) -> Named {
        Named { rows: Rows::of(keys), names: names(keys, id) }
    }
}

fn names(keys: &[RowKey], id: &[&Column]) -> Vec<RowName> {
    match id {
        [] => keys.iter().map(RowName::of_key).collect(),
        [Column::Integer(cells)] if !cells.contains(&NULL_INTEGER) => {
            let mut text = itoa::Buffer::new();
            cells.iter().map(|n| RowName::of_id(text.format(*n).as_bytes())).collect()
        }
        id => {
            let mut text = Vec::new();
            let name = |row| {
                id_text(id, row, &mut text);
                RowName::of_id(&text)
            };
            (0..keys.len()).map(name).collect()
        }
    }
}

impl Sums {
    /// Adds the cells of the columns that a stage wrote.
    pub(crate) fn add<'a>(
        &mut self,
        stage: &Stage,
        rows: &Rows,
        columns: impl IntoIterator<Item = (&'a ColumnName, &'a Column)>,
    ) {
        let passed = self.passed(stage, rows);
        let mut adding: Vec<Adding> = columns.into_iter().map(|column| passed.take(column)).collect();
        let buckets = all_buckets(&mut passed.buckets);
        for block in hash::blocks(rows.keys.len()) {
            let keys = &rows.keys[block.clone()];
            let mut content = [0; BLOCK];
            for Adding { cells, key, sum: ColumnSum { total, nulls, .. }, .. } in &mut adding {
                let mut written = Written { keys, column: *key, content: &mut content[..keys.len()], total, nulls };
                cells.visit(block.clone(), &mut written);
            }
            hash::add_to_buckets(buckets, &rows.buckets[block], &content);
        }
        passed.give_back(adding);
    }

    /// Adds rows where they come in or go out: they are sketched, too.
    pub(crate) fn add_ends<'a>(
        &mut self,
        stage: &Stage,
        named: &Named,
        columns: impl IntoIterator<Item = (&'a ColumnName, &'a Column)>,
    ) {
        let Named { rows, names } = named;
        let passed = self.passed(stage, rows);
        let mut adding: Vec<Adding> = columns.into_iter().map(|column| passed.take(column)).collect();
        let sketch = passed.ends.get_or_insert_default();
        let mut room = [0; BLOCK];
        for block in hash::blocks(names.len()) {
            let keys = &rows.keys[block.clone()];
            let mut content = [0; BLOCK];
            for Adding { cells, key, sum: ColumnSum { values, nulls, buckets, .. }, .. } in &mut adding {
                let mut ends = Ends {
                    keys,
                    buckets: &rows.buckets[block.clone()],
                    column: *key,
                    content: &mut content[..keys.len()],
                    sums: all_buckets(buckets),
                    room: &mut room,
                    values,
                    nulls,
                };
                cells.visit(block.clone(), &mut ends);
            }
            sketch.add(names[block].iter().zip(content).map(|(name, content)| Element { name: *name, content }));
        }
        passed.give_back(adding);
    }

    fn passed(&mut self, stage: &Stage, rows: &Rows) -> &mut Passed {
        if !self.stages.contains_key(stage) {
            self.stages.insert(stage.clone(), Passed::default());
        }
        let passed = self.stages.get_mut(stage).expect("it is there now");
        passed.rows += rows.keys.len() as u64;
        passed.row_set = passed.row_set.wrapping_add(rows.set);
        passed
    }
}

/// The sketch's elements of all rows of a batch, by the columns whose hashes `content` has gathered.
pub(crate) fn elements(keys: &[RowKey], id: &[&Column], content: &[u64], mut each: impl FnMut(usize, Element)) {
    for (row, (name, content)) in names(keys, id).into_iter().zip(content).enumerate() {
        each(row, Element { name, content: *content });
    }
}

/// The hash of each row's cells in these columns, each under the name that it is called by.
pub(crate) fn contents<'a>(
    batch: &Batch,
    names: &[&'a ColumnName],
    called: impl Fn(&'a ColumnName) -> &'a ColumnName,
) -> Vec<u64> {
    let mut content = vec![0_u64; batch.rows()];
    for name in names {
        let (cells, column) = (Cells::of(batch.column(name)), hash::key_of_column(called(name).as_str()));
        for block in hash::blocks(batch.rows()) {
            cells.visit(block.clone(), &mut Contents { column, content: &mut content[block] });
        }
    }
    content
}

impl Passed {
    /// What a column has come to so far, to be added to.
    fn take<'a>(&mut self, (name, column): (&'a ColumnName, &'a Column)) -> Adding<'a> {
        let mut sum = self.columns.get_mut(name).map(std::mem::take).unwrap_or_default();
        sum.kind = Some(column.kind());
        Adding { name, cells: Cells::of(column), key: hash::key_of_column(name.as_str()), sum }
    }

    fn give_back(&mut self, added: Vec<Adding>) {
        for Adding { name, sum, .. } in added {
            match self.columns.get_mut(name) {
                Some(column) => *column = sum,
                None => _ = self.columns.insert(name.clone(), sum),
            }
        }
    }
}

/// The one of 256 buckets in which a row is summed up.
pub(crate) fn bucket_of(key: &RowKey) -> u8 {
    bucket(hash::of_row(hash::words(key)))
}

fn bucket(hash_of_row: u64) -> u8 {
    (hash_of_row >> 56) as u8
}

/// The buckets, made if there are none yet.
fn all_buckets(buckets: &mut Vec<u64>) -> &mut [u64; BUCKETS] {
    buckets.resize(BUCKETS, 0);
    buckets.first_chunk_mut().expect("all buckets are there")
}

/// Adds sums bucket by bucket.
fn add_buckets(mine: &mut Vec<u64>, theirs: Vec<u64>) {
    if mine.is_empty() {
        *mine = theirs;
        return;
    }
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = mine.wrapping_add(theirs));
}

impl ColumnSum {
    /// The sum of all cells with their rows' keys.
    pub(crate) fn whole(&self) -> u64 {
        self.buckets.iter().fold(self.total, |sum, bucket| sum.wrapping_add(*bucket))
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
        add_buckets(&mut self.buckets, other.buckets);
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
        self.total = self.total.wrapping_add(other.total);
        self.values = self.values.wrapping_add(other.values);
        add_buckets(&mut self.buckets, other.buckets);
    }
}
