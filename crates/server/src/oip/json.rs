//! Tensors in JSON: those of a request, with its parameters and what outputs it asks for, and those of an answer.

use std::sync::Arc;

use evenstep_pipeline::request::{Refusal, cell};
use evenstep_table::Column;
use serde_json::{Map, Value, json};

use super::output::{self, Asked, NULL_MASK, Wanted};
use super::tensor::{Head, Tensor};

/// The tensors of `inputs`. `binary` is what follows the JSON, and is used up by those that have no `data`, in their order.
pub(super) fn tensors(inputs: Vec<Value>, mut binary: &[u8]) -> Result<Vec<Tensor>, Refusal> {
    let mut tensors = Vec::with_capacity(inputs.len());
    for input in inputs {
        tensors.push(tensor(input, &mut binary)?);
    }
    if !binary.is_empty() {
        return Err(malformed(format!("{} bytes come after those that the inputs name", binary.len())));
    }
    Ok(tensors)
}

fn tensor(input: Value, binary: &mut &[u8]) -> Result<Tensor, Refusal> {
    let Value::Object(mut input) = input else { return Err(malformed("an input is no object")) };
    let Some(Value::String(name)) = input.remove("name") else { return Err(malformed("an input has no `name`")) };
    let Some(Value::String(datatype)) = input.remove("datatype") else {
        return Err(malformed(format!("input `{name}`: it has no `datatype`")));
    };
    let parameters = parameters(input.remove("parameters"), &format!("input `{name}`"))?;
    let head = Head::new(name, &datatype, shape(input.get("shape")), parameters)?;
    match (input.remove("data"), head.parameters.get("binary_data_size")) {
        (Some(_), Some(_)) => Err(head.wrong("it has `data`, and `binary_data_size` besides")),
        (Some(data), None) => {
            let elements = elements(data, &head.shape).ok_or_else(|| {
                let what = format!(
                    "its `data` has not the `shape` {:?}: it is one list of {} elements, row after row, or lists within \
                     lists of just these lengths",
                    head.shape, head.count
                );
                head.wrong(&what)
            })?;
            let read = head.datatype.of_json(elements);
            head.with(read)
        }
        (None, Some(size)) => {
            let size = size.as_u64().ok_or_else(|| head.wrong("its `binary_data_size` is no number of bytes"))?;
            let split = usize::try_from(size).ok().and_then(|size| binary.split_at_checked(size));
            let (own, rest) =
                split.ok_or_else(|| head.wrong("the body has fewer bytes than its `binary_data_size`"))?;
            *binary = rest;
            head.of_bytes(own)
        }
        (None, None) => Err(head.wrong("it has neither `data` nor `binary_data_size`")),
    }
}

/// The outputs that are asked for; none, if it isn't said.
pub(super) fn outputs(outputs: Option<Value>) -> Result<Vec<Asked>, Refusal> {
    let output = |asked: Value| {
        let Value::Object(mut asked) = asked else { return Err(malformed("an output is no object")) };
        let Some(Value::String(name)) = asked.remove("name") else {
            return Err(malformed("an output has no `name`"));
        };
        let parameters = parameters(asked.remove("parameters"), &format!("output `{name}`"))?;
        Ok(Asked { name, parameters })
    };
    match outputs {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(outputs)) => outputs.into_iter().map(output).collect(),
        Some(_) => Err(malformed("`outputs` is no list of outputs")),
    }
}

/// Parameters of a request, a tensor or an output: texts, numbers, flags.
pub(super) fn parameters(parameters: Option<Value>, of: &str) -> Result<Map<String, Value>, Refusal> {
    let wrong = || malformed(format!("{of}: its `parameters` are no object of texts, numbers and flags"));
    match parameters {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(parameters)) => {
            let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
            if parameters.values().all(plain) { Ok(parameters) } else { Err(wrong()) }
        }
        Some(_) => Err(wrong()),
    }
}

/// The tensors of an answer, and the bytes that follow them.
pub(super) fn answer(wanted: &[Wanted], columns: &[Arc<Column>]) -> (Vec<Value>, Vec<u8>) {
    let mut buffers = Vec::new();
    let tensor = |output: &Wanted| {
        let column = output.column(columns);
        let mut tensor = json!({ "name": output.name, "shape": [column.rows()], "datatype": output.datatype.name() });
        if output.binary {
            let bytes = output::bytes(column);
            tensor["parameters"] = json!({ "binary_data_size": bytes.len() });
            if let Some(mask) = output::null_mask(column) {
                tensor["parameters"][NULL_MASK] = mask.into();
            }
            buffers.extend(bytes);
        } else {
            tensor["data"] = (0..column.rows()).map(|row| cell(column, row)).collect();
        }
        tensor
    };
    (wanted.iter().map(tensor).collect(), buffers)
}

fn shape(shape: Option<&Value>) -> Option<Vec<usize>> {
    let lengths = shape?.as_array()?.iter();
    lengths.map(|length| length.as_u64().and_then(|length| usize::try_from(length).ok())).collect()
}

/// The elements, row after row: of one list of them all, or of lists within lists as long as the shape says.
fn elements(data: Value, shape: &[usize]) -> Option<Vec<Value>> {
    match data {
        Value::Array(items) if !items.iter().any(Value::is_array) => {
            (items.len() == shape.iter().product::<usize>()).then_some(items)
        }
        data => {
            let mut elements = Vec::new();
            take(data, shape, &mut elements).then_some(elements)
        }
    }
}

/// Takes the elements out of lists within lists, as far as these have the lengths that they must have.
fn take(data: Value, shape: &[usize], elements: &mut Vec<Value>) -> bool {
    match (data, shape) {
        (Value::Array(items), [length, inner @ ..]) => {
            items.len() == *length && items.into_iter().all(|item| take(item, inner, elements))
        }
        (Value::Array(_), []) | (_, [_, ..]) => false,
        (element, []) => {
            elements.push(element);
            true
        }
    }
}

fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed(what.into())
}
