//! Elements of a tensor in the list of their type.

use std::mem::take;

use evenstep_grpc::inference::InferTensorContents;
use evenstep_source::Cells;
use evenstep_table::Column;

use super::super::datatype::{Datatype, Wrong};
use super::super::tensor::Head;

/// The elements of a tensor: in its type's list and no other, as many as its shape has.
pub(super) fn read(head: &Head, mut contents: InferTensorContents) -> Result<Cells, Wrong> {
    let datatype = head.datatype;
    let (list, cells) = match datatype {
        Datatype::Bool => ("bool_contents", Cells::Booleans(take(&mut contents.bool_contents))),
        Datatype::Int8 => ("int_contents", narrow::<_, i8>(take(&mut contents.int_contents), datatype)?),
        Datatype::Int16 => ("int_contents", narrow::<_, i16>(take(&mut contents.int_contents), datatype)?),
        Datatype::Int32 => ("int_contents", narrow::<_, i32>(take(&mut contents.int_contents), datatype)?),
        Datatype::Int64 => ("int64_contents", Cells::Integers(take(&mut contents.int64_contents))),
        Datatype::Uint8 => ("uint_contents", narrow::<_, u8>(take(&mut contents.uint_contents), datatype)?),
        Datatype::Uint16 => ("uint_contents", narrow::<_, u16>(take(&mut contents.uint_contents), datatype)?),
        Datatype::Uint32 => ("uint_contents", narrow::<_, u32>(take(&mut contents.uint_contents), datatype)?),
        Datatype::Uint64 => ("uint64_contents", Cells::Naturals(take(&mut contents.uint64_contents))),
        Datatype::Fp16 => return Err("FP16 has no list in `contents`: send `raw_input_contents`".to_owned()),
        Datatype::Fp32 => {
            ("fp32_contents", Cells::Floats(take(&mut contents.fp32_contents).into_iter().map(f64::from).collect()))
        }
        Datatype::Fp64 => ("fp64_contents", Cells::Floats(take(&mut contents.fp64_contents))),
        Datatype::Bytes => ("bytes_contents", texts(take(&mut contents.bytes_contents))?),
    };
    if contents != InferTensorContents::default() {
        return Err(format!("its `contents` has another list than `{list}`, that of {}", datatype.name()));
    }
    if cells.len() != head.count {
        return Err(format!("its `shape` has {} elements, and `{list}` has {}", head.count, cells.len()));
    }
    Ok(cells)
}

/// Numbers that a narrower type must have.
fn narrow<T, N: TryFrom<T> + Into<i64>>(list: Vec<T>, datatype: Datatype) -> Result<Cells, Wrong> {
    let number = |(at, number)| N::try_from(number).map(Into::into).map_err(|_| datatype.wrong(at));
    list.into_iter().enumerate().map(number).collect::<Result<_, _>>().map(Cells::Integers)
}

fn texts(list: Vec<Vec<u8>>) -> Result<Cells, Wrong> {
    let text = |(at, bytes)| String::from_utf8(bytes).map_err(|_| format!("element {at} is not UTF-8"));
    list.into_iter().enumerate().map(text).collect::<Result<_, _>>().map(Cells::Texts)
}

/// A column in the list of its type. A null number is NaN, any other null is like an empty cell.
pub(super) fn of(column: &Column) -> InferTensorContents {
    let mut contents = InferTensorContents::default();
    match column {
        Column::Number(cells) => contents.fp64_contents.clone_from(cells),
        Column::Integer(cells) => contents.int64_contents.clone_from(cells),
        Column::Boolean(cells) => contents.bool_contents = cells.iter().map(|cell| *cell == 1).collect(),
        _ => {
            let text = |row| column.text(row).unwrap_or_default().into_bytes();
            contents.bytes_contents = (0..column.rows()).map(text).collect();
        }
    }
    contents
}
