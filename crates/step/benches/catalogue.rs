//! Fits and applications on a million rows of twelve numbers and eight categories, by two threads.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::maths;
use evenstep_exact::reduce::Workers;
use evenstep_step::{AnyFitted, AnyStep, Site, parse};
use evenstep_table::{Batch, Coded, Column, ColumnName, Labels, RowKey, Task};
use serde_json::json;

const ROWS: usize = 1_000_000;
const CHUNK: usize = 65_536;
const STEPS: [&str; 8] = [
    "impute_median",
    "rare_labels",
    "one_hot",
    "target_encode",
    "yeo_johnson",
    "discretize_frequency",
    "standard_scale",
    "drop_correlated",
];

static ROWS_OF_DATA: LazyLock<Vec<Batch>> = LazyLock::new(|| (0..ROWS).step_by(CHUNK).map(chunk).collect());
static WORKERS: LazyLock<Workers> = LazyLock::new(|| Workers::threads(2));

fn main() {
    divan::main();
}

fn chunk(from: usize) -> Batch {
    let draws = Draws::new(Seed(1), "bench");
    let keys: Vec<RowKey> = (from..ROWS.min(from + CHUNK)).map(|row| RowKey((row as u128).to_le_bytes())).collect();
    let mut batch = Batch::new(keys.clone());
    let name = |text: String| ColumnName::new(&text).expect("a name");
    for column in 0..12 {
        let cell = |key: &RowKey| match (column % 3, draws.normal(&key.0, column)) {
            (0, z) => maths::exp(z),
            (1, z) => 10.0 * z + 3.0,
            (_, z) if z < -1.6 => f64::NAN,
            (_, z) => maths::exp(1.5 * z) - 1.0,
        };
        batch.insert(name(format!("number {column:02}")), Column::Number(keys.iter().map(cell).collect()));
    }
    for (column, levels) in (100..).zip([3, 5, 20, 20, 50, 100, 1_000, 10_000]) {
        let level = |key: &RowKey| {
            let u = draws.uniform_at(&key.0, column);
            (u < 0.98).then(|| format!("level {}", (u * u * f64::from(levels)) as u32))
        };
        batch.insert(name(format!("category {column}")), Column::Category(Coded::from_strings(keys.iter().map(level))));
    }
    let target = keys.iter().map(|key| draws.uniform_at(&key.0, 200)).collect();
    batch.labels = Some(Arc::new(Labels { occurrence: vec![0; keys.len()], target, ..Labels::default() }));
    batch
}

fn step(name: &str) -> Box<dyn AnyStep> {
    let kind = if ["rare_labels", "one_hot", "target_encode"].contains(&name) { "category" } else { "number" };
    let mut spec = json!({"columns": {"type": kind}});
    if name == "one_hot" {
        spec["top"] = json!(10);
    }
    parse(name, spec).expect("a spec")
}

fn fit(step: Box<dyn AnyStep>, name: &str) -> Box<dyn AnyFitted> {
    let schema = ROWS_OF_DATA[0].schema();
    let (columns, draws) = (step.reads(&schema).expect("columns"), Draws::new(Seed(1), name));
    let site =
        Site { columns, schema, zones: BTreeMap::new(), task: Task::Regression, draws, name: format!("{name}/1") };
    step.fit(site, &ROWS_OF_DATA, &WORKERS).expect("it fits")
}

#[divan::bench(args = STEPS, sample_count = 5, sample_size = 1)]
fn fitted(bencher: divan::Bencher<'_, '_>, name: &str) {
    bencher.with_inputs(|| step(name)).bench_values(|step| fit(step, name));
}

#[divan::bench(args = STEPS, sample_count = 5, sample_size = 1)]
fn applied(bencher: divan::Bencher<'_, '_>, name: &str) {
    let fitted = fit(step(name), name);
    let apply = |batch| fitted.apply(batch).expect("it applies");
    bencher.with_inputs(|| ROWS_OF_DATA.clone()).bench_values(|batches| WORKERS.map(batches, apply));
}

#[divan::bench(args = STEPS, sample_count = 100, sample_size = 10)]
fn applied_to_one_row(bencher: divan::Bencher<'_, '_>, name: &str) {
    let fitted = fit(step(name), name);
    let row = || {
        let row = ROWS_OF_DATA[0].take(&[17]);
        let mut live = Batch::new(row.keys.to_vec());
        for (name, column) in row.columns() {
            let own = column.coded().map(|coded| Column::Category(Coded::from_strings([coded.get(0)])));
            live.insert(name.clone(), own.unwrap_or_else(|| column.clone()));
        }
        live
    };
    bencher.with_inputs(row).bench_values(|row| fitted.apply(row).expect("it applies"));
}
