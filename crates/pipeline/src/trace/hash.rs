//! The fast hashes that cells and rows are mixed by, under constants that no seed changes.
//!
//! They tell runs apart that nobody forged. What must withstand forgery is the fingerprint.
//! A cell is mixed once; what it adds to a sum is that times a factor: of its row, or of its column's name.
//! Words alone are multiplied, so that wide registers do many cells at once.

use evenstep_exact::canonical::Hasher;
use evenstep_exact::simd::widest;
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

/// What cells of a row are multiplied by: odd, so that no cell is lost.
#[inline]
pub(crate) fn factor_of_row(row: Words) -> u64 {
    row[1] | 1
}

/// What cells of a column are multiplied by, where a row's cells are added up.
pub(crate) fn factor_of_column(name: &str) -> u64 {
    of_name(name) | 1
}

/// Every word has another, and those of like words are unlike.
// Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators": the finaliser.
#[inline(always)]
const fn mixed(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// The hash of a column's name.
fn of_name(name: &str) -> u64 {
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

/// What a null is mixed to.
const MIXED_NULL: u64 = mixed(NULL);

/// How many of these cells are null.
pub(crate) fn nulls(cells: &[u64]) -> u64 {
    widest!(cells.iter().map(|cell| u64::from(*cell == MIXED_NULL)).sum())
}

/// The sum of all cells.
pub(crate) fn sum(cells: &[u64]) -> u64 {
    widest!(cells.iter().fold(0_u64, |sum, cell| sum.wrapping_add(*cell)))
}

/// Adds to the content of rows what their cells in one column come to.
pub(crate) fn add_products(content: &mut [u64], cells: &[u64], factor: u64) {
    widest!(for (content, cell) in content.iter_mut().zip(cells) {
        *content = content.wrapping_add(cell.wrapping_mul(factor));
    });
}

/// So many cells and what they are summed up by stay in the first-level cache.
const BLOCK: usize = 512;

/// Hands over every cell, mixed, block by block, each with its first row.
#[inline]
pub(crate) fn blocks(column: &Column, each: impl FnMut(usize, &[u64])) {
    match column {
        Column::Number(cells) => mix_each(cells, of_number, each),
        Column::Integer(cells) => mix_each(cells, of_integer, each),
        Column::Time(cells) | Column::Datetime(_, cells) => mix_each(cells, of_moment, each),
        Column::Boolean(cells) => {
            mix_each(cells, |yes| if yes == NULL_BOOLEAN { NULL } else { u64::from(yes) ^ BOOLEAN }, each);
        }
        Column::Date(cells) => {
            mix_each(cells, |day| of_moment(if day == NULL_DATE { NULL_INTEGER } else { day.into() }), each);
        }
        Column::Category(coded) | Column::Text(coded) => mix_texts(coded, each),
    }
}

fn mix_each<T: Copy>(cells: &[T], word: impl Fn(T) -> u64, mut each: impl FnMut(usize, &[u64])) {
    let mut room = [0; BLOCK];
    for (block, cells) in cells.chunks(BLOCK).enumerate() {
        let all_mixed = &mut room[..cells.len()];
        widest!(for (to, cell) in all_mixed.iter_mut().zip(cells) {
            *to = mixed(word(*cell));
        });
        each(block * BLOCK, all_mixed);
    }
}

/// Each listed string is hashed once, unless more are listed than there are rows.
fn mix_texts(coded: &Coded, mut each: impl FnMut(usize, &[u64])) {
    let of_text = |text: &str| mixed(of_text(text));
    let of_value = (coded.values.len() <= coded.codes.len()).then(|| coded.map_values(of_text));
    let mut room = [0; BLOCK];
    for (block, codes) in coded.codes.chunks(BLOCK).enumerate() {
        let all_mixed = &mut room[..codes.len()];
        for (at, (to, code)) in all_mixed.iter_mut().zip(codes).enumerate() {
            *to = match &of_value {
                _ if *code == NULL_CODE => MIXED_NULL,
                Some(of_value) => of_value[*code as usize],
                None => coded.get(block * BLOCK + at).map_or(MIXED_NULL, of_text),
            };
        }
        each(block * BLOCK, all_mixed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(column: &Column) -> Vec<u64> {
        let mut all = Vec::new();
        blocks(column, |_, cells| all.extend_from_slice(cells));
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
        assert!([&booleans, &dates, &texts].iter().all(|hashes| hashes[2] == MIXED_NULL));
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
