//! What the columns of a Parquet body hold once they are decompressed and decoded, as its footer and pages tell: a
//! body of a few bytes may claim more than any memory holds.

use evenstep_table::counted;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use crate::parquet_pages::varint;
use crate::{SourceError, SourceErrorKind};

/// What a footer may take, which is decoded whole.
const FOOTER_BYTES_MAX: u64 = 1 << 20;
/// What a decoded cell takes besides its text.
const CELL_BYTES: u64 = 16;
/// Parts within parts: the header of a page has three of them.
const DEPTH_MAX: u32 = 8;

/// Refuses a footer that is too large to look at.
///
/// # Errors
/// One that is, or bytes that have none.
pub(crate) fn check_footer(bytes: &[u8]) -> Result<(), SourceError> {
    let Some((_, [a, b, c, d, _, _, _, _])) = bytes.split_last_chunk() else {
        return Err(SourceError::malformed("the file is damaged: it ends before its footer"));
    };
    match u64::from(u32::from_le_bytes([*a, *b, *c, *d])) {
        length if length > FOOTER_BYTES_MAX && length < bytes.len() as u64 => Err(too_large("its footer")),
        _ => Ok(()),
    }
}

/// Refuses row groups that claim more than `bytes_max` together.
///
/// # Errors
/// That, a compression of which the end isn't known before it is reached, or bytes that are no pages.
pub(crate) fn check_groups(bytes: &[u8], metadata: &ParquetMetaData, bytes_max: u64) -> Result<(), SourceError> {
    let mut claimed = 0_u64;
    for group in metadata.row_groups() {
        let cells = (group.num_rows().max(0) as u64).saturating_mul(group.num_columns().max(1) as u64);
        claimed = claimed.saturating_add(cells.saturating_mul(CELL_BYTES));
        for chunk in group.columns() {
            claimed = claimed.saturating_add(inflated_bytes(bytes, chunk)?);
        }
        if claimed > bytes_max {
            return Err(too_large("what it holds once it is decompressed"));
        }
    }
    Ok(())
}

fn too_large(what: &str) -> SourceError {
    SourceError::new(SourceErrorKind::Unsupported, format!("{what} is too large"))
        .help("send the rows in several parts")
}

/// What the pages of a column say that they hold.
fn inflated_bytes(bytes: &[u8], chunk: &ColumnChunkMetaData) -> Result<u64, SourceError> {
    match chunk.compression() {
        Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_) | Compression::LZ4_RAW => {}
        other => {
            let codec = other.to_string();
            let codec = codec.split('(').next().unwrap_or_default();
            let what = format!("its columns are compressed by {codec}, and a body may be by SNAPPY, ZSTD or LZ4_RAW");
            return Err(SourceError::new(SourceErrorKind::Unsupported, what).help("write it with one of these"));
        }
    }
    let (start, length) = chunk.byte_range();
    let pages = usize::try_from(start).ok().zip(usize::try_from(length).ok());
    let pages = pages.and_then(|(start, length)| bytes.get(start..)?.get(..length));
    pages.and_then(page_bytes).ok_or_else(|| {
        let place = counted(length, "byte");
        SourceError::malformed(format!("the file is damaged: no pages are in the {place} of a column from {start} on"))
    })
}

/// The sum over pages of what their headers claim.
fn page_bytes(mut bytes: &[u8]) -> Option<u64> {
    let mut sum = 0_u64;
    while !bytes.is_empty() {
        let mut at = 0;
        let [inflated, held] = page_sizes(bytes, &mut at)?;
        sum = sum.checked_add(inflated)?;
        bytes = bytes.get(at..)?.get(usize::try_from(held).ok()?..)?;
    }
    Some(sum)
}

/// How large a page is decompressed, and how large as it is; moves to the end of its header.
/// Source: the Parquet format's `parquet.thrift`, `PageHeader`, in the compact protocol of Apache Thrift.
fn page_sizes(bytes: &[u8], at: &mut usize) -> Option<[u64; 2]> {
    let (mut sizes, mut id) = ([None; 2], 0);
    while let Some(kind) = field(bytes, at, &mut id)? {
        match (id, kind) {
            (2 | 3, 4..=6) => sizes[id as usize - 2] = Some(zigzag(varint(bytes, at)?)),
            _ => skip(bytes, at, kind, DEPTH_MAX)?,
        }
    }
    let [inflated, held] = sizes;
    Some([u64::try_from(inflated?).ok()?, u64::try_from(held?).ok()?])
}

/// The kind of the next member of a structure, and its number in `id`; `Some(None)` at the end.
fn field(bytes: &[u8], at: &mut usize, id: &mut i64) -> Option<Option<u8>> {
    let head = byte(bytes, at)?;
    let (step, kind) = (head >> 4, head & 15);
    if kind == 0 {
        return Some(None);
    }
    *id = if step == 0 { zigzag(varint(bytes, at)?) } else { id.checked_add(i64::from(step))? };
    Some(Some(kind))
}

fn skip(bytes: &[u8], at: &mut usize, kind: u8, depth: u32) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match kind {
        // Flags are told by their kind.
        1 | 2 => {}
        3 => *at += 1,
        4..=6 => drop(varint(bytes, at)?),
        7 => *at += 8,
        8 => *at = usize::try_from(varint(bytes, at)?).ok()?.checked_add(*at)?,
        9 | 10 => {
            let head = byte(bytes, at)?;
            let count = if head >> 4 == 15 { varint(bytes, at)? } else { u64::from(head >> 4) };
            for _ in 0..count {
                match head & 15 {
                    1 | 2 => drop(byte(bytes, at)?),
                    kind => skip(bytes, at, kind, depth)?,
                }
            }
        }
        12 => {
            let mut id = 0;
            while let Some(kind) = field(bytes, at, &mut id)? {
                skip(bytes, at, kind, depth)?;
            }
        }
        _ => return None,
    }
    (*at <= bytes.len()).then_some(())
}

fn byte(bytes: &[u8], at: &mut usize) -> Option<u8> {
    let byte = *bytes.get(*at)?;
    *at += 1;
    Some(byte)
}

fn zigzag(bits: u64) -> i64 {
    (bits >> 1) as i64 ^ -((bits & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_summed_and_nothing_else_is_believed() {
        // A data page of 10 bytes that take 5, with 3 values, and a statistic: its header, then what it holds.
        let header = [0x15, 0, 0x15, 20, 0x15, 10, 0x2c, 0x15, 6, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c, 0x18, 1, 7, 0, 0, 0];
        let page = [&header[..], &[9; 5]].concat();
        assert_eq!(page_bytes(&page), Some(10));
        assert_eq!(page_bytes(&[&page[..], &page[..]].concat()), Some(20));
        assert_eq!(page_bytes(&[]), Some(0));
        for end in 1..page.len() {
            assert_eq!(page_bytes(&page[..end]), None, "{end}");
        }
        // Structures within structures, lists of millions, sizes below zero.
        assert_eq!(page_bytes(&[0x1c; 100]), None);
        assert_eq!(page_bytes(&[0x19, 0xf8, 0xff, 0xff, 0xff, 0x7f, 0]), None);
        assert_eq!(page_bytes(&[0x25, 1, 0x15, 1, 0]), None);
    }
}
