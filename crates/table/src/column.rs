//! Columns: one type each, one null each.

use std::sync::Arc;

use evenstep_exact::number::print_number;
use serde::{Deserialize, Serialize};

/// Marks a null in a boolean column; 0 is false, 1 is true.
pub const NULL_BOOLEAN: u8 = 2;
/// Marks a null in integer, time and datetime columns; it is no value that a cell can have.
pub const NULL_INTEGER: i64 = i64::MIN;
/// Marks a null in a date column.
pub const NULL_DATE: i32 = i32::MIN;
/// Marks a null in a category or text column.
pub const NULL_CODE: u32 = u32::MAX;

/// Whether a datetime is a wall clock's reading or an instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// What a clock on the wall shows, wherever it hangs.
    Civil,
    /// A point in time, counted from the epoch in UTC.
    Instant,
}

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A finite f64.
    Number,
    /// An i64 other than the smallest.
    Integer,
    /// True or false.
    Boolean,
    /// One of a set of strings.
    Category,
    /// A string that is read, not enumerated.
    Text,
    /// A day of the Gregorian calendar.
    Date,
    /// A time of day.
    Time,
    /// A day and a time.
    Datetime(Clock),
}

impl Kind {
    /// The word for it in a contract.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Integer => "integer",
            Kind::Boolean => "boolean",
            Kind::Category => "category",
            Kind::Text => "text",
            Kind::Date => "date",
            Kind::Time => "time",
            Kind::Datetime(_) => "datetime",
        }
    }

    /// The word for it in hashes, which know an instant from a wall clock's reading.
    pub fn word_in_hash(self) -> &'static str {
        match self {
            Kind::Datetime(Clock::Instant) => "instant",
            kind => kind.word(),
        }
    }

    /// Number, integer or boolean: what a model takes as a number.
    pub fn is_numeric(self) -> bool {
        matches!(self, Kind::Number | Kind::Integer | Kind::Boolean)
    }

    /// Number or integer: what has a unit, and is written in digits.
    pub fn is_quantity(self) -> bool {
        matches!(self, Kind::Number | Kind::Integer)
    }
}

/// Strings by reference: a code a row into the batch's own list of values.
/// Codes mean nothing outside their batch; two batches list their values differently.
#[derive(Clone, Debug, Default)]
pub struct Coded {
    /// The values that codes point to; distinct, in any order.
    pub values: Arc<Vec<Arc<str>>>,
    /// A position in `values` for each row, or `NULL_CODE`.
    pub codes: Vec<u32>,
}

impl Coded {
    /// The row's string, or None for a null.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.values.get(self.codes[row] as usize).map(|value| &**value)
    }

    /// Codes the given strings; each distinct one is kept once.
    pub fn from_strings<S: AsRef<str>>(strings: impl IntoIterator<Item = Option<S>>) -> Coded {
        let mut seen = rustc_hash::FxHashMap::<Arc<str>, u32>::default();
        let mut values = Vec::new();
        let codes = strings
            .into_iter()
            .map(|string| {
                let Some(string) = string else { return NULL_CODE };
                let string = string.as_ref();
                if let Some(code) = seen.get(string) {
                    return *code;
                }
                let (code, value) = (values.len() as u32, Arc::<str>::from(string));
                values.push(value.clone());
                seen.insert(value, code);
                code
            })
            .collect();
        Coded { values: Arc::new(values), codes }
    }

    /// How often each listed value occurs, in their order; behind them, how often null does.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.values.len() + 1];
        for code in &self.codes {
            counts[(*code as usize).min(self.values.len())] += 1;
        }
        counts
    }

    /// One result for each listed value, to be looked up by code.
    pub fn map_values<T>(&self, f: impl FnMut(&str) -> T) -> Vec<T> {
        let mut f = f;
        self.values.iter().map(|value| f(value)).collect()
    }
}

/// The cells of one column in one batch.
#[derive(Clone, Debug)]
pub enum Column {
    /// NaN is null, and nothing else is NaN; never infinite, never −0.
    Number(Vec<f64>),
    /// `NULL_INTEGER` is null.
    Integer(Vec<i64>),
    /// 0, 1, or `NULL_BOOLEAN`.
    Boolean(Vec<u8>),
    /// One of a set of strings.
    Category(Coded),
    /// Free text.
    Text(Coded),
    /// Days since 1970-01-01; `NULL_DATE` is null.
    Date(Vec<i32>),
    /// Microseconds since midnight; `NULL_INTEGER` is null.
    Time(Vec<i64>),
    /// Microseconds since 1970-01-01T00:00, on the wall or in UTC; `NULL_INTEGER` is null.
    Datetime(Clock, Vec<i64>),
}

impl Column {
    /// A column of that type without rows.
    pub fn empty(kind: Kind) -> Column {
        Column::null(kind, 0)
    }

    /// A column of that type with so many nulls.
    pub fn null(kind: Kind, rows: usize) -> Column {
        let nothing = || Coded { values: Arc::default(), codes: vec![NULL_CODE; rows] };
        match kind {
            Kind::Number => Column::Number(vec![f64::NAN; rows]),
            Kind::Integer => Column::Integer(vec![NULL_INTEGER; rows]),
            Kind::Boolean => Column::Boolean(vec![NULL_BOOLEAN; rows]),
            Kind::Category => Column::Category(nothing()),
            Kind::Text => Column::Text(nothing()),
            Kind::Date => Column::Date(vec![NULL_DATE; rows]),
            Kind::Time => Column::Time(vec![NULL_INTEGER; rows]),
            Kind::Datetime(clock) => Column::Datetime(clock, vec![NULL_INTEGER; rows]),
        }
    }

    /// The column's type.
    pub fn kind(&self) -> Kind {
        match self {
            Column::Number(_) => Kind::Number,
            Column::Integer(_) => Kind::Integer,
            Column::Boolean(_) => Kind::Boolean,
            Column::Category(_) => Kind::Category,
            Column::Text(_) => Kind::Text,
            Column::Date(_) => Kind::Date,
            Column::Time(_) => Kind::Time,
            Column::Datetime(clock, _) => Kind::Datetime(*clock),
        }
    }

    /// Numbers become canonical: what is not finite is null, and −0 is 0.
    pub(crate) fn make_canonical(&mut self) {
        if let Column::Number(cells) = self {
            for cell in cells {
                *cell = if cell.is_finite() { *cell + 0.0 } else { f64::NAN };
            }
        }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        match self {
            Column::Number(cells) => cells.len(),
            Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => cells.len(),
            Column::Boolean(cells) => cells.len(),
            Column::Category(coded) | Column::Text(coded) => coded.codes.len(),
            Column::Date(cells) => cells.len(),
        }
    }

    /// Whether the row's cell is null.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Column::Number(cells) => cells[row].is_nan(),
            Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => cells[row] == NULL_INTEGER,
            Column::Boolean(cells) => cells[row] == NULL_BOOLEAN,
            Column::Category(coded) | Column::Text(coded) => coded.codes[row] == NULL_CODE,
            Column::Date(cells) => cells[row] == NULL_DATE,
        }
    }

    /// How many cells are null.
    pub fn nulls(&self) -> usize {
        fn count<T: PartialEq>(cells: &[T], null: T) -> usize {
            cells.iter().filter(|cell| **cell == null).count()
        }
        match self {
            Column::Number(cells) => cells.iter().filter(|cell| cell.is_nan()).count(),
            Column::Integer(cells) | Column::Time(cells) | Column::Datetime(_, cells) => count(cells, NULL_INTEGER),
            Column::Boolean(cells) => count(cells, NULL_BOOLEAN),
            Column::Category(coded) | Column::Text(coded) => count(&coded.codes, NULL_CODE),
            Column::Date(cells) => count(cells, NULL_DATE),
        }
    }

    /// The cells as numbers, NaN for null; None unless the type is numeric.
    /// Integers beyond 2⁵³ are rounded to the nearest number, booleans are 0 and 1.
    pub fn to_numbers(&self) -> Option<std::borrow::Cow<'_, [f64]>> {
        match self {
            Column::Number(cells) => Some(cells.as_slice().into()),
            Column::Integer(cells) => {
                Some(cells.iter().map(|n| if *n == NULL_INTEGER { f64::NAN } else { *n as f64 }).collect())
            }
            Column::Boolean(cells) => {
                Some(cells.iter().map(|b| if *b == NULL_BOOLEAN { f64::NAN } else { f64::from(*b) }).collect())
            }
            _ => None,
        }
    }

    /// The strings of a category or text column.
    pub fn coded(&self) -> Option<&Coded> {
        match self {
            Column::Category(coded) | Column::Text(coded) => Some(coded),
            _ => None,
        }
    }

    /// The given rows, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Column {
        fn pick<T: Copy>(cells: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|row| cells[*row]).collect()
        }
        let coded = |c: &Coded| Coded { values: c.values.clone(), codes: pick(&c.codes, rows) };
        match self {
            Column::Number(cells) => Column::Number(pick(cells, rows)),
            Column::Integer(cells) => Column::Integer(pick(cells, rows)),
            Column::Boolean(cells) => Column::Boolean(pick(cells, rows)),
            Column::Category(c) => Column::Category(coded(c)),
            Column::Text(c) => Column::Text(coded(c)),
            Column::Date(cells) => Column::Date(pick(cells, rows)),
            Column::Time(cells) => Column::Time(pick(cells, rows)),
            Column::Datetime(clock, cells) => Column::Datetime(*clock, pick(cells, rows)),
        }
    }

    /// The cell's canonical text, or None for a null: what people and files see.
    pub fn text(&self, row: usize) -> Option<String> {
        if self.is_null(row) {
            return None;
        }
        Some(match self {
            Column::Number(cells) => print_number(cells[row]),
            Column::Integer(cells) => cells[row].to_string(),
            Column::Boolean(cells) => (cells[row] == 1).to_string(),
            Column::Category(coded) | Column::Text(coded) => coded.get(row)?.to_owned(),
            Column::Date(cells) => crate::calendar::print_date(cells[row]),
            Column::Time(cells) => crate::calendar::print_time(cells[row]),
            Column::Datetime(clock, cells) => crate::calendar::print_datetime(*clock, cells[row]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_nulls_has_its_type_and_nothing_else() {
        for kind in [
            Kind::Number,
            Kind::Integer,
            Kind::Boolean,
            Kind::Category,
            Kind::Text,
            Kind::Date,
            Kind::Time,
            Kind::Datetime(Clock::Civil),
            Kind::Datetime(Clock::Instant),
        ] {
            let column = Column::null(kind, 3);
            assert_eq!((column.kind(), column.rows(), column.nulls()), (kind, 3, 3));
        }
    }
}
