//! Builds typed columns from cells of any origin: the one place where a cell gets its type.

use std::sync::Arc;

use evenstep_exact::number::print_number;

use crate::coder::Coder;
use crate::infer::Evidence;
use crate::iso::Iso;
use crate::number_format::NumberFormat;
use crate::parse::{Decimal, short_decimal};
use crate::rule::Rule;
use crate::suggest::shortened;
use crate::{
    Clock, Column, Kind, MissingTokens, NULL_BOOLEAN, NULL_CODE, NULL_DATE, NULL_INTEGER, calendar, iso, parse,
};

/// A cell as its file or request has it, before the contract gives it a type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A float; NaN is null, infinities are invalid.
    Float(f64),
    /// An integer.
    Integer(i64),
    /// A number in decimal digits that fits none of these exactly.
    Decimal(&'a str),
    /// True or false.
    Boolean(bool),
    /// A string; it is read like a cell of a text file.
    Text(&'a str),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01T00:00 on the wall.
    Civil(i64),
    /// Microseconds since 1970-01-01T00:00 in UTC.
    Instant(i64),
    /// Something that no column can hold, as text.
    Foreign(&'a str),
}

/// Whether strings may stand for numbers and numbers for strings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strictness {
    /// They may: files of text know no types.
    File,
    /// They may not: a request's JSON has types, and a mistaken one is a mistake.
    Request,
}

/// One column as it grows.
#[derive(Debug)]
pub struct ColumnBuilder {
    kind: Kind,
    format: Option<Box<str>>,
    /// The same of numbers.
    numbers: Option<NumberFormat>,
    missing: Arc<MissingTokens>,
    strictness: Strictness,
    cells: Cells,
    invalid: Vec<InvalidCell>,
    absent: Vec<usize>,
    nan: u64,
    rounded: u64,
    text_bytes_max: usize,
    too_long: Vec<usize>,
    /// What cells read as, if anybody wants to know.
    evidence: Option<Box<Evidence>>,
}

#[derive(Debug)]
enum Cells {
    Number(Vec<f64>),
    /// Integers, times and datetimes.
    Integer(Vec<i64>),
    Boolean(Vec<u8>),
    Strings(Coder),
    Date(Vec<i32>),
}

/// A cell that is not of its column's type; its column has null in its place.
#[derive(Clone, PartialEq, Debug)]
pub struct InvalidCell {
    /// The row within the batch.
    pub row: usize,
    /// What was there, cut short if it is long; nothing, after many others of a request.
    pub value: Arc<str>,
}

/// A column with its type, before its other rules are checked.
#[derive(Debug)]
pub struct Typed {
    /// The cells; null where invalid.
    pub column: Column,
    /// The invalid cells, by row.
    pub invalid: Vec<InvalidCell>,
    /// The rows that lack the column; null in it.
    pub absent: Vec<usize>,
    /// How many nulls were NaN in the source.
    pub nan: u64,
    /// How many whole numbers no float is, so that the nearest stands there.
    pub rounded: u64,
    /// The rows whose strings are too long; null in the column.
    pub too_long: Vec<usize>,
}

impl ColumnBuilder {
    /// An empty column of the rule's type.
    pub fn new(rule: &Rule, missing: Arc<MissingTokens>, strictness: Strictness) -> ColumnBuilder {
        let cells = match rule.kind {
            Kind::Number => Cells::Number(Vec::new()),
            Kind::Integer | Kind::Time | Kind::Datetime(_) => Cells::Integer(Vec::new()),
            Kind::Boolean => Cells::Boolean(Vec::new()),
            Kind::Category | Kind::Text => Cells::Strings(Coder::default()),
            Kind::Date => Cells::Date(Vec::new()),
        };
        let format = rule.format.as_deref();
        ColumnBuilder {
            kind: rule.kind,
            format: format.map(Box::from),
            numbers: format.filter(|_| rule.kind.is_quantity()).and_then(|format| NumberFormat::parse(format).ok()),
            missing,
            strictness,
            cells,
            invalid: Vec::new(),
            absent: Vec::new(),
            nan: 0,
            rounded: 0,
            text_bytes_max: usize::MAX,
            too_long: Vec::new(),
            evidence: None,
        }
    }

    /// The same, which takes strings of so many bytes at most.
    #[must_use]
    pub fn with_texts_up_to(self, text_bytes_max: usize) -> ColumnBuilder {
        ColumnBuilder { text_bytes_max, ..self }
    }

    /// The same, which also notes what the cells of text files read as: each is read once for both.
    #[must_use]
    pub fn observing(self) -> ColumnBuilder {
        ColumnBuilder { evidence: Some(Box::default()), ..self }
    }

    /// What the cells of text files read as, of all columns that are finished.
    pub fn into_evidence(self) -> Evidence {
        self.evidence.map_or_else(Evidence::default, |evidence| *evidence)
    }

    /// Makes room for so many more rows.
    pub fn reserve(&mut self, rows: usize) {
        match &mut self.cells {
            Cells::Number(cells) => cells.reserve(rows),
            Cells::Integer(cells) => cells.reserve(rows),
            Cells::Boolean(cells) => cells.reserve(rows),
            Cells::Strings(_) => {}
            Cells::Date(cells) => cells.reserve(rows),
        }
    }

    /// Whether its cells are strings.
    pub fn holds_strings(&self) -> bool {
        matches!(self.cells, Cells::Strings(_))
    }

    /// How many rows it has so far.
    pub fn rows(&self) -> usize {
        match &self.cells {
            Cells::Number(cells) => cells.len(),
            Cells::Integer(cells) => cells.len(),
            Cells::Boolean(cells) => cells.len(),
            Cells::Strings(coder) => coder.rows(),
            Cells::Date(cells) => cells.len(),
        }
    }

    /// Adds cells of a text file.
    pub fn texts<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        let Some(mut evidence) = self.evidence.take() else { return self.read(texts, |_, _| ()) };
        let (before, mut seen) = (self.rows(), 0);
        self.read(texts, |text, decimal| {
            seen += 1;
            evidence.read(text, decimal, 1);
        });
        // Strings are seen when the column is finished: each distinct one then costs as much as a cell here.
        if !matches!(self.cells, Cells::Strings(_)) {
            evidence.nulls += (self.rows() - before) as u64 - seen;
        }
        self.evidence = Some(evidence);
    }

    /// Adds cells of a text file; `see` is told of those that are not missing and no strings.
    #[inline]
    fn read<'a>(&mut self, texts: impl Iterator<Item = &'a str>, mut see: impl FnMut(&str, Option<Decimal>)) {
        let (missing, numbers) = (&*self.missing, self.numbers.as_ref());
        let mut note = |row, text: &str| {
            // A number that stands for a missing value is parsed to none as well.
            if !missing.contains_as(text, numbers) {
                note(&mut self.invalid, self.strictness, row, text);
            }
        };
        let (kind, format) = (self.kind, self.format.as_deref());
        let numbers_miss = missing.has_numbers();
        if let Some(format) = numbers {
            let mut plain = |text: &str| format.plain(text).filter(|text| seen(text, missing, &mut see).is_some());
            match &mut self.cells {
                Cells::Number(cells) => {
                    fill(cells, f64::NAN, texts, missing, &mut note, |text| parse::number(&plain(text)?));
                }
                Cells::Integer(cells) => {
                    fill(cells, NULL_INTEGER, texts, missing, &mut note, |text| parse::integer(&plain(text)?));
                }
                _ => unreachable!("only numbers have such a format"),
            }
            return;
        }
        match &mut self.cells {
            Cells::Number(cells) => fill(cells, f64::NAN, texts, missing, &mut note, |text| {
                let decimal = short_decimal(text.as_bytes());
                let number = parse::number_of(text, decimal);
                if numbers_miss && number.is_some_and(|number| missing.contains_number(number)) {
                    return None;
                }
                see(text, decimal);
                self.rounded += u64::from(number.is_some_and(|number| is_rounded(text, number)));
                number
            }),
            Cells::Integer(cells) if kind == Kind::Integer => {
                fill(cells, NULL_INTEGER, texts, missing, &mut note, |text| {
                    if numbers_miss && missing.contains(text) {
                        return None;
                    }
                    let decimal = short_decimal(text.as_bytes());
                    see(text, decimal);
                    parse::integer_of(text, decimal)
                });
            }
            Cells::Integer(cells) => {
                fill(cells, NULL_INTEGER, texts, missing, &mut note, |text| {
                    parse::moment(kind, format, seen(text, missing, &mut see)?)
                });
            }
            Cells::Boolean(cells) => {
                fill(cells, NULL_BOOLEAN, texts, missing, &mut note, |text| {
                    parse::boolean(seen(text, missing, &mut see)?).map(u8::from)
                });
            }
            Cells::Date(cells) => fill(cells, NULL_DATE, texts, missing, &mut note, |text| {
                parse::moment(kind, format, seen(text, missing, &mut see)?).map(|days| days as i32)
            }),
            Cells::Strings(coder) => {
                for text in texts {
                    let is_too_long = text.len() > self.text_bytes_max;
                    if is_too_long {
                        self.too_long.push(coder.rows());
                    }
                    if is_too_long || missing.contains(text) { coder.push_null() } else { coder.push(text) }
                }
            }
        }
    }

    /// Adds a cell.
    #[inline]
    pub fn push(&mut self, value: Value<'_>) {
        let kept = match value {
            Value::Null => self.push_null(),
            Value::Text(text) if self.missing.contains_as(text, self.numbers.as_ref()) => self.push_null(),
            Value::Float(number) => self.push_float(number),
            Value::Integer(integer) => self.push_integer(integer),
            _ if self.missing.contains_moment(value) => self.push_null(),
            _ => self.push_other(value),
        };
        if !kept {
            let row = self.rows();
            self.push_null();
            note(&mut self.invalid, self.strictness, row, &value.text().unwrap_or_default());
        }
    }

    /// Adds a cell to a row that lacks the column.
    pub fn push_absent(&mut self) {
        self.absent.push(self.rows());
        self.push_null();
    }

    #[inline]
    fn push_null(&mut self) -> bool {
        match &mut self.cells {
            Cells::Number(cells) => cells.push(f64::NAN),
            Cells::Integer(cells) => cells.push(NULL_INTEGER),
            Cells::Boolean(cells) => cells.push(NULL_BOOLEAN),
            Cells::Strings(coder) => coder.push_null(),
            Cells::Date(cells) => cells.push(NULL_DATE),
        }
        true
    }

    #[inline]
    fn push_float(&mut self, number: f64) -> bool {
        if number.is_nan() {
            self.nan += 1;
            return self.push_null();
        }
        if self.missing.has_numbers() && self.missing.contains_number(number) {
            return self.push_null();
        }
        match &mut self.cells {
            Cells::Number(cells) if number.is_finite() => cells.push(number + 0.0),
            Cells::Integer(cells) if self.kind == Kind::Integer => match parse::whole(number) {
                // A number of a request may have been written with more digits than its float has.
                Some(integer) if self.strictness == Strictness::File || parse::is_sure(number) => cells.push(integer),
                _ => return false,
            },
            Cells::Strings(coder) if number.is_finite() && self.strictness == Strictness::File => {
                coder.push(&print_number(number + 0.0));
            }
            _ => return false,
        }
        true
    }

    #[inline]
    fn push_integer(&mut self, integer: i64) -> bool {
        if self.missing.has_numbers() && self.missing.contains_number(integer as f64) {
            return self.push_null();
        }
        match &mut self.cells {
            Cells::Number(cells) => {
                self.rounded += u64::from(integer as f64 as i128 != i128::from(integer));
                cells.push(integer as f64);
            }
            Cells::Integer(cells) if self.kind == Kind::Integer && integer != NULL_INTEGER => cells.push(integer),
            Cells::Strings(coder) if self.strictness == Strictness::File => coder.push(&integer.to_string()),
            // Days as numbers, such as 20241230: by their digits, as in a text file.
            _ if self.format.is_some() => {
                return self.push_read(&integer.to_string());
            }
            _ => return false,
        }
        true
    }

    fn push_other(&mut self, value: Value<'_>) -> bool {
        let strict = self.strictness == Strictness::Request;
        match (&mut self.cells, value) {
            (Cells::Strings(coder), Value::Text(text)) if text.len() > self.text_bytes_max => {
                self.too_long.push(coder.rows());
                coder.push_null();
            }
            (Cells::Strings(coder), Value::Text(text)) => coder.push(text),
            (Cells::Number(_) | Cells::Boolean(_), Value::Text(_)) if strict => return false,
            (Cells::Integer(_), Value::Text(_)) if strict && self.kind == Kind::Integer => return false,
            (Cells::Strings(_), Value::Decimal(_)) if strict => return false,
            (_, Value::Text(text)) => return self.push_read(text),
            (_, Value::Decimal(text)) => {
                // It comes from a file with types, and is written for programs, whatever the format of texts.
                let numbers = self.numbers.take();
                let kept = self.push_read(text);
                self.numbers = numbers;
                return kept;
            }
            (Cells::Boolean(cells), Value::Boolean(yes)) => cells.push(u8::from(yes)),
            (_, Value::Foreign(_)) => return false,
            (_, Value::Date(days)) if !calendar::has_day(days.into()) => return false,
            (_, Value::Civil(micros) | Value::Instant(micros)) if !calendar::has_moment(micros) => return false,
            (Cells::Strings(coder), value) if !strict => match value.text() {
                Some(text) => coder.push(&text),
                None => return false,
            },
            (Cells::Date(cells), Value::Date(days)) => cells.push(days),
            (Cells::Date(cells), Value::Civil(micros)) if micros.rem_euclid(iso::DAY) == 0 => {
                cells.push(micros.div_euclid(iso::DAY) as i32);
            }
            (Cells::Integer(cells), value) => match (self.kind, value) {
                (Kind::Time, Value::Time(micros)) => cells.push(micros),
                (Kind::Datetime(Clock::Civil), Value::Civil(micros)) => cells.push(micros),
                (Kind::Datetime(Clock::Civil), Value::Date(days)) => cells.push(i64::from(days) * iso::DAY),
                (Kind::Datetime(Clock::Instant), Value::Instant(micros)) => cells.push(micros),
                _ => return false,
            },
            _ => return false,
        }
        true
    }

    /// Adds a cell whose text is read; one that cannot be read is noted there.
    fn push_read(&mut self, text: &str) -> bool {
        self.texts(std::iter::once(text));
        true
    }

    /// Adds cells that are strings by reference: a position in `values` for each row.
    pub fn references(&mut self, values: &[Option<&str>], rows: impl Iterator<Item = Option<usize>>) {
        let Cells::Strings(coder) = &mut self.cells else {
            // Each string is read once, and only if a row has it: some are long.
            const UNREAD: usize = usize::MAX;
            let mut read = vec![UNREAD; values.len()];
            for row in rows {
                match row {
                    None => self.push(Value::Null),
                    Some(row) if read[row] != UNREAD => self.push_again(read[row]),
                    Some(row) => {
                        read[row] = self.rows();
                        self.push(values[row].map_or(Value::Null, Value::Text));
                    }
                }
            }
            return;
        };
        // Each string is coded once, and only if a row has it.
        const UNKNOWN: u32 = NULL_CODE - 1;
        const TOO_LONG: u32 = NULL_CODE - 2;
        let mut codes = vec![UNKNOWN; values.len()];
        for row in rows {
            let Some(row) = row else {
                coder.push_null();
                continue;
            };
            if codes[row] == UNKNOWN {
                codes[row] = match values[row] {
                    Some(text) if text.len() > self.text_bytes_max => TOO_LONG,
                    Some(text) if !self.missing.contains(text) => coder.code(text),
                    _ => NULL_CODE,
                };
            }
            if codes[row] == TOO_LONG {
                self.too_long.push(coder.rows());
                coder.push_null();
            } else {
                coder.push_code(codes[row]);
            }
        }
    }

    /// Adds the cell that the row `first` has, and what is wrong with it.
    fn push_again(&mut self, first: usize) {
        let row = self.rows();
        let known = self.invalid.binary_search_by_key(&first, |invalid| invalid.row);
        self.invalid.extend(known.ok().map(|at| InvalidCell { row, ..self.invalid[at].clone() }));
        match &mut self.cells {
            Cells::Number(cells) => cells.push(cells[first]),
            Cells::Integer(cells) => cells.push(cells[first]),
            Cells::Boolean(cells) => cells.push(cells[first]),
            Cells::Date(cells) => cells.push(cells[first]),
            Cells::Strings(_) => unreachable!("strings are coded"),
        }
    }

    /// The column; the next batch starts empty.
    pub fn finish(&mut self) -> Typed {
        let column = match &mut self.cells {
            Cells::Number(cells) => Column::Number(std::mem::take(cells)),
            Cells::Integer(cells) => {
                let cells = std::mem::take(cells);
                match self.kind {
                    Kind::Time => Column::Time(cells),
                    Kind::Datetime(clock) => Column::Datetime(clock, cells),
                    _ => Column::Integer(cells),
                }
            }
            Cells::Boolean(cells) => Column::Boolean(std::mem::take(cells)),
            Cells::Strings(coder) if self.kind == Kind::Text => Column::Text(coder.finish()),
            Cells::Strings(coder) => Column::Category(coder.finish()),
            Cells::Date(cells) => Column::Date(std::mem::take(cells)),
        };
        if let (Some(evidence), Some(coded)) = (&mut self.evidence, column.coded()) {
            evidence.coded(coded);
        }
        Typed {
            column,
            invalid: std::mem::take(&mut self.invalid),
            absent: std::mem::take(&mut self.absent),
            nan: std::mem::take(&mut self.nan),
            rounded: std::mem::take(&mut self.rounded),
            too_long: std::mem::take(&mut self.too_long),
        }
    }
}

/// Notes a cell that isn't of its column's type. Whoever asked is told of a few: of the others the rows will do.
fn note(invalid: &mut Vec<InvalidCell>, strictness: Strictness, row: usize, text: &str) {
    const TOLD: usize = 1000;
    let is_told = strictness == Strictness::File || invalid.len() < TOLD;
    let value = if is_told { shortened(text).into() } else { Arc::default() };
    invalid.push(InvalidCell { row, value });
}

/// Whether a text is a whole number that no float is.
#[inline]
fn is_rounded(text: &str, number: f64) -> bool {
    !parse::is_sure(number) && text.trim().parse::<i128>().is_ok_and(|integer| integer != number as i128)
}

#[inline]
fn fill<'a, T: Copy>(
    cells: &mut Vec<T>,
    null: T,
    texts: impl Iterator<Item = &'a str>,
    missing: &MissingTokens,
    mut note: impl FnMut(usize, &str),
    mut parse: impl FnMut(&str) -> Option<T>,
) {
    for text in texts {
        if missing.contains_text(text) {
            cells.push(null);
            continue;
        }
        cells.push(match parse(text) {
            Some(cell) => cell,
            None => {
                note(cells.len(), text);
                null
            }
        });
    }
}

/// Shows a text that no number of the missing ones is.
#[inline]
fn seen<'t>(text: &'t str, missing: &MissingTokens, see: &mut impl FnMut(&str, Option<Decimal>)) -> Option<&'t str> {
    if missing.has_numbers() && missing.contains(text) {
        return None;
    }
    see(text, short_decimal(text.as_bytes()));
    Some(text)
}

impl Value<'_> {
    /// The text of a value in a text file; None for null.
    pub fn text(&self) -> Option<String> {
        Some(match *self {
            Value::Null => return None,
            Value::Float(number) if number.is_finite() => print_number(number + 0.0),
            Value::Float(number) if number.is_nan() => "NaN".to_owned(),
            Value::Float(number) => if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            Value::Integer(integer) => integer.to_string(),
            Value::Decimal(text) | Value::Text(text) | Value::Foreign(text) => text.to_owned(),
            Value::Boolean(yes) => yes.to_string(),
            Value::Date(days) => calendar::print_date(days),
            Value::Time(micros) => calendar::print_time(micros),
            Value::Civil(micros) => calendar::print_datetime(Clock::Civil, micros),
            Value::Instant(micros) => calendar::print_datetime(Clock::Instant, micros),
        })
    }
}

impl From<Iso> for Value<'_> {
    fn from(moment: Iso) -> Self {
        match moment {
            Iso::Date(days) => Value::Date(days),
            Iso::Time(micros) => Value::Time(micros),
            Iso::Civil(micros) => Value::Civil(micros),
            Iso::Instant(micros) => Value::Instant(micros),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_by_reference_are_read_as_if_each_row_had_its_own() {
        let values = [Some("1.5"), None, Some("x"), Some("NA"), Some("7"), Some("2024-02-29"), Some("true")];
        let rows =
            [Some(2), Some(0), None, Some(0), Some(3), Some(1), Some(2), Some(6), Some(4), Some(5), Some(4), Some(5)];
        for kind in [Kind::Number, Kind::Integer, Kind::Boolean, Kind::Date, Kind::Time, Kind::Category] {
            for strictness in [Strictness::File, Strictness::Request] {
                let builder =
                    || ColumnBuilder::new(&Rule::new(kind), Arc::new(MissingTokens::new(&["NA"])), strictness);
                let (mut shared, mut own) = (builder(), builder());
                shared.references(&values, rows.into_iter());
                rows.iter().for_each(|row| own.push(row.and_then(|row| values[row]).map_or(Value::Null, Value::Text)));
                let (shared, own) = (shared.finish(), own.finish());
                assert_eq!(shared.invalid, own.invalid, "{kind:?}");
                let text = |typed: &Typed| (0..rows.len()).map(|row| typed.column.text(row)).collect::<Vec<_>>();
                assert_eq!(text(&shared), text(&own), "{kind:?}");
            }
        }
    }

    #[test]
    fn what_lies_beyond_the_calendar_is_no_date() {
        let day = 2_932_896;
        for (kind, within, beyond) in [
            (Kind::Date, Value::Date(day), Value::Date(day + 1)),
            (Kind::Date, Value::Date(day), Value::Civil((i64::from(day) + 1) * iso::DAY)),
            (Kind::Datetime(Clock::Civil), Value::Date(day), Value::Date(i32::MAX)),
            (Kind::Datetime(Clock::Civil), Value::Civil(0), Value::Civil(i64::MAX)),
            (Kind::Datetime(Clock::Instant), Value::Instant(0), Value::Instant(1 << 60)),
            (Kind::Datetime(Clock::Instant), Value::Text("9999-12-31T23:59Z"), Value::Text("9999-12-31T23:59-01:00")),
        ] {
            let mut builder = ColumnBuilder::new(&Rule::new(kind), Arc::default(), Strictness::Request);
            builder.push(within);
            builder.push(beyond);
            let typed = builder.finish();
            assert_eq!(typed.invalid.iter().map(|cell| cell.row).collect::<Vec<_>>(), [1], "{kind:?}");
            assert!(typed.column.text(0).is_some() && typed.column.text(1).is_none());
        }
    }

    #[test]
    fn a_missing_number_written_for_people_is_missed_through_every_door() {
        let cells = ["-1", "-1,00", "(1)", "-1.000", "-1.0", "5,5"];
        let doors: [fn(&mut ColumnBuilder, &[&str]); 3] = [
            |csv, cells| csv.texts(cells.iter().copied()),
            |arrow, cells| cells.iter().for_each(|cell| arrow.push(Value::Text(cell))),
            |dictionary, cells| {
                let values: Vec<Option<&str>> = cells.iter().copied().map(Some).collect();
                dictionary.references(&values, (0..cells.len()).map(Some));
            },
        ];
        let rule = Rule { format: Some("1.234,56".into()), ..Rule::new(Kind::Number) };
        let read = |strictness, door: fn(&mut ColumnBuilder, &[&str])| {
            let mut column = ColumnBuilder::new(&rule, Arc::new(MissingTokens::new(&["-1"])), strictness);
            door(&mut column, &cells);
            let typed = column.finish();
            let texts: Vec<_> = (0..cells.len()).map(|row| typed.column.text(row)).collect();
            (texts, typed.invalid.iter().map(|cell| cell.row).collect::<Vec<_>>())
        };
        let cell = |text: &str| Some(text.to_owned());
        for door in doors {
            let expected = vec![None, None, None, cell("-1000"), None, cell("5.5")];
            assert_eq!(read(Strictness::File, door), (expected, vec![4]));
        }
        // No string of a request is a number, but it may stand for a missing value.
        assert_eq!(read(Strictness::Request, doors[1]), (vec![None; 6], vec![3, 4, 5]));
    }

    #[test]
    fn a_float_of_a_request_is_no_integer_where_it_could_be_another() {
        let read = |strictness, number| {
            let mut column = ColumnBuilder::new(&Rule::new(Kind::Integer), Arc::default(), strictness);
            column.push(Value::Float(number));
            column.finish().column.text(0)
        };
        for (number, in_request, in_file) in [
            (-9_007_199_254_740_991.0, Some("-9007199254740991"), Some("-9007199254740991")),
            (9_007_199_254_740_992.0, None, Some("9007199254740992")),
            (-1e18, None, Some("-1000000000000000000")),
            (1.5, None, None),
        ] {
            assert_eq!(read(Strictness::Request, number).as_deref(), in_request, "{number}");
            assert_eq!(read(Strictness::File, number).as_deref(), in_file, "{number}");
        }
    }
}
