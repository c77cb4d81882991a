//! The pages of Parquet columns, looked at before they are decoded: the decoders of strings in
//! delta encodings allocate what a page claims, and a claim that no memory holds ends the process.

use std::fs::File;
use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

/// Values of a block that share a smallest delta. Writers are content with 128 to 2,048.
const BLOCK_MAX: u64 = 1 << 14;

/// Some row groups of a file.
pub(crate) struct Groups {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    chosen: Vec<usize>,
}

impl Groups {
    /// The row groups at these positions.
    pub(crate) fn new(file: File, metadata: Arc<ParquetMetaData>, chosen: Vec<usize>) -> Groups {
        Groups { file: Arc::new(file), metadata, chosen }
    }
}

impl RowGroups for Groups {
    fn num_rows(&self) -> usize {
        self.row_groups().map(|group| group.num_rows().max(0) as usize).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (file, metadata) = (self.file.clone(), self.metadata.clone());
        Ok(Box::new(Chunks { file, metadata, column, chosen: self.chosen.clone().into_iter() }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.chosen.iter().map(|group| self.metadata.row_group(*group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// One column's chunk in each of the row groups.
struct Chunks {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    chosen: std::vec::IntoIter<usize>,
}

impl Iterator for Chunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.metadata.row_group(self.chosen.next()?);
        let chunk = group.column(self.column);
        let nullable = chunk.column_descr().max_def_level() > 0;
        let pages = SerializedPageReader::new(self.file.clone(), chunk, group.num_rows().max(0) as usize, None);
        Some(pages.map(|pages| Box::new(Checked { pages, nullable }) as _))
    }
}

impl PageIterator for Chunks {}

/// Pages that claim no more than they hold.
struct Checked {
    pages: SerializedPageReader<File>,
    /// Whether pages start with levels, which tell nulls.
    nullable: bool,
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        match &page {
            Some(page) if claims_too_much(page, self.nullable) => {
                Err(ParquetError::General("a page claims more values than its bytes can hold".to_owned()))
            }
            _ => Ok(page),
        }
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        self.pages.take_deferred_dictionary()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn claims_too_much(page: &Page, nullable: bool) -> bool {
    let bytes = page.buffer();
    let start = match page {
        Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
            u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len)
        }
        // Columns of lists are refused by name, so there are no other levels.
        Page::DataPage { def_level_encoding: Encoding::RLE, .. } if nullable => match bytes.first_chunk() {
            Some(length) => 4 + u64::from(u32::from_le_bytes(*length)),
            None => return true,
        },
        Page::DataPage { num_values, .. } if nullable => u64::from(*num_values).div_ceil(8),
        _ => 0,
    };
    let values = usize::try_from(start).ok().and_then(|start| bytes.get(start..));
    let delta = |bytes| delta_end(bytes).and_then(|end| bytes.get(end..));
    match page.encoding() {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => values.and_then(delta).is_none(),
        // Lengths of what is shared with the value before, then of what is not.
        Encoding::DELTA_BYTE_ARRAY => values.and_then(delta).and_then(delta).is_none(),
        _ => false,
    }
}

/// Where integers in delta encoding end, if all that are claimed are there.
/// Source: the Parquet format's `Encodings.md`, "Delta Encoding".
fn delta_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let [block, parts, count, _first] = [(); 4].map(|()| varint(bytes, &mut at));
    let (block, parts, mut left) = (block?, parts?, count?.saturating_sub(1));
    _first?;
    if block > BLOCK_MAX || parts == 0 || block % parts != 0 {
        return None;
    }
    while left > 0 {
        let _smallest = varint(bytes, &mut at)?;
        let widths = bytes.get(at..)?.get(..usize::try_from(parts).ok()?)?;
        at += widths.len();
        for width in widths {
            if left > 0 {
                at += usize::from(*width) * (block / parts) as usize / 8;
                left = left.saturating_sub(block / parts);
            }
        }
        if at > bytes.len() {
            return None;
        }
    }
    Some(at)
}

/// Seven bits a byte, the lowest first.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_are_not_there_are_not_believed() {
        // 128 values a block, in 4 parts; 3 values, the first 5; smallest delta 0; one byte each.
        let three = [&[0x80, 1, 4, 3, 10, 0, 8, 0, 0, 0][..], &[1; 32]].concat();
        assert_eq!(delta_end(&three), Some(three.len()));
        assert_eq!(delta_end(&three[..three.len() - 1]), None);
        assert_eq!(delta_end(&[0x80, 1, 4, 0, 0]), Some(5));
        let many = [&[0x80, 1, 4][..], &[0xff; 8], &[1, 10, 0, 0, 0, 0, 0]].concat();
        assert_eq!(delta_end(&many), None);
    }
}
