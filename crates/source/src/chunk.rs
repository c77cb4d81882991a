//! Rows that were read together: checked, counted, and with their places.

use std::collections::BTreeSet;
use std::sync::Arc;

use evenstep_exact::reduce::Partial;
use evenstep_table::build::Typed;
use evenstep_table::check::{Breach, Found, Outcome};
use evenstep_table::quality::{Place, Quality, Violation};
use evenstep_table::{Batch, Column, ColumnName};

use crate::reading::{Mode, Plan, Planned};

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
    /// The number of the first row in the file, from 1; in a frame, from 0.
    pub first_row: u64,
    /// When rows were set aside or left out: which of the rows read the batch has.
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
    /// Cells that are refused, as many of each column as the plan asks for, and the first of each rule.
    pub(crate) refused: Vec<Violation>,
}

/// Checks typed columns, which stand in the plan's order.
pub(crate) fn checked(plan: &Plan, typed: Vec<Typed>, rows: usize, origin: Origin) -> Chunk {
    let mut typed: Vec<Option<Typed>> = typed.into_iter().map(Some).collect();
    let mut chunk = Chunk {
        // Steps add about as many columns as there are.
        batch: Batch::unkeyed(rows).with_room(2 * plan.columns.len()),
        origin,
        flags: Vec::new(),
        unanswered: Vec::new(),
        quality: Quality { rows: rows as u64, ..Quality::default() },
        quarantine: Vec::new(),
        refused: Vec::new(),
    };
    let mut id_texts = Vec::new();
    // Ids first: whatever is found is told with the row's id.
    let others = (0..plan.columns.len()).filter(|position| !plan.id.contains(position));
    for position in plan.id.iter().copied().chain(others) {
        let cells = typed[position].take().expect("each column is checked once");
        let column = chunk.check_column(plan, position, cells, &id_texts);
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
    fn check_column(&mut self, plan: &Plan, position: usize, cells: Typed, ids: &[Column]) -> Column {
        let planned = &plan.columns[position];
        let nan = cells.nan;
        let scoring = plan.mode == Mode::Scoring;
        let (origin, quality) = (&self.origin, &mut self.quality);
        let (flags, unanswered, quarantine) = (&mut self.flags, &mut self.unanswered, &mut self.quarantine);
        let (refused, mut rules, mut refusals, mut unlisted) = (&mut self.refused, BTreeSet::new(), 0, 0);
        let found = |found: Found| {
            if flags.len() >= plan.flags {
                return;
            }
            let is_refusal = found.outcome == Outcome::Rejected && plan.refusals > 0;
            // The first of each rule is listed, however many others are.
            let is_listed = is_refusal && (rules.insert(found.breach) || refusals < plan.refusals);
            if is_refusal && !is_listed {
                // A request may be refused for millions of cells: those that nobody is told of are only counted.
                unlisted += 1;
                return;
            }
            let place = origin.place(found.row);
            let violation = || violation(planned, &found, place.clone(), id_of(ids.iter(), found.row));
            quality.add(&planned.name, &found, &place, violation);
            if found.outcome == Outcome::Quarantined {
                quarantine.push(violation());
                unanswered.push(found.row);
            }
            if is_listed {
                refusals += 1;
                refused.push(violation());
            }
            if scoring && found.outcome != Outcome::Rejected {
                flags.push(Flag { row: found.row, field: planned.name.clone(), rule: found.breach });
            }
        };
        let column = planned.checker.check(cells, found);
        self.quality.rejected.count += unlisted;
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
            let before = self.origin.kept.take();
            let read = |row: usize| before.as_ref().map_or(row, |before| before[row]);
            self.origin.kept = Some(kept.into_iter().map(read).collect());
        }
    }
}

/// A cell that breaks a rule, with its place; without its value if that is personal.
pub(crate) fn violation(planned: &Planned, found: &Found, place: Place, id: Option<String>) -> Violation {
    let value = found.value.clone().filter(|_| !planned.rule.personal);
    Violation {
        because: planned.rule.explain(found.breach, value.as_deref()),
        place,
        id,
        column: planned.name.clone(),
        value,
        rule: found.breach,
    }
}

/// The texts of the columns that name a row.
pub(crate) fn id_of<'a>(ids: impl Iterator<Item = &'a Column>, row: usize) -> Option<String> {
    let texts: Vec<String> = ids.filter_map(|column| column.text(row)).collect();
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
