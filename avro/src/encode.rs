//! Serde types to bytes, led by a schema. A record's fields are found by their names, so whatever serialises for JSON
//! with the schema's names in the schema's order is written without a type of its own; what a value leaves out is null,
//! or an empty list. Times may be RFC 3339 text, as JSON has them: they become milliseconds.

mod key;

use std::fmt::{self, Write as _};

use serde::ser::{self, Impossible, Serialize};

use crate::schema::Schema;
use crate::tree::{Field, Type, Unit};

/// Writes values as one schema says.
#[derive(Clone, Debug)]
pub struct Encoder {
    root: Type,
    instant: fn(&str) -> Option<i64>,
}

/// The value and the schema do not fit; the field and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError(Box<str>);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for EncodeError {}

impl ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> EncodeError {
        EncodeError(message.to_string().into())
    }
}

impl EncodeError {
    fn within(self, field: &str) -> EncodeError {
        EncodeError(format!("`{field}`: {}", self.0).into())
    }
}

impl Encoder {
    /// `instant` reads RFC 3339 text as milliseconds since the epoch.
    pub fn new(schema: &Schema, instant: fn(&str) -> Option<i64>) -> Encoder {
        Encoder { root: schema.root.clone(), instant }
    }

    /// Appends a datum, without a header, to `out`. On an error `out` has the beginning of it.
    pub fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        value.serialize(Slot { out, of: &self.root, instant: self.instant })
    }
}

/// Appends a zig-zag number.
fn long(out: &mut Vec<u8>, value: i64) {
    let mut raw = (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned();
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

fn text(out: &mut Vec<u8>, value: &str) {
    long(out, value.len() as i64);
    out.extend_from_slice(value.as_bytes());
}

/// Where the next value goes.
struct Slot<'o, 't> {
    out: &'o mut Vec<u8>,
    of: &'t Type,
    instant: fn(&str) -> Option<i64>,
}

impl<'o, 't> Slot<'o, 't> {
    fn misfit<T>(&self, value: impl fmt::Display) -> Result<T, EncodeError> {
        Err(EncodeError(format!("{value} is written where the schema has {}", self.of.title()).into()))
    }

    /// The slot of a value that is there: of a union of null and one other type, the other.
    fn present(self) -> Result<Slot<'o, 't>, EncodeError> {
        let Type::Union(branches) = self.of else { return Ok(self) };
        let mut others = branches.iter().enumerate().filter(|(_, branch)| **branch != Type::Null);
        match (others.next(), others.next()) {
            (Some((index, of)), None) => {
                long(self.out, index as i64);
                Ok(Slot { of, ..self })
            }
            _ => self.misfit("one value of several possible types"),
        }
    }

    fn absent(self) -> Result<(), EncodeError> {
        match self.of {
            Type::Null => Ok(()),
            // No list is an empty list.
            Type::Array(_) => {
                long(self.out, 0);
                Ok(())
            }
            Type::Union(branches) => match branches.iter().position(|branch| *branch == Type::Null) {
                Some(index) => {
                    long(self.out, index as i64);
                    Ok(())
                }
                None => self.misfit("nothing"),
            },
            _ => self.misfit("nothing"),
        }
    }

    fn number(self, value: i64) -> Result<(), EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::Long | Type::Instant(Unit::Millis) => long(slot.out, value),
            Type::Int if i32::try_from(value).is_ok() => long(slot.out, value),
            Type::Double => slot.out.extend_from_slice(&(value as f64).to_le_bytes()),
            _ => return slot.misfit(value),
        }
        Ok(())
    }
}

impl<'o, 't> ser::Serializer for Slot<'o, 't> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Items<'o, 't>;
    type SerializeTuple = Items<'o, 't>;
    type SerializeTupleStruct = Items<'o, 't>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Fields<'o, 't>;
    type SerializeStruct = Fields<'o, 't>;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    fn serialize_bool(self, v: bool) -> Result<(), EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::Boolean => slot.out.push(u8::from(v)),
            _ => return slot.misfit(v),
        }
        Ok(())
    }

    fn serialize_i8(self, v: i8) -> Result<(), EncodeError> {
        self.number(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<(), EncodeError> {
        self.number(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<(), EncodeError> {
        self.number(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<(), EncodeError> {
        self.number(v)
    }
    fn serialize_u8(self, v: u8) -> Result<(), EncodeError> {
        self.number(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<(), EncodeError> {
        self.number(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<(), EncodeError> {
        self.number(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<(), EncodeError> {
        match i64::try_from(v) {
            Ok(v) => self.number(v),
            Err(_) => self.misfit(v),
        }
    }

    fn serialize_f32(self, v: f32) -> Result<(), EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::Float => slot.out.extend_from_slice(&v.to_le_bytes()),
            Type::Double => slot.out.extend_from_slice(&f64::from(v).to_le_bytes()),
            _ => return slot.misfit(v),
        }
        Ok(())
    }

    fn serialize_f64(self, v: f64) -> Result<(), EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::Double => slot.out.extend_from_slice(&v.to_le_bytes()),
            _ => return slot.misfit(v),
        }
        Ok(())
    }

    fn serialize_char(self, v: char) -> Result<(), EncodeError> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<(), EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::String => text(slot.out, v),
            Type::Enum(of) => match of.symbols.iter().position(|symbol| **symbol == *v) {
                Some(index) => long(slot.out, index as i64),
                None => return slot.misfit(format_args!("`{v}`")),
            },
            Type::Instant(Unit::Millis) => match (slot.instant)(v) {
                Some(millis) => long(slot.out, millis),
                None => return slot.misfit(format_args!("`{v}`")),
            },
            _ => return slot.misfit(format_args!("`{v}`")),
        }
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::Bytes => {
                long(slot.out, v.len() as i64);
                slot.out.extend_from_slice(v);
            }
            Type::Fixed(of) if of.size == v.len() => slot.out.extend_from_slice(v),
            _ => return slot.misfit(format_args!("{} bytes", v.len())),
        }
        Ok(())
    }

    /// Without a `String` between: behind a byte for its length, which is made longer where that is not enough.
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        let slot = self.present()?;
        let instant = slot.instant;
        let start = slot.out.len();
        slot.out.push(0);
        let printed = write!(Text(slot.out), "{value}");
        printed.map_err(|_| EncodeError("the text could not be made".into()))?;
        let printed = slot.out.len() - start - 1;
        match slot.of {
            Type::String if printed < 0x40 => slot.out[start] = (printed as u8) << 1,
            Type::String => {
                let mut header = vec![];
                long(&mut header, printed as i64);
                slot.out.splice(start..=start, header);
            }
            _ => {
                // An instant, a symbol, or a misfit that says what it is.
                let value = String::from_utf8_lossy(&slot.out[start + 1..]).into_owned();
                slot.out.truncate(start);
                return Slot { out: slot.out, of: slot.of, instant }.serialize_str(&value);
            }
        }
        Ok(())
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.absent()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.absent()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), EncodeError> {
        self.absent()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), EncodeError> {
        self.misfit(variant)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'o, 't>, EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::Array(item) => Ok(Items { start: slot.out.len(), out: slot.out, item, instant: slot.instant, count: 0 }),
            _ => slot.misfit("a list"),
        }
    }

    fn serialize_tuple(self, len: usize) -> Result<Items<'o, 't>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'o, 't>, EncodeError> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<(), EncodeError>, EncodeError> {
        self.misfit(variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'o, 't>, EncodeError> {
        let slot = self.present()?;
        match slot.of {
            Type::Record(record) => Ok(Fields { out: slot.out, rest: &record.fields, instant: slot.instant, next: None }),
            _ => slot.misfit("an object"),
        }
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields<'o, 't>, EncodeError> {
        self.serialize_map(Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Impossible<(), EncodeError>, EncodeError> {
        self.misfit(variant)
    }

    fn is_human_readable(&self) -> bool {
        // As JSON: the same code serialises for both.
        true
    }
}

struct Text<'o>(&'o mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.0.extend_from_slice(s.as_bytes());
        Ok(())
    }
}

/// An array as one block; the number of items is put before it at the end.
struct Items<'o, 't> {
    out: &'o mut Vec<u8>,
    item: &'t Type,
    instant: fn(&str) -> Option<i64>,
    start: usize,
    count: i64,
}

impl Items<'_, '_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        if self.count == 0 {
            self.out.push(0);
        }
        self.count += 1;
        value.serialize(Slot { out: self.out, of: self.item, instant: self.instant })
    }

    fn finish(self) {
        // One byte is there for the number, and is enough for 63.
        match self.count {
            0 => {}
            1..0x40 => self.out[self.start] = (self.count as u8) << 1,
            more => {
                let mut header = vec![];
                long(&mut header, more);
                self.out.splice(self.start..=self.start, header);
            }
        }
        self.out.push(0);
    }
}

/// What serde tells apart, a sequence, a tuple and a tuple struct, is an array in Avro.
macro_rules! array {
    ($($kind:ident :: $element:ident),*) => {$(
        impl ser::$kind for Items<'_, '_> {
            type Ok = ();
            type Error = EncodeError;
            fn $element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.item(value)
            }
            fn end(self) -> Result<(), EncodeError> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

array!(SerializeSeq::serialize_element, SerializeTuple::serialize_element, SerializeTupleStruct::serialize_field);

/// A record's fields, which come in the schema's order; some may be left out.
struct Fields<'o, 't> {
    out: &'o mut Vec<u8>,
    rest: &'t [Field],
    instant: fn(&str) -> Option<i64>,
    /// The field whose name has been given.
    next: Option<&'t Field>,
}

impl Fields<'_, '_> {
    /// Goes on to the field `name`; those between are null.
    fn go_to(&mut self, name: &str) -> Result<(), EncodeError> {
        let Some(at) = self.rest.iter().position(|field| *field.name == *name) else {
            return Err(EncodeError(format!("`{name}` is no field of the schema, or it stands before the field written last").into()));
        };
        self.skip(at)?;
        self.next = Some(&self.rest[0]);
        self.rest = &self.rest[1..];
        Ok(())
    }

    fn skip(&mut self, count: usize) -> Result<(), EncodeError> {
        let (skipped, rest) = self.rest.split_at(count);
        self.rest = rest;
        for field in skipped {
            Slot { out: self.out, of: &field.of, instant: self.instant }.absent().map_err(|e| e.within(&field.name))?;
        }
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let Some(field) = self.next.take() else { return Err(EncodeError("a value without a name".into())) };
        value.serialize(Slot { out: self.out, of: &field.of, instant: self.instant }).map_err(|e| e.within(&field.name))
    }
}

impl ser::SerializeMap for Fields<'_, '_> {
    type Ok = ();
    type Error = EncodeError;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        key.serialize(key::Key(self))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.value(value)
    }
    fn end(mut self) -> Result<(), EncodeError> {
        self.skip(self.rest.len())
    }
}

impl ser::SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = EncodeError;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), EncodeError> {
        self.go_to(key)?;
        self.value(value)
    }
    fn end(mut self) -> Result<(), EncodeError> {
        self.skip(self.rest.len())
    }
}
