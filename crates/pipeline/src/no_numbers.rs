//! Results of steps that are no number, and so became null: how many, of which step, in which column.

use std::collections::BTreeMap;
use std::fmt;

use evenstep_model::ModelError;
use evenstep_table::{Batch, ColumnName, counted};
use serde::{Serialize, Serializer};

/// How many cells of which column a step gave no finite number.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NoNumbers(BTreeMap<Site, u64>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Site {
    step: usize,
    name: &'static str,
    column: ColumnName,
}

/// Cells of one column that a step gave no finite number.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Lost<'a> {
    /// The step's number in the spec, from 1.
    pub step: usize,
    /// What `use = "…"` calls it.
    #[serde(rename = "use")]
    pub name: &'static str,
    /// The column.
    pub column: &'a ColumnName,
    /// How many.
    pub cells: u64,
}

impl NoNumbers {
    /// Takes what a step noted in a batch.
    pub(crate) fn take(&mut self, step: usize, name: &'static str, batch: &mut Batch) {
        for (column, cells) in batch.take_no_numbers() {
            *self.0.entry(Site { step, name, column }).or_default() += cells;
        }
    }

    /// Adds others.
    pub fn merge(&mut self, others: NoNumbers) {
        for (site, cells) in others.0 {
            *self.0.entry(site).or_default() += cells;
        }
    }

    /// Whether every result was a number, or null for want of one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By step, then by column.
    pub fn iter(&self) -> impl Iterator<Item = Lost<'_>> {
        self.0.iter().map(|(Site { step, name, column }, cells)| Lost { step: *step, name, column, cells: *cells })
    }

    /// An error of a model about a feature, with the step that left no number in it.
    pub(crate) fn explain(&self, error: ModelError) -> ModelError {
        let lost = self.iter().find(|lost| error.column.as_ref() == Some(lost.column));
        let Some(lost) = lost else { return error };
        let help = error.help.iter().fold(lost.to_string(), |said, help| format!("{said}; {help}"));
        error.help(help)
    }

    /// A sentence for people about each step and column.
    pub fn sentences(&self) -> impl Iterator<Item = String> {
        self.iter().map(|lost| lost.to_string())
    }
}

impl fmt::Display for Lost<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lost { step, name, column, cells } = self;
        let cells = counted(*cells, "cell");
        write!(f, "step {step} `{name}` gave no finite number for {cells} of `{column}`: null stands there")
    }
}

impl Serialize for NoNumbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
