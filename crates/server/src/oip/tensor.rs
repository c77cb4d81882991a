//! Tensors of a request to columns.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenstep_pipeline::request::{Refusal, named};
use evenstep_source::{Cells, NamedCells};
use serde_json::{Map, Value};

use super::datatype::Datatype;

/// A tensor of a request.
struct Tensor {
    name: String,
    shape: Vec<usize>,
    /// The product of its shape.
    count: usize,
    parameters: Map<String, Value>,
    cells: Cells,
    nulls: Option<Vec<bool>>,
}

/// The columns of a request's tensors: one a tensor, or several of one that names them. `binary` is what follows the
/// JSON, and is used up by those tensors that have no `data`, in their order.
pub(super) fn columns(inputs: Vec<Value>, mut binary: &[u8]) -> Result<Vec<NamedCells>, Refusal> {
    let mut tensors = Vec::with_capacity(inputs.len());
    for input in inputs {
        tensors.push(Tensor::read(input, &mut binary)?);
    }
    if !binary.is_empty() {
        return Err(malformed(format!("{} bytes come after those that the inputs name", binary.len())));
    }
    match tensors.as_mut_slice() {
        [] => Err(malformed("`inputs` is empty, expected a tensor for each column")),
        [one] if one.parameters.contains_key("columns") => tensors.remove(0).several(),
        _ => tensors.into_iter().map(Tensor::one).collect(),
    }
}

impl Tensor {
    fn read(input: Value, binary: &mut &[u8]) -> Result<Tensor, Refusal> {
        let Value::Object(mut input) = input else { return Err(malformed("an input is no object")) };
        let Some(Value::String(name)) = input.remove("name") else { return Err(malformed("an input has no `name`")) };
        let wrong = |what: &str| malformed(format!("input `{name}`: {what}"));
        let datatype = input.get("datatype").and_then(Value::as_str).ok_or_else(|| wrong("it has no `datatype`"))?;
        let Some(datatype) = Datatype::parse(datatype) else {
            return Err(wrong(
                "its `datatype` is none of BOOL, INT8 to INT64, UINT8 to UINT64, FP16, FP32, FP64 and BYTES",
            ));
        };
        let shape = shape(input.get("shape")).ok_or_else(|| wrong("its `shape` is no list of lengths"))?;
        let product = |shape: &[usize]| shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length));
        let count = product(&shape).ok_or_else(|| wrong("its `shape` has more elements than can be counted"))?;
        let parameters = super::parameters(input.remove("parameters"), &format!("input `{name}`"))?;
        let (cells, mut nulls) = match (input.remove("data"), parameters.get("binary_data_size")) {
            (Some(_), Some(_)) => return Err(wrong("it has `data`, and `binary_data_size` besides")),
            (Some(data), None) => {
                let mut flat = Vec::new();
                flatten(data, &mut flat);
                if flat.len() != count {
                    let what = format!("its `shape` has {count} elements, and `data` has {}", flat.len());
                    return Err(wrong(&what));
                }
                datatype.of_json(flat).map_err(|what| wrong(&what))?
            }
            (None, Some(size)) => {
                let size = size.as_u64().and_then(|size| usize::try_from(size).ok());
                let split = size.and_then(|size| binary.split_at_checked(size));
                let (own, rest) = split.ok_or_else(|| wrong("the body has fewer bytes than its `binary_data_size`"))?;
                *binary = rest;
                (datatype.of_bytes(own, count).map_err(|what| wrong(&what))?, None)
            }
            (None, None) => return Err(wrong("it has neither `data` nor `binary_data_size`")),
        };
        if let Some(mask) = parameters.get("null_mask") {
            let mask = null_mask(mask, count);
            let mask = mask.ok_or_else(|| wrong("its `null_mask` is no bitmap of its elements in base64"))?;
            nulls.get_or_insert_with(|| vec![false; count]).iter_mut().zip(mask).for_each(|(null, here)| *null |= here);
        }
        Ok(Tensor { name, shape, count, parameters, cells, nulls })
    }

    /// The column that a tensor is.
    fn one(self) -> Result<NamedCells, Refusal> {
        match self.shape.as_slice() {
            [_] | [_, 1] => Ok(NamedCells { name: named(&self.name)?, cells: self.cells, nulls: self.nulls }),
            shape => Err(malformed(format!(
                "input `{}` has the shape {shape:?}, expected [n] or [n,1]: a tensor for each column; or one tensor [n,k] \
                 whose parameter `columns` names them, with commas between",
                self.name
            ))),
        }
    }

    /// The columns that a tensor names.
    fn several(self) -> Result<Vec<NamedCells>, Refusal> {
        let names = names(&self.parameters["columns"]).ok_or_else(|| {
            malformed("the parameter `columns` is no text of names with commas between, nor one of a list in JSON")
        })?;
        if self.shape.len() != 2 || self.shape[1] != names.len() {
            let (shape, name, count) = (&self.shape, &self.name, names.len());
            return Err(malformed(format!("input `{name}` has the shape {shape:?}, and `columns` names {count}")));
        }
        assert_eq!(self.count, self.cells.len(), "it was counted");
        let column = |(at, name): (usize, &String)| {
            let nulls = self.nulls.as_ref().map(|nulls| every(nulls, at, names.len()));
            Ok(NamedCells { name: named(name)?, cells: column_of(&self.cells, at, names.len()), nulls })
        };
        names.iter().enumerate().map(column).collect()
    }
}

fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed(what.into())
}

fn shape(shape: Option<&Value>) -> Option<Vec<usize>> {
    let lengths = shape?.as_array()?.iter();
    lengths.map(|length| length.as_u64().and_then(|length| usize::try_from(length).ok())).collect()
}

/// Names with commas between; or, where a name has one itself, a list in JSON.
fn names(columns: &Value) -> Option<Vec<String>> {
    let text = columns.as_str()?;
    if text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    Some(text.split(',').map(|name| name.trim().to_owned()).collect())
}

/// Which elements are null by an Arrow bitmap of those that are not: the lowest bit of the first byte is the first.
fn null_mask(mask: &Value, count: usize) -> Option<Vec<bool>> {
    let bytes = STANDARD.decode(mask.as_str()?).ok()?;
    if bytes.len() < count.div_ceil(8) {
        return None;
    }
    Some((0..count).map(|at| bytes[at / 8] >> (at % 8) & 1 == 0).collect())
}

/// Elements of lists within lists, in row order.
fn flatten(data: Value, flat: &mut Vec<Value>) {
    match data {
        Value::Array(items) => items.into_iter().for_each(|item| flatten(item, flat)),
        item => flat.push(item),
    }
}

fn column_of(cells: &Cells, at: usize, width: usize) -> Cells {
    match cells {
        Cells::Json(cells) => Cells::Json(every(cells, at, width)),
        Cells::Floats(cells) => Cells::Floats(every(cells, at, width)),
        Cells::Integers(cells) => Cells::Integers(every(cells, at, width)),
        Cells::Naturals(cells) => Cells::Naturals(every(cells, at, width)),
        Cells::Booleans(cells) => Cells::Booleans(every(cells, at, width)),
        Cells::Texts(cells) => Cells::Texts(every(cells, at, width)),
    }
}

fn every<T: Clone>(cells: &[T], at: usize, width: usize) -> Vec<T> {
    cells.iter().skip(at).step_by(width).cloned().collect()
}
