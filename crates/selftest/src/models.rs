//! Every model of the catalogue, and those ways of fitting one that share little with the others.

use std::sync::Arc;

use evenstep_exact::canonical::{Digest, canonical_json};
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_model::{AnyFamily, CATALOGUE, ModelError, Run, Tensor, Training, parse};
use evenstep_step::sample;
use evenstep_table::{Batch, Labels, RowKey, Task};
use serde_json::{Value, json};

use crate::steps::tasks;
use crate::tables::in_parts;
use crate::{Item, REFUSED, bits, hasher};

const ROWS: usize = 300;
/// A fit of so many trees comes by everything that one of hundreds does.
const TREES_MAX: u64 = 20;

pub(crate) fn items(workers: &Workers) -> Vec<Item> {
    let examples = CATALOGUE.iter().map(|entry| (entry.name.to_owned(), entry.name, (entry.example)().spec()));
    let others = variants().into_iter().map(|(about, spec)| (format!("boosted_trees {about}"), "boosted_trees", spec));
    let mut items = Vec::new();
    for (about, name, mut spec) in examples.chain(others) {
        if let Some(trees) = spec["trees"].as_u64() {
            spec["trees"] = json!(trees.min(TREES_MAX));
        }
        let family = parse(name, spec).expect("an example reads");
        for task in tasks().into_iter().chain([Task::Ranking]) {
            let rows = [rows(&task, Features::All), rows(&task, Features::Numbers)];
            let taken = rows.into_iter().find(|rows| family.check(&task, &rows.schema()).is_ok());
            let Some(rows) = taken else { continue };
            let digest = digest(&family, &task, &rows, workers).unwrap_or(REFUSED);
            items.push((format!("{about} {}", word(&task)), digest));
        }
    }
    items
}

fn variants() -> Vec<(&'static str, Value)> {
    let with = |spec: Value| {
        let mut all = json!({ "trees": 10, "min_rows": 5 });
        let to = all.as_object_mut().expect("an object");
        to.extend(spec.as_object().expect("an object").clone());
        all
    };
    vec![
        ("absolute", with(json!({ "objective": "absolute" }))),
        ("huber", with(json!({ "objective": "huber" }))),
        ("quantile", with(json!({ "objective": "quantile" }))),
        ("poisson", with(json!({ "objective": "poisson" }))),
        ("tweedie", with(json!({ "objective": "tweedie" }))),
        ("gamma", with(json!({ "objective": "gamma" }))),
        ("lambda_rank", with(json!({ "objective": "lambda_rank" }))),
        ("pairwise_rank", with(json!({ "objective": "pairwise_rank" }))),
        ("by depth", with(json!({ "growth": "depth", "column_sample": 0.5 }))),
        ("sampled", with(json!({ "row_sample": 0.7, "column_sample": 0.7 }))),
        // Rows are drawn from the second round on, which is 1 / learning_rate.
        ("goss", with(json!({ "goss": {}, "learning_rate": 0.5 }))),
        ("dart", with(json!({ "dart": {} }))),
        ("monotone", with(json!({ "monotone": { "income": "increasing" } }))),
    ]
}

fn word(task: &Task) -> &'static str {
    match task {
        Task::Regression => "regression",
        Task::Binary { .. } => "binary",
        Task::Multiclass { .. } => "multiclass",
        Task::Ranking => "ranking",
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Features {
    /// Of every type that a model may take, with nulls.
    All,
    /// Those that are numbers in each row.
    Numbers,
}

fn rows(task: &Task, features: Features) -> Batch {
    let kept = match features {
        Features::All => &["age", "balance", "children", "city", "income", "member", "month"] as &[&str],
        Features::Numbers => &["balance", "income", "month"],
    };
    let people = sample::people(ROWS, task);
    let Labels { occurrence, target, .. } = people.training().clone();
    let relevance = |y: f64| if *task == Task::Ranking { (y / 3.0).floor() } else { y };
    let group = |row: usize| RowKey((row as u128 / 15).to_le_bytes());
    let labels = Labels {
        occurrence,
        target: target.into_iter().map(relevance).collect(),
        weight: (0..ROWS).map(|row| (row % 5 + 1) as f64 / 2.0).collect(),
        group: if *task == Task::Ranking { (0..ROWS).map(group).collect() } else { Vec::new() },
    };
    let mut rows = people.retain(|name| kept.contains(&name.as_str()));
    rows.labels = Some(Arc::new(labels));
    rows
}

/// The digest of what was learned, predicted and explained.
fn digest(family: &Arc<dyn AnyFamily>, task: &Task, rows: &Batch, workers: &Workers) -> Result<Digest, ModelError> {
    let features = rows.schema();
    let batches = in_parts(rows, workers.count());
    let run = Run { workers, draws: Draws::new(Seed(2026), "model"), progress: &|_, _, _| () };
    let model = family.clone().fit(&Training { batches: &batches, features: &features, task }, &run)?.model;
    let stored = model.store();
    let mut hasher = hasher();
    hasher.bytes(&canonical_json(&stored.facts));
    for (name, tensor) in &stored.tensors {
        hasher.str(name);
        match tensor {
            Tensor::F64(cells) => hasher.bytes(&bits(cells.iter().copied()).0),
            Tensor::I64(cells) => cells.iter().fold(&mut hasher, |hasher, cell| hasher.i64(*cell)),
            Tensor::U32(cells) => cells.iter().fold(&mut hasher, |hasher, cell| hasher.u64(u64::from(*cell))),
            Tensor::U8(cells) => hasher.bytes(cells),
        };
    }
    hasher.bytes(&bits(model.predict(rows).values).0);
    if let Some(explained) = model.explain(&rows.take(&(0..20).collect::<Vec<_>>())) {
        hasher.bytes(&bits(explained.base.into_iter().chain(explained.values)).0);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_item_of_rows_drawn_by_their_gradients_draws_some() {
        let (_, spec) = variants().into_iter().find(|(about, _)| *about == "goss").expect("it is among them");
        let mut all = spec.clone();
        all["goss"] = Value::Null;
        let task = Task::Regression;
        let (rows, workers) = (rows(&task, Features::All), Workers::threads(1));
        let learned = |spec| {
            let family = parse("boosted_trees", spec).expect("it reads");
            digest(&family, &task, &rows, &workers).unwrap_or(REFUSED)
        };
        assert_ne!(learned(spec), learned(all));
    }
}
