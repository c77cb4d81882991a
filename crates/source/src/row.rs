//! Rows of a request: JSON objects, or columns, to a batch, by the same rules as files.

mod direct;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

pub use direct::{DirectRows, Unusual};
use evenstep_table::build::{ColumnBuilder, Strictness, Typed, Value};
use evenstep_table::check::Breach;
use evenstep_table::quality::Quality;
use evenstep_table::rule::{Absent, Missing};
use evenstep_table::{Batch, ColumnName, Kind, NULL_INTEGER, Rule, closest, did_you_mean, shortened, some_of};
use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::SourceError;
use crate::body::Body;
use crate::chunk::{Flag, Origin, checked};
use crate::reading::{Mode, Plan, Reading};
use crate::too_large::{shown, too_large_in};

/// At most so many errors are told of one request.
const TOLD: usize = 100;
/// So many cells of a request may be flagged: each takes some 200 bytes until it is told.
pub const FLAGS_MAX: usize = 1 << 20;
/// So many names of a header are compared with the fields of the contract, to see whether one is meant.
const NAMES_COMPARED: usize = 1000;
/// A string of a row, in bytes: as many as a line of the server's has.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// What becomes of names that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// They are refused, with a suggestion.
    #[default]
    Reject,
    /// They are ignored.
    Ignore,
}

/// Types the rows of requests. Made once, used by many threads.
#[derive(Debug)]
pub struct RowTyper {
    plan: Plan,
    names: FxHashMap<ColumnName, usize>,
    /// Names that rows may have besides, to be echoed.
    also: BTreeSet<ColumnName>,
    /// The name of what is predicted, which rows have no business with.
    target: ColumnName,
    extra: Extra,
    /// What is told instead of a file.
    origin: Arc<str>,
    /// Builders that wait for the next request, by strictness.
    idle_of_requests: Idle,
    idle_of_files: Idle,
    /// So many of each wait at most.
    idle_max: usize,
}

type Idle = Mutex<Vec<Vec<ColumnBuilder>>>;

/// Rows of a request, typed and checked.
#[derive(Debug)]
pub struct TypedRows {
    /// The rows, without identity yet. Where cells are refused they are null.
    pub batch: Batch,
    /// What is said with the predictions, by row, then by name.
    pub flags: Vec<Flag>,
    /// Whether there are [`FLAGS_MAX`] of them, beyond which nothing was looked at.
    pub is_flagged_too_often: bool,
    /// Rows whose prediction is null, in order.
    pub unanswered: Vec<usize>,
    /// What is refused, by row, then by name; at most 100, of each field and rule the first before others repeat. Empty means
    /// that the rows may be scored.
    pub errors: Vec<RowError>,
    /// How much is refused altogether.
    pub error_count: usize,
    /// How many whole numbers of which columns no float is, so that the nearest stands there.
    pub rounded: Vec<(ColumnName, u64)>,
    /// How many cells are of columns that nobody knows, if these are ignored.
    pub ignored: u64,
    /// What was found, for counters; of refused cells beyond those that may be listed, how many there are.
    pub quality: Quality,
}

/// A member of a row that is refused: an entry of `errors` in an answer of status 422.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RowError {
    /// The row within the request, from 0.
    pub row: usize,
    /// The member's name.
    pub field: String,
    /// Its value; None if it has none, or one that tells of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// The rule that it breaks.
    pub rule: Breach,
    /// What is wrong, for people.
    pub message: String,
}

impl RowTyper {
    /// For rows with the columns of `reading`, which may also have those of `also`, and of which `target` is predicted.
    pub fn new(
        reading: &Reading,
        also: impl IntoIterator<Item = ColumnName>,
        target: ColumnName,
        extra: Extra,
    ) -> RowTyper {
        let mut plan = Reading { mode: Mode::Scoring, ..reading.clone() }.plan();
        (plan.refusals, plan.flags) = (TOLD, FLAGS_MAX);
        let names = plan.columns.iter().enumerate().map(|(place, column)| (column.name.clone(), place)).collect();
        let also = also.into_iter().collect();
        let (idle_of_requests, idle_of_files) = (Idle::default(), Idle::default());
        let idle_max = std::thread::available_parallelism().map_or(1, usize::from);
        RowTyper {
            plan,
            names,
            also,
            target,
            extra,
            origin: "request".into(),
            idle_of_requests,
            idle_of_files,
            idle_max,
        }
    }

    /// Types and checks the rows of a request.
    pub fn rows(&self, rows: &[Map<String, Json>]) -> TypedRows {
        let mut builders = self.take_builders(Strictness::Request);
        let mut known = vec![0; rows.len()];
        for (planned, builder) in self.plan.columns.iter().zip(&mut builders) {
            for (row, known) in rows.iter().zip(&mut known) {
                match row.get(planned.name.as_str()) {
                    Some(json) => {
                        *known += 1;
                        with_value(json, |value| builder.push(value));
                    }
                    None => builder.push_absent(),
                }
            }
        }
        let value = |row: usize, field: &ColumnName, _| rows[row].get(field.as_str()).cloned();
        let mut typed = self.check(builders, Strictness::Request, rows.len(), value);
        let strange = (0..rows.len()).filter(|row| rows[*row].len() > known[*row]);
        let names = strange.flat_map(|row| rows[row].keys().map(move |name| (row, name.as_str())));
        let names = names.filter(|(_, name)| !self.knows(name));
        match self.extra {
            Extra::Ignore => typed.ignored = names.count() as u64,
            Extra::Reject => {
                typed.refuse_unknown(names, |row, name| self.unknown(row, name, |name| !rows[row].contains_key(name)));
            }
        }
        typed.sorted()
    }

    /// Reads a request of comma-separated values, the first line of which names fields.
    ///
    /// # Errors
    /// Text that no such file may have, or a first line that names no field: its cells are most likely a row's.
    pub fn csv(&self, bytes: &[u8]) -> Result<Body, SourceError> {
        Body::csv(bytes, |header| {
            // A name that is misspelt makes a header, too.
            let fields = || self.plan.columns.iter().map(|column| column.name.as_str());
            let is_like_one = |name: &str| closest(name.trim(), fields()).is_some();
            let is_known = self.names.is_empty() || header.iter().any(|name| self.knows(name));
            if is_known || header.iter().take(NAMES_COMPARED).any(|name| is_like_one(name)) {
                return Ok(());
            }
            let fields = self.plan.columns.iter().map(|column| format!("`{}`", column.name));
            Err(SourceError::columns("it names no field of the contract, expected a header of field names")
                .help(format!("begin the body with a line of the names {}", some_of(fields, 3, ", "))))
        })
    }

    /// Types and checks the columns of a request.
    ///
    /// # Errors
    /// Cells that can't be read as their format says.
    pub fn columns(&self, body: &Body) -> Result<TypedRows, SourceError> {
        let strictness = body.strictness();
        let mut builders = self.take_builders(strictness);
        body.feed(&mut builders, |name| self.names.get(name).copied())?;
        for builder in &mut builders {
            if builder.rows() == 0 {
                (0..body.rows()).for_each(|_| builder.push_absent());
            }
        }
        let value =
            |row: usize, field: &ColumnName, text: Option<String>| body.json(row, field).or(text.map(Json::String));
        let mut typed = self.check(builders, strictness, body.rows(), value);
        if body.rows() == 0 {
            typed.refuse_absent(&self.plan, body);
        }
        let strange = body.columns().iter().map(ColumnName::as_str).filter(|name| !self.knows(name));
        match self.extra {
            Extra::Ignore => typed.ignored = (strange.count() * body.rows()) as u64,
            Extra::Reject => {
                let has: BTreeSet<&str> = body.columns().iter().map(ColumnName::as_str).collect();
                // A column is unknown once, however many rows have it.
                let names = strange.map(|name| (0, name));
                typed.refuse_unknown(names, |row, name| self.unknown(row, name, |name| !has.contains(name)));
            }
        }
        Ok(typed.sorted())
    }

    /// The rows that builders hold, checked; the builders wait for the next request.
    fn check(
        &self,
        mut builders: Vec<ColumnBuilder>,
        strictness: Strictness,
        rows: usize,
        value: impl Fn(usize, &ColumnName, Option<String>) -> Option<Json>,
    ) -> TypedRows {
        let typed: Vec<Typed> = builders.iter_mut().map(ColumnBuilder::finish).collect();
        self.put_back(builders, strictness);
        let named = || self.plan.columns.iter().map(|column| &column.name).zip(&typed);
        let rounded = named().filter(|(_, typed)| typed.rounded > 0);
        let rounded = rounded.map(|(name, typed)| (name.clone(), typed.rounded)).collect();
        let too_long: BTreeMap<ColumnName, Vec<usize>> = named()
            .map(|(name, typed)| (name.clone(), typed.too_long.clone()))
            .filter(|(_, rows)| !rows.is_empty())
            .collect();
        let origin = Origin { file: Arc::clone(&self.origin), first_row: 0, kept: None };
        let mut chunk = checked(&self.plan, typed, rows, origin);
        let mut refused = std::mem::take(&mut chunk.refused);
        // A text that is too long is not missing, though null stands there.
        let is_too_long = |column: &ColumnName, row: u64| {
            too_long.get(column).is_some_and(|rows| rows.binary_search(&(row as usize)).is_ok())
        };
        refused.retain(|of| of.rule != Breach::Missing || !is_too_long(&of.column, of.place.row));
        let rejects_null = |column: &ColumnName| self.plan.columns[self.names[column]].rule.missing == Missing::Reject;
        let more = too_long.iter().filter(|(column, _)| !rejects_null(column)).map(|(_, rows)| rows.len());
        let more: usize = more.sum();
        let too_long =
            too_long.iter().flat_map(|(column, rows)| rows.iter().take(TOLD).map(|row| self::too_long(*row, column)));
        let errors: Vec<RowError> = refused
            .into_iter()
            .map(|refused| {
                let (row, field) = (refused.place.row as usize, refused.column.to_string());
                let rule = &self.plan.columns[self.names[&refused.column]].rule;
                let value = value(row, &refused.column, refused.value);
                let because =
                    value.as_ref().filter(|_| strictness == Strictness::Request && refused.rule == Breach::Invalid);
                let because = because.and_then(|value| mistyped(rule, value)).unwrap_or(refused.because);
                let value = value.filter(|_| !rule.personal).map(|value| brief(shown(&value)));
                RowError { message: format!("`{field}`: {because}"), row, field, value, rule: refused.rule }
            })
            .collect();
        TypedRows {
            batch: chunk.batch,
            is_flagged_too_often: chunk.flags.len() >= FLAGS_MAX,
            flags: chunk.flags,
            unanswered: chunk.unanswered,
            error_count: chunk.quality.rejected.count as usize + more,
            errors: errors.into_iter().chain(too_long).collect(),
            rounded,
            ignored: 0,
            quality: chunk.quality,
        }
    }

    fn take_builders(&self, strictness: Strictness) -> Vec<ColumnBuilder> {
        let idle = self.idle(strictness).lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| {
            let builder =
                |rule| ColumnBuilder::new(rule, self.plan.missing.clone(), strictness).with_texts_up_to(TEXT_BYTES_MAX);
            self.plan.columns.iter().map(|column| builder(&column.rule)).collect()
        })
    }

    /// Finished builders wait for the next request, no more of them than there are requests at once most of the time: they
    /// remember strings.
    fn put_back(&self, builders: Vec<ColumnBuilder>, strictness: Strictness) {
        let mut idle = self.idle(strictness).lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.idle_max {
            idle.push(builders);
        }
    }

    fn idle(&self, strictness: Strictness) -> &Idle {
        match strictness {
            Strictness::Request => &self.idle_of_requests,
            Strictness::File => &self.idle_of_files,
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.names.contains_key(name) || self.also.contains(name)
    }

    /// The error for a name that nobody knows, in a row that lacks some.
    fn unknown(&self, row: usize, field: &str, lacks: impl Fn(&str) -> bool) -> RowError {
        let is_target = field == self.target.as_str();
        let lacking = self.plan.columns.iter().map(|column| column.name.as_str()).filter(|name| lacks(name));
        let near = did_you_mean(field, lacking).map_or(": leave it out".to_owned(), |near| format!(", {near}"));
        let field = shortened(field);
        let message = match is_target {
            true => format!("`{field}` is the target: it is predicted, not sent"),
            false => format!("`{field}` is not in the contract{near}"),
        };
        RowError { row, field, value: None, rule: Breach::Unknown, message }
    }
}

impl TypedRows {
    /// Counts names that nobody knows, and tells of the first, and of the first row that has a name.
    fn refuse_unknown<'n>(
        &mut self,
        names: impl Iterator<Item = (usize, &'n str)>,
        tell: impl Fn(usize, &str) -> RowError,
    ) {
        let (mut told, mut seen) = (0, BTreeSet::new());
        for (row, name) in names {
            self.error_count += 1;
            let is_new = seen.len() < TOLD && seen.insert(name);
            if is_new || told < TOLD {
                told += 1;
                self.errors.push(tell(row, name));
            }
        }
    }

    /// Refuses columns that a table without rows lacks: no row of it could say so.
    fn refuse_absent(&mut self, plan: &Plan, body: &Body) {
        let lacks = |name: &ColumnName| !body.columns().contains(name);
        for planned in plan.columns.iter().filter(|column| column.rule.absent == Absent::Reject && lacks(&column.name))
        {
            let (field, because) = (planned.name.to_string(), planned.rule.explain(Breach::Absent, None));
            let message = format!("`{field}`: {because}");
            self.errors.push(RowError { row: 0, field, value: None, rule: Breach::Absent, message });
            self.error_count += 1;
        }
    }

    /// With its errors by row, then by name, and no more of them than are told.
    fn sorted(mut self) -> TypedRows {
        let by_row = |errors: &mut Vec<RowError>| errors.sort_by(|a, b| (a.row, &a.field).cmp(&(b.row, &b.field)));
        by_row(&mut self.errors);
        if self.errors.len() > TOLD {
            let mut seen = BTreeSet::new();
            let (first, others): (Vec<_>, Vec<_>) =
                self.errors.into_iter().partition(|error| seen.insert((error.field.clone(), error.rule)));
            self.errors = first.into_iter().chain(others).take(TOLD).collect();
            by_row(&mut self.errors);
        }
        self
    }
}

/// The error for a string that is too long.
fn too_long(row: usize, name: &ColumnName) -> RowError {
    let message = format!("`{name}`: a text may have {} MiB, and this one has more", TEXT_BYTES_MAX >> 20);
    RowError { row, field: name.to_string(), value: None, rule: Breach::Invalid, message }
}

/// What is wrong with a value of JSON that is of another type than the column; None if that doesn't say it.
fn mistyped(rule: &Rule, value: &Json) -> Option<String> {
    let kind = rule.kind;
    let wanted = match kind {
        Kind::Number => "a number",
        Kind::Integer => "an integer",
        Kind::Boolean => "true or false",
        Kind::Category | Kind::Text => "a text",
        Kind::Date => "a date, as a text,",
        Kind::Time => "a time, as a text,",
        Kind::Datetime(_) => "a datetime, as a text,",
    };
    let is = match value {
        Json::String(_) if kind.is_quantity() || kind == Kind::Boolean => match &rule.format {
            Some(format) => format!("is a text, where {wanted} is expected: `{format}` is how files write it"),
            None => format!("is a text, where {wanted} is expected"),
        },
        Json::Number(_) if !kind.is_quantity() => format!("is a number, where {wanted} is expected"),
        Json::Bool(_) if kind != Kind::Boolean => format!("is a flag, where {wanted} is expected"),
        Json::Number(number) if kind == Kind::Integer && number.as_f64().is_some_and(is_perhaps_rounded) => {
            "may not be exact: beyond 2^53 an integer is written with all its digits".to_owned()
        }
        Json::Array(_) => return Some("a list, where one value is expected".to_owned()),
        Json::Object(object) if too_large_in(object).is_none() => {
            return Some("an object, where one value is expected".to_owned());
        }
        _ => return None,
    };
    Some(match (rule.personal, value) {
        (true, _) => format!("the value {is}"),
        (false, Json::String(text)) => format!("`{}` {is}", shortened(text)),
        (false, value) => format!("`{value}` {is}"),
    })
}

/// Whether an integer stands there that an integer column could hold, had it been written as one.
fn is_perhaps_rounded(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < -(NULL_INTEGER as f64)
}

/// A value as errors tell it, which is short.
fn brief(value: Json) -> Json {
    match value {
        Json::String(text) => shortened(&text).into(),
        Json::Array(_) | Json::Object(_) => {
            let text = value.to_string();
            if shortened(&text) == text { value } else { shortened(&text).into() }
        }
        value => value,
    }
}

/// A JSON value as cells know it.
pub(crate) fn with_value(json: &Json, take: impl FnOnce(Value<'_>)) {
    let text: Cow<'_, str>;
    take(match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Boolean(*yes),
        Json::String(text) => Value::Text(text),
        Json::Array(_) => Value::Foreign("a list"),
        Json::Object(object) => Value::Foreign(too_large_in(object).unwrap_or("an object")),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(natural)) => {
                text = natural.to_string().into();
                Value::Decimal(&text)
            }
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::INFINITY)),
        },
    });
}
