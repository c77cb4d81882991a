//! How deep the columns of a Parquet file lie within one another, before the library finds out: it goes down as deep as they
//! lie, and the stack of a thread ends.

use std::io::Read;

use parquet::file::reader::ChunkReader;

use crate::SourceError;
use crate::thrift::{self, END, Members, Shape, member};

/// Groups within groups. Lists of structures have three for each of them.
const DEPTH_MAX: usize = 64;
/// The length of the footer, and the name of the format.
const TAIL: u64 = 8;

/// Refuses a file whose columns lie deeper than anyone's, and a footer that doesn't begin as it must. Files that end too early
/// are left to the library.
///
/// # Errors
/// That.
pub(crate) fn check(file: &impl ChunkReader) -> Result<(), SourceError> {
    let Some(footer) = footer(file) else { return Ok(()) };
    match depth(&footer) {
        Some(0..=DEPTH_MAX) => Ok(()),
        Some(_) => Err(SourceError::malformed(format!("its columns lie within more than {DEPTH_MAX} others"))),
        None => Err(SourceError::malformed("the file is damaged: its footer doesn't begin with a schema")),
    }
}

fn footer(file: &impl ChunkReader) -> Option<Vec<u8>> {
    let tail = file.len().checked_sub(TAIL)?;
    let read = |start: u64, length: u64| {
        let mut bytes = Vec::new();
        file.get_read(start).ok()?.take(length).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let end = read(tail, TAIL)?;
    let (length, name) = end.split_first_chunk()?;
    let length = u64::from(u32::from_le_bytes(*length));
    if name != b"PAR1" {
        return None;
    }
    read(tail.checked_sub(length)?, length)
}

/// How many groups lie within one another, the root among them; None for what is no schema.
fn depth(footer: &[u8]) -> Option<usize> {
    let (mut at, mut id) = (0, 0);
    // The version, and then the schema: no writer has them otherwise.
    (member(footer, &mut at, &mut id)? == Some(5) && id == 1).then_some(())?;
    thrift::varint(footer, &mut at)?;
    (member(footer, &mut at, &mut id)? == Some(9) && id == 2).then_some(())?;
    // Of each group under way, how many members are left.
    let (mut left, mut deepest, mut children) = (Vec::<i64>::new(), 0, 0);
    thrift::structures(footer, &mut at, ELEMENT, |id, number| match id {
        5 => children = number,
        END => {
            if let Some(left) = left.last_mut() {
                *left -= 1;
            }
            left.extend((children > 0).then_some(children));
            deepest = deepest.max(left.len());
            while left.last() == Some(&0) {
                left.pop();
            }
            children = 0;
        }
        _ => {}
    })?;
    Some(deepest)
}

// The Parquet format's `parquet.thrift`: `SchemaElement`, and what is in it.
const ELEMENT: Members = &[
    (1, Shape::I32),
    (2, Shape::I32),
    (3, Shape::I32),
    (4, Shape::Binary),
    (5, Shape::I32),
    (6, Shape::I32),
    (7, Shape::I32),
    (8, Shape::I32),
    (9, Shape::I32),
    (10, Shape::Of(LOGICAL_TYPE)),
];
const LOGICAL_TYPE: Members = &[
    (1, Shape::Of(&[])),
    (2, Shape::Of(&[])),
    (3, Shape::Of(&[])),
    (4, Shape::Of(&[])),
    (5, Shape::Of(&[(1, Shape::I32), (2, Shape::I32)])),
    (6, Shape::Of(&[])),
    (7, Shape::Of(TIME)),
    (8, Shape::Of(TIME)),
    (10, Shape::Of(&[(1, Shape::Byte), (2, Shape::Flag)])),
    (11, Shape::Of(&[])),
    (12, Shape::Of(&[])),
    (13, Shape::Of(&[])),
    (14, Shape::Of(&[])),
    (15, Shape::Of(&[])),
    (16, Shape::Of(&[(1, Shape::Byte)])),
    (17, Shape::Of(&[(1, Shape::Binary)])),
    (18, Shape::Of(&[(1, Shape::Binary), (2, Shape::I32)])),
];
const TIME: Members =
    &[(1, Shape::Flag), (2, Shape::Of(&[(1, Shape::Of(&[])), (2, Shape::Of(&[])), (3, Shape::Of(&[]))]))];

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer whose columns lie within so many groups.
    fn nested(groups: usize) -> Vec<u8> {
        let group = [0x35, 0, 0x18, 1, b'g', 0x15, 2, 0];
        let count = groups + 1;
        let head = [0x15, 2, 0x19, 0xfc, count as u8 & 127 | 128, (count >> 7) as u8 & 127 | 128, (count >> 14) as u8];
        let column = [0x15, 10, 0x25, 0, 0x18, 1, b'x', 0];
        [&head[..], &group.repeat(groups), &column, &[0x16, 0, 0]].concat()
    }

    #[test]
    fn groups_within_groups_are_counted_without_going_into_them() {
        for groups in [1, 2, 64, 65, 400, 10_000] {
            assert_eq!(depth(&nested(groups)), Some(groups));
        }
        let file = |footer: &[u8]| {
            let length = footer.len() as u32;
            bytes::Bytes::from([b"PAR1", footer, &length.to_le_bytes(), b"PAR1"].concat())
        };
        assert!(check(&file(&nested(64))).is_ok());
        let said = check(&file(&nested(65))).expect_err("it is deep").to_string();
        assert!(said.contains("within more than 64 others"), "{said}");
        let said = check(&file(&[0x29, 0x0c, 0])).expect_err("no version").to_string();
        assert!(said.contains("doesn't begin with a schema"), "{said}");
        // Side by side they aren't deep.
        let flat =
            [&[0x15, 2, 0x19, 0x3c, 0x48, 1, b'r', 0x15, 4, 0][..], &[0x15, 10, 0x38, 1, b'x', 0].repeat(2)].concat();
        assert_eq!(depth(&flat), Some(1));
    }
}
