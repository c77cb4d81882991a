//! The fast hashes that cells and rows are mixed by, under constants that no seed changes.
//!
//! They tell runs apart that nobody forged. What must withstand forgery is the fingerprint.

use evenstep_exact::canonical::Hasher;
use evenstep_table::{Coded, Column, NULL_BOOLEAN, NULL_CODE, NULL_DATE, NULL_INTEGER, RowKey};

// Wang Yi, "wyhash": the folded multiply and its constants.
const K: [u64; 4] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x8ebc_6af0_9c88_c6e3, 0x5899_65cc_7537_4cc3];

/// A number that needs all 64 bits stands for itself; this tells it from a date of the same bits.
const NUMBER: u64 = 0x1d8e_4e27_c47d_124f;
const INTEGER: u64 = 0xeb44_acca_b455_d165;
const BOOLEAN: u64 = 0x9c6e_6877_736c_46e3;
const MOMENT: u64 = 0xd27b_f8a7_ae5e_1d9b;
const NULL: [u64; 2] = [0x3c6e_f372_fe94_f82b, 0xbb67_ae85_84ca_a73b];

/// Two sums of 64 bits each.
pub(crate) type Wide = [u64; 2];

/// The product of both, its halves folded into one.
#[inline]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// Adds the second to the first.
#[inline]
pub(crate) fn add(sum: &mut Wide, other: Wide) {
    sum[0] = sum[0].wrapping_add(other[0]);
    sum[1] = sum[1].wrapping_add(other[1]);
}

/// The key's two words.
#[inline]
pub(crate) fn words(key: &RowKey) -> Wide {
    let word = |at: usize| u64::from_le_bytes(key.0[at..at + 8].try_into().expect("8 of 16 bytes"));
    [word(0), word(8)]
}

/// 64 well mixed bits of a row.
#[inline]
pub(crate) fn of_row(row: Wide) -> u64 {
    fold(row[0] ^ K[0], row[1] ^ K[1])
}

/// A cell in its row.
#[inline]
pub(crate) fn in_row(row: Wide, cell: Wide) -> Wide {
    [
        fold(row[0] ^ cell[0], row[1] ^ cell[1] ^ K[0]),
        fold(row[1] ^ cell[0].rotate_left(32) ^ K[2], row[0] ^ cell[1] ^ K[1]),
    ]
}

/// A cell on its own.
#[inline]
pub(crate) fn alone(cell: Wide) -> Wide {
    [fold(cell[0] ^ K[2], cell[1] ^ K[3]), fold(cell[0].rotate_left(32) ^ K[3], cell[1] ^ K[0])]
}

/// What a cell in its row adds to the hash of the row's content, in a column of that name.
#[inline]
pub(crate) fn in_content(cell: Wide, column: u64) -> u64 {
    fold(cell[0] ^ column, cell[1] ^ K[3])
}

/// The hash of a column's name.
pub(crate) fn of_name(name: &str) -> u64 {
    let bytes = Hasher::new("evenstep trace column").str(name).finish16();
    u64::from_le_bytes(bytes[..8].try_into().expect("8 of 16 bytes"))
}

/// A whole number and the same value as an integer are one cell: a column's type is committed to apart.
#[inline]
fn of_number(x: f64) -> Wide {
    if x.is_nan() { NULL } else { [x.to_bits(), NUMBER] }
}

#[inline]
fn of_integer(n: i64) -> Wide {
    const EXACT: u64 = 1 << 53;
    match n {
        NULL_INTEGER => NULL,
        n if n.unsigned_abs() <= EXACT => [(n as f64).to_bits(), NUMBER],
        n => [n as u64, INTEGER],
    }
}

#[inline]
fn of_moment(n: i64) -> Wide {
    if n == NULL_INTEGER { NULL } else { [n as u64, MOMENT] }
}

fn of_text(text: &str) -> Wide {
    let mut state = [K[0] ^ text.len() as u64, K[1]];
    let (whole, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    for bytes in whole.iter().chain([&last]) {
        let word = u64::from_le_bytes(*bytes);
        state = [fold(state[0] ^ word, K[2]), fold(state[1] ^ word ^ K[3], state[0] ^ K[1])];
    }
    state
}

/// Calls `each` with every row and its cell's hash.
#[inline]
pub(crate) fn cells(column: &Column, mut each: impl FnMut(usize, Wide)) {
    match column {
        Column::Number(cells) => cells.iter().enumerate().for_each(|(row, x)| each(row, of_number(*x))),
        Column::Integer(cells) => cells.iter().enumerate().for_each(|(row, n)| each(row, of_integer(*n))),
        Column::Time(cells) | Column::Datetime(_, cells) => {
            cells.iter().enumerate().for_each(|(row, n)| each(row, of_moment(*n)));
        }
        Column::Boolean(cells) => cells.iter().enumerate().for_each(|(row, yes)| {
            each(row, if *yes == NULL_BOOLEAN { NULL } else { [(*yes).into(), BOOLEAN] });
        }),
        Column::Date(cells) => cells.iter().enumerate().for_each(|(row, day)| {
            each(row, of_moment(if *day == NULL_DATE { NULL_INTEGER } else { (*day).into() }));
        }),
        Column::Category(coded) | Column::Text(coded) => of_coded(coded, each),
    }
}

/// Each listed string is hashed once, unless more are listed than there are rows.
fn of_coded(coded: &Coded, mut each: impl FnMut(usize, Wide)) {
    if coded.values.len() > coded.codes.len() {
        (0..coded.codes.len()).for_each(|row| each(row, coded.get(row).map_or(NULL, of_text)));
        return;
    }
    let hashes = coded.map_values(of_text);
    for (row, code) in coded.codes.iter().enumerate() {
        each(row, if *code == NULL_CODE { NULL } else { hashes[*code as usize] });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(column: &Column) -> Vec<Wide> {
        let mut all = Vec::new();
        cells(column, |_, hash| all.push(hash));
        all
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
        let mut all: Vec<Wide> = [numbers, integers, booleans, dates, texts].concat();
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
