//! The body of a request to rows that have no types yet.

use std::borrow::Cow;

use evenstep_source::{Body, Cells, DirectRows, NamedCells, SourceError, Unusual};
use evenstep_table::{ColumnName, shortened};
use serde_json::{Map, Value};

use super::{Refusal, object, parse};
use crate::Predictor;

/// The only member of an object that holds columns. No row is like it: a cell is never an object.
const COLUMNS: &str = "columns";

/// Rows of a request.
#[derive(Debug)]
pub enum Rows<'r> {
    /// An object each, without types yet.
    Objects(Cow<'r, [Map<String, Value>]>),
    /// Column by column, without types yet.
    Columns(Body),
    /// By the contract already.
    Typed(Box<DirectRows>),
}

impl Rows<'_> {
    /// JSON, as `json` reads it, by the contract at once where nothing is wrong with it.
    ///
    /// # Errors
    /// As `json`.
    pub fn of_contract(predictor: &Predictor, body: &[u8]) -> Result<Self, Refusal> {
        let direct = predictor.typer_of(body).direct(&[body], predictor.rows_max());
        match direct {
            Ok((rows, _)) => Ok(Rows::Typed(Box::new(rows))),
            Err(Unusual::TooMany) => Err(predictor.too_many()),
            Err(unusual) => Rows::json(body).map_err(|refusal| near(refusal, unusual)),
        }
    }

    /// JSON: one row as an object, a list of such objects, or `{"columns": {name: [value, …]}}`.
    ///
    /// # Errors
    /// Another shape, or no JSON.
    pub fn json(body: &[u8]) -> Result<Self, Refusal> {
        let body = match parse(body, "the body")? {
            Value::Array(items) => return Rows::objects(items),
            body => body,
        };
        let mut row = object(body).ok_or_else(|| malformed("the body is neither an object nor a list of objects"))?;
        match row.get(COLUMNS) {
            Some(Value::Object(_)) => {
                let Some(Value::Object(columns)) = row.remove(COLUMNS) else { unreachable!("it was seen") };
                if let Some(other) = row.keys().next() {
                    return Err(malformed(format!(
                        "the body has `{COLUMNS}`, which hold all of its rows, and `{}` beside them",
                        shortened(other)
                    )));
                }
                Rows::lists(columns)
            }
            _ => Ok(Rows::Objects(vec![row].into())),
        }
    }

    /// Values that must be objects, a row each.
    ///
    /// # Errors
    /// One that is none.
    pub fn objects(items: Vec<Value>) -> Result<Self, Refusal> {
        let row = |(index, item)| object(item).ok_or_else(|| malformed(format!("row {index} is no object")));
        let rows: Result<Vec<_>, _> = items.into_iter().enumerate().map(row).collect();
        rows.map(|rows| Rows::Objects(rows.into()))
    }

    /// Values that must be lists of one length, a column each.
    ///
    /// # Errors
    /// One that is none, an empty name, or lists of different lengths.
    pub fn lists(columns: Map<String, Value>) -> Result<Self, Refusal> {
        let column = |(name, cells): (String, Value)| match cells {
            Value::Array(cells) => Ok(NamedCells::new(named(&name)?, Cells::Json(cells))),
            _ => Err(malformed(format!("column `{name}` is no list"))),
        };
        Rows::columns(columns.into_iter().map(column).collect::<Result<_, _>>()?)
    }

    /// Columns of another protocol.
    ///
    /// # Errors
    /// A name that is there twice, or columns of different lengths.
    pub fn columns(columns: Vec<NamedCells>) -> Result<Self, Refusal> {
        Body::cells(columns).map(Rows::Columns).map_err(unreadable)
    }

    /// Comma-separated values with a header, read as a file of them is.
    ///
    /// # Errors
    /// Text that no such file may have, or a header that names no field of the contract.
    pub fn csv(predictor: &Predictor, body: &[u8]) -> Result<Self, Refusal> {
        predictor.typer(false).csv(body).map(Rows::Columns).map_err(unreadable)
    }

    /// Arrow IPC, read as a file of it is.
    ///
    /// # Errors
    /// Bytes that no such file may have.
    pub fn arrow(body: &[u8]) -> Result<Self, Refusal> {
        Body::arrow(body).map(Rows::Columns).map_err(unreadable)
    }

    /// Parquet, read as a file of it is.
    ///
    /// # Errors
    /// Bytes that no such file may have.
    pub fn parquet(body: &[u8]) -> Result<Self, Refusal> {
        Body::parquet(body).map(Rows::Columns).map_err(unreadable)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Rows::Objects(rows) => rows.len(),
            Rows::Columns(body) => body.rows(),
            Rows::Typed(rows) => rows.typed.batch.rows(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column's name; an error if it is empty.
pub fn named(name: &str) -> Result<ColumnName, Refusal> {
    ColumnName::new(name).ok_or_else(|| malformed("a column has no name"))
}

/// Values take far more memory than rows that are as they should be: one that isn't is named, for it may be all that is wrong.
fn near(refusal: Refusal, unusual: Unusual) -> Refusal {
    match (refusal, unusual) {
        (Refusal::TooLarge(what), Unusual::Row(row)) => Refusal::TooLarge(format!(
            "{what}; row {row} is the first that isn't as the contract says: sent alone, it is told why"
        )),
        (refusal, _) => refusal,
    }
}

pub(super) fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed(what.into())
}

pub(super) fn unreadable(error: SourceError) -> Refusal {
    let help = error.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
    Refusal::Malformed(format!("{error}{help}"))
}
