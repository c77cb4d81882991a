//! Live requests: rows by the contract in, in any of several shapes, one answer a row out.

mod answer;
mod json;
mod noticed;
pub mod phases;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_model::Predictions;
pub use evenstep_source::RowError;
use evenstep_source::write::FLAGS;
use evenstep_source::{DirectRows, FLAGS_MAX, Flag, RowTyper, TypedRows};
use evenstep_table::check::Breach;
use evenstep_table::{Batch, Column, ColumnName, Kind};
use serde_json::{Map, Number, Value};

pub use answer::{Answer, Flagged, Prediction, Probabilities, document};
pub use json::{object, parse};
pub use noticed::Noticed;
pub use rows::{Rows, named};

use self::phases::Phase;
use crate::score::{after_ids, answer_columns, id_header, row_header, told};
use crate::trace::{Recorder, Sums};
use crate::{NoNumbers, PipelineError, Predictor};

/// How rows of requests get their types: with the id where they have it, without it where not.
#[derive(Debug)]
pub(crate) struct RowTypers {
    with_id: RowTyper,
    without_id: RowTyper,
}

impl RowTypers {
    pub(crate) fn new(predictor: &Predictor) -> RowTypers {
        let (data, extra) = (&predictor.data, predictor.serving.extra);
        let typer = |reading| RowTyper::new(&reading, data.id.iter().cloned(), data.target.clone(), extra);
        RowTypers {
            with_id: typer(predictor.reading(None)),
            without_id: typer(predictor.reading_of(Some(&predictor.inputs))),
        }
    }

    fn of(&self, has_id: bool) -> &RowTyper {
        if has_id { &self.with_id } else { &self.without_id }
    }
}

/// A request may have so many cells. A body within its limits has fewer, unless most of them are only implied, as
/// those of absent columns are.
const CELLS_MAX: usize = 1 << 24;
/// And so many rows of up to four classes: their answers take some 200 bytes each, whatever the rows take.
const ROWS_MAX: usize = 1 << 18;
/// So many rows are traced while others wait for the trace.
const TRACED_AT_ONCE: usize = 64;

impl Predictor {
    /// How many rows a request may have: fewer of many columns, features or classes.
    pub fn rows_max(&self) -> usize {
        let of_answers = ROWS_MAX / self.task.classes().len().div_ceil(4).max(1);
        of_answers.min(CELLS_MAX / self.cells_of(1))
    }

    /// How many cells so many rows have, those of absent columns included, or of the features that steps make, if these are more.
    pub fn cells_of(&self, rows: usize) -> usize {
        rows.saturating_mul(self.inputs.len().max(self.features.len()).max(1))
    }

    /// # Errors
    /// More rows than a request may have.
    pub fn refuse_many(&self, rows: usize) -> Result<(), Refusal> {
        if rows <= self.rows_max() { Ok(()) } else { Err(self.too_many()) }
    }

    fn too_many(&self) -> Refusal {
        let most = self.rows_max();
        Refusal::TooLarge(format!(
            "a request to this model may have {most} rows: send more of them in parts, or line by line"
        ))
    }

    /// The rows by the contract, and whether one of them has an id.
    fn read_rows(&self, rows: &[Map<String, Value>]) -> (TypedRows, bool) {
        let has_id = rows.iter().any(|row| self.names(row));
        (self.typer(has_id).rows(rows), has_id)
    }

    /// Whether there is an id, and the row has it.
    fn names(&self, row: &Map<String, Value>) -> bool {
        let id = &self.data.id;
        !id.is_empty() && id.iter().all(|id| row.contains_key(id.as_str()))
    }

    fn typer(&self, has_id: bool) -> &RowTyper {
        self.typers().of(has_id || self.requires_id)
    }

    fn typers(&self) -> &RowTypers {
        self.typers.get_or_init(|| RowTypers::new(self))
    }

    /// The one for rows in JSON, by whether their id seems to be there.
    fn typer_of(&self, body: &[u8]) -> &RowTyper {
        let id = &self.data.id;
        let named = |id: &ColumnName| memchr::memmem::find(body, format!("\"{id}\"").as_bytes()).is_some();
        self.typer(!id.is_empty() && id.iter().all(named))
    }

    /// The rows with their keys, if anything depends on them.
    fn keyed(&self, mut read: TypedRows, has_id: bool, traced: bool) -> TypedRows {
        if self.steps.draw || traced {
            self.identify(&mut read.batch, if has_id { &self.data.id } else { &[] });
        }
        read
    }

    /// Rows of any shape by the contract, with their keys; they have types or are refused.
    fn read(&self, rows: Rows<'_>, traced: bool) -> Result<(TypedRows, Ids), Refusal> {
        self.refuse_many(rows.len())?;
        let (mut read, has_id) = match rows {
            Rows::Objects(rows) => self.read_rows(&rows),
            Rows::Columns(body) => {
                let id = &self.data.id;
                let has_id = !id.is_empty() && id.iter().all(|name| body.columns().contains(name));
                (self.typer(has_id).columns(&body).map_err(rows::unreadable)?, has_id)
            }
            Rows::Typed(rows) => (rows.typed, rows.has_id),
        };
        if read.error_count > 0 {
            return Err(Refusal::Contract { errors: read.errors, count: read.error_count });
        }
        if read.is_flagged_too_often {
            return Err(Refusal::TooLarge(format!(
                "the rows break rules that don't refuse them more than {FLAGS_MAX} times: send them in parts"
            )));
        }
        // An id is echoed if it is there: a row without one breaks no rule.
        read.flags.retain(|flag| flag.rule != Breach::Absent || !self.data.id.contains(&flag.field));
        let ids = Ids::of(self, &read.batch, has_id);
        Ok((self.keyed(read, has_id, traced), ids))
    }
}

/// What rows are called in their answers: by their columns of the id, or by their index without one.
struct Ids(Vec<Arc<Column>>);

impl Ids {
    fn of(predictor: &Predictor, batch: &Batch, has_id: bool) -> Ids {
        let column = |name| batch.shared(name).expect("rows with an id have its columns");
        Ids(if has_id { predictor.data.id.iter().map(column).collect() } else { Vec::new() })
    }

    /// The id of a row that has that index in its request; null if others have one.
    fn of_row(&self, row: usize, index: usize, names: &[ColumnName]) -> Value {
        match self.0.as_slice() {
            [] => index.into(),
            [id] => cell(id, row),
            ids => Value::Object(names.iter().zip(ids).map(|(name, id)| (name.to_string(), cell(id, row))).collect()),
        }
    }
}

/// A request without an answer.
#[derive(Clone, PartialEq, Debug)]
pub enum Refusal {
    /// The body isn't what its format, or its protocol, says.
    Malformed(String),
    /// More rows than one request may have.
    TooLarge(String),
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

impl Refusal {
    /// The same, with the place of what is wrong before it.
    #[must_use]
    pub fn at(self, place: &str) -> Refusal {
        match self {
            Refusal::Malformed(what) => Refusal::Malformed(format!("{place}{what}")),
            Refusal::TooLarge(what) => Refusal::TooLarge(format!("{place}{what}")),
            other => other,
        }
    }
}

/// What was said of the rows of a request.
#[derive(Clone, PartialEq, Debug)]
pub struct Answered<'p> {
    /// One answer a row.
    pub answers: Vec<Answer<'p>>,
    /// What was noticed of them.
    pub noticed: Noticed,
}

/// Answers the body of a request: one row, or a list of rows.
///
/// # Errors
/// A body that doesn't parse, or rows that break the contract: then no row is answered.
pub fn answer<'p>(predictor: &'p Predictor, body: &[u8]) -> Result<Vec<Answer<'p>>, Refusal> {
    answer_rows(predictor, Rows::of_contract(predictor, body)?, None).map(|answered| answered.answers)
}

/// Answers rows, one by one, and commits to what each stage makes of them if there is a trace.
///
/// # Errors
/// Rows that break the contract: then no row is answered.
pub fn answer_rows<'p>(
    predictor: &'p Predictor,
    rows: Rows<'_>,
    trace: Option<&Recorder>,
) -> Result<Answered<'p>, Refusal> {
    let (read, ids) = predictor.read(rows, trace.is_some())?;
    let ends = [read.batch.rows()];
    let (mut answers, noticed) = answer_read(predictor, read, &ids, &ends, trace)?;
    Ok(Answered { answers: answers.pop().unwrap_or_default(), noticed })
}

/// Answers the bodies of requests that came together, which takes less than to answer one after the other, with the same bits; and
/// tells what was noticed. None if one of them is out of the ordinary or refused: then each is to be answered by itself.
pub fn answer_together<'p>(predictor: &'p Predictor, bodies: &[&[u8]]) -> Option<(Vec<Vec<Answer<'p>>>, Noticed)> {
    let typer = predictor.typer_of(bodies.first()?);
    // Draws are keyed by what a request says of its rows.
    if predictor.steps.draw || bodies.iter().any(|body| !std::ptr::eq(predictor.typer_of(body), typer)) {
        return None;
    }
    let (DirectRows { typed, has_id }, ends) = typer.direct(bodies, predictor.rows_max()).ok()?;
    let ids = Ids::of(predictor, &typed.batch, has_id);
    answer_read(predictor, typed, &ids, &ends, None).ok()
}

/// Answers rows that were read, request by request; each ends before that row.
fn answer_read<'p>(
    predictor: &'p Predictor,
    mut read: TypedRows,
    ids: &Ids,
    ends: &[usize],
    trace: Option<&Recorder>,
) -> Result<(Vec<Vec<Answer<'p>>>, Noticed), Refusal> {
    phases::ended(Phase::Parse);
    let batch = std::mem::take(&mut read.batch);
    let (predictions, no_numbers) = predict(predictor, batch, &read.unanswered, trace)?;
    let noticed = Noticed::of(no_numbers, &mut read);
    let mut flags: BTreeMap<usize, Vec<Flagged>> = BTreeMap::new();
    for flag in read.flags {
        flags.entry(flag.row).or_default().push(Flagged { field: flag.field, rule: flag.rule.word() });
    }
    let mut answer = |row: usize, index: usize| {
        let (id, flags) = (ids.of_row(row, index, &predictor.data.id), flags.remove(&row).unwrap_or_default());
        Answer::new(&predictor.task, &predictions, row, id, flags)
    };
    let starts = [0].iter().chain(ends);
    let of_requests = starts.zip(ends).map(|(start, end)| (*start..*end).map(|row| answer(row, row - start)).collect());
    Ok((of_requests.collect(), noticed))
}

/// What the columns of a prediction are called, and their types: those of a score file, without what tells its rows apart.
pub fn answer_header(predictor: &Predictor) -> Vec<(ColumnName, Kind)> {
    answer_columns(&predictor.task)
}

/// What is said of rows, as a score file has it.
pub struct Table {
    /// What the columns are called, and their types.
    pub header: Vec<(ColumnName, Kind)>,
    /// What tells the rows apart, the prediction, and the probabilities of classes.
    pub columns: Vec<Arc<Column>>,
    /// How many of the columns only tell the rows apart.
    pub ids: usize,
    /// Rules that rows break without being refused, by row.
    pub flags: Vec<Flag>,
    /// What was noticed of them.
    pub noticed: Noticed,
}

/// Answers rows, column by column: what `score` would write of them, if `first_row` had come before them.
///
/// # Errors
/// As `answer_rows`.
pub fn answer_table(
    predictor: &Predictor,
    rows: Rows<'_>,
    first_row: u64,
    trace: Option<&Recorder>,
) -> Result<Table, Refusal> {
    let (mut read, Ids(mut columns)) = predictor.read(rows, trace.is_some())?;
    phases::ended(Phase::Parse);
    let batch = std::mem::take(&mut read.batch);
    let mut header = id_header(&predictor.data.id, &predictor.contract);
    if columns.is_empty() {
        header = vec![row_header()];
        let numbers = (0..batch.rows() as i64).map(|row| first_row as i64 + row);
        columns.push(Arc::new(Column::Integer(numbers.collect())));
    }
    let ids = columns.len();
    let (predictions, no_numbers) = predict(predictor, batch, &read.unanswered, trace)?;
    let header = after_ids(header, answer_columns(&predictor.task), FLAGS);
    columns.extend(told(&predictor.task, &predictions).into_iter().map(Arc::new));
    let noticed = Noticed::of(no_numbers, &mut read);
    Ok(Table { header, columns, ids, flags: read.flags, noticed })
}

fn predict(
    predictor: &Predictor,
    batch: Batch,
    unanswered: &[usize],
    trace: Option<&Recorder>,
) -> Result<(Predictions, NoNumbers), Refusal> {
    let predictions = match trace {
        None => predictor.predict(batch).map(|(mut predictions, lost)| {
            predictions.forget(unanswered);
            (predictions, lost)
        }),
        Some(trace) => {
            let has_id = predictor.data.id.iter().all(|name| batch.get(name.as_str()).is_some());
            let is_small = batch.rows() <= TRACED_AT_ONCE;
            let id = if has_id { predictor.data.id.as_slice() } else { &[] };
            let predict = |sums: &mut Sums| predictor.predict_traced(batch, unanswered, id, sums);
            let traced = if is_small {
                // A row costs some microseconds, sums of its own would cost more.
                trace.with(predict)
            } else {
                let mut sums = Sums::default();
                let traced = predict(&mut sums);
                trace.merge(sums);
                traced
            };
            traced.map(|traced| (traced.predictions, traced.no_numbers))
        }
    };
    predictions.map_err(|error| Refusal::Bug(error.to_string()))
}

/// A cell as JSON says it.
pub fn cell(column: &Column, row: usize) -> Value {
    match column {
        _ if column.is_null(row) => Value::Null,
        Column::Number(cells) => Number::from_f64(cells[row]).map_or(Value::Null, Value::Number),
        Column::Integer(cells) => cells[row].into(),
        Column::Boolean(cells) => (cells[row] == 1).into(),
        _ => column.text(row).map_or(Value::Null, Value::String),
    }
}

/// The prediction of one row; None if the contract refuses it. A row that was made up needs no id: what is drawn for it goes by
/// what it holds.
pub(crate) fn predict_row(
    predictor: &Predictor,
    row: &Map<String, Value>,
) -> Result<Option<Predictions>, PipelineError> {
    let has_id = predictor.names(row);
    let read = predictor.typers().of(has_id).rows(std::slice::from_ref(row));
    if read.error_count == 0 {
        predictor.predict(predictor.keyed(read, has_id, false).batch).map(|(predictions, _)| Some(predictions))
    } else {
        Ok(None)
    }
}
