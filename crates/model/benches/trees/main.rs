//! Fits and scores within one process, as the programs of the peers do; `bench/trees` starts both.
//!
//! `trees fit REQUEST.json` does the fits that the request lists, `trees roofline` measures what the
//! host allows. Each prints one line of JSON.

mod roofline;
mod table;
mod unrounded;
mod usage;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use evenstep_exact::canonical::{Hasher, canonical_json};
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_model::{AnyModel, BoostedTrees, Run, Tensor, Training};
use evenstep_table::Batch;
use serde::Deserialize;
use serde_json::{Value, json};

use table::{Rows, Table};

#[expect(clippy::print_stdout, reason = "what it measured is what this program prints")]
fn main() {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match words[..] {
        ["fit", request] => fits(&read_request(request)),
        ["roofline"] => roofline::measure(),
        _ => json!({ "usage": "trees fit REQUEST.json, or trees roofline" }),
    };
    println!("{answer}");
}

/// Fits on one table.
#[derive(Deserialize)]
struct Request {
    table: PathBuf,
    threads: usize,
    jobs: Vec<Job>,
    /// For how long batches are scored with one thread, and with all; 0 for not at all.
    #[serde(default)]
    score_s: f64,
    /// How many single rows are scored.
    #[serde(default)]
    single_rows: usize,
    /// How many rows are explained by exact Shapley values; 0 for none.
    #[serde(default)]
    explained_rows: usize,
}

/// One fit, and what is predicted with it. `unrounded` is no family of ours, but what `boosted_trees` is compared with.
#[derive(Deserialize)]
struct Job {
    #[serde(rename = "use")]
    family: String,
    spec: Value,
    /// Files of row numbers.
    train: PathBuf,
    test: PathBuf,
    /// Where the predictions of the test rows go, row by row.
    predictions: PathBuf,
}

fn read_request(path: &str) -> Request {
    serde_json::from_slice(&std::fs::read(path).expect("the request is there")).expect("a request")
}

fn fits(request: &Request) -> Value {
    let table = Table::open(&request.table);
    let answers = request.jobs.iter().map(|job| match &*job.family {
        "unrounded" => fit_unrounded(&table, job),
        _ => fit(&table, job, request).unwrap_or_else(|refusal| json!({ "refused": refusal })),
    });
    json!({ "fits": answers.collect::<Vec<Value>>() })
}

fn fit(table: &Table, job: &Job, request: &Request) -> Result<Value, String> {
    let family = evenstep_model::parse(&job.family, job.spec.clone()).map_err(|error| error.to_string())?;
    let train = table.batches(&Rows::read(&job.train), 65_536);
    let (features, task) = (table.schema(), table.task());
    let workers = Workers::threads(request.threads);
    let run = Run { workers: &workers, draws: Draws::new(Seed(7), "model"), progress: &|_, _, _| () };

    let before = usage::now_mb();
    usage::forget_peak();
    let (begun, cpu) = (Instant::now(), usage::cpu_s());
    let training = Training { batches: &train, features: &features, task: &task };
    let trained = family.fit(&training, &run).map_err(|error| error.to_string())?;
    let fit_s = begun.elapsed().as_secs_f64();
    let (cpu_s, peak) = (usage::cpu_s() - cpu, usage::peak_mb());
    drop(train);

    let test = table.batches(&Rows::read(&job.test), 16_384);
    write_predictions(&*trained.model, &test, &job.predictions);
    let mut answer = json!({
        "fit_s": fit_s,
        "cpu_s": cpu_s,
        "before_mb": before,
        "peak_mb": peak,
        "digest": digest(&*trained.model),
    });
    if request.score_s > 0.0 {
        for (name, threads) in [("rows_s_1", 1), ("rows_s", request.threads)] {
            answer[name] = rows_per_s(&*trained.model, &test, threads, request.score_s).into();
        }
    }
    if request.single_rows > 0 {
        answer["row_ns"] = row_ns(&*trained.model, &test[0], request.single_rows).into();
    }
    if request.explained_rows > 0 {
        answer["explain_s"] = explain_s(&*trained.model, &test, &workers, request.explained_rows).into();
    }
    Ok(answer)
}

fn fit_unrounded(table: &Table, job: &Job) -> Value {
    let spec: BoostedTrees = serde_json::from_value(job.spec.clone()).expect("a spec of boosted trees");
    let objective = job.spec["objective"].as_str().expect("an objective");
    let [train, test] = [&job.train, &job.test].map(|rows| table.batches(&Rows::read(rows), 65_536));
    let model = unrounded::fit(&spec, objective, &train, table.task().classes().len());
    write(&job.predictions, model.predict(&test));
    json!({})
}

fn write_predictions(model: &dyn AnyModel, batches: &[Batch], path: &Path) {
    write(path, batches.iter().flat_map(|batch| model.predict(batch).values));
}

fn write(path: &Path, predictions: impl IntoIterator<Item = f64>) {
    let bytes: Vec<u8> = predictions.into_iter().flat_map(f64::to_le_bytes).collect();
    std::fs::write(path, bytes).expect("predictions can be written");
}

/// Tells models apart that differ in a bit.
fn digest(model: &dyn AnyModel) -> String {
    let stored = model.store();
    let mut hasher = Hasher::new("bench trees");
    hasher.bytes(&canonical_json(&stored.facts));
    for (name, tensor) in &stored.tensors {
        hasher.str(name);
        match tensor {
            Tensor::F64(cells) => {
                for cell in cells.iter() {
                    hasher.f64(*cell);
                }
            }
            Tensor::I64(cells) => {
                for cell in cells.iter() {
                    hasher.i64(*cell);
                }
            }
            Tensor::U32(cells) => {
                for cell in cells.iter() {
                    hasher.u64(u64::from(*cell));
                }
            }
            Tensor::U8(cells) => {
                hasher.bytes(cells);
            }
        }
    }
    hasher.finish().short()
}

/// The most rows a second over passes through all batches, which threads take one by one.
fn rows_per_s(model: &dyn AnyModel, batches: &[Batch], threads: usize, seconds: f64) -> f64 {
    let rows: usize = batches.iter().map(Batch::rows).sum();
    let pass = || {
        let (next, begun) = (AtomicUsize::new(0), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                        std::hint::black_box(model.predict(batch));
                    }
                });
            }
        });
        rows as f64 / begun.elapsed().as_secs_f64()
    };
    let (begun, mut best) = (Instant::now(), pass());
    while begun.elapsed().as_secs_f64() < seconds {
        best = best.max(pass());
    }
    best
}

/// The shortest time of five to explain the first rows, which threads take in equal parts.
fn explain_s(model: &dyn AnyModel, batches: &[Batch], workers: &Workers, count: usize) -> f64 {
    let mut left = count;
    let parts: Vec<Batch> = batches
        .iter()
        .flat_map(|batch| {
            let rows: Vec<usize> = (0..batch.rows().min(left)).collect();
            left -= rows.len();
            rows.chunks(1000).map(|part| batch.take(part)).collect::<Vec<Batch>>()
        })
        .collect();
    assert_eq!(left, 0, "there are rows enough to explain");
    let times = (0..5).map(|_| {
        let begun = Instant::now();
        std::hint::black_box(workers.map(parts.iter().collect(), |part| model.explain(part).expect("trees explain")));
        begun.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}

/// The median time of one row, of many scored one by one.
fn row_ns(model: &dyn AnyModel, batch: &Batch, count: usize) -> u64 {
    let singles: Vec<Batch> = (0..batch.rows().min(1000)).map(|row| batch.take(&[row])).collect();
    let mut taken: Vec<u64> = (0..count)
        .map(|i| {
            let single = &singles[i % singles.len()];
            let begun = Instant::now();
            std::hint::black_box(model.predict(single));
            begun.elapsed().as_nanos() as u64
        })
        .collect();
    taken.sort_unstable();
    taken[count / 2]
}
