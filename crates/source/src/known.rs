//! Rows that were known by a moment: of a source that is looked at so, all others are as if they weren't there.

use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch};
use evenstep_table::build::{ColumnBuilder, Strictness, Value};
use evenstep_table::{Column, ColumnName, MissingTokens, Rule};

use crate::arrow_cells::feed;
use crate::blocks::Block;
use crate::fields::Blank;
use crate::guard::guard;
use crate::layout::{Details, FileInfo, Slots, UNWANTED};
use crate::queue::{Part, Work};
use crate::{SourceError, csv, json};

/// Which rows are known: those whose cell in a column is no later than a moment.
#[derive(Clone, Debug)]
pub struct Known {
    column: ColumnName,
    rule: Rule,
    missing: Arc<MissingTokens>,
    latest: i64,
}

/// Rows that are left out because they were not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LeftOut {
    /// They were known only later.
    pub later: u64,
    /// Nobody knows since when: the cell is missing, or no cell of the column's type.
    pub undated: u64,
}

impl LeftOut {
    pub(crate) fn merge(&mut self, other: LeftOut) {
        self.later += other.later;
        self.undated += other.undated;
    }
}

impl Known {
    /// Rows whose cell in that column of dates or datetimes, read by the rule, is at most `latest`: in days for dates,
    /// else in microseconds. `missing` are the tokens that stand for a missing value.
    pub fn new(column: ColumnName, rule: Rule, missing: &[String], latest: i64) -> Known {
        Known { column, rule, missing: Arc::new(MissingTokens::new(missing)), latest }
    }

    /// Where the column stands in a file; None if its folders tell it.
    pub(crate) fn place(&self, file: &FileInfo) -> Option<usize> {
        file.columns.iter().position(|column| *column == self.column)
    }

    /// The part with the rows that are known; of a batch, only the columns in `slots` are left.
    pub(crate) fn only(&self, file: &FileInfo, slots: &Slots, mut part: Part) -> Result<Part, SourceError> {
        let mut builder = ColumnBuilder::new(&self.rule, Arc::clone(&self.missing), Strictness::File);
        let Some(place) = self.place(file) else { return self.all_or_none(file, builder, part) };
        let (rows, work) = match part.work {
            Work::Block(block) => {
                let mut of_file = vec![UNWANTED; file.columns.len()];
                of_file[place] = 0;
                let mut blank = Blank::Skipped;
                let (rows, starts) = match &file.details {
                    Details::Delimited { delimiter } => {
                        blank = Blank::of(file.columns.len());
                        let columns = std::slice::from_mut(&mut builder);
                        csv::read_block(file, *delimiter, &block, &of_file, columns)?;
                        (self.rows(&mut builder, &mut part.left_out), csv::starts(file, *delimiter, &block)?)
                    }
                    _ => {
                        json::read_block(file, &block, &of_file, &[false], |_, value: Value<'_>| builder.push(value))?;
                        (self.rows(&mut builder, &mut part.left_out), json::starts(&block))
                    }
                };
                let block = only_rows(block, &starts, &rows, blank);
                (rows, Work::Block(block))
            }
            Work::Batch(batch) => {
                let at = slots.in_file.partition_point(|wanted| *wanted < place);
                guard(&file.path, || feed(batch.column(at), &mut builder))?;
                let rows = self.rows(&mut builder, &mut part.left_out);
                let wanted = slots.in_file.get(at) == Some(&place);
                let batch = guard(&file.path, || only_of_batch(&batch, (!wanted).then_some(at), &rows))?;
                (rows, Work::Batch(batch))
            }
            Work::Group(_) => unreachable!("groups are read as batches where rows are left out"),
        };
        Ok(Part { kept: Some(rows), work, ..part })
    }

    /// The part, or nothing of it: its folders say since when all its rows are known.
    fn all_or_none(&self, file: &FileInfo, mut builder: ColumnBuilder, mut part: Part) -> Result<Part, SourceError> {
        let told = file.constants.iter().find(|(name, _)| *name == self.column);
        let (_, value) = told.expect("files of a source have the same columns");
        let rows = match &part.work {
            Work::Block(block) => block.rows,
            Work::Batch(batch) => batch.num_rows(),
            Work::Group(_) => unreachable!("groups are read as batches where rows are left out"),
        };
        builder.references(&[value.as_deref()], std::iter::repeat_n(Some(0), rows));
        let known = self.rows(&mut builder, &mut part.left_out);
        match &mut part.work {
            Work::Block(block) if known.is_empty() => {
                block.bytes.clear();
                block.rows = 0;
            }
            Work::Batch(batch) if known.is_empty() => *batch = batch.slice(0, 0),
            _ => {}
        }
        Ok(Part { kept: Some(known), ..part })
    }

    /// The rows of a part that are known.
    fn rows(&self, builder: &mut ColumnBuilder, left_out: &mut LeftOut) -> Vec<usize> {
        let column = builder.finish().column;
        let cell = |row: usize| match &column {
            Column::Date(days) => i64::from(days[row]),
            Column::Datetime(_, micros) => micros[row],
            other => panic!("a column of type {} tells no day", other.kind().word()),
        };
        let known = |row: &usize| {
            if column.is_null(*row) {
                left_out.undated += 1;
                return false;
            }
            let is_known = cell(*row) <= self.latest;
            left_out.later += u64::from(!is_known);
            is_known
        };
        (0..column.rows()).filter(known).collect()
    }
}

/// The block with only these of its records. Others leave their line ends, so that lines keep their numbers, unless these would
/// be records themselves.
fn only_rows(block: Block, starts: &[usize], rows: &[usize], blank: Blank) -> Block {
    let first = starts.first().copied().unwrap_or(block.bytes.len());
    let mut bytes = block.bytes[..first].to_vec();
    let mut kept = rows.iter().copied().peekable();
    for (row, start) in starts.iter().enumerate() {
        let end = starts.get(row + 1).copied().unwrap_or(block.bytes.len());
        let record = &block.bytes[*start..end];
        if kept.next_if_eq(&row).is_some() {
            bytes.extend_from_slice(record);
        } else if blank == Blank::Skipped {
            bytes.extend(record.iter().filter(|byte| **byte == b'\n'));
        }
    }
    Block { bytes: bytes.into(), rows: rows.len(), ..block }
}

/// The batch with only these rows, without the column that was read only to choose them.
fn only_of_batch(batch: &RecordBatch, without: Option<usize>, rows: &[usize]) -> Result<RecordBatch, SourceError> {
    let mut mask = vec![false; batch.num_rows()];
    rows.iter().for_each(|row| mask[*row] = true);
    let wanted: Vec<usize> = (0..batch.num_columns()).filter(|column| Some(*column) != without).collect();
    let wrong = |error: arrow_schema::ArrowError| SourceError::malformed(error.to_string());
    let batch = batch.project(&wanted).map_err(wrong)?;
    arrow_select::filter::filter_record_batch(&batch, &BooleanArray::from(mask)).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_are_left_out_leave_their_line_ends() {
        let text = "a,1\n\n\"b\nb\",2\r\nc,3\n";
        let block = Block {
            bytes: text.as_bytes().to_vec().into(),
            rows: 3,
            first_row: 1,
            first_line: 2,
            consumed: text.len() as u64,
        };
        let starts = [0, 5, 14];
        let left = |rows: &[usize], blank: Blank| {
            let block = Block { bytes: block.bytes.to_vec().into(), ..block };
            let only = only_rows(block, &starts, rows, blank);
            assert_eq!((only.rows, only.first_line), (rows.len(), 2));
            String::from_utf8(only.bytes.to_vec()).expect("UTF-8")
        };
        assert_eq!(left(&[0, 1, 2], Blank::Skipped), text);
        assert_eq!(left(&[0, 2], Blank::Skipped), "a,1\n\n\n\nc,3\n");
        assert_eq!(left(&[1], Blank::Skipped), "\n\n\"b\nb\",2\r\n\n");
        assert_eq!(left(&[], Blank::Skipped), "\n\n\n\n\n");
        assert_eq!(left(&[1], Blank::Record), "\"b\nb\",2\r\n");
    }
}
