//! The shapes that MLflow has for rows in JSON.

use evenstep_pipeline::request::{Refusal, Rows, named, parse};
use evenstep_source::{Cells, NamedCells};
use serde_json::{Map, Value};

const SHAPES: [&str; 4] = ["dataframe_split", "dataframe_records", "instances", "inputs"];

/// The rows of a body, in exactly one of the shapes. No message repeats what a row holds.
pub(crate) fn rows(body: &[u8]) -> Result<Rows<'static>, Refusal> {
    let body = parse(body, "the body")?;
    let Value::Object(mut body) = body else { return Err(malformed("the body is no object")) };
    match body.remove("params") {
        None | Some(Value::Null) => {}
        Some(Value::Object(params)) if params.is_empty() => {}
        Some(_) => return Err(malformed("`params` has members, and the model takes none")),
    }
    let one = "exactly one of `dataframe_split`, `dataframe_records`, `instances` and `inputs` is expected";
    if let Some(strange) = body.keys().find(|name| !SHAPES.contains(&name.as_str())) {
        return Err(malformed(format!("there is no member `{strange}`; {one}, and perhaps `params`")));
    }
    let mut members = body.into_iter();
    let (Some((shape, rows)), None) = (members.next(), members.next()) else { return Err(malformed(one)) };
    match (shape.as_str(), rows) {
        ("dataframe_split", Value::Object(split)) => self::split(split),
        ("inputs", Value::Object(columns)) => Rows::lists(columns),
        ("dataframe_records" | "instances", Value::Array(items)) => Rows::objects(items),
        ("dataframe_split", _) => Err(malformed("`dataframe_split` is no object of `columns` and `data`")),
        ("inputs", _) => Err(malformed("`inputs` is no object of lists, one a column: columns are reached by name")),
        (shape, _) => {
            Err(malformed(format!("`{shape}` is no list of objects, one a row: columns are reached by name")))
        }
    }
}

/// Names once, and the cells row by row. The index is not looked at.
fn split(mut split: Map<String, Value>) -> Result<Rows<'static>, Refusal> {
    let (Some(Value::Array(names)), Some(Value::Array(data))) = (split.remove("columns"), split.remove("data")) else {
        return Err(malformed("`dataframe_split` has no list `columns`, or no list `data`"));
    };
    split.remove("index");
    if let Some(strange) = split.keys().next() {
        return Err(malformed(format!(
            "`dataframe_split` has a member `{strange}`, expected `columns`, `data`, `index`"
        )));
    }
    // Room is made for cells that are there: names and rows without any are cheap to send.
    let mut columns: Vec<Vec<Value>> = names.iter().map(|_| Vec::new()).collect();
    for (row, cells) in data.into_iter().enumerate() {
        let Value::Array(cells) = cells else { return Err(malformed(format!("row {row} of `data` is no list"))) };
        if cells.len() != columns.len() {
            let (found, expected) = (cells.len(), columns.len());
            return Err(malformed(format!("row {row} of `data` has {found} values, and there are {expected} columns")));
        }
        columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell));
    }
    let column = |(name, cells): (Value, Vec<Value>)| match name {
        Value::String(name) => Ok(NamedCells::new(named(&name)?, Cells::Json(cells))),
        _ => Err(malformed("a name in `columns` is no text")),
    };
    Rows::columns(names.into_iter().zip(columns).map(column).collect::<Result<_, _>>()?)
}

fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_rows_without_cells_take_no_room() {
        let (names, rows) = (vec![r#""""#; 100_000].join(","), vec!["[]"; 100_000].join(","));
        let body = format!(r#"{{"dataframe_split":{{"columns":[{names}],"data":[{rows}]}}}}"#);
        let Err(Refusal::Malformed(what)) = rows_of(&body) else { panic!("no row has a cell") };
        assert_eq!(what, "row 0 of `data` has 0 values, and there are 100000 columns");
    }

    fn rows_of(body: &str) -> Result<Rows<'static>, Refusal> {
        rows(body.as_bytes())
    }
}
