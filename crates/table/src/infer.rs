//! Types of columns, inferred from all their cells.
//!
//! Exact because it only counts: how many cells read as a whole number, as a day, and so on.
//! No order or grouping of rows moves a count, and a text counts like the value that it writes.

use std::collections::BTreeMap;

use evenstep_exact::reduce::Partial;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};

use crate::build::Value;
use crate::formatted::is_formatted;
use crate::hash::text_hash;
use crate::iso::{self, Iso};
use crate::parse::{self, Decimal, short_decimal};
use crate::{Clock, Coded, Kind, MissingTokens};

/// A string column with more distinct values than this is text.
pub const MOST_CATEGORIES: usize = 20_000;
/// Numbers of more different values are rather quantities than codes.
const MANY: usize = 100;
/// So many different cells are remembered that don't fit what most others are.
const ODD: usize = 8;
/// What often stands for a missing value; `init` proposes those that it sees.
const LIKELY_MISSING: [&str; 22] = [
    "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NULL", "null", "Null", "None", "none", "NaN", "nan", "NAN", "?", "-",
    "--", ".", "missing", "Missing", "(null)", "\\N",
];

/// What a cell reads as, before anything is known of its column.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Reads {
    /// A number without a fraction that an i64 holds.
    Whole,
    /// Any other number.
    Number,
    /// A number with leading zeros, such as a postal code.
    LeadingZero,
    /// An infinity, NaN or a number too large: no number, but a sign of a numeric column.
    NotFinite,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A civil datetime at midnight.
    Midnight,
    /// Any other civil datetime.
    Civil,
    /// A datetime with an offset.
    Instant,
    /// A time of day.
    Time,
    /// A number as people write it: with a comma, a currency or a percent sign, or with nothing on one side of its point.
    Formatted,
    /// None of these.
    Other,
}

/// What is known of one column's cells.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Cells that are missing.
    pub nulls: u64,
    counts: [u64; 12],
    distinct: Distinct,
    odd: Odd,
    likely_missing: BTreeMap<String, u64>,
    pointed: u64,
    grouped: u64,
    beyond: u64,
    strings: u64,
    marks: u64,
}

/// A column whose cells are nearly all of a better type than the inferred one.
#[derive(Clone, PartialEq, Debug)]
pub struct Mostly {
    /// What nearly all cells are.
    pub kind: Kind,
    /// How many are not.
    pub others: u64,
    /// Which they are, with their counts, in the order of their bytes; empty if they are too many to list.
    pub examples: Vec<(String, u64)>,
}

impl Evidence {
    /// Sees a missing cell.
    #[inline]
    pub fn null(&mut self) {
        self.nulls += 1;
    }

    /// Sees the text of a cell that is not missing.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.repeated(text, 1);
    }

    /// Sees `n` cells of the same text, which is not missing.
    #[inline]
    pub fn repeated(&mut self, text: &str, n: u64) {
        if n > 0 {
            self.read(text, short_decimal(text.as_bytes()), n);
        }
    }

    /// Sees `n` cells that are strings by their type, whatever they read as.
    pub fn strings(&mut self, text: &str, n: u64, missing: &MissingTokens) {
        if missing.contains(text) {
            self.nulls += n;
            self.marks += if text.is_empty() { 0 } else { n };
        } else {
            self.strings += n;
            self.repeated(text, n);
        }
    }

    /// Sees a whole column of strings.
    pub(crate) fn coded(&mut self, coded: &Coded) {
        let counts = coded.counts();
        self.nulls += counts[coded.values.len()];
        coded.values.iter().zip(counts).for_each(|(text, count)| self.repeated(text, count));
    }

    /// Sees `n` cells of a text that has been tried as a decimal.
    #[inline]
    pub(crate) fn read(&mut self, text: &str, decimal: Option<Decimal>, n: u64) {
        let reads = match decimal {
            Some(decimal) => reads_decimal(text.as_bytes(), decimal),
            None => reads_no_decimal(text),
        };
        self.counts[reads as usize] += n;
        if let Some(decimal) = decimal.filter(|decimal| decimal.places > 0) {
            self.pointed += n;
            self.grouped += if decimal.places == 3 && may_be_grouped(text) { n } else { 0 };
        }
        if reads == Reads::Number && decimal.is_none() && is_integer(text) {
            self.beyond += n;
        }
        self.distinct.insert(text);
        if matches!(reads, Reads::Other | Reads::Formatted | Reads::NotFinite) {
            self.odd.add(text, n);
            if text.len() <= 7 && often_is_missing(text) {
                *self.likely_missing.entry(text.to_owned()).or_default() += n;
            }
        }
    }

    /// Sees a cell of any origin. It reads like the text that a text file would have.
    #[inline]
    pub fn see(&mut self, value: Value<'_>, missing: &MissingTokens) {
        let reads = match value {
            Value::Null => return self.null(),
            Value::Float(number) if number.is_nan() || missing.contains_number(number) => return self.null(),
            Value::Integer(integer) if missing.contains_number(integer as f64) => return self.null(),
            Value::Text(text) | Value::Decimal(text) | Value::Foreign(text) => {
                return if missing.contains(text) { self.null() } else { self.text(text) };
            }
            _ if missing.contains_moment(value) => return self.null(),
            Value::Float(number) => reads_float(number),
            Value::Integer(i64::MIN) => Reads::Number,
            Value::Integer(_) => Reads::Whole,
            Value::Boolean(_) => Reads::Boolean,
            Value::Date(_) => Reads::Date,
            Value::Time(_) => Reads::Time,
            Value::Civil(micros) => reads_civil(micros),
            Value::Instant(_) => Reads::Instant,
        };
        self.counts[reads as usize] += 1;
        self.pointed += u64::from(matches!(value, Value::Float(_)));
        if reads == Reads::NotFinite {
            self.odd.insert(&value.text().unwrap_or_default());
        }
        if let Distinct::Few(_) = self.distinct {
            self.distinct.insert(&value.text().unwrap_or_default());
        }
    }

    /// Cells that are not missing.
    pub fn values(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many distinct texts were seen; None if more than [`MOST_CATEGORIES`].
    pub fn distinct(&self) -> Option<usize> {
        match &self.distinct {
            Distinct::Few(hashes) => Some(hashes.len()),
            Distinct::Many => None,
        }
    }

    /// The column's type; None if every cell is missing.
    pub fn kind(&self) -> Option<Kind> {
        let kind = self.reads_as()?;
        // A day may only be written; what has a type for numbers and flags has strings for something else, or for marks of missing
        // values.
        let is_string = self.strings > 0 && self.marks == 0 && (kind.is_numeric() || kind == Kind::Boolean);
        Some(if is_string { self.string_kind() } else { kind })
    }

    /// The column's type where its values are names, as those of an id: integers beyond an i64 are texts of digits, since as
    /// numbers some would be rounded to one.
    pub fn kind_as_name(&self) -> Option<Kind> {
        let are_integers = self.beyond > 0 && self.beyond == self.count(Reads::Number);
        self.kind().map(|kind| if kind == Kind::Number && are_integers { Kind::Category } else { kind })
    }

    /// Integers beyond an i64.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Whether all cells are numbers, and strings by their type: more different ones than categories have, or with fractions.
    pub fn are_quantities_as_strings(&self) -> bool {
        let numbers = self.reads_as().is_some_and(Kind::is_quantity) && self.strings > 0 && self.marks == 0;
        numbers && (self.count(Reads::Number) > 0 || self.distinct().is_none_or(|distinct| distinct > MANY))
    }

    /// What all cells read as, whatever they are stored as.
    fn reads_as(&self) -> Option<Kind> {
        use Reads::*;
        if self.values() == 0 {
            return None;
        }
        Some(if self.only(&[Whole, NotFinite]) && self.count(Whole) > 0 {
            Kind::Integer
        } else if self.only(&[Whole, Number, NotFinite]) && self.count(Whole) + self.count(Number) > 0 {
            Kind::Number
        } else if self.only(&[Whole, Number, LeadingZero]) {
            Kind::Category
        } else if self.only(&[Boolean]) {
            Kind::Boolean
        } else if self.only(&[Date, Midnight]) {
            Kind::Date
        } else if self.only(&[Date, Midnight, Civil]) {
            Kind::Datetime(Clock::Civil)
        } else if self.only(&[Instant]) {
            Kind::Datetime(Clock::Instant)
        } else if self.only(&[Time]) {
            Kind::Time
        } else {
            self.string_kind()
        })
    }

    fn string_kind(&self) -> Kind {
        match self.distinct() {
            Some(distinct) if distinct as u64 * 2 <= self.values() => Kind::Category,
            _ => Kind::Text,
        }
    }

    /// Whether datetimes of this column are instants, by the greater number of them.
    pub fn likely_clock(&self) -> Clock {
        let civil = self.count(Reads::Date) + self.count(Reads::Midnight) + self.count(Reads::Civil);
        if self.count(Reads::Instant) > civil { Clock::Instant } else { Clock::Civil }
    }

    /// For a column of strings of which 99 in 100 read as something better, and for one of numbers of which
    /// some are none: what the column is.
    pub fn mostly(&self) -> Option<Mostly> {
        self.mostly_but(0.01)
    }

    /// The same where up to that share of the cells is something else.
    pub fn mostly_but(&self, share: f64) -> Option<Mostly> {
        use Reads::*;
        let kind = self.kind()?;
        if kind.is_numeric() && self.count(NotFinite) > 0 {
            return Some(Mostly { kind, others: self.count(NotFinite), examples: self.odd.list() });
        }
        if !matches!(kind, Kind::Category | Kind::Text) || self.count(LeadingZero) > 0 {
            return None;
        }
        let groups: [(Kind, &[Reads]); 7] = [
            (Kind::Integer, &[Whole]),
            (Kind::Number, &[Whole, Number]),
            (Kind::Boolean, &[Boolean]),
            (Kind::Date, &[Date, Midnight]),
            (Kind::Datetime(Clock::Civil), &[Date, Midnight, Civil]),
            (Kind::Datetime(Clock::Instant), &[Instant]),
            (Kind::Time, &[Time]),
        ];
        // The narrowest type among those with the most cells.
        let fitting = |reads: &[Reads]| reads.iter().map(|reads| self.count(*reads)).sum::<u64>();
        let most = groups.iter().map(|(_, reads)| fitting(reads)).max()?;
        let (kind, _) = groups.iter().find(|(_, reads)| fitting(reads) == most)?;
        let others = self.values() - most;
        // Strings that all read as something better are meant to be strings.
        (others > 0 && others as f64 <= share * self.values() as f64).then(|| Mostly {
            kind: *kind,
            others,
            examples: self.odd.list(),
        })
    }

    /// For a column of strings of which half or more are numbers, some of them as people write them: how many those are.
    pub fn formatted(&self) -> Option<u64> {
        let formatted = self.count(Reads::Formatted);
        let numbers = formatted + self.count(Reads::Whole) + self.count(Reads::Number);
        let strings = matches!(self.kind(), Some(Kind::Category | Kind::Text)) && self.mostly().is_none();
        (strings && formatted > 0 && numbers * 2 >= self.values()).then_some(formatted)
    }

    /// Cells that are numbers, written as programs read them.
    pub fn numbers(&self) -> u64 {
        self.count(Reads::Whole) + self.count(Reads::Number)
    }

    /// Cells that are days, or days with a time, in ISO 8601.
    pub fn days(&self) -> u64 {
        [Reads::Date, Reads::Midnight, Reads::Civil, Reads::Instant].map(|reads| self.count(reads)).iter().sum()
    }

    /// Cells that their file holds as floats, or writes with a point: whole numbers among them may have come out so by chance.
    /// It tells of the file, not of the values: other formats of the same table have another count.
    pub fn pointed(&self) -> u64 {
        self.pointed
    }

    /// Cells whose point may set thousands apart, as in `10.886` beside `667`: none, if any cell tells otherwise. What is rounded
    /// to three digits would have some fraction of two, or three digits everywhere.
    pub fn maybe_thousands(&self) -> u64 {
        if self.grouped == self.pointed && self.pointed < self.values() { self.grouped } else { 0 }
    }

    /// Texts that often stand for a missing value, with their counts.
    pub fn likely_missing(&self) -> &BTreeMap<String, u64> {
        &self.likely_missing
    }

    fn count(&self, reads: Reads) -> u64 {
        self.counts[reads as usize]
    }

    fn only(&self, kinds: &[Reads]) -> bool {
        kinds.iter().map(|reads| self.count(*reads)).sum::<u64>() == self.values()
    }
}

impl Partial for Evidence {
    fn merge(&mut self, other: Evidence) {
        self.nulls += other.nulls;
        self.pointed += other.pointed;
        self.grouped += other.grouped;
        self.beyond += other.beyond;
        self.strings += other.strings;
        self.marks += other.marks;
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
        self.distinct.merge(other.distinct);
        self.odd.merge(other.odd);
        for (token, count) in other.likely_missing {
            *self.likely_missing.entry(token).or_default() += count;
        }
    }
}

/// Whether the text often stands for a missing value.
pub fn often_is_missing(text: &str) -> bool {
    LIKELY_MISSING.contains(&text)
}

/// What a text reads as. A text and the value that it writes read alike.
#[inline]
pub fn reads(text: &str) -> Reads {
    match short_decimal(text.as_bytes()) {
        Some(decimal) => reads_decimal(text.as_bytes(), decimal),
        None => reads_no_decimal(text),
    }
}

/// Whether one to three digits stand before the point, of which the first is not 0.
fn may_be_grouped(text: &str) -> bool {
    let whole = text.trim_start_matches(['+', '-']).split('.').next().unwrap_or_default();
    (1..=3).contains(&whole.len()) && !whole.starts_with('0')
}

/// Whether a number is written without point and exponent.
fn is_integer(text: &str) -> bool {
    text.trim_ascii().trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit())
}

#[inline]
fn reads_decimal(text: &[u8], decimal: Decimal) -> Reads {
    let padded = |digits: &[u8]| matches!(digits, [b'0', b'0'..=b'9', ..]);
    if padded(text) || (decimal.negative && padded(&text[1..])) {
        return Reads::LeadingZero;
    }
    // What ends with another digit than 0 after the point is no whole number, and of at most 15 digits
    // none is rounded to one.
    let fraction = decimal.places > 0 && !matches!(text, [.., b'0']);
    if !fraction && (decimal.places == 0 || parse::whole(decimal.value()).is_some()) {
        Reads::Whole
    } else {
        Reads::Number
    }
}

#[inline]
fn reads_no_decimal(text: &str) -> Reads {
    match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-' | b' ' | b'\t' | b't' | b'T' | b'f' | b'F' | b'i' | b'I' | b'n' | b'N') => {
            reads_slowly(text)
        }
        _ if is_formatted(text) => Reads::Formatted,
        _ => Reads::Other,
    }
}

fn reads_slowly(text: &str) -> Reads {
    let trimmed = text.trim_ascii();
    // Too fine a time is an invalid cell of a column of times, as it is in a binary file.
    if let Some((iso, exact)) = iso::parse_cut(trimmed) {
        return match iso {
            Iso::Date(_) => Reads::Date,
            Iso::Time(_) => Reads::Time,
            Iso::Instant(_) => Reads::Instant,
            Iso::Civil(micros) if exact => reads_civil(micros),
            Iso::Civil(_) => Reads::Civil,
        };
    }
    if parse::number(trimmed).is_some() {
        let digits = trimmed.trim_start_matches(['+', '-']).as_bytes();
        return match digits {
            [b'0', b'0'..=b'9', ..] => Reads::LeadingZero,
            _ if parse::integer(trimmed).is_some() => Reads::Whole,
            _ => Reads::Number,
        };
    }
    if parse::boolean(trimmed).is_some() {
        return Reads::Boolean;
    }
    // Also numbers that are too large, such as 1e400.
    match trimmed.parse::<f64>() {
        Ok(number) if !number.is_finite() => Reads::NotFinite,
        _ if is_formatted(trimmed) => Reads::Formatted,
        _ => Reads::Other,
    }
}

fn reads_civil(micros: i64) -> Reads {
    if micros.rem_euclid(iso::DAY) == 0 { Reads::Midnight } else { Reads::Civil }
}

/// What a float of a binary file reads as: as its text would.
#[inline]
fn reads_float(number: f64) -> Reads {
    if !number.is_finite() {
        Reads::NotFinite
    } else if parse::whole(number).is_some() {
        Reads::Whole
    } else {
        Reads::Number
    }
}

/// Hashes of distinct texts, until they are too many.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(from = "Option<Vec<u64>>", into = "Option<Vec<u64>>")]
enum Distinct {
    // 64 bits are enough to count 20,000: two of them are equal once in 10¹¹ columns.
    Few(FxHashSet<u64>),
    Many,
}

impl Default for Distinct {
    fn default() -> Distinct {
        Distinct::Few(FxHashSet::default())
    }
}

impl Distinct {
    #[inline]
    fn insert(&mut self, text: &str) {
        if let Distinct::Few(hashes) = self
            && hashes.insert(text_hash(text.as_bytes()))
            && hashes.len() > MOST_CATEGORIES
        {
            *self = Distinct::Many;
        }
    }

    fn merge(&mut self, other: Distinct) {
        match (&mut *self, other) {
            (Distinct::Few(mine), Distinct::Few(theirs)) => {
                mine.extend(theirs);
                if mine.len() > MOST_CATEGORIES {
                    *self = Distinct::Many;
                }
            }
            _ => *self = Distinct::Many,
        }
    }
}

impl From<Option<Vec<u64>>> for Distinct {
    fn from(hashes: Option<Vec<u64>>) -> Distinct {
        hashes.map_or(Distinct::Many, |hashes| Distinct::Few(hashes.into_iter().collect()))
    }
}

impl From<Distinct> for Option<Vec<u64>> {
    fn from(distinct: Distinct) -> Option<Vec<u64>> {
        match distinct {
            Distinct::Few(hashes) => {
                let mut hashes: Vec<u64> = hashes.into_iter().collect();
                hashes.sort_unstable();
                Some(hashes)
            }
            Distinct::Many => None,
        }
    }
}

/// Cells that read as nothing in particular, counted until they are too many to list.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Odd(Option<Vec<(String, u64)>>);

impl Default for Odd {
    fn default() -> Odd {
        Odd(Some(Vec::new()))
    }
}

impl Odd {
    #[inline]
    fn insert(&mut self, text: &str) {
        self.add(text, 1);
    }

    #[inline]
    fn add(&mut self, text: &str, n: u64) {
        let Some(list) = &mut self.0 else { return };
        match list.iter().position(|(known, _)| known == text) {
            Some(place) => list[place].1 += n,
            None if list.len() < ODD => {
                let place = list.partition_point(|(known, _)| known.as_str() < text);
                list.insert(place, (text.to_owned(), n));
            }
            None => self.0 = None,
        }
    }

    fn merge(&mut self, other: Odd) {
        match other.0 {
            Some(list) => list.iter().for_each(|(text, count)| self.add(text, *count)),
            None => self.0 = None,
        }
    }

    fn list(&self) -> Vec<(String, u64)> {
        self.0.clone().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn see(cells: &[&str]) -> Evidence {
        let mut evidence = Evidence::default();
        for cell in cells {
            if cell.is_empty() { evidence.null() } else { evidence.text(cell) }
        }
        evidence
    }

    fn check(cells: &[&str], expected: Option<Kind>) {
        assert_eq!(see(cells).kind(), expected, "{cells:?}");
    }

    #[test]
    fn types_follow_from_all_cells() {
        check(&["1", "2", ""], Some(Kind::Integer));
        check(&["1.0", "2", "1e3"], Some(Kind::Integer));
        check(&["1", "2.5"], Some(Kind::Number));
        check(&["1", "9223372036854775808"], Some(Kind::Number));
        check(&["1", "inf"], Some(Kind::Integer));
        check(&["01234", "1234"], Some(Kind::Category));
        check(&["01", "02", "03"], Some(Kind::Category));
        check(&["0.5", "0"], Some(Kind::Number));
        check(&["true", "False"], Some(Kind::Boolean));
        check(&["true", "1"], Some(Kind::Text));
        check(&["2024-12-30", "2024-12-31T00:00:00"], Some(Kind::Date));
        check(&["2024-12-30", "2024-12-31T00:00:01"], Some(Kind::Datetime(Clock::Civil)));
        check(&["2024-12-30T00:00:00Z"], Some(Kind::Datetime(Clock::Instant)));
        check(&["12:30", "12:30:01.5"], Some(Kind::Time));
        check(&["1,5", "2,5"], Some(Kind::Text));
        check(&["30.12.2024", "31.12.2024"], Some(Kind::Text));
        check(&["a", "b", "a", "b"], Some(Kind::Category));
        check(&["a", "b", "c", "b", "d"], Some(Kind::Text));
        check(&["", ""], None);
        check(&[], None);
    }

    #[test]
    fn columns_of_numbers_as_people_write_them_are_counted() {
        assert_eq!(see(&["1,5", "2,5", "x"]).formatted(), Some(2));
        assert_eq!(see(&["1,5", "2.5"]).formatted(), Some(1));
        assert_eq!(see(&["1,5", "x", "y"]).formatted(), None);
        assert_eq!(see(&["1.5", "2.5"]).formatted(), None);
    }

    #[test]
    fn what_is_written_with_a_point_is_counted() {
        assert_eq!((see(&["20.0", "21", "-3.0"]).pointed(), see(&["20", "021", "x.y"]).pointed()), (2, 0));
        assert_eq!(see(&["20.0", "21"]).kind(), Some(Kind::Integer));
        let mut evidence = Evidence::default();
        evidence.see(Value::Float(20.0), &MissingTokens::default());
        evidence.see(Value::Integer(20), &MissingTokens::default());
        assert_eq!(evidence.pointed(), 1);
    }

    #[test]
    fn points_that_may_set_thousands_apart_are_seen() {
        let grouped = ["10.886", "1.250", "-3.004", "667"];
        let and = |more: &str| see(&[&grouped[..], &[more]].concat()).maybe_thousands();
        assert_eq!((and("12"), and("1.000")), (3, 4));
        assert!(["10.88", "0.250", "1234.567", "1.5"].into_iter().all(|fraction| and(fraction) == 0));
        assert_eq!(see(&["10.886", "1.250"]).maybe_thousands(), 0);
    }

    #[test]
    fn floats_read_as_their_text_does() {
        for number in [0.0, -0.0, 1.0, 0.1, 1e15, 1e18, 9.3e18, -9.3e18, 1e300, 5e-324, 9_223_372_036_854_774_784.0] {
            let text = evenstep_exact::number::print_number(number + 0.0);
            assert_eq!(reads_float(number), reads(&text), "{text}");
        }
    }

    #[test]
    fn a_nearly_numeric_column_says_so_and_lists_what_is_not() {
        let mut cells = vec!["1.5"; 500];
        cells.extend(["unknown", "n/a", "unknown"]);
        let evidence = see(&cells);
        assert_eq!(evidence.kind(), Some(Kind::Category));
        let mostly = evidence.mostly().expect("nearly all are numbers");
        assert_eq!((mostly.kind, mostly.others), (Kind::Number, 3));
        assert_eq!(mostly.examples, [("n/a".to_owned(), 1), ("unknown".to_owned(), 2)]);
        assert_eq!(evidence.likely_missing().get("n/a"), Some(&1));
        assert_eq!(see(&["a", "b", "a", "1"]).mostly(), None);
    }

    #[test]
    fn a_column_has_at_most_so_many_categories() {
        let mut evidence = Evidence::default();
        for _ in 0..2 {
            for n in 0..MOST_CATEGORIES {
                evidence.text(&format!("v{n}"));
            }
        }
        assert_eq!(evidence.kind(), Some(Kind::Category));
        evidence.repeated("one more", 2);
        assert_eq!((evidence.kind(), evidence.distinct()), (Some(Kind::Text), None));
    }

    proptest! {
        #[test]
        fn no_order_or_grouping_of_rows_moves_the_evidence(
            cells in prop::collection::vec("[a-d]?|[0-9]{0,3}|true|NA|2024-01-0[1-3]|inf|[a-z]{2}", 0..80),
            cut in 0usize..80, turn in 0usize..80,
        ) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let whole = see(&cells);
            let mut turned = cells.clone();
            turned.rotate_left(turn.min(cells.len()));
            let (left, right) = turned.split_at(cut.min(turned.len()));
            let mut a = see(left);
            a.merge(see(right));
            let mut b = see(right);
            b.merge(see(left));
            prop_assert_eq!(&a, &whole);
            prop_assert_eq!(&b, &whole);
            let encoded = evenstep_exact::reduce::encode(&whole);
            prop_assert_eq!(encoded, evenstep_exact::reduce::encode(&a));
        }
    }
}
