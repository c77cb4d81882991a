//! Columns of an answer to tensors.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenstep_pipeline::request::cell;
use evenstep_table::{Column, ColumnName, Kind, did_you_mean};
use serde_json::{Map, Value, json};

use super::datatype::Datatype;
use crate::problem::Problem;

/// An output that was asked for.
pub(super) struct Wanted {
    /// Its place among the columns of an answer.
    place: usize,
    name: ColumnName,
    datatype: Datatype,
    /// Whether its bytes come after the JSON.
    pub(super) binary: bool,
}

/// Which outputs a request wants, and how: all of them, if it says nothing.
pub(super) fn wanted(
    outputs: Option<Value>,
    header: &[(ColumnName, Kind)],
    parameters: &Map<String, Value>,
) -> Result<Vec<Wanted>, Problem> {
    let all_binary = flag(parameters, "binary_data_output")?.unwrap_or(false);
    let output = |place: usize, binary: bool| {
        let (name, kind) = &header[place];
        Wanted { place, name: name.clone(), datatype: Datatype::of(*kind), binary }
    };
    let outputs = match outputs {
        None => return Ok((0..header.len()).map(|place| output(place, all_binary)).collect()),
        Some(Value::Array(outputs)) => outputs,
        Some(_) => return Err(Problem::malformed("`outputs` is no list of outputs")),
    };
    if outputs.is_empty() {
        return Ok((0..header.len()).map(|place| output(place, all_binary)).collect());
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for asked in outputs {
        let Value::Object(mut asked) = asked else { return Err(Problem::malformed("an output is no object")) };
        let Some(Value::String(name)) = asked.remove("name") else {
            return Err(Problem::malformed("an output has no `name`"));
        };
        let Some(place) = header.iter().position(|(known, _)| known.as_str() == name.as_str()) else {
            let near = did_you_mean(&name, header.iter().map(|(name, _)| name.as_str()));
            let known: Vec<&str> = header.iter().map(|(name, _)| name.as_str()).collect();
            let help = near.unwrap_or_else(|| format!("there are `{}`", known.join("`, `")));
            return Err(Problem::malformed(format!("there is no output `{name}`; {help}")));
        };
        if wanted.iter().any(|earlier| earlier.place == place) {
            return Err(Problem::malformed(format!("output `{name}` is asked for twice")));
        }
        let own = super::parameters(asked.remove("parameters"), &format!("output `{name}`"))?;
        if own.contains_key("classification") {
            let what = format!("output `{name}`: there is no `classification`; ask for `probability_…` of each class");
            return Err(Problem::malformed(what));
        }
        let own = flag(&own, "binary_data")?;
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

/// The tensors of an answer, and the bytes that follow them.
pub(super) fn tensors(wanted: &[Wanted], columns: &[Arc<Column>]) -> (Vec<Value>, Vec<u8>) {
    let mut buffers = Vec::new();
    let tensor = |output: &Wanted| {
        let column = &columns[output.place];
        let rows = column.rows();
        let mut tensor = json!({ "name": output.name, "shape": [rows], "datatype": output.datatype });
        if output.binary {
            let before = buffers.len();
            (0..rows).for_each(|row| push(&mut buffers, column, row));
            tensor["parameters"] = json!({ "binary_data_size": buffers.len() - before });
            // A null float is NaN; a null text has nothing to tell it by.
            if output.datatype == Datatype::Bytes && column.nulls() > 0 {
                tensor["parameters"]["null_mask"] = json!(STANDARD.encode(present(column)));
            }
        } else {
            tensor["data"] = (0..rows).map(|row| cell(column, row)).collect();
        }
        tensor
    };
    (wanted.iter().map(tensor).collect(), buffers)
}

/// A cell as bytes of its tensor.
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

/// An Arrow bitmap of the cells that are not null.
fn present(column: &Column) -> Vec<u8> {
    let mut bits = vec![0; column.rows().div_ceil(8)];
    (0..column.rows()).filter(|row| !column.is_null(*row)).for_each(|row| bits[row / 8] |= 1 << (row % 8));
    bits
}
