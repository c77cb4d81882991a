//! How often trees take memory from the heap while they score. A target of its own, since its allocator counts.

use std::sync::Arc;

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_model::{AnyModel, Run, Training, parse};
use evenstep_table::{Batch, Coded, Column, ColumnName, Labels, RowKey, Task};
use serde_json::json;

/// Numbers, integers, booleans and a category, with nulls, and a class that depends on them.
fn rows(count: u32) -> Batch {
    let mut batch = Batch::new((0..u128::from(count)).map(|row| RowKey(row.to_le_bytes())).collect());
    let number = |row: u32| if row.is_multiple_of(13) { f64::NAN } else { f64::from(row * 37 % 101) };
    let mut insert = |name: &str, column| batch.insert(ColumnName::new(name).expect("a name"), column);
    insert("number", Column::Number((0..count).map(number).collect()));
    insert("integer", Column::Integer((0..count).map(|row| i64::from(row * 7 % 19)).collect()));
    insert("flag", Column::Boolean((0..count).map(|row| (row % 3) as u8).collect()));
    let level = |row: u32| (!row.is_multiple_of(11)).then(|| ["a", "b", "c", "d"][row as usize * 31 % 4]);
    insert("level", Column::Category(Coded::from_strings((0..count).map(level))));
    let class = |row: u32| f64::from((row * 37 % 101 / 40 + row * 31 % 4) % 3);
    batch.labels = Some(Arc::new(Labels {
        occurrence: vec![0; count as usize],
        target: (0..count).map(class).collect(),
        ..Labels::default()
    }));
    batch
}

fn fit(family: &str) -> Box<dyn AnyModel> {
    let (batch, workers) = (rows(600), Workers::threads(1));
    let task = Task::Multiclass { classes: ["a", "b", "c"].map(str::to_owned).into() };
    let training = Training { batches: std::slice::from_ref(&batch), features: &batch.schema(), task: &task };
    let run = Run { workers: &workers, draws: Draws::new(Seed(1), "model"), progress: &|_, _, _| () };
    let trees = if family == "decision_tree" { json!({}) } else { json!({ "trees": 20 }) };
    let family = parse(family, trees).unwrap_or_else(|error| panic!("{}", error.message));
    family.fit(&training, &run).expect("a fit").model
}

/// How often memory is taken to predict a batch, once the thread has predicted one.
fn allocations(model: &dyn AnyModel, batch: &Batch) -> u64 {
    model.predict(batch);
    allocation_counter::measure(|| drop(model.predict(batch))).count_total
}

#[test]
fn one_row_scored_by_trees_allocates_its_answer_alone() {
    for family in ["boosted_trees", "random_forest", "extra_trees", "decision_tree"] {
        let (model, all) = (fit(family), rows(600));
        for row in 0..40 {
            assert_eq!(allocations(&*model, &all.take(&[row])), 1, "{family}, row {row}");
        }
    }
}

#[test]
fn a_batch_scored_by_trees_allocates_as_often_whatever_its_rows() {
    for family in ["boosted_trees", "random_forest", "extra_trees", "decision_tree"] {
        let model = fit(family);
        assert_eq!(allocations(&*model, &rows(2)), allocations(&*model, &rows(31)), "{family}, few rows");
        assert_eq!(allocations(&*model, &rows(64)), allocations(&*model, &rows(64_000)), "{family}, many rows");
    }
}
