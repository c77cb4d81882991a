//! A model as plain data: what a bundle holds of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

/// A model's numbers, as tensors, and what is better read than measured, as JSON.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Stored {
    /// Small facts with names.
    pub facts: Value,
    /// The bulk of the numbers, by name.
    pub tensors: BTreeMap<String, Tensor>,
}

/// A vector of numbers of one type, which a model may share.
#[derive(Clone, PartialEq, Debug)]
pub enum Tensor {
    /// 64-bit floats.
    F64(Arc<Vec<f64>>),
    /// 64-bit integers.
    I64(Arc<Vec<i64>>),
    /// 32-bit counts and positions.
    U32(Arc<Vec<u32>>),
    /// Bytes.
    U8(Arc<Vec<u8>>),
}
