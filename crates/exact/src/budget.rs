//! Reading JSON of others in no more memory than they may claim: what is read is counted while it is read.
//!
//! Lists and maps are counted as the allocations that they grow by, twice as large each time, with the old one beside the new
//! one while it is copied; texts by their bytes.

use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

/// How much memory is left for what is read.
pub struct Budget {
    left: Cell<usize>,
}

/// Beside a key that is a text, and its value, a map holds a hash, and where to find it, or has room to spare.
const OF_ENTRY: usize = 24;
/// The room of a list that has one item, and of a map that has one: a node of a tree.
const LIST_ROOM: usize = 4;
const MAP_ROOM: usize = 11;

impl Budget {
    /// So many bytes.
    pub fn of(bytes: usize) -> Budget {
        Budget { left: Cell::new(bytes) }
    }

    /// For what we wrote ourselves.
    pub fn unlimited() -> Budget {
        Budget::of(usize::MAX)
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.left.get()
    }

    /// Reads JSON, as `serde_json::from_slice` does.
    ///
    /// # Errors
    /// What is no such JSON, or would take more memory than is left.
    pub fn read<'de, T: Deserialize<'de>>(&self, json: &'de [u8]) -> Result<T, serde_json::Error> {
        let mut from = serde_json::Deserializer::from_slice(json);
        let value = T::deserialize(Counted::new(&mut from, self))?;
        from.end()?;
        Ok(value)
    }

    fn take<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.ok_or_else(|| E::custom("it would take more memory than a bundle of its size may"))?);
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_add(bytes));
    }
}

/// The allocation of a list or map that grows.
#[derive(Default)]
struct Growing {
    items: usize,
    room: usize,
}

impl Growing {
    /// Makes room for one more item.
    fn push<E: Error>(&mut self, least: usize, bytes: usize, budget: &Budget) -> Result<(), E> {
        if self.items == self.room {
            let room = (2 * self.room).max(least);
            budget.take(room * bytes)?;
            budget.give_back(self.room * bytes);
            self.room = room;
        }
        self.items += 1;
        Ok(())
    }
}

/// Something of serde's, and what it takes from.
struct Counted<'b, T> {
    of: T,
    budget: &'b Budget,
    /// Items lie within what is read: it is a tuple or a struct.
    within: bool,
}

impl<'b, T> Counted<'b, T> {
    fn new(of: T, budget: &'b Budget) -> Counted<'b, T> {
        Counted { of, budget, within: false }
    }

    fn within(of: T, budget: &'b Budget) -> Counted<'b, T> {
        Counted { of, budget, within: true }
    }
}

macro_rules! hand_on {
    ($counted:ident: $($method:ident($($name:ident: $argument:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $argument,)* visitor: V) -> Result<V::Value, D::Error> {
            self.of.$method($($name,)* Counted::$counted(visitor, self.budget))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Counted<'_, D> {
    type Error = D::Error;

    hand_on! { new:
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_map();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }

    hand_on! { within:
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
    }

    fn is_human_readable(&self) -> bool {
        self.of.is_human_readable()
    }
}

macro_rules! visit {
    ($($method:ident($argument:ty);)*) => {$(
        fn $method<E: Error>(self, value: $argument) -> Result<V::Value, E> {
            self.of.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Counted<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.expecting(f)
    }

    visit! {
        visit_bool(bool);
        visit_i64(i64);
        visit_i128(i128);
        visit_u64(u64);
        visit_u128(u128);
        visit_f64(f64);
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.budget.take(text.len())?;
        self.of.visit_str(text)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.budget.take(text.len())?;
        self.of.visit_borrowed_str(text)
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        self.budget.take(text.len())?;
        self.of.visit_string(text)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.of.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.of.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.of.visit_some(Counted::new(from, self.budget))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.of.visit_newtype_struct(Counted::new(from, self.budget))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, of: A) -> Result<V::Value, A::Error> {
        self.of.visit_seq(Items::new(of, self.budget, self.within))
    }

    fn visit_map<A: MapAccess<'de>>(self, of: A) -> Result<V::Value, A::Error> {
        self.of.visit_map(Items::new(of, self.budget, self.within))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, of: A) -> Result<V::Value, A::Error> {
        self.of.visit_enum(Counted::new(of, self.budget))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Counted<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.of.deserialize(Counted::new(from, self.budget))
    }
}

/// The items of a list, or the entries of a map.
struct Items<'b, A> {
    of: A,
    budget: &'b Budget,
    growing: Growing,
    /// What a key of the map takes.
    key: usize,
    /// They take nothing but what they are within.
    within: bool,
}

impl<'b, A> Items<'b, A> {
    fn new(of: A, budget: &'b Budget, within: bool) -> Items<'b, A> {
        Items { of, budget, growing: Growing::default(), key: 0, within }
    }

    fn push<E: Error>(&mut self, least: usize, bytes: usize) -> Result<(), E> {
        if self.within { Ok(()) } else { self.growing.push(least, bytes, self.budget) }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let item = self.of.next_element_seed(Counted::new(seed, self.budget))?;
        if item.is_some() {
            self.push(LIST_ROOM, size_of::<S::Value>())?;
        }
        Ok(item)
    }

    fn size_hint(&self) -> Option<usize> {
        self.of.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.key = size_of::<S::Value>();
        self.of.next_key_seed(Counted::new(seed, self.budget))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.of.next_value_seed(Counted::new(seed, self.budget))?;
        let of_entry = if self.key < size_of::<&str>() { 0 } else { OF_ENTRY };
        self.push(MAP_ROOM, self.key + size_of::<S::Value>() + of_entry)?;
        Ok(value)
    }

    fn size_hint(&self) -> Option<usize> {
        self.of.size_hint()
    }
}

impl<'b, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Counted<'b, A> {
    type Error = A::Error;
    type Variant = Counted<'b, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.of.variant_seed(Counted::new(seed, self.budget))?;
        Ok((value, Counted::new(variant, self.budget)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Counted<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.of.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.of.newtype_variant_seed(Counted::new(seed, self.budget))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.of.tuple_variant(length, Counted::within(visitor, self.budget))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.of.struct_variant(fields, Counted::within(visitor, self.budget))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;

    /// How much is taken of a budget.
    fn taken<'de, T: Deserialize<'de>>(json: &'de str) -> usize {
        let budget = Budget::of(1 << 30);
        budget.read::<T>(json.as_bytes()).expect("it fits");
        (1 << 30) - budget.left()
    }

    #[test]
    fn what_is_read_is_counted() {
        assert_eq!(taken::<bool>("true"), 0);
        assert_eq!(taken::<String>("\"four\""), 4);
        assert_eq!(taken::<Vec<u64>>("[1,2,3,4,5]"), 8 * 8);
        assert_eq!(taken::<Vec<String>>(r#"["a","b"]"#), 4 * size_of::<String>() + 2);
        assert_eq!(taken::<Value>("[[],[]]"), 4 * size_of::<Value>());
        assert_eq!(taken::<BTreeMap<String, u64>>(r#"{"ab":1}"#), MAP_ROOM * (24 + 8 + OF_ENTRY) + 2);
        assert_eq!(taken::<Box<RawValue>>("[1, 2, 3]") - taken::<Box<RawValue>>("[1, 2]"), 3, "its text alone grows");
        assert_eq!(taken::<Option<(f64, Result<String, ()>)>>(r#"[1,{"Ok":"abc"}]"#), "Ok".len() + "abc".len());
    }

    #[test]
    fn what_takes_more_is_refused_before_it_is_taken() {
        let list = format!("[{}0]", "0,".repeat(1_000));
        assert_eq!(Budget::unlimited().read::<Vec<u8>>(list.as_bytes()).expect("zeros").len(), 1_001);
        let budget = Budget::of(4_000);
        let error = budget.read::<Vec<u64>>(list.as_bytes()).expect_err("8,000 bytes").to_string();
        assert!(error.starts_with("it would take more memory than a bundle of its size may"), "{error}");
        assert!(Budget::of(10).read::<Vec<u8>>(b"[1] 2").is_err());
    }
}
