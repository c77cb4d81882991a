//! JSON of rows straight into columns. What most requests look like is read this way; anything out of the ordinary is left
//! to [`RowTyper::rows`], which sees values and can say what is wrong with them.

use std::fmt;

use evenstep_table::build::{ColumnBuilder, Strictness, Value};
use evenstep_table::rule::Absent;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::{RowTyper, TypedRows};

/// Rows that were read.
#[derive(Debug)]
pub struct DirectRows {
    /// The rows, none of them refused.
    pub typed: TypedRows,
    /// Whether each of them has its id.
    pub has_id: bool,
}

/// Why only [`RowTyper::rows`] can tell of texts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unusual {
    /// This row, from 0, is out of the ordinary or refused.
    Row(usize),
    /// There are more rows.
    TooMany,
    /// They hold no row.
    Text,
}

impl RowTyper {
    /// Types and checks the rows of texts: each one object, or a list of objects, of at most `rows_max` rows in all, whose members
    /// are the columns of this typer and no others. Gives the row after the last of each text, too.
    ///
    /// # Errors
    /// Anything that is out of the ordinary or refused.
    pub fn direct(&self, texts: &[&[u8]], rows_max: usize) -> Result<(DirectRows, Vec<usize>), Unusual> {
        // Once for all of a text, not string by string.
        let texts = texts.iter().map(|text| std::str::from_utf8(text));
        let texts: Vec<&str> = texts.collect::<Result<_, _>>().map_err(|_| Unusual::Text)?;
        let mut builders = self.take_builders(Strictness::Request);
        let mut reading = Reading {
            typer: self,
            builders: &mut builders,
            last_seen: vec![0; self.plan.columns.len()],
            rows: 0,
            rows_max,
            too_many: false,
        };
        let read: Result<Vec<usize>, serde_json::Error> = texts
            .iter()
            .map(|text| {
                let mut from = serde_json::Deserializer::from_str(text);
                from.deserialize_any(&mut reading)?;
                from.end().map(|()| reading.rows as usize)
            })
            .collect();
        let (rows, too_many) = (reading.rows as usize, reading.too_many);
        let Ok(ends) = read else {
            builders.iter_mut().for_each(|builder| drop(builder.finish()));
            self.put_back(builders, Strictness::Request);
            return Err(match rows.checked_sub(1) {
                _ if too_many => Unusual::TooMany,
                Some(last) => Unusual::Row(last),
                None => Unusual::Text,
            });
        };
        let typed = self.check(builders, Strictness::Request, rows, |_, _, _| None);
        let has_id = !self.plan.id.is_empty();
        match typed.error_count {
            0 => Ok((DirectRows { typed, has_id }, ends)),
            _ => Err(typed.errors.first().map_or(Unusual::Text, |error| Unusual::Row(error.row))),
        }
    }
}

/// Texts of one object, or a list of them.
struct Reading<'t> {
    typer: &'t RowTyper,
    builders: &'t mut [ColumnBuilder],
    /// By column, the last row that had it, from 1.
    last_seen: Vec<u32>,
    rows: u32,
    rows_max: usize,
    /// Whether there are more.
    too_many: bool,
}

/// No message: nobody reads it.
fn unusual<E: Error>() -> E {
    E::custom("")
}

impl<'de> Visitor<'de> for &mut Reading<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<(), A::Error> {
        Row(self).visit_map(members)
    }
}

struct Row<'r, 't>(&'r mut Reading<'t>);

impl<'de> DeserializeSeed<'de> for Row<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let reading = self.0;
        if reading.rows as usize >= reading.rows_max {
            reading.too_many = true;
            return Err(unusual());
        }
        reading.rows += 1;
        let mut known = 0;
        while let Some(place) = members.next_key_seed(Name(reading.typer))? {
            if std::mem::replace(&mut reading.last_seen[place], reading.rows) == reading.rows {
                return Err(unusual());
            }
            known += 1;
            members.next_value_seed(Cell(&mut reading.builders[place]))?;
        }
        if known < reading.builders.len() {
            let places = (0..reading.builders.len()).filter(|place| reading.last_seen[*place] < reading.rows);
            for place in places {
                let plan = &reading.typer.plan;
                // However many rows follow, they are refused; or some have an id, and others none.
                if plan.columns[place].rule.absent == Absent::Reject || plan.id.contains(&place) {
                    return Err(unusual());
                }
                reading.builders[place].push_absent();
            }
        }
        Ok(())
    }
}

/// A member's name: the place of its column.
struct Name<'t>(&'t RowTyper);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        self.0.names.get(name).copied().ok_or_else(unusual)
    }
}

/// A member's value, which no list or object can be.
struct Cell<'b>(&'b mut ColumnBuilder);

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl Visitor<'_> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.push(Value::Null);
        Ok(())
    }

    fn visit_bool<E>(self, yes: bool) -> Result<(), E> {
        self.0.push(Value::Boolean(yes));
        Ok(())
    }

    fn visit_i64<E>(self, integer: i64) -> Result<(), E> {
        self.0.push(Value::Integer(integer));
        Ok(())
    }

    fn visit_u64<E>(self, natural: u64) -> Result<(), E> {
        match i64::try_from(natural) {
            Ok(integer) => self.0.push(Value::Integer(integer)),
            Err(_) => self.0.push(Value::Decimal(&natural.to_string())),
        }
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.push(Value::Float(number));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push(Value::Text(text));
        Ok(())
    }
}
