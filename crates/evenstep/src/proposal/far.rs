//! Numbers far from all others of their column, such as -999, which may stand for a missing value.

use std::collections::BTreeMap;

use evenstep_pipeline::PipelineError;
use evenstep_source::{Inferred, Reading, Source};
use evenstep_table::rule::Invalid;
use evenstep_table::{ColumnName, Kind, Rule};

/// Of fewer different numbers one may well be far from the others.
const DIFFERENT: usize = 10;
/// What stands for a missing value does so in one of so many rows.
const ONE_IN: u64 = 100;
/// Fewer rows may have one number by chance.
const ROWS: u64 = 3;

/// The two least numbers, and how many cells have the least.
struct Least {
    least: f64,
    next: f64,
    cells: u64,
}

impl Least {
    const NONE: Least = Least { least: f64::INFINITY, next: f64::INFINITY, cells: 0 };

    fn see(&mut self, number: f64) {
        if number < self.least {
            *self = Least { least: number, next: self.least, cells: 1 };
        } else if number == self.least {
            self.cells += 1;
        } else if number < self.next {
            self.next = number;
        }
    }
}

/// The least and the greatest number of each column, if they are whole, frequent, and farther from all others than these, without
/// the other end, are from each other; and how many rows have them.
///
/// # Errors
/// Data that can't be read.
pub(super) fn far(
    source: &Source,
    mut numbers: BTreeMap<ColumnName, Kind>,
    inferred: &Inferred,
    missing: &[String],
) -> Result<BTreeMap<ColumnName, Vec<(f64, u64)>>, PipelineError> {
    numbers.retain(|name, _| inferred.columns[name].distinct().is_none_or(|distinct| distinct >= DIFFERENT));
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rule = |kind| Rule { invalid: Invalid::Null, ..Rule::new(kind) };
    let columns = numbers.iter().map(|(name, kind)| (name.clone(), rule(*kind).into())).collect();
    let reading = Reading { missing: missing.to_vec(), columns, ..Reading::default() };
    let ends = || (Least::NONE, Least::NONE);
    let mut seen: BTreeMap<ColumnName, (Least, Least)> = numbers.into_keys().map(|name| (name, ends())).collect();
    for chunk in source.stream(&reading)? {
        let batch = chunk?.batch;
        for (name, (low, high)) in &mut seen {
            let cells = batch.column(name).to_numbers().expect("it was read as numbers");
            for number in cells.iter().filter(|number| !number.is_nan()) {
                low.see(*number);
                high.see(-number);
            }
        }
    }
    let of_column = |(name, (low, high)): (ColumnName, (Least, Least))| {
        let span = -high.next - low.next;
        let is_far = |end: &Least| {
            end.next - end.least > span
                && end.least.fract() == 0.0
                && end.least != 0.0
                && end.cells >= ROWS
                && end.cells * ONE_IN >= inferred.rows
        };
        let low_end = is_far(&low).then_some((low.least, low.cells));
        let high_end = is_far(&high).then_some((-high.least, high.cells));
        let far: Vec<(f64, u64)> = low_end.into_iter().chain(high_end).collect();
        // From others, of which there have to be some.
        let cells = inferred.rows - inferred.columns[&name].nulls;
        let far = if far.iter().map(|(_, cells)| cells).sum::<u64>() < cells { far } else { Vec::new() };
        (!far.is_empty()).then_some((name, far))
    };
    Ok(seen.into_iter().filter_map(of_column).collect())
}
