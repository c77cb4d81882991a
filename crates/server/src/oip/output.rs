//! Columns of an answer to tensors, however they are sent.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenstep_table::{Column, ColumnName, Kind, did_you_mean, shortened};
use serde_json::{Map, Value};

use super::datatype::Datatype;
use crate::problem::Problem;

/// The parameter of a tensor that says which of its elements are there.
pub(super) const NULL_MASK: &str = "null_mask";

/// An output, as a request asks for it.
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) parameters: Map<String, Value>,
}

/// An output that there is.
pub(super) struct Wanted {
    /// Its place among the columns of an answer.
    place: usize,
    pub(super) name: ColumnName,
    pub(super) datatype: Datatype,
    /// Whether its bytes come after the JSON.
    pub(super) binary: bool,
}

/// Which outputs a request wants, and how: all of them, if it says nothing.
pub(super) fn wanted(
    asked: Vec<Asked>,
    header: &[(ColumnName, Kind)],
    parameters: &Map<String, Value>,
) -> Result<Vec<Wanted>, Problem> {
    let all_binary = flag(parameters, "binary_data_output")?.unwrap_or(false);
    let output = |place: usize, binary: bool| {
        let (name, kind) = &header[place];
        Wanted { place, name: name.clone(), datatype: Datatype::of(*kind), binary }
    };
    if asked.is_empty() {
        return Ok((0..header.len()).map(|place| output(place, all_binary)).collect());
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for Asked { name, parameters } in asked {
        let Some(place) = header.iter().position(|(known, _)| known.as_str() == name.as_str()) else {
            let near = did_you_mean(&name, header.iter().map(|(name, _)| name.as_str()));
            let known: Vec<&str> = header.iter().map(|(name, _)| name.as_str()).collect();
            let help = near.unwrap_or_else(|| format!("there are `{}`", known.join("`, `")));
            return Err(Problem::malformed(format!("there is no output `{}`; {help}", shortened(&name))));
        };
        if wanted.iter().any(|earlier| earlier.place == place) {
            return Err(Problem::malformed(format!("output `{name}` is asked for twice")));
        }
        if parameters.contains_key("classification") {
            let what = format!("output `{name}`: there is no `classification`; ask for `probability_…` of each class");
            return Err(Problem::malformed(what));
        }
        let own = flag(&parameters, "binary_data")?;
        wanted.push(output(place, own.unwrap_or(all_binary)));
    }
    Ok(wanted)
}

fn flag(parameters: &Map<String, Value>, name: &str) -> Result<Option<bool>, Problem> {
    match parameters.get(name) {
        None => Ok(None),
        Some(Value::Bool(yes)) => Ok(Some(*yes)),
        Some(_) => Err(Problem::malformed(format!("the parameter `{name}` is neither true nor false"))),
    }
}

impl Wanted {
    pub(super) fn column<'a>(&self, columns: &'a [Arc<Column>]) -> &'a Column {
        &columns[self.place]
    }
}

/// A column as bytes of its tensor.
pub(super) fn bytes(column: &Column) -> Vec<u8> {
    let mut buffer = Vec::new();
    (0..column.rows()).for_each(|row| push(&mut buffer, column, row));
    buffer
}

fn push(buffer: &mut Vec<u8>, column: &Column, row: usize) {
    match column {
        Column::Number(cells) => buffer.extend(cells[row].to_le_bytes()),
        Column::Integer(cells) => buffer.extend(cells[row].to_le_bytes()),
        Column::Boolean(cells) => buffer.push(u8::from(cells[row] == 1)),
        _ => {
            let text = column.text(row).unwrap_or_default();
            buffer.extend((text.len() as u32).to_le_bytes());
            buffer.extend(text.bytes());
        }
    }
}

/// Which cells of a column are there, where its elements don't tell: a null float is NaN, a null text is like an empty one.
/// An Arrow bitmap in base64.
pub(super) fn null_mask(column: &Column) -> Option<String> {
    if matches!(column, Column::Number(_)) || column.nulls() == 0 {
        return None;
    }
    let mut bits = vec![0; column.rows().div_ceil(8)];
    (0..column.rows()).filter(|row| !column.is_null(*row)).for_each(|row| bits[row / 8] |= 1 << (row % 8));
    Some(STANDARD.encode(bits))
}
