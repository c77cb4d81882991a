//! Numbers as canonical JSON writes them: integers that are no floats as strings, and neither NaN nor infinity.

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
    SerializeTupleVariant, Serializer,
};

use super::EXACT;

/// A value whose numbers are written so.
pub(super) struct AsWritten<'a, T: ?Sized>(pub(super) &'a T);

impl<T: Serialize + ?Sized> Serialize for AsWritten<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Written(serializer))
    }
}

/// Hands everything on, numbers as they are to be written.
struct Written<S>(S);

type Name = &'static str;

macro_rules! pass {
    ($($method:ident($($name:ident: $argument:ty),*);)*) => {$(
        fn $method(self, $($name: $argument),*) -> Result<S::Ok, S::Error> {
            self.0.$method($($name),*)
        }
    )*};
}

macro_rules! enter {
    ($($method:ident($($name:ident: $argument:ty),*) -> $kind:ident;)*) => {$(
        fn $method(self, $($name: $argument),*) -> Result<Self::$kind, S::Error> {
            self.0.$method($($name),*).map(Written)
        }
    )*};
}

impl<S: Serializer> Serializer for Written<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Written<S::SerializeSeq>;
    type SerializeTuple = Written<S::SerializeTuple>;
    type SerializeTupleStruct = Written<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Written<S::SerializeTupleVariant>;
    type SerializeMap = Written<S::SerializeMap>;
    type SerializeStruct = Written<S::SerializeStruct>;
    type SerializeStructVariant = Written<S::SerializeStructVariant>;

    fn serialize_i64(self, n: i64) -> Result<S::Ok, S::Error> {
        if n.unsigned_abs() > EXACT { self.0.serialize_str(&n.to_string()) } else { self.0.serialize_i64(n) }
    }

    fn serialize_u64(self, n: u64) -> Result<S::Ok, S::Error> {
        if n > EXACT { self.0.serialize_str(&n.to_string()) } else { self.0.serialize_u64(n) }
    }

    fn serialize_f32(self, x: f32) -> Result<S::Ok, S::Error> {
        self.serialize_f64(f64::from(x))
    }

    /// JSON has no word for some floats, and `serde_json` would write null unseen.
    fn serialize_f64(self, x: f64) -> Result<S::Ok, S::Error> {
        if x.is_finite() { self.0.serialize_f64(x) } else { Err(S::Error::custom(format_args!("{x} is no number"))) }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&AsWritten(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: Name, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &AsWritten(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: Name,
        index: u32,
        variant: Name,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &AsWritten(value))
    }

    pass! {
        serialize_bool(yes: bool);
        serialize_i8(n: i8);
        serialize_i16(n: i16);
        serialize_i32(n: i32);
        serialize_u8(n: u8);
        serialize_u16(n: u16);
        serialize_u32(n: u32);
        serialize_char(c: char);
        serialize_str(text: &str);
        serialize_bytes(bytes: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: Name);
        serialize_unit_variant(name: Name, index: u32, variant: Name);
    }

    enter! {
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_tuple_struct(name: Name, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: Name, index: u32, variant: Name, length: usize) -> SerializeTupleVariant;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_struct(name: Name, length: usize) -> SerializeStruct;
        serialize_struct_variant(name: Name, index: u32, variant: Name, length: usize) -> SerializeStructVariant;
    }
}

macro_rules! hand_on {
    ($($kind:ident: $method:ident($($name:ident: $argument:ty),*);)*) => {$(
        impl<S: $kind> $kind for Written<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $argument,)* value: &T) -> Result<(), S::Error> {
                self.0.$method($($name,)* &AsWritten(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        }
    )*};
}

hand_on! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(name: Name);
    SerializeStructVariant: serialize_field(name: Name);
}

impl<S: SerializeMap> SerializeMap for Written<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&AsWritten(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Every<T> {
        Newtype(T),
        Tuple(u8, T),
        Struct { x: Option<T> },
    }

    #[derive(Serialize)]
    struct Named<T> {
        text: &'static str,
        x: (i8, T),
    }

    #[derive(Serialize)]
    struct Pair<T>(bool, T);

    #[derive(Serialize)]
    struct New<T>(T);

    fn everywhere<T: Serialize + Copy>(x: T) -> Vec<Result<String, String>> {
        fn written(value: &impl Serialize) -> Result<String, String> {
            serde_json::to_string(&AsWritten(value)).map_err(|error| error.to_string())
        }
        vec![
            written(&x),
            written(&vec![Some(x)]),
            written(&BTreeMap::from([("a", x)])),
            written(&Every::Newtype(x)),
            written(&Every::Tuple(1, x)),
            written(&Every::Struct { x: Some(x) }),
            written(&Named { text: "a", x: (1, x) }),
            written(&Pair(true, x)),
            written(&New(x)),
        ]
    }

    #[test]
    fn nan_is_found_wherever_it_hides() {
        assert!(everywhere(0.5).iter().all(Result::is_ok));
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(everywhere(x).iter().chain(&everywhere(x as f32)).all(Result::is_err), "{x}");
        }
    }

    #[test]
    fn integers_that_are_no_floats_are_strings_wherever_they_are() {
        let is_string = |written: &Result<String, String>| {
            written.as_ref().is_ok_and(|json| json.contains("\"-") || json.contains("\"9"))
        };
        assert!(everywhere(-(EXACT as i64) - 1).iter().all(is_string));
        assert!(everywhere(EXACT + 1).iter().all(is_string));
        assert!(!everywhere(EXACT).iter().any(is_string));
    }
}
