//! Batches: the rows that travel together through the pipeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{Column, ColumnName, Kind, RowId, RowKey};

/// What a fit knows of its rows besides their columns. Scoring never has it.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// The rank of each row among rows of equal keys.
    pub occurrence: Vec<u32>,
    /// The target: a number, or the index of the class; never null.
    pub target: Vec<f64>,
    /// The weight of each row, at least 0; empty when every row weighs 1.
    pub weight: Vec<f64>,
    /// The identity of each row's group, by which it is split; empty when rows are split one by one.
    pub group: Vec<RowKey>,
}

impl Labels {
    /// The row's weight.
    pub fn weight(&self, row: usize) -> f64 {
        self.weight.get(row).copied().unwrap_or(1.0)
    }
}

/// The type of each column, by name.
pub type Schema = BTreeMap<ColumnName, Kind>;

/// Some rows, with their columns by name.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    rows: usize,
    /// Hashed, since every step looks each of its columns up for every request.
    columns: FxHashMap<ColumnName, Arc<Column>>,
    /// The identity of each row.
    pub keys: Arc<Vec<RowKey>>,
    /// In a fit, what is known besides; None while scoring.
    pub labels: Option<Arc<Labels>>,
    /// Columns in which a step gave cells no finite number, and how many; null stands in them.
    no_numbers: Vec<(ColumnName, u64)>,
}

impl Batch {
    /// A batch without rows, with a column of each type of the schema.
    pub fn empty(schema: &Schema) -> Batch {
        let mut batch = Batch::new(Vec::new());
        for (name, kind) in schema {
            batch.insert(name.clone(), Column::empty(*kind));
        }
        batch
    }

    /// A batch without columns yet.
    pub fn new(keys: Vec<RowKey>) -> Batch {
        Batch { rows: keys.len(), keys: Arc::new(keys), ..Batch::default() }
    }

    /// A batch without columns, whose rows have no identity yet: `keys` is empty until it is given.
    pub fn unkeyed(rows: usize) -> Batch {
        Batch { rows, ..Batch::default() }
    }

    /// The same with room for so many columns.
    #[must_use]
    pub fn with_room(mut self, columns: usize) -> Batch {
        self.columns.reserve(columns);
        self
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns by name, in canonical order.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&ColumnName, &Column)> {
        let mut columns: Vec<_> = self.columns.iter().map(|(name, column)| (name, &**column)).collect();
        columns.sort_unstable_by_key(|(name, _)| *name);
        columns.into_iter()
    }

    /// The column of that name.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.get(name).map(|column| &**column)
    }

    /// The column of that name, to be kept while its batch is worked on.
    pub fn shared(&self, name: &ColumnName) -> Option<Arc<Column>> {
        self.columns.get(name).cloned()
    }

    /// The column of that name, which a compiled plan knows to be there.
    ///
    /// # Panics
    /// If there is none: a plan asks only for what it has checked.
    pub fn column(&self, name: &ColumnName) -> &Column {
        self.columns.get(name).unwrap_or_else(|| absent(name))
    }

    /// Adds a column, or puts it in place of the one of that name.
    /// Numbers become canonical: what is not finite is null, and −0 is 0.
    pub fn insert(&mut self, name: ColumnName, mut column: Column) {
        column.make_canonical();
        assert_eq!(column.rows(), self.rows, "column `{name}` has as many rows as its batch");
        self.columns.insert(name, Arc::new(column));
    }

    /// Puts what `map` makes of a column in its place, made canonical as by `insert`.
    ///
    /// # Errors
    /// Those of `map`; the column is lost then.
    ///
    /// # Panics
    /// If there is none of that name: a plan asks only for what it has checked.
    pub fn replace<E>(&mut self, name: &ColumnName, map: impl FnOnce(Column) -> Result<Column, E>) -> Result<(), E> {
        let place = self.columns.get_mut(name).unwrap_or_else(|| absent(name));
        // Cells that nobody else holds stay where they are: one row's cost more to allocate than to work on.
        let column = Arc::make_mut(place);
        *column = map(std::mem::replace(column, Column::Boolean(Vec::new())))?;
        column.make_canonical();
        assert_eq!(column.rows(), self.rows, "column `{name}` has as many rows as its batch");
        Ok(())
    }

    /// Notes that so many cells of a column are null because what a step gave them is no finite number.
    pub fn note_no_numbers(&mut self, column: &ColumnName, cells: u64) {
        if cells > 0 {
            self.no_numbers.push((column.clone(), cells));
        }
    }

    /// What was noted since this was asked last.
    pub fn take_no_numbers(&mut self) -> Vec<(ColumnName, u64)> {
        std::mem::take(&mut self.no_numbers)
    }

    /// Takes a column out.
    pub fn remove(&mut self, name: &str) -> Option<Column> {
        self.columns.remove(name).map(Arc::unwrap_or_clone)
    }

    /// The same rows with only those columns for which `keep` holds.
    #[must_use]
    pub fn retain(mut self, keep: impl Fn(&ColumnName) -> bool) -> Batch {
        self.columns.retain(|name, _| keep(name));
        self
    }

    /// The types of the columns.
    pub fn schema(&self) -> Schema {
        self.columns.iter().map(|(name, column)| (name.clone(), column.kind())).collect()
    }

    /// The identity of a row in a fit: its key and occurrence.
    pub fn row_id(&self, row: usize) -> RowId {
        RowId(self.keys[row], self.labels.as_ref().map_or(0, |labels| labels.occurrence[row]))
    }

    /// The labels, which every batch of a fit has.
    ///
    /// # Panics
    /// If the batch is not part of a fit.
    pub fn training(&self) -> &Labels {
        self.labels.as_ref().expect("a fit's batches carry their labels")
    }

    /// The given rows, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Batch {
        // What a batch doesn't have is an empty list.
        fn pick<T: Copy>(cells: &[T], rows: &[usize]) -> Vec<T> {
            if cells.is_empty() { Vec::new() } else { rows.iter().map(|row| cells[*row]).collect() }
        }
        Batch {
            rows: rows.len(),
            columns: self.columns.iter().map(|(name, column)| (name.clone(), Arc::new(column.take(rows)))).collect(),
            keys: Arc::new(pick(&self.keys, rows)),
            labels: self.labels.as_ref().map(|labels| {
                Arc::new(Labels {
                    occurrence: pick(&labels.occurrence, rows),
                    target: pick(&labels.target, rows),
                    weight: pick(&labels.weight, rows),
                    group: pick(&labels.group, rows),
                })
            }),
            no_numbers: Vec::new(),
        }
    }
}

fn absent(name: &ColumnName) -> ! {
    panic!("the plan counts on column `{name}`")
}
