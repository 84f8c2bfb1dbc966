//! The name of a field, where a value serialises as a map: text, and nothing else.

use serde::ser::{self, Impossible, Serialize};

use super::{EncodeError, Fields};

/// Takes a map's key, which is a field's name.
pub(super) struct Key<'f, 'o, 't>(pub(super) &'f mut Fields<'o, 't>);

fn no_name<T>() -> Result<T, EncodeError> {
    Err(EncodeError("a field's name is not text".into()))
}

macro_rules! not_a_name {
    ($($method:ident($($of:ty),*) -> $result:ty;)*) => {
        $(fn $method(self, $(_: $of),*) -> Result<$result, EncodeError> { no_name() })*
    };
}

impl ser::Serializer for Key<'_, '_, '_> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Impossible<(), EncodeError>;
    type SerializeTuple = Impossible<(), EncodeError>;
    type SerializeTupleStruct = Impossible<(), EncodeError>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Impossible<(), EncodeError>;
    type SerializeStruct = Impossible<(), EncodeError>;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    fn serialize_str(self, v: &str) -> Result<(), EncodeError> {
        self.0.go_to(v)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), EncodeError> {
        no_name()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, _: &'static str, _: &T) -> Result<(), EncodeError> {
        no_name()
    }

    not_a_name! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Impossible<(), EncodeError>;
        serialize_tuple(usize) -> Impossible<(), EncodeError>;
        serialize_tuple_struct(&'static str, usize) -> Impossible<(), EncodeError>;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Impossible<(), EncodeError>;
        serialize_map(Option<usize>) -> Impossible<(), EncodeError>;
        serialize_struct(&'static str, usize) -> Impossible<(), EncodeError>;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Impossible<(), EncodeError>;
    }
}
