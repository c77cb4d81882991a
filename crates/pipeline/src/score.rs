//! Batch scoring: chunk by chunk, in bounded memory, in the input's order.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Workers;
use evenstep_model::Predictions;
use evenstep_source::{Chunk, Mode, Reading, Source};
use evenstep_table::check::Breach;
use evenstep_table::{Batch, Coded, Column, ColumnName, Identity, Task};

use crate::spec::Extra;
use crate::{PipelineError, Predictor, Progress};

/// What was scored.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Scored {
    /// Rows in, and out.
    pub rows: u64,
    /// Rows whose prediction is null.
    pub unanswered: u64,
    /// How often which rule flagged which column.
    pub flags: BTreeMap<String, u64>,
    /// Columns of the input that nobody asked for.
    pub ignored: Vec<ColumnName>,
}

impl Predictor {
    /// What is wanted of rows to be scored: the inputs, and the id where the source has it.
    pub fn reading(&self, available: Option<&[ColumnName]>) -> Reading {
        let has = |name: &ColumnName| available.is_none_or(|columns| columns.contains(name));
        let id: Vec<ColumnName> =
            if self.data.id.iter().all(has) { self.data.id.clone() } else { Vec::new() };
        let wanted = |name: &ColumnName| self.inputs.contains(name) || id.contains(name);
        let rules = self.contract.columns.iter().filter(|(name, _)| wanted(name));
        Reading {
            missing: self.data.missing.clone(),
            columns: rules.map(|(name, rule)| (name.clone(), rule.clone())).collect(),
            id,
            mode: Mode::Scoring,
            seen: self.seen.clone(),
        }
    }

    /// The keys of rows to be scored: by the id where they have it, else by their content.
    pub(crate) fn identify(&self, batch: &mut Batch, id: &[ColumnName]) {
        let by_content = || Identity::by_content(self.inputs.iter().cloned());
        let identity = if id.is_empty() { by_content() } else { Identity::by_id(id.iter().cloned()) };
        let keys = identity.keys(batch).or_else(|_| by_content().keys(batch));
        batch.keys = keys.expect("content has a key, null or not").into();
    }
}

/// Scores every row of the source and hands the answers over, chunk by chunk.
///
/// # Errors
/// A source that can't be read, rows that break the contract, or whatever `write` refuses.
pub fn score(
    predictor: &Predictor,
    source: &Source,
    workers: &Workers,
    progress: &dyn Progress,
    mut write: impl FnMut(Batch) -> Result<(), PipelineError>,
) -> Result<Scored, PipelineError> {
    let reading = predictor.reading(Some(source.column_names()));
    let mut scored = Scored { ignored: ignored(predictor, source), ..Scored::default() };
    progress.stage("score", None);
    let mut chunks = source.stream(&reading)?;
    loop {
        // As many chunks as there are threads, so that memory is bounded and nobody waits.
        let group: Vec<Chunk> = chunks.by_ref().take(workers.count()).collect::<Result<_, _>>()?;
        if group.is_empty() {
            return Ok(scored);
        }
        let answered = workers.map(group, |chunk| answer(predictor, chunk, &reading.id));
        for answer in answered {
            let (mut batch, chunk) = answer?;
            if reading.id.is_empty() {
                let first = scored.rows as i64;
                let rows = (first..first + batch.rows() as i64).collect();
                batch.insert(ColumnName::new("row").expect("a name"), Column::Integer(rows));
            }
            scored.rows += batch.rows() as u64;
            scored.unanswered += chunk.unanswered.len() as u64;
            for flag in &chunk.flags {
                *scored.flags.entry(format!("{}: {}", flag.field, flag.rule.word())).or_default() += 1;
            }
            progress.done(scored.rows, "rows");
            write(batch)?;
        }
    }
}

fn ignored(predictor: &Predictor, source: &Source) -> Vec<ColumnName> {
    let known = |name: &ColumnName| {
        predictor.inputs.contains(name) || predictor.data.id.contains(name) || *name == predictor.data.target
    };
    match predictor.extra {
        Extra::Ignore => Vec::new(),
        Extra::Reject => source.column_names().iter().filter(|name| !known(name)).cloned().collect(),
    }
}

/// The answers to a chunk as columns: id, prediction, probabilities, flags.
fn answer(predictor: &Predictor, mut chunk: Chunk, id: &[ColumnName]) -> Result<(Batch, Chunk), PipelineError> {
    let mut batch = std::mem::take(&mut chunk.batch);
    predictor.identify(&mut batch, id);
    let mut answers = batch.clone().retain(|name| id.contains(name));
    let mut predictions = predictor.predict(batch)?;
    for row in &chunk.unanswered {
        let width = predictions.width;
        predictions.values[row * width..(row + 1) * width].fill(f64::NAN);
    }
    for (name, column) in columns(&predictor.task, &predictions) {
        answers.insert(name, column);
    }
    if flags_are_possible(predictor) {
        answers.insert(ColumnName::new("flags").expect("a name"), Column::Text(flags(&chunk, answers.rows())));
    }
    Ok((answers, chunk))
}

/// Whether there can be flags at all: then the column is there, even if it is empty.
fn flags_are_possible(predictor: &Predictor) -> bool {
    !predictor.seen.is_empty()
}

/// Predictions as columns, by the task.
pub fn columns(task: &Task, predictions: &Predictions) -> Vec<(ColumnName, Column)> {
    let name = |name: &str| ColumnName::new(name).expect("a name");
    let rows = 0..predictions.rows();
    let classes = task.classes();
    if classes.is_empty() {
        return vec![(name("prediction"), Column::Number(predictions.values.clone()))];
    }
    let probabilities: Vec<Vec<f64>> = (0..classes.len())
        .map(|class| rows.clone().map(|row| probability(task, predictions.row(row), class)).collect())
        .collect();
    let labels = rows.map(|row| label(task, predictions.row(row)).map(|class| classes[class].as_str()));
    let mut columns = vec![(name("prediction"), Column::Category(Coded::from_strings(labels)))];
    for (class, probabilities) in classes.iter().zip(probabilities) {
        columns.push((name(&format!("probability_{class}")), Column::Number(probabilities)));
    }
    columns
}

/// The probability of a class.
pub fn probability(task: &Task, outputs: &[f64], class: usize) -> f64 {
    match task {
        Task::Binary { .. } if class == 0 => 1.0 - outputs[0],
        Task::Binary { .. } => outputs[0],
        _ => outputs[class],
    }
}

/// The class that is told: positive from one half on, else the most probable, the first of equals.
pub fn label(task: &Task, outputs: &[f64]) -> Option<usize> {
    if outputs.iter().any(|output| output.is_nan()) {
        return None;
    }
    match task {
        Task::Regression => None,
        Task::Binary { .. } => Some(usize::from(outputs[0] >= 0.5)),
        Task::Multiclass { .. } => {
            (0..outputs.len()).reduce(|best, class| if outputs[class] > outputs[best] { class } else { best })
        }
    }
}

/// The flags of each row as text: `age: max; city: unseen`.
fn flags(chunk: &Chunk, rows: usize) -> Coded {
    let mut said: Vec<Option<String>> = vec![None; rows];
    for flag in &chunk.flags {
        let text = format!("{}: {}", flag.field, Breach::word(flag.rule));
        said[flag.row] = Some(match said[flag.row].take() {
            Some(before) => format!("{before}; {text}"),
            None => text,
        });
    }
    Coded::from_strings(said)
}
