//! Does a value hold a float that JSON cannot write? `serde_json` would turn it to null unseen.

use std::fmt;

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};

/// Refuses a value that holds NaN or infinity anywhere.
pub(super) fn check_finite(value: &impl Serialize) -> Result<(), NotFinite> {
    value.serialize(Walk)
}

/// Why a value was refused.
#[derive(Debug)]
pub(super) struct NotFinite(String);

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFinite {}

impl Error for NotFinite {
    fn custom<T: fmt::Display>(message: T) -> NotFinite {
        NotFinite(message.to_string())
    }
}

/// A serializer that writes nothing.
#[derive(Clone, Copy)]
struct Walk;

macro_rules! pass {
    ($($method:ident($($argument:ty),*);)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<(), NotFinite> {
            Ok(())
        }
    )*};
}

macro_rules! enter {
    ($($method:ident($($argument:ty),*) -> $kind:ident;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Self::$kind, NotFinite> {
            Ok(Walk)
        }
    )*};
}

type Name = &'static str;

impl Serializer for Walk {
    type Ok = ();
    type Error = NotFinite;
    type SerializeSeq = Walk;
    type SerializeTuple = Walk;
    type SerializeTupleStruct = Walk;
    type SerializeTupleVariant = Walk;
    type SerializeMap = Walk;
    type SerializeStruct = Walk;
    type SerializeStructVariant = Walk;

    fn serialize_f32(self, x: f32) -> Result<(), NotFinite> {
        self.serialize_f64(f64::from(x))
    }

    fn serialize_f64(self, x: f64) -> Result<(), NotFinite> {
        if x.is_finite() { Ok(()) } else { Err(NotFinite(format!("{x} is no number"))) }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotFinite> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: Name, value: &T) -> Result<(), NotFinite> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: Name,
        _: u32,
        _: Name,
        value: &T,
    ) -> Result<(), NotFinite> {
        value.serialize(self)
    }

    pass! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(Name);
        serialize_unit_variant(Name, u32, Name);
    }

    enter! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(Name, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(Name, u32, Name, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(Name, usize) -> SerializeStruct;
        serialize_struct_variant(Name, u32, Name, usize) -> SerializeStructVariant;
    }
}

macro_rules! walk {
    ($($kind:ident: $($method:ident($($argument:ty),*)),+;)*) => {$(
        impl $kind for Walk {
            type Ok = ();
            type Error = NotFinite;

            $(fn $method<T: Serialize + ?Sized>(&mut self, $(_: $argument,)* value: &T) -> Result<(), NotFinite> {
                value.serialize(*self)
            })+

            fn end(self) -> Result<(), NotFinite> {
                Ok(())
            }
        }
    )*};
}

walk! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(Name);
    SerializeStructVariant: serialize_field(Name);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Every {
        Newtype(f64),
        Tuple(u8, f64),
        Struct { x: Option<f64> },
    }

    #[derive(Serialize)]
    struct Named {
        text: &'static str,
        x: (i8, f32),
    }

    #[derive(Serialize)]
    struct Pair(bool, f64);

    #[test]
    fn nan_is_found_wherever_it_hides() {
        let check = |value: &dyn Fn(f64) -> bool| {
            assert!(value(0.5));
            assert!(!value(f64::NAN) && !value(f64::INFINITY) && !value(f64::NEG_INFINITY));
        };
        check(&|x| check_finite(&x).is_ok());
        check(&|x| check_finite(&vec![Some(x)]).is_ok());
        check(&|x| check_finite(&BTreeMap::from([("a", x)])).is_ok());
        check(&|x| check_finite(&Every::Newtype(x)).is_ok());
        check(&|x| check_finite(&Every::Tuple(1, x)).is_ok());
        check(&|x| check_finite(&Every::Struct { x: Some(x) }).is_ok());
        check(&|x| check_finite(&Named { text: "a", x: (1, x as f32) }).is_ok());
        check(&|x| check_finite(&Pair(true, x)).is_ok());
    }
}
