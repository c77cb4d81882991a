//! What the tests of steps share: small columns, fits, and comparisons by the bit.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_exact::budget::Budget;
use evenstep_exact::canonical::CanonicalText;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_table::{
    Batch, Clock, Coded, Column, ColumnName, Labels, NULL_BOOLEAN, NULL_DATE, NULL_INTEGER, RowKey, Task,
};
use serde_json::Value;

use crate::catalogue::AnyStep;
use crate::fitted::AnyFitted;
use crate::{Site, Step, StepError};

pub(crate) fn numbers(cells: &[Option<f64>]) -> Column {
    Column::Number(cells.iter().map(|cell| cell.unwrap_or(f64::NAN)).collect())
}

pub(crate) fn integers(cells: &[Option<i64>]) -> Column {
    Column::Integer(cells.iter().map(|cell| cell.unwrap_or(NULL_INTEGER)).collect())
}

pub(crate) fn boolean(cells: &[Option<bool>]) -> Column {
    Column::Boolean(cells.iter().map(|cell| cell.map_or(NULL_BOOLEAN, u8::from)).collect())
}

pub(crate) fn strings(cells: &[Option<&str>]) -> Column {
    Column::Category(Coded::from_strings(cells.iter().copied()))
}

pub(crate) fn dates(days: &[Option<i32>]) -> Column {
    Column::Date(days.iter().map(|cell| cell.unwrap_or(NULL_DATE)).collect())
}

pub(crate) fn wall(micros: &[Option<i64>]) -> Column {
    Column::Datetime(Clock::Civil, micros.iter().map(|cell| cell.unwrap_or(NULL_INTEGER)).collect())
}

pub(crate) fn instants(micros: &[Option<i64>]) -> Column {
    Column::Datetime(Clock::Instant, micros.iter().map(|cell| cell.unwrap_or(NULL_INTEGER)).collect())
}

/// A batch of these columns, whose keys are the rows' numbers and whose target is 0.
pub(crate) fn batch(columns: &[(&str, Column)]) -> Batch {
    let rows = columns.first().map_or(0, |(_, column)| column.rows());
    let mut batch = Batch::new((0..rows).map(|row| RowKey((row as u128).to_le_bytes())).collect());
    for (name, column) in columns {
        batch.insert(ColumnName::new(name).expect("a name"), column.clone());
    }
    let labels = Labels { occurrence: vec![0; rows], target: vec![0.0; rows], ..Labels::default() };
    batch.labels = Some(Arc::new(labels));
    batch
}

/// Where the step stands if these are the columns.
pub(crate) fn site(step: &dyn AnyStep, batch: &Batch, task: Task) -> Result<Site, StepError> {
    let (schema, name) = (batch.schema(), format!("{}/1", step.name()));
    let draws = Draws::new(Seed(2026), &name);
    Ok(Site { columns: step.reads(&schema)?, schema, zones: BTreeMap::new(), task, draws, name })
}

pub(crate) fn fit_batches(
    step: Box<dyn AnyStep>,
    batches: &[Batch],
    task: Task,
    threads: usize,
) -> Result<Box<dyn AnyFitted>, StepError> {
    let site = site(&*step, &batches[0], task)?;
    step.fit(site, batches, &Workers::threads(threads))
}

pub(crate) fn fit(step: impl Step, columns: &[(&str, Column)]) -> Result<Box<dyn AnyFitted>, StepError> {
    fit_batches(Box::new(step), &[batch(columns)], Task::Regression, 1)
}

/// A fit of rows with this target; their batch comes along.
pub(crate) fn fit_labelled(
    step: impl Step,
    columns: &[(&str, Column)],
    task: Task,
    target: &[f64],
) -> Result<(Box<dyn AnyFitted>, Batch), StepError> {
    let mut batch = batch(columns);
    let labels = Labels { occurrence: vec![0; target.len()], target: target.to_vec(), ..Labels::default() };
    batch.labels = Some(Arc::new(labels));
    Ok((fit_batches(Box::new(step), std::slice::from_ref(&batch), task, 1)?, batch))
}

/// What the step makes of the rows that it was fitted on.
pub(crate) fn apply(step: impl Step, columns: &[(&str, Column)]) -> Result<Batch, StepError> {
    fit(step, columns)?.apply(batch(columns))
}

pub(crate) fn check_live(
    step: impl Step,
    training: &[(&str, Column)],
    live: &[(&str, Column)],
    after: &[(&str, Column)],
) {
    let fitted = fit(step, training).unwrap_or_else(|error| panic!("{error}"));
    let found = fitted.apply(batch(live)).unwrap_or_else(|error| panic!("{error}"));
    assert_equal(&found, &batch(after));
}

pub(crate) fn check(step: impl Step, before: &[(&str, Column)], after: &[(&str, Column)]) {
    check_live(step, before, before, after);
}

/// As `check`, for a column `x` of numbers.
pub(crate) fn check_numbers(step: impl Step, before: &[Option<f64>], after: &[Option<f64>]) {
    check(step, &[("x", numbers(before))], &[("x", numbers(after))]);
}

/// Why the step can't be fitted on a column `x` of these numbers.
pub(crate) fn refusal(step: impl Step, cells: &[Option<f64>]) -> StepError {
    fit(step, &[("x", numbers(cells))]).err().expect("these cells can't be fitted")
}

/// Why the step refuses these parameters.
pub(crate) fn refusal_of(step: impl Step, columns: &[(&str, Column)], params: Value) -> StepError {
    let step: Box<dyn AnyStep> = Box::new(step);
    let site = site(&*step, &batch(columns), Task::Regression).expect("the columns are there");
    step.load(site, &CanonicalText::of(&params), &Budget::unlimited()).err().expect("no fit gives these parameters")
}

pub(crate) fn assert_equal(found: &Batch, expected: &Batch) {
    assert_eq!(found.schema(), expected.schema());
    for (name, column) in found.columns() {
        assert_eq!(column_texts(column), column_texts(expected.column(name)), "column `{name}`");
    }
}

/// Every cell so that equal bits are equal texts.
pub(crate) fn column_texts(column: &Column) -> Vec<Option<String>> {
    (0..column.rows()).map(|row| column.text(row)).collect()
}
