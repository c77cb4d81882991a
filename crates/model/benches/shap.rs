//! How long explanations take: `cargo bench -p evenstep-model --bench shap`.
//!
//! `SHAP_ROWS=rows.csv` writes the rows that the model learned from and explains, so that a peer's model
//! of the same shape (100 trees of 31 leaves) can be made of them; it is to explain the first 10,000.

use std::fmt::Write;
use std::sync::Arc;

use divan::Bencher;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_model::{AnyModel, Run, Training};
use evenstep_table::{Batch, Column, ColumnName, Labels, RowKey, Task};
use serde_json::json;

const LEARNED: usize = 100_000;
const EXPLAINED: usize = 10_000;
const FEATURES: usize = 28;

fn main() {
    if let Ok(path) = std::env::var("SHAP_ROWS") {
        std::fs::write(path, csv(&rows(LEARNED))).expect("the file can be written");
    }
    divan::main();
}

/// Rows of two classes that depend on all features, some of them in pairs.
fn rows(count: usize) -> Batch {
    let draws = Draws::new(Seed(1), "bench");
    let keys: Vec<RowKey> = (0..count).map(|row| RowKey((row as u128).to_le_bytes())).collect();
    let columns: Vec<Vec<f64>> =
        (0..FEATURES as u32).map(|feature| keys.iter().map(|key| draws.normal(&key.0, feature)).collect()).collect();
    let class = |row: usize| {
        let x = |feature: usize| columns[feature][row];
        let alone = (0..FEATURES).fold(0.0, |sum, feature| sum + x(feature) / (2.0 + feature as f64));
        let score = alone + x(0) * x(1) - x(2).abs() * x(3) + x(4) * x(5) * x(6);
        f64::from(u8::from(score + draws.normal(&keys[row].0, 100) > 0.0))
    };
    let target = (0..count).map(class).collect();
    let mut batch = Batch::new(keys);
    batch.labels = Some(Arc::new(Labels { occurrence: vec![0; count], target, ..Labels::default() }));
    for (feature, cells) in columns.into_iter().enumerate() {
        batch.insert(ColumnName::new(&format!("x{feature:02}")).expect("a name"), Column::Number(cells));
    }
    batch
}

fn csv(rows: &Batch) -> String {
    let names: Vec<&str> = rows.columns().map(|(name, _)| name.as_str()).collect();
    let mut text = names.join(",") + ",y\n";
    for row in 0..rows.rows() {
        for (_, column) in rows.columns() {
            write!(text, "{},", column.text(row).unwrap_or_default()).expect("a string takes what is written");
        }
        writeln!(text, "{}", rows.training().target[row]).expect("a string takes what is written");
    }
    text
}

fn model() -> Box<dyn AnyModel> {
    let learned = rows(LEARNED);
    let family = evenstep_model::parse("boosted_trees", json!({ "trees": 100, "leaves": 31 })).expect("a spec");
    let task = Task::Binary { classes: ["0".to_owned(), "1".to_owned()] };
    let features = learned.schema();
    let data = Training { batches: &[learned], features: &features, task: &task };
    let workers = Workers::threads(2);
    let run = Run { workers: &workers, draws: Draws::new(Seed(1), "model"), progress: &|_, _, _| () };
    family.fit(&data, &run).expect("the rows fit").model
}

#[divan::bench(args = [1, 2], sample_count = 10, sample_size = 1)]
fn explain(bencher: Bencher<'_, '_>, threads: usize) {
    let (model, rows, workers) = (model(), rows(EXPLAINED), Workers::threads(threads));
    let all: Vec<usize> = (0..EXPLAINED).collect();
    let parts: Vec<Batch> = all.chunks(EXPLAINED.div_ceil(threads)).map(|part| rows.take(part)).collect();
    bencher.bench_local(|| workers.map(parts.iter().collect(), |part| model.explain(part).expect("trees explain")));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn explain_one_row(bencher: Bencher<'_, '_>) {
    let (model, row) = (model(), rows(1));
    bencher.bench_local(|| model.explain(&row).expect("trees explain"));
}
