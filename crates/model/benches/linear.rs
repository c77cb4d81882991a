//! How long linear models take: `cargo bench -p evenstep-model --bench linear`.

use std::sync::Arc;

use divan::Bencher;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_model::{Family, LogisticRegression, Ridge, Run, Training};
use evenstep_table::{Batch, Column, ColumnName, Labels, RowKey, Task};

fn main() {
    divan::main();
}

/// Rows in batches of 65,536, of numbers keyed by their place, and a target that depends on all of them.
fn data(rows: usize, features: usize, classes: usize) -> Vec<Batch> {
    let draws = Draws::new(Seed(1), "bench");
    let batch = |from: usize, to: usize| {
        let keys: Vec<RowKey> = (from..to).map(|row| RowKey((row as u128).to_le_bytes())).collect();
        let mut target: Vec<f64> = keys.iter().map(|key| draws.normal(&key.0, 0)).collect();
        let mut batch = Batch::new(keys.clone());
        for feature in 0..features {
            let draws = draws.within(&feature.to_string());
            let cells: Vec<f64> = keys.iter().map(|key| 4.0 * draws.uniform(&key.0) - 2.0).collect();
            let strength = 1.0 / (1.0 + feature as f64);
            target.iter_mut().zip(&cells).for_each(|(target, x)| *target += strength * x);
            batch.insert(ColumnName::new(&format!("x{feature}")).expect("a name"), Column::Number(cells));
        }
        if classes > 0 {
            let top = classes as f64 - 1.0;
            target.iter_mut().for_each(|x| *x = (*x + classes as f64 / 2.0).floor().clamp(0.0, top));
        }
        let occurrence = vec![0; to - from];
        batch.labels = Some(Arc::new(Labels { occurrence, target, ..Labels::default() }));
        batch
    };
    (0..rows).step_by(65_536).map(|from| batch(from, rows.min(from + 65_536))).collect()
}

fn fit<F: Family>(bencher: Bencher<'_, '_>, family: &F, batches: &[Batch], task: &Task) {
    let (workers, features) = (Workers::threads(2), batches[0].schema());
    bencher.bench_local(|| {
        let run = Run { workers: &workers, draws: Draws::new(Seed(1), "model"), progress: &|_, _, _| () };
        let trained = family.fit(&Training { batches, features: &features, task }, &run).expect("the data fit");
        (trained.curve.len(), trained.importance)
    });
}

#[divan::bench(args = [(1_000_000, 20), (200_000, 100), (100_000, 500)], sample_count = 3, sample_size = 1)]
fn ridge(bencher: Bencher<'_, '_>, (rows, features): (usize, usize)) {
    let batches = data(rows, features, 0);
    fit(bencher, &Ridge::example(), &batches, &Task::Regression);
}

#[divan::bench(args = [(1_000_000, 20), (200_000, 100), (100_000, 500)], sample_count = 3, sample_size = 1)]
fn logistic(bencher: Bencher<'_, '_>, (rows, features): (usize, usize)) {
    let batches = data(rows, features, 2);
    let task = Task::Binary { classes: ["no".to_owned(), "yes".to_owned()] };
    fit(bencher, &LogisticRegression::example(), &batches, &task);
}

#[divan::bench(args = [(200_000, 20, 5)], sample_count = 3, sample_size = 1)]
fn multinomial(bencher: Bencher<'_, '_>, (rows, features, classes): (usize, usize, usize)) {
    let batches = data(rows, features, classes);
    let task = Task::Multiclass { classes: (0..classes).map(|class| class.to_string()).collect() };
    fit(bencher, &LogisticRegression::example(), &batches, &task);
}

/// What sums of rounded products would take, on one thread: the road not taken in `linear/gram.rs`.
#[divan::bench(args = [(100_000, 100)], sample_count = 3, sample_size = 1)]
fn gram_of_exact_sums(bencher: Bencher<'_, '_>, (rows, features): (usize, usize)) {
    let batches = data(rows, features, 0);
    bencher.bench_local(|| {
        let mut gram = evenstep_exact::moments::Gram::default();
        for batch in &batches {
            let columns: Vec<_> = batch.columns().map(|(_, column)| column.to_numbers().expect("numbers")).collect();
            gram.observe(&columns.iter().map(|column| &**column).collect::<Vec<&[f64]>>());
        }
        gram.sum(0, 1).value()
    });
}
