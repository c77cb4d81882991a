//! Tensors of a request to columns, however they were sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evenstep_pipeline::request::{Refusal, named};
use evenstep_source::{Cells, NamedCells};
use serde_json::{Map, Value};

use super::datatype::{Datatype, Wrong};
use super::output::NULL_MASK;

/// A tensor whose elements are yet to be read.
pub(super) struct Head {
    name: String,
    pub(super) datatype: Datatype,
    pub(super) shape: Vec<usize>,
    /// The product of its shape.
    pub(super) count: usize,
    pub(super) parameters: Map<String, Value>,
}

/// A tensor of a request.
pub(super) struct Tensor {
    head: Head,
    cells: Cells,
    nulls: Option<Vec<bool>>,
}

impl Head {
    /// What is said of a tensor; no shape is one that is none.
    pub(super) fn new(
        name: String,
        datatype: &str,
        shape: Option<Vec<usize>>,
        parameters: Map<String, Value>,
    ) -> Result<Head, Refusal> {
        let wrong = |what: &str| malformed(format!("input `{name}`: {what}"));
        let Some(datatype) = Datatype::parse(datatype) else {
            return Err(wrong(
                "its `datatype` is none of BOOL, INT8 to INT64, UINT8 to UINT64, FP16, FP32, FP64 and BYTES",
            ));
        };
        let shape = shape.ok_or_else(|| wrong("its `shape` is no list of lengths"))?;
        let count = shape.iter().try_fold(1usize, |count, length| count.checked_mul(*length));
        let count = count.ok_or_else(|| wrong("its `shape` has more elements than can be counted"))?;
        Ok(Head { name, datatype, shape, count, parameters })
    }

    /// What is wrong with the tensor.
    pub(super) fn wrong(&self, what: &str) -> Refusal {
        malformed(format!("input `{}`: {what}", self.name))
    }

    /// The tensor of elements that stand in bytes.
    pub(super) fn of_bytes(self, bytes: &[u8]) -> Result<Tensor, Refusal> {
        let cells = self.datatype.of_bytes(bytes, self.count).map(|cells| (cells, None));
        self.with(cells)
    }

    /// The tensor of its elements, and of which of them are null; as many as its shape has.
    pub(super) fn with(self, read: Result<(Cells, Option<Vec<bool>>), Wrong>) -> Result<Tensor, Refusal> {
        let (cells, mut nulls) = read.map_err(|what| self.wrong(&what))?;
        assert_eq!(self.count, cells.len(), "they were counted");
        if let Some(mask) = self.parameters.get(NULL_MASK) {
            let mask = null_mask(mask, self.count);
            let mask = mask.ok_or_else(|| self.wrong("its `null_mask` is no bitmap of its elements in base64"))?;
            let nulls = nulls.get_or_insert_with(|| vec![false; self.count]);
            nulls.iter_mut().zip(mask).for_each(|(null, here)| *null |= here);
        }
        Ok(Tensor { head: self, cells, nulls })
    }
}

/// The columns of a request's tensors: one a tensor, or several of one that names them.
pub(super) fn columns(mut tensors: Vec<Tensor>) -> Result<Vec<NamedCells>, Refusal> {
    match tensors.as_mut_slice() {
        [] => Err(malformed("`inputs` is empty, expected a tensor for each column")),
        [one] if one.head.parameters.contains_key("columns") => tensors.remove(0).several(),
        _ => tensors.into_iter().map(Tensor::one).collect(),
    }
}

impl Tensor {
    /// The column that a tensor is.
    fn one(self) -> Result<NamedCells, Refusal> {
        match self.head.shape.as_slice() {
            [_] | [_, 1] => Ok(NamedCells { name: named(&self.head.name)?, cells: self.cells, nulls: self.nulls }),
            shape => Err(malformed(format!(
                "input `{}` has the shape {shape:?}, expected [n] or [n,1]: a tensor for each column; or one tensor [n,k] \
                 whose parameter `columns` names them, with commas between",
                self.head.name
            ))),
        }
    }

    /// The columns that a tensor names.
    fn several(self) -> Result<Vec<NamedCells>, Refusal> {
        let Head { name, shape, parameters, .. } = self.head;
        let names = names(&parameters["columns"]).ok_or_else(|| {
            malformed("the parameter `columns` is no text of names with commas between, nor one of a list in JSON")
        })?;
        let width = names.len();
        if shape.len() != 2 || shape[1] != width {
            return Err(malformed(format!("input `{name}` has the shape {shape:?}, and `columns` names {width}")));
        }
        let column = |(at, name): (usize, &String)| {
            let nulls = self.nulls.as_ref().map(|nulls| every(nulls, at, width));
            Ok(NamedCells { name: named(name)?, cells: column_of(&self.cells, at, width), nulls })
        };
        names.iter().enumerate().map(column).collect()
    }
}

fn malformed(what: impl Into<String>) -> Refusal {
    Refusal::Malformed(what.into())
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
