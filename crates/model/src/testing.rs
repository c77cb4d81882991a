//! Small data for the tests of this crate.

use std::sync::Arc;

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_table::{Batch, Column, ColumnName, Labels, RowKey, Schema, Task};

use crate::{Family, ModelError, Run, Trained, Training};

pub(crate) fn name(name: &str) -> ColumnName {
    ColumnName::new(name).expect("a name")
}

/// A batch of a fit; rows are keyed by their position.
pub(crate) fn batch(columns: Vec<(&str, Column)>, target: Vec<f64>, weight: Vec<f64>) -> Batch {
    let key = |row: usize| RowKey((row as u128).to_le_bytes());
    let mut batch = Batch::new((0..target.len()).map(key).collect());
    for (of, column) in columns {
        batch.insert(name(of), column);
    }
    let occurrence = vec![0; target.len()];
    batch.labels = Some(Arc::new(Labels { occurrence, target, weight, ..Labels::default() }));
    batch
}

/// Fits on some threads, with draws from seed 7.
pub(crate) fn fit_on<F: Family>(
    family: &F,
    task: &Task,
    features: &Schema,
    batches: &[Batch],
    threads: usize,
) -> Result<Trained<F::Model>, ModelError> {
    let workers = Workers::threads(threads);
    let run = Run { workers: &workers, draws: Draws::new(Seed(7), "model"), progress: &|_, _, _| () };
    family.fit(&Training { batches, features, task }, &run)
}

/// Fits on one batch and one thread.
pub(crate) fn fit<F: Family>(family: &F, task: &Task, batch: &Batch) -> Result<Trained<F::Model>, ModelError> {
    fit_on(family, task, &batch.schema(), std::slice::from_ref(batch), 1)
}

pub(crate) fn binary() -> Task {
    Task::Binary { classes: ["no".to_owned(), "yes".to_owned()] }
}

pub(crate) fn multiclass(classes: usize) -> Task {
    Task::Multiclass { classes: (0..classes).map(|class| format!("class {class}")).collect() }
}

/// Sixty rows of four numeric features of three types, and weights, made by integer arithmetic alone.
pub(crate) struct Sample {
    pub(crate) columns: Vec<(&'static str, Column)>,
    pub(crate) weights: Vec<f64>,
    a: Vec<f64>,
    b: Vec<f64>,
}

pub(crate) fn sample() -> Sample {
    let rows = || 0..60_u32;
    let a: Vec<f64> = rows().map(|i| f64::from(i * 37 % 101) / 10.0 - 3.0).collect();
    let b: Vec<f64> = rows().map(|i| f64::from(i * 53 % 97)).collect();
    let columns = vec![
        ("a", Column::Number(a.clone())),
        ("b", Column::Number(b.clone())),
        ("c", Column::Integer(rows().map(|i| i64::from(i * 29 % 7)).collect())),
        ("d", Column::Boolean(rows().map(|i| u8::from(i * 11 % 3 == 0)).collect())),
    ];
    let weights = rows().map(|i| 1.0 + f64::from(i * 5 % 4) / 2.0).collect();
    Sample { columns, weights, a, b }
}

impl Sample {
    fn noise(row: usize, over: f64) -> f64 {
        (row * 71 % 13) as f64 / over
    }

    pub(crate) fn number(&self) -> Vec<f64> {
        let of = |row: usize| {
            let d = if (row * 11).is_multiple_of(3) { 2.0 } else { 0.0 };
            1.5 * self.a[row] - 0.25 * self.b[row] + d + Sample::noise(row, 7.0)
        };
        (0..60).map(of).collect()
    }

    pub(crate) fn two_classes(&self) -> Vec<f64> {
        let score =
            |row: usize| self.a[row] * 2.0 - self.b[row] / 20.0 + (row * 29 % 7) as f64 / 3.0 + Sample::noise(row, 4.0);
        (0..60).map(|row| f64::from(u8::from(score(row) > 1.0))).collect()
    }

    pub(crate) fn three_classes(&self) -> Vec<f64> {
        let score = |row: usize| self.a[row] * 2.0 - self.b[row] / 20.0 + Sample::noise(row, 4.0);
        (0..60).map(|row| f64::from(u8::from(score(row) >= -2.0) + u8::from(score(row) >= 3.0))).collect()
    }

    pub(crate) fn batch(&self, target: Vec<f64>, weighted: bool) -> Batch {
        batch(self.columns.clone(), target, if weighted { self.weights.clone() } else { Vec::new() })
    }
}

/// Asserts that numbers are near others, relative to the largest.
pub(crate) fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f64, |scale, x| scale.max(x.abs()));
    let near = |(found, expected): (&f64, &f64)| (found - expected).abs() <= tolerance * scale;
    assert!(found.iter().zip(expected).all(near), "{found:?} is not near {expected:?}");
}
