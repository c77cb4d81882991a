//! The fast hashes that cells and rows are mixed by, under constants that no seed changes.
//!
//! They tell runs apart that nobody forged. What must withstand forgery is the fingerprint.

use evenstep_exact::canonical::Hasher;
use evenstep_table::{Coded, Column, NULL_BOOLEAN, NULL_CODE, NULL_DATE, NULL_INTEGER, RowKey};

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

/// A cell in its row.
#[inline]
pub(crate) fn in_row(row: Words, cell: u64) -> u64 {
    fold(row[0] ^ cell, row[1] ^ K[0])
}

/// A cell on its own.
#[inline]
pub(crate) fn alone(cell: u64) -> u64 {
    fold(cell ^ K[2], cell.rotate_left(32) ^ K[3])
}

/// What a cell in its row adds to the hash of the row's content, in a column of that name.
#[inline]
pub(crate) fn in_content(cell: u64, column: u64) -> u64 {
    fold(cell ^ column, column.rotate_left(32) ^ K[3])
}

/// The hash of a column's name.
pub(crate) fn of_name(name: &str) -> u64 {
    let bytes = Hasher::new("evenstep trace column").str(name).finish16();
    u64::from_le_bytes(bytes[..8].try_into().expect("8 of 16 bytes"))
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

/// Whether a cell is null.
#[inline]
pub(crate) fn is_null(cell: u64) -> bool {
    cell == NULL
}

/// Every cell's hash.
pub(crate) fn cells(column: &Column, hashes: &mut Vec<u64>) {
    hashes.clear();
    match column {
        Column::Number(cells) => hashes.extend(cells.iter().copied().map(of_number)),
        Column::Integer(cells) => hashes.extend(cells.iter().copied().map(of_integer)),
        Column::Time(cells) | Column::Datetime(_, cells) => hashes.extend(cells.iter().copied().map(of_moment)),
        Column::Boolean(cells) => {
            let of_boolean = |yes: &u8| if *yes == NULL_BOOLEAN { NULL } else { u64::from(*yes) ^ BOOLEAN };
            hashes.extend(cells.iter().map(of_boolean));
        }
        Column::Date(cells) => {
            let of_date = |day: &i32| of_moment(if *day == NULL_DATE { NULL_INTEGER } else { (*day).into() });
            hashes.extend(cells.iter().map(of_date));
        }
        Column::Category(coded) | Column::Text(coded) => of_coded(coded, hashes),
    }
}

/// Each listed string is hashed once, unless more are listed than there are rows.
fn of_coded(coded: &Coded, hashes: &mut Vec<u64>) {
    if coded.values.len() > coded.codes.len() {
        hashes.extend((0..coded.codes.len()).map(|row| coded.get(row).map_or(NULL, of_text)));
        return;
    }
    let of_value = coded.map_values(of_text);
    let of_code = |code: &u32| if *code == NULL_CODE { NULL } else { of_value[*code as usize] };
    hashes.extend(coded.codes.iter().map(of_code));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(column: &Column) -> Vec<u64> {
        let mut all = Vec::new();
        cells(column, &mut all);
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
