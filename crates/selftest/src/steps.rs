//! Every step of the catalogue, fitted and applied: to the rows that it learned from, and to one row alone.

use std::collections::BTreeMap;

use evenstep_exact::canonical::{Digest, canonical_json};
use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_step::{CATALOGUE, Site, StepError, sample};
use evenstep_table::{Batch, Task};

use crate::tables::in_parts;
use crate::{Item, REFUSED, hasher};

const ROWS: usize = 300;

pub(crate) fn items(workers: &Workers) -> Vec<Item> {
    let entry = |entry: &evenstep_step::Entry| {
        let mut hasher = hasher();
        for task in tasks() {
            match digest(entry, &task, workers) {
                Ok(digest) => hasher.bytes(&digest.0),
                Err(_) => return (entry.name.to_owned(), REFUSED),
            };
        }
        (entry.name.to_owned(), hasher.finish())
    };
    CATALOGUE.iter().map(entry).collect()
}

/// A task of each kind.
pub(crate) fn tasks() -> [Task; 3] {
    let three = ["a", "b", "c"].map(str::to_owned).to_vec();
    [Task::Regression, Task::Binary { classes: ["no", "yes"].map(str::to_owned) }, Task::Multiclass { classes: three }]
}

fn digest(entry: &evenstep_step::Entry, task: &Task, workers: &Workers) -> Result<Digest, StepError> {
    let people = sample::people(ROWS, task);
    let step = (entry.example)();
    let (schema, name) = (people.schema(), format!("{}/1", entry.name));
    let draws = Draws::new(Seed(2026), &name);
    let site = Site { columns: step.reads(&schema)?, schema, zones: BTreeMap::new(), task: task.clone(), draws, name };
    let batches = in_parts(&people, workers.count());
    let fitted = step.fit(site, &batches, workers)?;
    let mut hasher = hasher();
    hasher.bytes(&canonical_json(&fitted.params()));
    let mut cells = BTreeMap::new();
    for batch in batches {
        add(&mut cells, &fitted.apply_training(batch)?);
    }
    for cell in cells.into_values().flatten() {
        hasher.str(&cell);
    }
    let mut cells = BTreeMap::new();
    for row in 0..8 {
        add(&mut cells, &fitted.apply(people.take(&[row]))?);
    }
    for cell in cells.into_values().flatten() {
        hasher.str(&cell);
    }
    Ok(hasher.finish())
}

/// Every cell as text, whose equality is that of its bits, by the row's key.
fn add(cells: &mut BTreeMap<[u8; 16], Vec<String>>, batch: &Batch) {
    for (row, key) in batch.keys.iter().enumerate() {
        let texts = batch.columns().map(|(name, column)| {
            let cell = column.text(row);
            format!("{name}={}", cell.map_or("null".to_owned(), |cell| format!("{cell:?}")))
        });
        cells.insert(key.0, texts.collect());
    }
}
