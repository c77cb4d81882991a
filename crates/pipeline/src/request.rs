//! Live requests: JSON rows by the contract in, one answer a row out.

use std::collections::BTreeMap;

use evenstep_model::Predictions;
pub use evenstep_source::RowError;
use evenstep_source::{RowTyper, TypedRows};
use evenstep_table::ColumnName;
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::score::{label, probability};
use crate::trace::Recorder;
use crate::{NoNumbers, PipelineError, Predictor};

/// How rows of requests get their types: with the id where they have it, without it where not.
#[derive(Debug)]
pub(crate) struct RowTypers {
    with_id: RowTyper,
    without_id: RowTyper,
}

impl RowTypers {
    pub(crate) fn new(predictor: &Predictor) -> RowTypers {
        let typer = |reading| RowTyper::new(&reading, predictor.data.id.iter().cloned(), predictor.extra);
        RowTypers {
            with_id: typer(predictor.reading(None)),
            without_id: typer(predictor.reading(Some(&predictor.inputs))),
        }
    }
}

impl Predictor {
    /// The rows by the contract, with their keys.
    fn read_rows(&self, rows: &[Map<String, Value>]) -> TypedRows {
        let typers = self.typers.get_or_init(|| RowTypers::new(self));
        let id = &self.data.id;
        let has_id = !id.is_empty() && rows.iter().all(|row| id.iter().all(|id| row.contains_key(id.as_str())));
        let mut read = if has_id { typers.with_id.rows(rows) } else { typers.without_id.rows(rows) };
        self.identify(&mut read.batch, if has_id { id } else { &[] });
        read
    }
}

/// What is said of one row.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answer {
    /// The row's id: its one column, or an object of several; else its index in the request.
    pub id: Value,
    /// A number or a class; null where the contract or the model gives none.
    pub prediction: Value,
    /// The probability of each class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<Map<String, Value>>,
    /// Rules that the row breaks without being refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flagged>,
}

/// A rule that a row breaks without being refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Flagged {
    /// The column.
    pub field: ColumnName,
    /// The rule.
    pub rule: &'static str,
}

/// A request without an answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Refusal {
    /// The body isn't a JSON object, or a list of them.
    Malformed(String),
    /// Rows break the contract.
    Contract {
        /// The first of the cells that do, by row, then by name.
        errors: Vec<RowError>,
        /// How many there are.
        count: usize,
    },
    /// A bug of ours.
    Bug(String),
}

/// Answers the body of a request: one row, or a list of rows.
///
/// # Errors
/// A body that doesn't parse, or rows that break the contract: then no row is answered.
pub fn answer(predictor: &Predictor, body: &[u8]) -> Result<Vec<Answer>, Refusal> {
    answer_traced(predictor, body, None).map(|answered| answered.answers)
}

/// What was said of the rows of a request.
#[derive(Clone, PartialEq, Debug)]
pub struct Answered {
    /// One answer a row.
    pub answers: Vec<Answer>,
    /// Results of steps that were no numbers.
    pub no_numbers: NoNumbers,
}

/// Answers the body of a request, and commits to what each stage makes of its rows.
///
/// # Errors
/// As `answer`.
pub fn answer_traced(predictor: &Predictor, body: &[u8], trace: Option<&Recorder>) -> Result<Answered, Refusal> {
    let body: Value =
        serde_json::from_slice(body).map_err(|error| Refusal::Malformed(format!("the body is no JSON: {error}")))?;
    let rows = match body {
        Value::Object(row) => vec![row],
        Value::Array(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| match item {
                Value::Object(row) => Ok(row),
                _ => Err(Refusal::Malformed(format!("row {index} is no object"))),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(Refusal::Malformed("the body is neither an object nor a list of objects".to_owned())),
    };
    let mut read = predictor.read_rows(&rows);
    if read.error_count > 0 {
        return Err(Refusal::Contract { errors: read.errors, count: read.error_count });
    }
    let batch = std::mem::take(&mut read.batch);
    let predictions = match trace {
        None => predictor.predict(batch).map(|(mut predictions, lost)| {
            predictions.forget(&read.unanswered);
            (predictions, lost)
        }),
        Some(trace) => {
            let has_id = predictor.data.id.iter().all(|name| batch.get(name.as_str()).is_some());
            let id = if has_id { predictor.data.id.as_slice() } else { &[] };
            // A row costs some microseconds, sums of its own would cost more.
            trace.with(|sums| predictor.predict_traced(batch, &read.unanswered, id, sums))
        }
    };
    let (predictions, no_numbers) = predictions.map_err(|error| Refusal::Bug(error.to_string()))?;
    let mut flags: BTreeMap<usize, Vec<Flagged>> = BTreeMap::new();
    for flag in read.flags {
        flags.entry(flag.row).or_default().push(Flagged { field: flag.field, rule: flag.rule.word() });
    }
    let answers = (0..rows.len()).map(|row| Answer {
        id: id_of(predictor, &rows[row], row),
        flags: flags.remove(&row).unwrap_or_default(),
        ..told(predictor, predictions.row(row))
    });
    Ok(Answered { answers: answers.collect(), no_numbers })
}

/// The prediction of one row; None if the contract refuses it.
pub(crate) fn predict_row(
    predictor: &Predictor,
    row: &Map<String, Value>,
) -> Result<Option<Predictions>, PipelineError> {
    let read = predictor.read_rows(std::slice::from_ref(row));
    if read.error_count == 0 {
        predictor.predict(read.batch).map(|(predictions, _)| Some(predictions))
    } else {
        Ok(None)
    }
}

/// A prediction as JSON says it.
fn told(predictor: &Predictor, outputs: &[f64]) -> Answer {
    let number = |x: f64| Number::from_f64(x).map_or(Value::Null, Value::Number);
    let classes = predictor.task.classes();
    let chosen = label(&predictor.task, outputs);
    let prediction = match chosen {
        Some(class) => Value::String(classes[class].clone()),
        None if classes.is_empty() => number(outputs[0]),
        None => Value::Null,
    };
    let probabilities = || {
        let each = classes.iter().enumerate();
        each.map(|(class, name)| (name.clone(), number(probability(&predictor.task, outputs, class)))).collect()
    };
    Answer { id: Value::Null, prediction, probability: chosen.map(|_| probabilities()), flags: Vec::new() }
}

fn id_of(predictor: &Predictor, row: &Map<String, Value>, index: usize) -> Value {
    match predictor.data.id.as_slice() {
        [id] if row.contains_key(id.as_str()) => row[id.as_str()].clone(),
        ids if ids.len() > 1 && ids.iter().all(|id| row.contains_key(id.as_str())) => {
            Value::Object(ids.iter().map(|id| (id.to_string(), row[id.as_str()].clone())).collect())
        }
        _ => index.into(),
    }
}
