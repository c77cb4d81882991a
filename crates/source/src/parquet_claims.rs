//! What the columns of a Parquet body hold once they are decompressed and decoded, as its footer and pages tell: a
//! body of a few bytes may claim more than any memory holds.

use evenstep_table::counted;
use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use crate::thrift::{self, Members, Shape};
use crate::{SourceError, SourceErrorKind};

/// What a footer may take, which is decoded whole.
const FOOTER_BYTES_MAX: u64 = 1 << 20;
/// What a decoded cell takes besides its text.
const CELL_BYTES: u64 = 16;

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
    let lengths = metadata.row_groups().iter().flat_map(|group| group.columns()).map(|chunk| chunk.byte_range().1);
    // So no page is looked at twice.
    if lengths.fold(0, u64::saturating_add) > bytes.len() as u64 {
        return Err(SourceError::malformed("the file is damaged: its columns take more bytes than it has"));
    }
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
fn page_sizes(bytes: &[u8], at: &mut usize) -> Option<[u64; 2]> {
    let mut sizes = [None; 2];
    thrift::structure(bytes, at, PAGE, |id, number| {
        if let 2 | 3 = id {
            sizes[usize::from(id) - 2] = u64::try_from(number).ok();
        }
    })?;
    let [inflated, held] = sizes;
    Some([inflated?, held?])
}

// The Parquet format's `parquet.thrift`: `PageHeader`, and what is in it.
const PAGE: Members = &[
    (1, Shape::I32),
    (2, Shape::I32),
    (3, Shape::I32),
    (4, Shape::I32),
    (5, Shape::Of(DATA_PAGE)),
    (6, Shape::Of(&[])),
    (7, Shape::Of(&[(1, Shape::I32), (2, Shape::I32), (3, Shape::Flag)])),
    (8, Shape::Of(DATA_PAGE_2)),
];
const DATA_PAGE: Members =
    &[(1, Shape::I32), (2, Shape::I32), (3, Shape::I32), (4, Shape::I32), (5, Shape::Of(STATISTICS))];
const DATA_PAGE_2: Members = &[
    (1, Shape::I32),
    (2, Shape::I32),
    (3, Shape::I32),
    (4, Shape::I32),
    (5, Shape::I32),
    (6, Shape::I32),
    (7, Shape::Flag),
    (8, Shape::Of(STATISTICS)),
];
const STATISTICS: Members = &[
    (1, Shape::Binary),
    (2, Shape::Binary),
    (3, Shape::I64),
    (4, Shape::I64),
    (5, Shape::Binary),
    (6, Shape::Binary),
    (7, Shape::Flag),
    (8, Shape::Flag),
];

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
        // Sizes that are told once more, by a number that is 2 to who has 16 bits.
        let twice = [&header[..header.len() - 1], &[0x05, 0x84, 0x80, 8, 0xfe, 0xff, 0x7f, 0], &[9; 5]].concat();
        assert_eq!(page_bytes(&twice), None);
    }
}
