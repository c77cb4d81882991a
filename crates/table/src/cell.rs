//! The canonical form of a cell, which identity and fingerprint hash.
//!
//! It follows from the value and its column's kind alone: whatever format a value came from,
//! in whatever batch, with whatever codes, its bytes are the same.

use std::ops::Range;

use evenstep_exact::canonical::{Digest, Hasher};

use crate::{Column, ColumnName, Kind, NULL_BOOLEAN, NULL_DATE, NULL_INTEGER};

/// Adds the cell to what is hashed.
#[inline]
pub fn hash_cell(hasher: &mut Hasher, column: &Column, row: usize) {
    match column {
        Column::Number(cells) => hasher.f64(cells[row]),
        Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => match cells[row] {
            NULL_INTEGER => hasher.null(),
            cell => hasher.i64(cell),
        },
        Column::Boolean(cells) => match cells[row] {
            NULL_BOOLEAN => hasher.null(),
            cell => hasher.bool(cell == 1),
        },
        Column::Category(coded) | Column::Text(coded) => match coded.get(row) {
            Some(text) => hasher.str(text),
            None => hasher.null(),
        },
        Column::Date(cells) => match cells[row] {
            NULL_DATE => hasher.null(),
            cell => hasher.i64(cell.into()),
        },
    };
}

/// How many rows are hashed side by side: a column is then gone through in steps, not from column to column for a cell each.
const ROWS: usize = 16;

/// The digests of some rows, by a hasher that has seen no value: of what `begin` adds for a row, then of its cells.
pub fn hash_rows(
    hasher: &Hasher,
    columns: &[&Column],
    rows: Range<usize>,
    begin: impl Fn(&mut Hasher, usize),
) -> Vec<Digest> {
    let mut hashers = vec![hasher.clone(); ROWS.min(rows.len())];
    let mut digests = Vec::with_capacity(rows.len());
    for first in rows.clone().step_by(ROWS) {
        let hashers = &mut hashers[..ROWS.min(rows.end - first)];
        for (row, hasher) in (first..).zip(&mut *hashers) {
            begin(hasher.reset(), row);
        }
        for column in columns {
            for (row, hasher) in (first..).zip(&mut *hashers) {
                hash_cell(hasher, column, row);
            }
        }
        digests.extend(Hasher::finish_all(hashers));
    }
    digests
}

/// Writes the cell as bytes that sort nulls first and numbers by size.
pub fn write_cell(bytes: &mut Vec<u8>, column: &Column, row: usize) {
    if column.is_null(row) {
        bytes.push(0);
        return;
    }
    bytes.push(1);
    let integer = |n: i64| ((n as u64) ^ (1 << 63)).to_be_bytes();
    match column {
        Column::Number(cells) => bytes.extend(evenstep_exact::sort::sortable(cells[row]).to_be_bytes()),
        Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => bytes.extend(integer(cells[row])),
        Column::Boolean(cells) => bytes.push(cells[row]),
        Column::Date(cells) => bytes.extend(integer(cells[row].into())),
        Column::Category(coded) | Column::Text(coded) => {
            let text = coded.get(row).unwrap_or_default();
            // The end is marked by what no text holds unmarked: 0 is written as 0 1.
            for byte in text.bytes() {
                bytes.push(byte);
                if byte == 0 {
                    bytes.push(1);
                }
            }
            bytes.extend([0, 0]);
        }
    }
}

/// The digest of names and kinds, in the given order.
pub fn schema_digest<'a>(columns: impl Iterator<Item = (&'a ColumnName, Kind)>) -> Digest {
    let mut hasher = Hasher::new("evenstep schema");
    for (name, kind) in columns {
        hasher.str(name.as_str()).str(kind.word_in_hash());
    }
    hasher.finish()
}
