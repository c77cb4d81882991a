//! Cells of any type: tallied, gathered, and put where a null was.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use evenstep_exact::canonical::integer;
use evenstep_exact::frequency::Frequency;
use evenstep_exact::quantile::Distribution;
use evenstep_exact::reduce::Partial;
use evenstep_table::{Coded, Column, Kind, NULL_BOOLEAN, NULL_CODE, NULL_DATE, NULL_INTEGER};
use serde::{Deserialize, Serialize};

/// A value that is not null. Dates and times are the integers that columns hold.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// Of a boolean column.
    Boolean(bool),
    /// Of an integer, date, time or datetime column.
    Integer(#[serde(deserialize_with = "integer")] i64),
    /// Of a number column.
    Number(f64),
    /// Of a category or text column.
    Text(Arc<str>),
}

impl Cell {
    /// Whether a column of that type can hold it.
    pub fn fits(&self, kind: Kind) -> bool {
        match (self, kind) {
            (Cell::Boolean(_), Kind::Boolean) | (Cell::Text(_), Kind::Category | Kind::Text) => true,
            (Cell::Number(x), Kind::Number) => x.is_finite(),
            (Cell::Integer(n), Kind::Integer | Kind::Time | Kind::Datetime(_)) => *n != NULL_INTEGER,
            (Cell::Integer(n), Kind::Date) => i32::try_from(*n).is_ok_and(|day| day != NULL_DATE),
            _ => false,
        }
    }

    /// The row's cell; None for a null.
    pub fn of(column: &Column, row: usize) -> Option<Cell> {
        if column.is_null(row) {
            return None;
        }
        Some(match column {
            Column::Number(cells) => Cell::Number(cells[row]),
            Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => Cell::Integer(cells[row]),
            Column::Boolean(cells) => Cell::Boolean(cells[row] == 1),
            Column::Date(cells) => Cell::Integer(cells[row].into()),
            Column::Category(coded) | Column::Text(coded) => {
                Cell::Text(coded.values[coded.codes[row] as usize].clone())
            }
        })
    }

    /// The order of a column's values: numbers by size, strings by their bytes.
    pub fn order(&self, other: &Cell) -> Ordering {
        match (self, other) {
            (Cell::Boolean(a), Cell::Boolean(b)) => a.cmp(b),
            (Cell::Integer(a), Cell::Integer(b)) => a.cmp(b),
            (Cell::Number(a), Cell::Number(b)) => a.total_cmp(b),
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            _ => panic!("a column's cells are of one type"),
        }
    }

    /// Puts a cell of the column's type wherever a null is; `of` is asked for each such row.
    pub fn fill<'a>(column: &mut Column, mut of: impl FnMut(usize) -> &'a Cell) {
        fn each<T: Copy>(cells: &mut [T], is_null: impl Fn(T) -> bool, mut of: impl FnMut(usize) -> T) {
            for (row, cell) in cells.iter_mut().enumerate() {
                if is_null(*cell) {
                    *cell = of(row);
                }
            }
        }
        let mut integer = |row| match of(row) {
            Cell::Integer(n) => *n,
            other => panic!("{other:?} was checked to fit the column"),
        };
        match column {
            Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => {
                each(cells, |cell| cell == NULL_INTEGER, integer);
            }
            Column::Date(cells) => each(cells, |cell| cell == NULL_DATE, |row| integer(row) as i32),
            Column::Number(cells) => each(cells, f64::is_nan, |row| match of(row) {
                Cell::Number(x) => *x,
                other => panic!("{other:?} was checked to fit the column"),
            }),
            Column::Boolean(cells) => each(
                cells,
                |cell| cell == NULL_BOOLEAN,
                |row| match of(row) {
                    Cell::Boolean(yes) => u8::from(*yes),
                    other => panic!("{other:?} was checked to fit the column"),
                },
            ),
            Column::Category(coded) | Column::Text(coded) => {
                let Coded { values, codes } = coded;
                let mut known: Option<HashMap<Arc<str>, u32>> = None;
                each(
                    codes,
                    |code| code == NULL_CODE,
                    |row| match of(row) {
                        Cell::Text(text) => {
                            let known = known.get_or_insert_with(|| values.iter().cloned().zip(0..).collect());
                            *known.entry(text.clone()).or_insert_with(|| {
                                Arc::make_mut(values).push(text.clone());
                                values.len() as u32 - 1
                            })
                        }
                        other => panic!("{other:?} was checked to fit the column"),
                    },
                );
            }
        }
    }
}

/// How often each value of a column occurs, whatever its type.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Tally {
    numbers: Distribution,
    integers: Frequency<i64>,
    booleans: Frequency<bool>,
    texts: Frequency<Arc<str>>,
    /// How many cells are null.
    pub nulls: u64,
}

impl Tally {
    /// Sees every cell.
    pub fn observe(&mut self, column: &Column) {
        let nulls = column.nulls();
        self.nulls += nulls as u64;
        match column {
            Column::Number(cells) => self.numbers.observe(cells),
            Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => {
                self.observe_integers(cells.iter().copied().filter(|cell| *cell != NULL_INTEGER).collect());
            }
            Column::Date(cells) => {
                let days = cells.iter().filter(|cell| **cell != NULL_DATE);
                self.observe_integers(days.map(|cell| i64::from(*cell)).collect());
            }
            Column::Boolean(cells) => {
                let yes = cells.iter().filter(|cell| **cell == 1).count();
                self.booleans.observe_n(true, yes as u64);
                self.booleans.observe_n(false, (cells.len() - yes - nulls) as u64);
            }
            Column::Category(coded) | Column::Text(coded) => {
                for (value, count) in coded.values.iter().zip(coded.counts()) {
                    self.texts.observe_n(value.clone(), count);
                }
            }
        }
    }

    fn observe_integers(&mut self, mut cells: Vec<i64>) {
        cells.sort_unstable();
        for run in cells.chunk_by(|a, b| a == b) {
            self.integers.observe_n(run[0], run.len() as u64);
        }
    }

    /// How many cells were seen.
    pub fn rows(&self) -> u64 {
        self.nulls + self.numbers.count() + self.integers.total() + self.booleans.total() + self.texts.total()
    }

    /// The value seen most often, and how often; of equally frequent ones the smallest.
    pub fn most_frequent(&self) -> Option<(Cell, u64)> {
        fn best<K>(counts: impl Iterator<Item = (K, u64)>) -> Option<(K, u64)> {
            counts.reduce(|best, next| if next.1 > best.1 { next } else { best })
        }
        let number = best(self.numbers.runs().iter().copied()).map(|(x, count)| (Cell::Number(x), count));
        let integer = || best(self.integers.iter()).map(|(n, count)| (Cell::Integer(*n), count));
        let boolean = || best(self.booleans.iter()).map(|(yes, count)| (Cell::Boolean(*yes), count));
        let text = || best(self.texts.iter()).map(|(text, count)| (Cell::Text(text.clone()), count));
        number.or_else(integer).or_else(boolean).or_else(text)
    }
}

impl Partial for Tally {
    fn merge(&mut self, other: Tally) {
        self.numbers.merge(other.numbers);
        self.integers.merge(other.integers);
        self.booleans.merge(other.booleans);
        self.texts.merge(other.texts);
        self.nulls += other.nulls;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_strings_are_put_among_many_others_each_listed_once() {
        const ROWS: usize = 1 << 16;
        let text = |row: usize| Cell::Text(Arc::from(format!("text {row}")));
        let drawn: Vec<Cell> = (ROWS / 2..ROWS + ROWS / 2).map(text).collect();
        let cell = |row: usize| (row < ROWS).then(|| format!("text {row}"));
        let mut column = Column::Text(Coded::from_strings((0..2 * ROWS).map(cell)));
        Cell::fill(&mut column, |row| &drawn[row - ROWS]);
        for row in [0, ROWS, ROWS + ROWS / 2, 2 * ROWS - 1] {
            let expected = if row < ROWS { text(row) } else { drawn[row - ROWS].clone() };
            assert_eq!(Cell::of(&column, row), Some(expected));
        }
        assert_eq!(column.coded().map(|coded| coded.values.len()), Some(ROWS + ROWS / 2));
    }
}
