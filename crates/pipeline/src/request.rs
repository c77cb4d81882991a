//! Live requests: JSON rows by the contract in, one answer a row out.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_model::Predictions;
use evenstep_table::build::{ColumnBuilder, Strictness, Value as Cell};
use evenstep_table::check::{Breach, Checker, Found, Outcome};
use evenstep_table::rule::Absent;
use evenstep_table::{Batch, ColumnName, MissingTokens, Rule, did_you_mean};
use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::score::{label, probability};
use crate::spec::Extra;
use crate::{PipelineError, Predictor};

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

/// A cell for which a request is refused.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FieldError {
    /// The row's index in the request.
    pub row: usize,
    /// The column.
    pub field: String,
    /// What was there; left out for columns that tell of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The rule that it breaks.
    pub rule: &'static str,
    /// What was expected.
    pub message: String,
}

/// A request without an answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Refusal {
    /// The body isn't a JSON object, or a list of them.
    Malformed(String),
    /// Rows break the contract.
    Contract(Vec<FieldError>),
    /// A bug of ours.
    Bug(String),
}

/// Answers the body of a request: one row, or a list of rows.
///
/// # Errors
/// A body that doesn't parse, or rows that break the contract: then no row is answered.
pub fn answer(predictor: &Predictor, body: &[u8]) -> Result<Vec<Answer>, Refusal> {
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
    let read = read(predictor, &rows);
    if !read.errors.is_empty() {
        return Err(Refusal::Contract(read.errors));
    }
    let mut predictions = predictor.predict(read.batch).map_err(|error| Refusal::Bug(error.to_string()))?;
    for row in &read.unanswered {
        let width = predictions.width;
        predictions.values[row * width..(row + 1) * width].fill(f64::NAN);
    }
    let mut flags = read.flags;
    Ok((0..rows.len())
        .map(|row| Answer {
            id: id_of(predictor, &rows[row], row),
            flags: flags.remove(&row).unwrap_or_default(),
            ..told(predictor, predictions.row(row))
        })
        .collect())
}

/// The prediction of one row; None if the contract refuses it.
pub(crate) fn predict_row(
    predictor: &Predictor,
    row: &Map<String, Value>,
) -> Result<Option<Predictions>, PipelineError> {
    let read = read(predictor, std::slice::from_ref(row));
    if read.errors.is_empty() { predictor.predict(read.batch).map(Some) } else { Ok(None) }
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

/// Rows as a batch, and what the contract says of them.
struct ReadRows {
    batch: Batch,
    errors: Vec<FieldError>,
    flags: BTreeMap<usize, Vec<Flagged>>,
    unanswered: Vec<usize>,
}

fn read(predictor: &Predictor, rows: &[Map<String, Value>]) -> ReadRows {
    let mut read = ReadRows {
        batch: Batch::unkeyed(rows.len()),
        errors: Vec::new(),
        flags: BTreeMap::new(),
        unanswered: Vec::new(),
    };
    if predictor.extra == Extra::Reject {
        refuse_unknown(predictor, rows, &mut read.errors);
    }
    let missing = Arc::new(MissingTokens::new(&predictor.data.missing));
    let has_id = |id: &ColumnName| rows.iter().all(|row| row.contains_key(id.as_str()));
    let id = if predictor.data.id.iter().all(has_id) { predictor.data.id.as_slice() } else { &[] };
    for (name, rule) in &predictor.contract.columns {
        if predictor.inputs.contains(name) || id.contains(name) {
            read_column(predictor, name, rule, rows, &missing, &mut read);
        }
    }
    read.errors.sort_by(|a, b| (a.row, &a.field).cmp(&(b.row, &b.field)));
    predictor.identify(&mut read.batch, id);
    read
}

fn refuse_unknown(predictor: &Predictor, rows: &[Map<String, Value>], errors: &mut Vec<FieldError>) {
    let known = |field: &str| predictor.inputs.iter().chain(&predictor.data.id).any(|name| name.as_str() == field);
    for (row, fields) in rows.iter().enumerate() {
        for (field, _) in fields.iter().filter(|(field, _)| !known(field)) {
            let absent = predictor.inputs.iter().map(ColumnName::as_str).filter(|name| !fields.contains_key(*name));
            let message = match did_you_mean(field, absent) {
                Some(near) => format!("the contract has no such field; {near}"),
                None => "the contract has no such field".to_owned(),
            };
            errors.push(FieldError { row, field: field.clone(), value: None, rule: Breach::Unknown.word(), message });
        }
    }
}

fn read_column(
    predictor: &Predictor,
    name: &ColumnName,
    rule: &Rule,
    rows: &[Map<String, Value>],
    missing: &Arc<MissingTokens>,
    read: &mut ReadRows,
) {
    let mut builder = ColumnBuilder::new(rule, Arc::clone(missing), Strictness::Request);
    let mut absent = Vec::new();
    for (row, fields) in rows.iter().enumerate() {
        match fields.get(name.as_str()) {
            None => {
                absent.push(row);
                builder.push(Cell::Null);
            }
            Some(value) => push(&mut builder, value),
        }
    }
    let mut found = |found: Found| {
        // An absent field has a policy of its own.
        if found.breach == Breach::Missing && absent.contains(&found.row) {
            return;
        }
        match found.outcome {
            Outcome::Rejected => read.errors.push(FieldError {
                row: found.row,
                field: name.to_string(),
                value: found.value.filter(|_| !rule.personal),
                rule: found.breach.word(),
                message: expected(rule, found.breach),
            }),
            Outcome::Quarantined => read.unanswered.push(found.row),
            Outcome::Kept | Outcome::Clipped | Outcome::Nulled => {}
        }
        if found.outcome != Outcome::Rejected {
            read.flags.entry(found.row).or_default().push(Flagged { field: name.clone(), rule: found.breach.word() });
        }
    };
    let outcome = if rule.absent == Absent::Null { Outcome::Nulled } else { Outcome::Rejected };
    let column = Checker::new(rule, predictor.seen.get(name)).check(builder.finish(), &mut found);
    for row in absent {
        match outcome {
            Outcome::Rejected => read.errors.push(FieldError {
                row,
                field: name.to_string(),
                value: None,
                rule: Breach::Absent.word(),
                message: "the field is missing from the row".to_owned(),
            }),
            _ => read.flags.entry(row).or_default().push(Flagged { field: name.clone(), rule: Breach::Absent.word() }),
        }
    }
    read.batch.insert(name.clone(), column);
}

fn push(builder: &mut ColumnBuilder, value: &Value) {
    match value {
        Value::Null => builder.push(Cell::Null),
        Value::Bool(yes) => builder.push(Cell::Boolean(*yes)),
        Value::String(text) => builder.push(Cell::Text(text)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => builder.push(Cell::Integer(integer)),
            (None, Some(float)) => builder.push(Cell::Float(float)),
            (None, None) => builder.push(Cell::Decimal(&number.to_string())),
        },
        Value::Array(_) | Value::Object(_) => builder.push(Cell::Foreign(&value.to_string())),
    }
}

fn expected(rule: &Rule, breach: Breach) -> String {
    let bound = |bound: &Option<evenstep_table::rule::Bound>| {
        bound.as_ref().map_or(String::new(), |bound| serde_json::to_string(bound).unwrap_or_default())
    };
    match breach {
        Breach::Missing => "a value is required".to_owned(),
        Breach::Invalid => format!("expected {}", rule.kind.word()),
        Breach::Min => format!("at least {}", bound(&rule.min)),
        Breach::Max => format!("at most {}", bound(&rule.max)),
        Breach::Values => format!("one of {}", rule.values.as_deref().unwrap_or_default().join(", ")),
        Breach::Unseen => "training never saw this category".to_owned(),
        Breach::Unique => "the value occurs more than once".to_owned(),
        Breach::Absent => "the field is missing from the row".to_owned(),
        Breach::Unknown => "the contract has no such field".to_owned(),
    }
}
