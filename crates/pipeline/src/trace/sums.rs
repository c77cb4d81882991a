//! What is gathered of the rows that pass a stage: sums that merge in any order.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Partial;
use evenstep_table::{Batch, Column, ColumnName, Kind, RowKey};
use serde::{Deserialize, Serialize};

use super::Stage;
use super::hash;
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

/// Rows as cells are summed up by: the same at every stage that they pass.
pub(crate) struct Rows {
    /// The hash of them all, blind to their order.
    set: u64,
    /// What cells of each are multiplied by.
    factors: Vec<u64>,
    /// Which bucket each falls into.
    buckets: Vec<u8>,
}

impl Rows {
    pub(crate) fn of(keys: &[RowKey]) -> Rows {
        let mut rows =
            Rows { set: 0, factors: Vec::with_capacity(keys.len()), buckets: Vec::with_capacity(keys.len()) };
        for words in keys.iter().map(hash::words) {
            let hash = hash::of_row(words);
            rows.set = rows.set.wrapping_add(hash);
            rows.factors.push(hash::factor_of_row(words));
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
    if id.is_empty() {
        return keys.iter().map(RowName::of_key).collect();
    }
    let mut text = Vec::new();
    let name = |row| {
        id_text(id, row, &mut text);
        RowName::of_id(&text)
    };
    (0..keys.len()).map(name).collect()
}

impl Sums {
    /// Adds the cells of the columns that a stage wrote.
    pub(crate) fn add<'a>(&mut self, stage: &Stage, rows: &Rows, columns: impl IntoIterator<Item = Cells<'a>>) {
        let passed = self.passed(stage, rows);
        for (name, column) in columns {
            let sum = passed.column(name, column);
            hash::blocks(column, |first, cells| sum.add(rows, first, cells));
        }
    }

    /// Adds rows where they come in or go out: they are sketched, too.
    pub(crate) fn add_ends<'a>(&mut self, stage: &Stage, named: &Named, columns: impl IntoIterator<Item = Cells<'a>>) {
        let passed = self.passed(stage, &named.rows);
        let mut content = vec![0_u64; named.names.len()];
        for (name, column) in columns {
            let (sum, factor) = (passed.column(name, column), hash::factor_of_column(name.as_str()));
            hash::blocks(column, |first, cells| {
                sum.add(&named.rows, first, cells);
                sum.values = sum.values.wrapping_add(hash::sum(cells));
                hash::add_products(&mut content[first..], cells, factor);
            });
        }
        let sketch = passed.ends.get_or_insert_default();
        for (name, content) in named.names.iter().zip(content) {
            sketch.add(&Element { name: *name, content });
        }
    }

    fn passed(&mut self, stage: &Stage, rows: &Rows) -> &mut Passed {
        if !self.stages.contains_key(stage) {
            self.stages.insert(stage.clone(), Passed::default());
        }
        let passed = self.stages.get_mut(stage).expect("it is there now");
        passed.rows += rows.factors.len() as u64;
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
        let factor = hash::factor_of_column(called(name).as_str());
        hash::blocks(batch.column(name), |first, cells| hash::add_products(&mut content[first..], cells, factor));
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
            sum.buckets = vec![0; BUCKETS];
        }
        sum
    }
}

/// The one of 256 buckets in which a row is summed up.
pub(crate) fn bucket_of(key: &RowKey) -> u8 {
    bucket(hash::of_row(hash::words(key)))
}

fn bucket(hash_of_row: u64) -> u8 {
    (hash_of_row >> 56) as u8
}

impl ColumnSum {
    /// Adds the cells of so many rows, from the first on.
    #[inline]
    fn add(&mut self, rows: &Rows, first: usize, cells: &[u64]) {
        let buckets = self.buckets.first_chunk_mut::<BUCKETS>().expect("all buckets are there");
        for ((cell, factor), bucket) in cells.iter().zip(&rows.factors[first..]).zip(&rows.buckets[first..]) {
            let sum = &mut buckets[usize::from(*bucket)];
            *sum = sum.wrapping_add(cell.wrapping_mul(*factor));
        }
        self.nulls += hash::nulls(cells);
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
