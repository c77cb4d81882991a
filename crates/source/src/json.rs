//! JSON lines: an object a line, its members by name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use evenstep_table::ColumnName;
use evenstep_table::build::Value;
use rustc_hash::FxHashMap;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::SourceError;
use crate::blocks::{Block, Blocks};
use crate::layout::{FileInfo, UNWANTED, column_names};

/// The cell of a row that lacks its key.
const NO_CELL: JsonCell<'static> = JsonCell::Null;

/// An integer that is neither an i64 nor a u64 is no less, either way: 2⁶³.
const LARGE: f64 = 9_223_372_036_854_775_808.0;

/// A member's value.
#[derive(Clone, Debug)]
enum JsonCell<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Beyond an i64.
    Natural(u64),
    /// Beyond a u64, or far below 0: all digits, as they are written.
    Digits(&'a str),
    Float(f64),
    Text(Cow<'a, str>),
    /// A number that no f64 holds.
    TooLarge(String),
}

/// What stands in a column of a file, as far as it decides whether a table can hold it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Holds {
    #[default]
    Nulls,
    Lists,
    Objects,
    /// Some single values.
    Values,
}

/// What the objects of a file are made of.
pub(crate) struct Names {
    pub(crate) columns: Vec<ColumnName>,
    pub(crate) unsupported: BTreeMap<ColumnName, String>,
    pub(crate) lacked: BTreeSet<ColumnName>,
}

/// The names in all objects of a file, in the order in which they come; and those that no table can hold: of which
/// every value is nested; and those that some objects lack.
pub(crate) fn names(blocks: &mut Blocks, path: &std::path::Path) -> Result<Names, SourceError> {
    struct Met {
        place: usize,
        holds: Holds,
        rows: u64,
    }
    struct Members<'a>(&'a mut FxHashMap<String, Met>);
    impl<'de> Visitor<'de> for Members<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(name) = map.next_key::<Cow<'_, str>>()? {
                let met = match self.0.get_mut(&*name) {
                    Some(met) => met,
                    None => {
                        let place = self.0.len();
                        self.0.entry(name.into_owned()).or_insert(Met { place, holds: Holds::Nulls, rows: 0 })
                    }
                };
                met.rows += 1;
                let holds = &mut met.holds;
                if *holds == Holds::Values {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                *holds = match map.next_value::<&RawValue>()?.get().as_bytes() {
                    [b'n', ..] => *holds,
                    [b'[', ..] => Holds::Lists,
                    [b'{', ..] => Holds::Objects,
                    _ => Holds::Values,
                };
            }
            Ok(())
        }
    }
    let (mut found, mut rows) = (FxHashMap::default(), 0_u64);
    while let Some(block) = blocks.next(usize::MAX)? {
        for (line, text) in lines(&block) {
            rows += 1;
            let text = std::str::from_utf8(text).map_err(|_| not_utf8(line).in_file(path))?;
            let mut json = serde_json::Deserializer::from_str(text);
            let read = json.deserialize_any(Members(&mut found)).and_then(|()| json.end());
            read.map_err(|error| malformed(&error, text, line).in_file(path))?;
        }
    }
    let mut names: Vec<(String, Met)> = found.into_iter().collect();
    names.sort_unstable_by_key(|(_, met)| met.place);
    if names.is_empty() {
        let what = if rows == 0 { "the file is empty" } else { "no object has a name" };
        return Err(SourceError::malformed(format!("{what}, expected a JSON object a line")).in_file(path));
    }
    let columns = column_names(names.iter().map(|(name, _)| name)).map_err(|error| error.in_file(path))?;
    let nested = columns.iter().zip(&names).filter_map(|(name, (_, met))| match met.holds {
        Holds::Lists => Some((name.clone(), "a list".to_owned())),
        Holds::Objects => Some((name.clone(), "an object".to_owned())),
        Holds::Nulls | Holds::Values => None,
    });
    let unsupported = nested.collect();
    let lacked = columns.iter().zip(&names).filter(|(_, (_, met))| met.rows < rows).map(|(name, _)| name.clone());
    let lacked = lacked.collect();
    Ok(Names { columns, unsupported, lacked })
}

/// Gives the cells of a block to the wanted columns by `push(column, value)`; how many rows there were. In columns of
/// `strings` a number is its text, as it is written.
pub(crate) fn read_block(
    file: &FileInfo,
    block: &Block,
    of_file: &[u32],
    strings: &[bool],
    mut push: impl FnMut(usize, Value<'_>),
) -> Result<usize, SourceError> {
    let slots: FxHashMap<&str, u32> =
        file.columns.iter().map(ColumnName::as_str).zip(of_file.iter().copied()).collect();
    let mut cells: Vec<JsonCell<'_>> = vec![NO_CELL; strings.len()];
    // The row in which each column of the file was met last, to find doubled names.
    let mut met = vec![0u64; strings.len()];
    let mut rows = 0;
    for (line, text) in lines(block) {
        let fail = |error: SourceError| error.in_file(&file.path);
        let text = std::str::from_utf8(text).map_err(|_| fail(not_utf8(line)))?;
        cells.fill(NO_CELL);
        rows += 1;
        let number = 2 * rows as u64;
        let mut row = Row { slots: &slots, strings, cells: &mut cells, met: &mut met, number, is_rounded: false };
        let mut json = serde_json::Deserializer::from_str(text);
        if (&mut row).deserialize(&mut json).and_then(|()| json.end()).is_err() || row.is_rounded {
            // Once more, slowly: a number that is too large is only an invalid cell, one among strings is a text, and the digits of a
            // large integer are kept, as in a CSV.
            row.number += 1;
            let mut json = serde_json::Deserializer::from_str(text);
            let read = Slowly(row).deserialize(&mut json).and_then(|()| json.end());
            read.map_err(|error| fail(malformed(&error, text, line)))?;
        }
        for (column, cell) in cells.iter().enumerate() {
            cell.with_value(|value| push(column, value));
        }
    }
    Ok(rows)
}

/// Where each row of a block starts.
pub(crate) fn starts(block: &Block) -> Vec<usize> {
    let ends = memchr::memchr_iter(b'\n', &block.bytes);
    let mut start = 0;
    let lines = ends.map(|end| std::mem::replace(&mut start, end + 1)..end);
    lines.filter(|line| !is_blank(&block.bytes[line.clone()])).map(|line| line.start).collect()
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, [] | [b'\r'])
}

/// The lines that are not blank, with their numbers.
fn lines(block: &Block) -> impl Iterator<Item = (u64, &[u8])> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', &block.bytes)
        .enumerate()
        .map(move |(line, end)| {
            (block.first_line + line as u64, &block.bytes[std::mem::replace(&mut start, end + 1)..end])
        })
        .filter(|(_, text)| !is_blank(text))
}

fn not_utf8(line: u64) -> SourceError {
    SourceError::malformed("the line is not UTF-8").at_line(line).help("save the file as UTF-8")
}

fn malformed(error: &serde_json::Error, text: &str, line: u64) -> SourceError {
    let what = error.to_string();
    // serde counts lines within the text that it was given, which is one line.
    let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
    let what = match error.classify() {
        serde_json::error::Category::Data => what.replace("invalid type: sequence", "the line is a list"),
        _ => format!("{what}, at character {}", error.column()),
    };
    // Where a value begins, the character that is no JSON.
    let rest = text.get(error.column().saturating_sub(1)..).unwrap_or_default().trim_start_matches('-');
    let word = ["NaN", "Infinity", "None"].into_iter().find(|word| rest.starts_with(word));
    SourceError::malformed(what).at_line(line).help(match word {
        Some(word) => format!("`{word}` is no JSON: a value that is not there is `null`"),
        None => "each line is one JSON object of single values: {\"name\": value, …}".to_owned(),
    })
}

impl JsonCell<'_> {
    fn with_value(&self, take: impl FnOnce(Value<'_>)) {
        match self {
            JsonCell::Null => take(Value::Null),
            JsonCell::Boolean(yes) => take(Value::Boolean(*yes)),
            JsonCell::Integer(integer) => take(Value::Integer(*integer)),
            JsonCell::Natural(natural) => take(Value::Decimal(&natural.to_string())),
            JsonCell::Digits(digits) => take(Value::Decimal(digits)),
            JsonCell::Float(number) => take(Value::Float(*number)),
            JsonCell::Text(text) => take(Value::Text(text)),
            JsonCell::TooLarge(text) => take(Value::Foreign(text)),
        }
    }
}

/// Reads one object into the cells of its row.
struct Row<'r, 'a> {
    slots: &'r FxHashMap<&'r str, u32>,
    strings: &'r [bool],
    cells: &'r mut [JsonCell<'a>],
    met: &'r mut [u64],
    number: u64,
    /// Whether a float was read of a number among strings, or of what may be a large integer.
    is_rounded: bool,
}

impl Row<'_, '_> {
    /// Where a member's value goes; None if nobody wants it.
    fn slot<E: Error>(&mut self, name: &str) -> Result<Option<usize>, E> {
        let slot = match self.slots.get(name) {
            Some(&slot) if slot != UNWANTED => slot as usize,
            _ => return Ok(None),
        };
        if self.met[slot] == self.number {
            return Err(E::custom(format!("the object has `{name}` twice")));
        }
        self.met[slot] = self.number;
        Ok(Some(slot))
    }
}

impl<'de> DeserializeSeed<'de> for &mut Row<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Row<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            match self.slot(&name)? {
                Some(slot) => {
                    let cell = map.next_value_seed(Cell { name: &name })?;
                    self.is_rounded |=
                        matches!(cell, JsonCell::Float(number) if self.strings[slot] || number.abs() >= LARGE);
                    self.cells[slot] = cell;
                }
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The same, value by value.
struct Slowly<'r, 'a>(Row<'r, 'a>);

impl<'de> DeserializeSeed<'de> for Slowly<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Slowly<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Text)? {
            let Some(slot) = self.0.slot(&name)? else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'de RawValue = map.next_value()?;
            let mut json = serde_json::Deserializer::from_str(raw.get());
            let is_number = raw.get().starts_with(|first: char| first == '-' || first.is_ascii_digit());
            self.0.cells[slot] = match (Cell { name: &name }).deserialize(&mut json) {
                _ if is_number && self.0.strings[slot] => JsonCell::Text(Cow::Borrowed(raw.get())),
                Ok(JsonCell::Float(_)) if is_integer(raw.get()) => JsonCell::Digits(raw.get()),
                Ok(cell) => cell,
                Err(_) if is_number => JsonCell::TooLarge(raw.get().to_owned()),
                Err(error) => return Err(A::Error::custom(error)),
            };
        }
        Ok(())
    }
}

/// Whether a number is written without point and exponent.
fn is_integer(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// A name, without copying where it has no escapes.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Cow<'de, str>, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A member's value.
struct Cell<'n> {
    name: &'n str,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = JsonCell<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<JsonCell<'de>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = JsonCell<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value")
    }

    fn visit_unit<E>(self) -> Result<JsonCell<'de>, E> {
        Ok(JsonCell::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<JsonCell<'de>, E> {
        Ok(JsonCell::Boolean(yes))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<JsonCell<'de>, E> {
        Ok(JsonCell::Integer(integer))
    }

    fn visit_u64<E>(self, natural: u64) -> Result<JsonCell<'de>, E> {
        Ok(i64::try_from(natural).map_or(JsonCell::Natural(natural), JsonCell::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<JsonCell<'de>, E> {
        Ok(JsonCell::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<JsonCell<'de>, E> {
        Ok(JsonCell::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<JsonCell<'de>, E> {
        Ok(JsonCell::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<JsonCell<'de>, A::Error> {
        Err(A::Error::custom(format!("column `{}` holds a list, expected single values", self.name)))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<JsonCell<'de>, A::Error> {
        Err(A::Error::custom(format!("column `{}` holds an object, expected single values", self.name)))
    }
}
