//! Bytes to serde types, led by what [`resolve`](crate::resolve) worked out. Texts are lent from the bytes. Recursion
//! is as deep as the schema, whose depth is bounded; what is allocated is bounded by the bytes there are.

use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::cursor::{Blocks, Cursor};
use crate::fault::{Fault, FaultKind};
use crate::resolve::{Incompatible, Node, Step, Steps, resolve};
use crate::schema::Schema;

/// Reads what was written with one schema as another says.
#[derive(Clone, Debug)]
pub struct Decoder {
    root: Node,
}

impl Decoder {
    pub fn new(writer: &Schema, reader: &Schema) -> Result<Decoder, Incompatible> {
        Ok(Decoder { root: resolve(&writer.root, &reader.root)? })
    }

    /// The same, giving instants as text: for types that read JSON.
    #[must_use]
    pub fn with_text(mut self, text: fn(i64) -> String) -> Decoder {
        self.root.with_text(text);
        self
    }

    /// What the writer's schema can say and the reader's cannot: branches and symbols that only fail in the record that
    /// chooses them. Empty: every record of the writer's can be read.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = vec![];
        find_gaps(&self.root, "", &mut gaps);
        gaps
    }

    /// A datum without its header, all of it. Field names are the reader's.
    pub fn decode<'de, T: Deserialize<'de>>(&self, datum: &'de [u8]) -> Result<T, Fault> {
        let mut cursor = Cursor::new(datum);
        let value = T::deserialize(Datum { cursor: &mut cursor, node: &self.root })?;
        cursor.finish()?;
        Ok(value)
    }
}

fn find_gaps(node: &Node, path: &str, gaps: &mut Vec<String>) {
    match node {
        Node::Unresolved(why) => gaps.push(format!("{path}: {why}")),
        Node::Enum(symbols) => {
            gaps.extend(symbols.iter().filter_map(|s| s.as_ref().err()).map(|symbol| format!("{path}: the symbol `{symbol}`")));
        }
        Node::Array { item, .. } => find_gaps(item, &format!("{path}[]"), gaps),
        Node::Map { value, .. } => find_gaps(value, &format!("{path}{{}}"), gaps),
        Node::Union(branches) => branches.iter().for_each(|branch| find_gaps(branch, path, gaps)),
        Node::Record(record) => {
            for step in record.steps.iter().filter(|step| step.kept) {
                find_gaps(&step.node, &format!("{path}.{}", step.name), gaps);
            }
        }
        _ => {}
    }
}

struct Datum<'c, 'p, 'de> {
    cursor: &'c mut Cursor<'de>,
    node: &'p Node,
}

impl<'p> Datum<'_, 'p, '_> {
    /// The node of the branch that the writer chose.
    fn branch(&mut self, branches: &'p [Node]) -> Result<&'p Node, Fault> {
        let at = self.cursor.at();
        match &branches[self.cursor.index(branches.len(), "branch")?] {
            Node::Unresolved(why) => Err(Fault::new(FaultKind::Unresolved, at, &**why)),
            node => Ok(node),
        }
    }

    /// The reader's name for the symbol that the writer chose.
    fn symbol(&mut self, symbols: &'p [Result<Box<str>, Box<str>>]) -> Result<&'p str, Fault> {
        let at = self.cursor.at();
        match &symbols[self.cursor.index(symbols.len(), "symbol")?] {
            Ok(symbol) => Ok(symbol),
            Err(unknown) => Err(Fault::new(FaultKind::Unresolved, at, format!("the symbol `{unknown}` is not known"))),
        }
    }
}

impl<'de> de::Deserializer<'de> for Datum<'_, '_, 'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        match self.node {
            Node::Null => visitor.visit_unit(),
            Node::Boolean => visitor.visit_bool(self.cursor.boolean()?),
            Node::Int => visitor.visit_i32(self.cursor.int()?),
            Node::Long => visitor.visit_i64(self.cursor.long()?),
            Node::Instant(units) => visitor.visit_i64(self.cursor.long()?.div_euclid(*units)),
            Node::InstantText(units, text) => visitor.visit_string(text(self.cursor.long()?.div_euclid(*units))),
            Node::Float => visitor.visit_f32(self.cursor.float()?),
            Node::Double => visitor.visit_f64(self.cursor.double()?),
            Node::IntAsFloat => visitor.visit_f32(self.cursor.int()? as f32),
            Node::IntAsDouble => visitor.visit_f64(f64::from(self.cursor.int()?)),
            Node::LongAsFloat => visitor.visit_f32(self.cursor.long()? as f32),
            Node::LongAsDouble => visitor.visit_f64(self.cursor.long()? as f64),
            Node::FloatAsDouble => visitor.visit_f64(f64::from(self.cursor.float()?)),
            Node::Bytes => visitor.visit_borrowed_bytes(self.cursor.bytes()?),
            Node::String => visitor.visit_borrowed_str(self.cursor.text()?),
            Node::StringAsBytes => visitor.visit_borrowed_bytes(self.cursor.text()?.as_bytes()),
            Node::Fixed(size) => visitor.visit_borrowed_bytes(self.cursor.take(*size)?),
            Node::Enum(symbols) => visitor.visit_str(self.symbol(symbols)?),
            Node::Array { item, least } => {
                let mut items = Items { cursor: self.cursor, node: item, blocks: Blocks::new(*least), index: 0 };
                let value = visitor.visit_seq(&mut items)?;
                items.finish()?;
                Ok(value)
            }
            Node::Map { value, least } => {
                let mut entries = Entries { cursor: self.cursor, node: value, blocks: Blocks::new(*least), key: "" };
                let value = visitor.visit_map(&mut entries)?;
                entries.finish()?;
                Ok(value)
            }
            Node::Union(branches) => {
                let node = self.branch(branches)?;
                Datum { cursor: self.cursor, node }.deserialize_any(visitor)
            }
            Node::Record(Steps { steps, defaults }) => {
                let mut fields = Fields { cursor: self.cursor, steps, defaults, next: Next::None };
                let value = visitor.visit_map(&mut fields)?;
                fields.finish()?;
                Ok(value)
            }
            Node::Unresolved(why) => Err(Fault::new(FaultKind::Unresolved, self.cursor.at(), &**why)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Fault> {
        let node = match self.node {
            Node::Union(branches) => self.branch(branches)?,
            node => node,
        };
        match node {
            Node::Null => visitor.visit_none(),
            node => visitor.visit_some(Datum { cursor: self.cursor, node }),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(mut self, _: &'static str, _: &'static [&'static str], visitor: V) -> Result<V::Value, Fault> {
        let node = match self.node {
            Node::Union(branches) => self.branch(branches)?,
            node => node,
        };
        match node {
            Node::Enum(symbols) => {
                let symbol: StrDeserializer<'_, Fault> = Datum { cursor: self.cursor, node }.symbol(symbols)?.into_deserializer();
                visitor.visit_enum(symbol)
            }
            node => Datum { cursor: self.cursor, node }.deserialize_any(visitor),
        }
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<'c, 'p, 'de> {
    cursor: &'c mut Cursor<'de>,
    node: &'p Node,
    blocks: Blocks,
    index: u64,
}

impl Items<'_, '_, '_> {
    /// A type that took a few items and left the others would pass over what was written.
    fn finish(&mut self) -> Result<(), Fault> {
        if self.blocks.next(self.cursor)? { Err(left("items")) } else { Ok(()) }
    }
}

fn left(what: &str) -> Fault {
    de::Error::custom(format_args!("there are more {what} than can be taken"))
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_, 'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        if !self.blocks.next(self.cursor)? {
            return Ok(None);
        }
        let index = self.index;
        self.index += 1;
        seed.deserialize(Datum { cursor: self.cursor, node: self.node }).map(Some).map_err(|e| e.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.blocks.known())
    }
}

struct Entries<'c, 'p, 'de> {
    cursor: &'c mut Cursor<'de>,
    node: &'p Node,
    blocks: Blocks,
    key: &'de str,
}

impl Entries<'_, '_, '_> {
    fn finish(&mut self) -> Result<(), Fault> {
        if self.blocks.next(self.cursor)? { Err(left("entries")) } else { Ok(()) }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        if !self.blocks.next(self.cursor)? {
            return Ok(None);
        }
        self.key = self.cursor.text()?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(self.key)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let key = self.key;
        seed.deserialize(Datum { cursor: self.cursor, node: self.node }).map_err(|e| e.in_field(key))
    }
}

struct Fields<'c, 'p, 'de> {
    cursor: &'c mut Cursor<'de>,
    /// Still to come.
    steps: &'p [Step],
    defaults: &'p [(Box<str>, serde_json::Value)],
    next: Next<'p>,
}

/// The value whose name has been given.
enum Next<'p> {
    None,
    Step(&'p Step),
    Default(&'p str, &'p serde_json::Value),
}

impl Fields<'_, '_, '_> {
    fn finish(&mut self) -> Result<(), Fault> {
        if de::MapAccess::next_key::<IgnoredAny>(self)?.is_some() { Err(left("fields")) } else { Ok(()) }
    }
}

impl<'de> de::MapAccess<'de> for Fields<'_, '_, 'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        while let Some((step, rest)) = self.steps.split_first() {
            self.steps = rest;
            if step.kept {
                self.next = Next::Step(step);
                return seed.deserialize(Name(&step.name)).map(Some);
            }
            IgnoredAny::deserialize(Datum { cursor: self.cursor, node: &step.node }).map_err(|e| e.in_field(&step.name))?;
        }
        let Some(((name, value), rest)) = self.defaults.split_first() else { return Ok(None) };
        self.defaults = rest;
        self.next = Next::Default(name, value);
        seed.deserialize(Name(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        match std::mem::replace(&mut self.next, Next::None) {
            Next::Step(step) => seed.deserialize(Datum { cursor: self.cursor, node: &step.node }).map_err(|e| e.in_field(&step.name)),
            // A default is not part of the datum and may not be lent from it.
            Next::Default(name, value) => seed.deserialize(Owned(value.clone())).map_err(|e| e.in_field(name)),
            Next::None => Err(de::Error::custom("a value was asked for before its name")),
        }
    }
}

/// A field's name.
struct Name<'p>(&'p str);

impl<'de> de::Deserializer<'de> for Name<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A default as the schema has it.
struct Owned(serde_json::Value);

fn in_default(e: &serde_json::Error) -> Fault {
    de::Error::custom(format_args!("the schema's default: {e}"))
}

impl<'de> de::Deserializer<'de> for Owned {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.0.deserialize_any(visitor).map_err(|e| in_default(&e))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.0.deserialize_option(visitor).map_err(|e| in_default(&e))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.0.deserialize_enum(name, variants, visitor).map_err(|e| in_default(&e))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
