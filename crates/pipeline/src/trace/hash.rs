//! The fast hashes of cells and rows, under constants that no seed changes.
//!
//! They tell runs apart that nobody forged. What must withstand forgery is the fingerprint.
//! A cell is stirred, and is the product of its halves then, a key added to them: that of its row, that of its column where a row's
//! cells are added up, or one for all where cells are by themselves.
//! Halves alone are multiplied, so that wide registers do many cells at once.

use std::ops::Range;

use evenstep_exact::simd::widest;
use evenstep_table::{Coded, Column, NULL_BOOLEAN, NULL_DATE, NULL_INTEGER, RowKey};

// Wang Yi, "wyhash": the folded multiply and its constants.
const K: [u64; 4] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3];

/// What tells the values of a type from those of another with the same bits.
const INTEGER: u64 = 0xeb44_acca_b455_d165;
const BOOLEAN: u64 = 0x9c6e_6877_736c_46e3;
const MOMENT: u64 = 0xd27b_f8a7_ae5e_1d9b;
/// Bits of a NaN that no value has.
const NULL: u64 = 0x7ff3_c6ef_372f_e94f;

/// The words of a row's key.
pub(crate) type Words = [u64; 2];

/// The product of both, its halves folded into one.
#[inline]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// The key's two words.
#[inline]
pub(crate) fn words(key: &RowKey) -> Words {
    let word = |at: usize| u64::from_le_bytes(key.0[at..at + 8].try_into().expect("8 of 16 bytes"));
    [word(0), word(8)]
}

/// 64 well mixed bits of a row.
#[inline]
pub(crate) fn of_row(row: Words) -> u64 {
    fold(row[0] ^ K[0], row[1] ^ K[1])
}

/// What is added to the cells of a row.
#[inline]
pub(crate) fn key_of_row(row: Words) -> u64 {
    row[1]
}

/// What is added to the cells of a column, where a row's cells are added up.
pub(crate) fn key_of_column(name: &str) -> u64 {
    fold(of_text(name) ^ K[0], K[3])
}

/// Halves, each in the lower bits of a word of its own: above them may stand anything.
#[derive(Clone, Copy)]
struct Halves(u64, u64);

/// A stirred cell under a key: another cell is another word, but once in 2^32 keys.
// Black et al. 1999, "UMAC: fast and secure message authentication": NH.
#[inline(always)]
const fn keyed(cell: Halves, key: u64) -> u64 {
    product(cell.0.wrapping_add(key), cell.1.wrapping_add(key >> 32))
}

/// Every word has other halves. As it is, a whole number would give multiples of a key, and of cells that share one the sum alone
/// would tell.
#[inline(always)]
const fn stirred(word: u64) -> Halves {
    let low = product(word ^ word >> 32, 0x85eb_ca6b);
    Halves(low, product(word >> 32, 0xc2b2_ae35) ^ low >> 15)
}

/// The product of the lower halves: one instruction for each register, however wide.
#[inline(always)]
const fn product(a: u64, b: u64) -> u64 {
    const LOWER: u64 = u32::MAX as u64;
    (a & LOWER).wrapping_mul(b & LOWER)
}

/// A whole number and the same value as an integer are one cell: a column's type is committed to apart.
#[inline]
fn of_number(x: f64) -> u64 {
    if x.is_nan() { NULL } else { x.to_bits() }
}

#[inline]
fn of_integer(n: i64) -> u64 {
    const EXACT: u64 = 1 << 53;
    match n {
        NULL_INTEGER => NULL,
        n if n.unsigned_abs() <= EXACT => (n as f64).to_bits(),
        n => n as u64 ^ INTEGER,
    }
}

#[inline]
fn of_moment(n: i64) -> u64 {
    if n == NULL_INTEGER { NULL } else { n as u64 ^ MOMENT }
}

#[inline]
fn of_text(text: &str) -> u64 {
    let mut state = K[0] ^ text.len() as u64;
    let (whole, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    for bytes in whole.iter().chain([&last]) {
        state = fold(state ^ u64::from_le_bytes(*bytes), K[2]);
    }
    state
}

/// So many rows are gone through at once, whatever number of columns: all that they are summed up by stays in the first-level
/// cache.
pub(crate) const BLOCK: usize = 1024;

/// What goes over the cells of a column in some rows, no more than a block.
pub(crate) trait Visitor {
    /// The cells, each of which `word` makes a word of.
    fn cells<T: Copy>(&mut self, cells: &[T], word: impl Fn(T) -> u64 + Copy);
}

/// A column that is gone through.
pub(crate) struct Cells<'a> {
    column: &'a Column,
    /// Of strings: the hash of each that is listed, and of a null. Empty if more are listed than there are rows.
    of_code: Vec<u64>,
}

impl<'a> Cells<'a> {
    pub(crate) fn of(column: &'a Column) -> Cells<'a> {
        let of_code = match column {
            Column::Category(coded) | Column::Text(coded) if coded.values.len() <= coded.codes.len() => {
                let mut of_code = Vec::with_capacity(coded.values.len() + 1);
                of_code.extend(coded.values.iter().map(|text| of_text(text)).chain([NULL]));
                of_code
            }
            _ => Vec::new(),
        };
        Cells { column, of_code }
    }

    /// Hands over the cells of some rows.
    #[inline]
    pub(crate) fn visit(&self, rows: Range<usize>, visitor: &mut impl Visitor) {
        match self.column {
            Column::Number(cells) => visitor.cells(&cells[rows], of_number),
            Column::Integer(cells) => visitor.cells(&cells[rows], of_integer),
            Column::Time(cells) | Column::Datetime(_, cells) => visitor.cells(&cells[rows], of_moment),
            Column::Boolean(cells) => {
                visitor.cells(&cells[rows], |yes| if yes == NULL_BOOLEAN { NULL } else { u64::from(yes) ^ BOOLEAN });
            }
            Column::Date(cells) => {
                let moment = |day: i32| if day == NULL_DATE { NULL_INTEGER } else { day.into() };
                visitor.cells(&cells[rows], |day| of_moment(moment(day)));
            }
            Column::Category(coded) | Column::Text(coded) => self.visit_texts(coded, rows, visitor),
        }
    }

    fn visit_texts(&self, coded: &Coded, rows: Range<usize>, visitor: &mut impl Visitor) {
        let mut room = [0; BLOCK];
        let words = &mut room[..rows.len()];
        match self.of_code.len().checked_sub(1) {
            // Codes beyond the strings are nulls.
            Some(null) => {
                let hash = |code: &u32| self.of_code[null.min(*code as usize)];
                words.iter_mut().zip(&coded.codes[rows]).for_each(|(word, code)| *word = hash(code));
            }
            None => {
                let hash = |row: usize| coded.get(row).map_or(NULL, of_text);
                words.iter_mut().zip(rows).for_each(|(word, row)| *word = hash(row));
            }
        }
        visitor.cells(words, |word| word);
    }
}

/// Cells that a step wrote, under the keys of their rows.
pub(crate) struct Written<'a> {
    /// The key of each row.
    pub(crate) keys: &'a [u64],
    /// What is added to its cells in the content of rows.
    pub(crate) column: u64,
    /// The sum of the cells of each row.
    pub(crate) content: &'a mut [u64],
    /// The sum of all cells.
    pub(crate) total: &'a mut u64,
    pub(crate) nulls: &'a mut u64,
}

impl Visitor for Written<'_> {
    #[inline]
    fn cells<T: Copy>(&mut self, cells: &[T], word: impl Fn(T) -> u64 + Copy) {
        let Written { keys, column, ref mut content, .. } = *self;
        let (total, nulls) = widest!({
            let (mut total, mut nulls) = (0_u64, 0);
            for ((cell, key), content) in cells.iter().zip(keys).zip(content.iter_mut()) {
                let word = word(*cell);
                nulls += u64::from(word == NULL);
                let cell = stirred(word);
                total = total.wrapping_add(keyed(cell, *key));
                *content = content.wrapping_add(keyed(cell, key.wrapping_add(column)));
            }
            (total, nulls)
        });
        *self.total = self.total.wrapping_add(total);
        *self.nulls += nulls;
    }
}

/// Cells where rows come in or go out: under the keys of their rows, bucket by bucket, and by themselves.
pub(crate) struct Ends<'a> {
    /// The key of each row.
    pub(crate) keys: &'a [u64],
    /// The bucket of each row.
    pub(crate) buckets: &'a [u8],
    /// What is added to its cells in the content of rows.
    pub(crate) column: u64,
    /// The sum of the cells of each row, by themselves.
    pub(crate) content: &'a mut [u64],
    /// The sums of the buckets.
    pub(crate) sums: &'a mut [u64; 256],
    /// Room for what they are made of.
    pub(crate) room: &'a mut [u64; BLOCK],
    /// The sum of all cells by themselves.
    pub(crate) values: &'a mut u64,
    pub(crate) nulls: &'a mut u64,
}

impl Visitor for Ends<'_> {
    #[inline]
    fn cells<T: Copy>(&mut self, cells: &[T], word: impl Fn(T) -> u64 + Copy) {
        let Ends { keys, column, ref mut content, ref mut room, .. } = *self;
        let (values, nulls) = widest!({
            let (mut values, mut nulls) = (0_u64, 0);
            for (((cell, key), content), room) in cells.iter().zip(keys).zip(content.iter_mut()).zip(room.iter_mut()) {
                let word = word(*cell);
                nulls += u64::from(word == NULL);
                let cell = stirred(word);
                values = values.wrapping_add(keyed(cell, K[1]));
                *content = content.wrapping_add(keyed(cell, column));
                *room = keyed(cell, *key);
            }
            (values, nulls)
        });
        *self.values = self.values.wrapping_add(values);
        *self.nulls += nulls;
        add_to_buckets(self.sums, self.buckets, &self.room[..cells.len()]);
    }
}

/// Adds what each row has to its bucket.
#[inline]
pub(crate) fn add_to_buckets(sums: &mut [u64; 256], buckets: &[u8], of_rows: &[u64]) {
    for (bucket, of_row) in buckets.iter().zip(of_rows) {
        let sum = &mut sums[usize::from(*bucket)];
        *sum = sum.wrapping_add(*of_row);
    }
}

/// Cells that are added to the content of their rows, and to nothing else.
pub(crate) struct Contents<'a> {
    /// What is added to its cells in the content of rows.
    pub(crate) column: u64,
    /// The sum of the cells of each row, by themselves.
    pub(crate) content: &'a mut [u64],
}

impl Visitor for Contents<'_> {
    #[inline]
    fn cells<T: Copy>(&mut self, cells: &[T], word: impl Fn(T) -> u64 + Copy) {
        let Contents { column, ref mut content } = *self;
        widest!(for (cell, content) in cells.iter().zip(content.iter_mut()) {
            *content = content.wrapping_add(keyed(stirred(word(*cell)), column));
        });
    }
}

/// So many rows after so many, until all are gone through.
pub(crate) fn blocks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(BLOCK).map(move |first| first..rows.min(first + BLOCK))
}

#[cfg(test)]
mod tests {
    use evenstep_table::NULL_CODE;

    use super::*;

    struct Words(Vec<u64>);

    impl Visitor for Words {
        fn cells<T: Copy>(&mut self, cells: &[T], word: impl Fn(T) -> u64 + Copy) {
            self.0.extend(cells.iter().map(|cell| word(*cell)));
        }
    }

    fn hashes(column: &Column) -> Vec<u64> {
        let mut words = Words(Vec::new());
        Cells::of(column).visit(0..column.rows(), &mut words);
        words.0
    }

    #[test]
    fn a_whole_number_and_an_integer_are_one_cell_and_nothing_else_is() {
        let numbers = hashes(&Column::Number(vec![3.0, 0.0, f64::NAN, 0.5]));
        let integers = hashes(&Column::Integer(vec![3, 0, NULL_INTEGER, i64::MAX]));
        assert_eq!(numbers[..3], integers[..3]);
        let booleans = hashes(&Column::Boolean(vec![1, 0, NULL_BOOLEAN]));
        let dates = hashes(&Column::Date(vec![3, 0, NULL_DATE]));
        let texts = hashes(&Column::Category(Coded::from_strings([Some("3"), Some(""), None, Some("3\0")])));
        assert!([&booleans, &dates, &texts].iter().all(|hashes| hashes[2] == NULL));
        let mut all: Vec<u64> = [numbers, integers, booleans, dates, texts].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 4 + 1 + 2 + 2 + 3);
    }

    #[test]
    fn a_string_is_its_value_whatever_its_code() {
        let one = Coded::from_strings([Some("a"), Some("bcdefghij"), None]);
        let mut values: Vec<std::sync::Arc<str>> = one.values.to_vec();
        values.extend(["x".into(), "y".into()]);
        values.reverse();
        let codes = one.codes.iter().map(|code| if *code == NULL_CODE { NULL_CODE } else { 3 - *code }).collect();
        let other = Coded { values: std::sync::Arc::new(values), codes };
        assert_eq!(hashes(&Column::Text(one)), hashes(&Column::Category(other)));
    }
}
