//! A model's numbers as safetensors: sizes are checked before anything is allocated.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_model::Tensor;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

/// The header of a model takes less: it has some twenty tensors. Of one that goes on and on much more is made than it takes.
const HEADER_BYTES_MAX: u64 = 16 << 10;

/// The tensors' bytes.
pub(crate) fn write(tensors: &BTreeMap<String, Tensor>) -> Vec<u8> {
    let raw: Vec<(String, Dtype, usize, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let (dtype, length, bytes) = match tensor {
                Tensor::F64(cells) => (Dtype::F64, cells.len(), cells.iter().flat_map(|x| x.to_le_bytes()).collect()),
                Tensor::I64(cells) => (Dtype::I64, cells.len(), cells.iter().flat_map(|x| x.to_le_bytes()).collect()),
                Tensor::U32(cells) => (Dtype::U32, cells.len(), cells.iter().flat_map(|x| x.to_le_bytes()).collect()),
                Tensor::U8(cells) => (Dtype::U8, cells.len(), cells.to_vec()),
            };
            (name.clone(), dtype, length, bytes)
        })
        .collect();
    let views = raw.iter().map(|(name, dtype, length, bytes)| {
        let view = TensorView::new(*dtype, vec![*length], bytes).expect("the length is the tensor's own");
        (name.as_str(), view)
    });
    serialize(views, None).expect("views agree with their bytes")
}

/// The tensors that `write` wrote.
pub(crate) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    if let Some(header) =
        bytes.first_chunk().map(|length| u64::from_le_bytes(*length)).filter(|it| *it > HEADER_BYTES_MAX)
    {
        return Err(format!("its header takes {header} bytes, and that of a model takes {HEADER_BYTES_MAX} at most"));
    }
    let parsed = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let mut tensors = BTreeMap::new();
    for (name, view) in parsed.tensors() {
        let data = view.data();
        let tensor = match view.dtype() {
            Dtype::F64 => Tensor::F64(cells(data, f64::from_le_bytes)),
            Dtype::I64 => Tensor::I64(cells(data, i64::from_le_bytes)),
            Dtype::U32 => Tensor::U32(cells(data, u32::from_le_bytes)),
            Dtype::U8 => Tensor::U8(Arc::new(data.to_vec())),
            other => return Err(format!("tensor `{name}` is of type {other:?}")),
        };
        tensors.insert(name, tensor);
    }
    Ok(tensors)
}

fn cells<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Arc<Vec<T>> {
    Arc::new(bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect())
}
