//! Rows that were read together: checked, counted, and with their places.

use std::sync::Arc;

use evenstep_exact::reduce::Partial;
use evenstep_table::build::Typed;
use evenstep_table::check::{Breach, Found, Outcome};
use evenstep_table::quality::{Place, Quality, Violation};
use evenstep_table::rule::Absent;
use evenstep_table::{Batch, Column, ColumnName};

use crate::reading::{Mode, Plan};

/// A rule that a row breaks without being refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Flag {
    /// The row within its batch.
    pub row: usize,
    /// The column.
    pub field: ColumnName,
    /// The rule.
    pub rule: Breach,
}

/// Where the rows of a batch come from.
#[derive(Clone, PartialEq, Debug)]
pub struct Origin {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The number of the first row in the file, from 1.
    pub first_row: u64,
    /// When rows were set aside: which of the rows read the batch has.
    pub kept: Option<Vec<usize>>,
}

impl Origin {
    /// The place of a row of the batch.
    pub fn place(&self, row: usize) -> Place {
        let row = self.kept.as_ref().map_or(row, |kept| kept[row]);
        Place { file: self.file.clone(), row: self.first_row + row as u64 }
    }
}

/// Rows that were read together.
#[derive(Debug)]
pub struct Chunk {
    /// The rows, without identity yet. In training, without those that are quarantined.
    pub batch: Batch,
    /// Where they come from.
    pub origin: Origin,
    /// When scoring: what is said with the predictions, by row, then by name.
    pub flags: Vec<Flag>,
    /// When scoring: rows whose prediction is null, in order.
    pub unanswered: Vec<usize>,
    /// What was found.
    pub quality: Quality,
    /// The cells for which rows are set aside.
    pub quarantine: Vec<Violation>,
}

/// Checks typed columns, which stand in the plan's order; those that are None are absent.
pub(crate) fn checked(plan: &Plan, mut typed: Vec<Option<Typed>>, rows: usize, origin: Origin) -> Chunk {
    let mut chunk = Chunk {
        batch: Batch::unkeyed(rows),
        origin,
        flags: Vec::new(),
        unanswered: Vec::new(),
        quality: Quality { rows: rows as u64, ..Quality::default() },
        quarantine: Vec::new(),
    };
    let mut id_texts = Vec::new();
    // Ids first: whatever is found is told with the row's id.
    let others = (0..plan.columns.len()).filter(|position| !plan.id.contains(position));
    for position in plan.id.iter().copied().chain(others) {
        let column = chunk.check_column(plan, position, typed[position].take(), &id_texts);
        if plan.id.contains(&position) {
            id_texts.push(column.clone());
        }
        chunk.batch.insert(plan.columns[position].name.clone(), column);
    }
    chunk.set_rows_aside(plan.mode);
    chunk.flags.sort_unstable();
    chunk
}

impl Chunk {
    fn check_column(&mut self, plan: &Plan, position: usize, cells: Option<Typed>, ids: &[Column]) -> Column {
        let planned = &plan.columns[position];
        let nan = cells.as_ref().map_or(0, |cells| cells.nan);
        let rows = self.batch.rows();
        let scoring = plan.mode == Mode::Scoring;
        let (origin, quality) = (&self.origin, &mut self.quality);
        let (flags, unanswered, quarantine) = (&mut self.flags, &mut self.unanswered, &mut self.quarantine);
        let mut found = |found: Found| {
            let place = origin.place(found.row);
            let violation = || Violation {
                place: place.clone(),
                id: id_of(ids, found.row),
                column: planned.name.clone(),
                value: found.value.clone().filter(|_| !planned.rule.personal),
                rule: found.breach,
            };
            quality.add(&planned.name, &found, &place, violation);
            if found.outcome == Outcome::Quarantined {
                quarantine.push(violation());
                unanswered.push(found.row);
            }
            if scoring && found.outcome != Outcome::Rejected {
                flags.push(Flag { row: found.row, field: planned.name.clone(), rule: found.breach });
            }
        };
        let column = match cells {
            Some(cells) => planned.checker.check(cells, found),
            None => {
                let outcome = match planned.rule.absent {
                    Absent::Null => Outcome::Nulled,
                    Absent::Reject => Outcome::Rejected,
                };
                (0..rows).for_each(|row| found(Found { row, breach: Breach::Absent, outcome, value: None }));
                Column::nulls_of(planned.rule.kind, rows)
            }
        };
        let nulls = column.nulls() as u64;
        if nulls > 0 {
            let quality = self.quality.columns.entry(planned.name.clone()).or_default();
            quality.nulls += nulls;
            quality.nan += nan;
        }
        column
    }

    /// Quarantined rows leave a training batch; when scoring they stay, to be answered with null.
    fn set_rows_aside(&mut self, mode: Mode) {
        self.unanswered.sort_unstable();
        self.unanswered.dedup();
        self.quality.quarantined = self.unanswered.len() as u64;
        self.quarantine.sort_unstable();
        if mode == Mode::Training && !self.unanswered.is_empty() {
            let aside = std::mem::take(&mut self.unanswered);
            let kept: Vec<usize> = (0..self.batch.rows()).filter(|row| aside.binary_search(row).is_err()).collect();
            self.batch = self.batch.take(&kept);
            self.origin.kept = Some(kept);
        }
    }
}

fn id_of(ids: &[Column], row: usize) -> Option<String> {
    let texts: Vec<String> = ids.iter().filter_map(|column| column.text(row)).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

/// Joins what was found in several chunks.
pub(crate) fn merge_quality<'a>(all: impl Iterator<Item = &'a mut Chunk>) -> Quality {
    let mut quality = Quality::default();
    for chunk in all {
        quality.merge(std::mem::take(&mut chunk.quality));
    }
    quality
}
