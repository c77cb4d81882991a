//! How long metrics and their intervals take: `cargo bench -p evenstep-model --bench interval`.

use divan::Bencher;
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_model::Predictions;
use evenstep_model::metric::{self, Scored};
use evenstep_table::{RowKey, Task};

const ROWS: usize = 200_000;

fn main() {
    divan::main();
}

fn scored(metric: &str, weighted: bool) -> (Scored, Vec<RowKey>) {
    let draws = Draws::new(Seed(1), "bench");
    let keys: Vec<RowKey> = (0..ROWS).map(|row| RowKey((row as u128).to_le_bytes())).collect();
    let uniform = |n: u32| keys.iter().map(|key| draws.uniform_at(&key.0, n)).collect::<Vec<f64>>();
    let (values, noise, weight) = (uniform(0), uniform(1), uniform(2));
    let binary = Task::Binary { classes: ["no".to_owned(), "yes".to_owned()] };
    let of_two = metric::find(metric).expect("a metric").suits(&binary).is_ok();
    let target = values.iter().zip(&noise).map(|(x, u)| if of_two { f64::from(u8::from(u < x)) } else { x + u });
    let mut scored = Scored::new(if of_two { binary } else { Task::Regression });
    scored.add(
        &target.collect::<Vec<f64>>(),
        if weighted { &weight } else { &[] },
        Predictions { width: 1, values: values.clone() },
    );
    (scored, keys)
}

const METRICS: [&str; 8] =
    ["rmse", "r2", "median_absolute_error", "roc_auc", "average_precision", "log_loss", "f1", "ece"];

#[divan::bench(args = METRICS, sample_count = 3, sample_size = 1)]
fn interval(bencher: Bencher<'_, '_>, name: &str) {
    of(bencher, name, false);
}

#[divan::bench(args = METRICS, sample_count = 3, sample_size = 1)]
fn interval_weighted(bencher: Bencher<'_, '_>, name: &str) {
    of(bencher, name, true);
}

fn of(bencher: Bencher<'_, '_>, name: &str, weighted: bool) {
    let ((scored, keys), metric) = (scored(name, weighted), metric::find(name).expect("a metric"));
    let (workers, draws) = (Workers::threads(2), Draws::new(Seed(1), "interval"));
    bencher.bench_local(|| metric::interval(&metric, &scored, &keys, &draws, &workers).expect("it is defined"));
}

#[divan::bench(args = METRICS, sample_count = 5, sample_size = 1)]
fn value(bencher: Bencher<'_, '_>, name: &str) {
    let metric = metric::find(name).expect("a metric");
    bencher.with_inputs(|| scored(name, false).0).bench_values(|scored| metric.value(&scored).expect("it is defined"));
}
