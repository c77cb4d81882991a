//! The pages of Parquet columns, looked at before they are decoded: the decoders of strings in
//! delta encodings allocate what a page claims, and a claim that no memory holds ends the process.

use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

use crate::thrift::varint;

/// Values of a block that share a smallest delta. Writers are content with 128 to 2,048.
const BLOCK_MAX: u64 = 1 << 14;

/// Some row groups of a file.
pub(crate) struct Groups<R> {
    file: Arc<R>,
    metadata: Arc<ParquetMetaData>,
    chosen: Vec<usize>,
    sharing: Sharing,
}

/// Whether strings may be told by what they share with the one before: few bytes of these stand for many.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    Taken,
    Refused,
}

impl<R> Groups<R> {
    /// The row groups at these positions.
    pub(crate) fn new(file: R, metadata: Arc<ParquetMetaData>, chosen: Vec<usize>, sharing: Sharing) -> Groups<R> {
        Groups { file: Arc::new(file), metadata, chosen, sharing }
    }
}

impl<R: ChunkReader + 'static> RowGroups for Groups<R> {
    fn num_rows(&self) -> usize {
        self.row_groups().map(|group| group.num_rows().max(0) as usize).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (file, metadata, sharing) = (self.file.clone(), self.metadata.clone(), self.sharing);
        Ok(Box::new(Chunks { file, metadata, column, chosen: self.chosen.clone().into_iter(), sharing }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.chosen.iter().map(|group| self.metadata.row_group(*group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// One column's chunk in each of the row groups.
struct Chunks<R> {
    file: Arc<R>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    chosen: std::vec::IntoIter<usize>,
    sharing: Sharing,
}

impl<R: ChunkReader + 'static> Iterator for Chunks<R> {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.metadata.row_group(self.chosen.next()?);
        let chunk = group.column(self.column);
        let (nullable, sharing) = (chunk.column_descr().max_def_level() > 0, self.sharing);
        let pages = SerializedPageReader::new(self.file.clone(), chunk, group.num_rows().max(0) as usize, None);
        Some(pages.map(|pages| Box::new(Checked { pages, nullable, sharing }) as _))
    }
}

impl<R: ChunkReader + 'static> PageIterator for Chunks<R> {}

/// Pages that claim no more than they hold.
struct Checked<R: ChunkReader> {
    pages: SerializedPageReader<R>,
    /// Whether pages start with levels, which tell nulls.
    nullable: bool,
    sharing: Sharing,
}

impl<R: ChunkReader> Checked<R> {
    fn checked(&self, page: Option<Page>) -> Result<Option<Page>> {
        let what = match &page {
            Some(page) if claims_too_much(page, self.nullable) => "a page claims more values than its bytes can hold",
            Some(page) if self.sharing == Sharing::Refused && page.encoding() == Encoding::DELTA_BYTE_ARRAY => {
                "its strings are told by what they share, which is taken from files only"
            }
            _ => return Ok(page),
        };
        Err(ParquetError::General(what.to_owned()))
    }
}

impl<R: ChunkReader> PageReader for Checked<R> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        self.checked(page)
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
        let page = self.pages.take_deferred_dictionary()?;
        self.checked(page)
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl<R: ChunkReader> Iterator for Checked<R> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn claims_too_much(page: &Page, nullable: bool) -> bool {
    let bytes = page.buffer();
    let start = match page {
        // No value is shorter than a byte.
        Page::DictionaryPage { num_values, .. } => return *num_values as usize > bytes.len(),
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
