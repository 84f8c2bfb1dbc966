//! The schemas of `schemas/avro/` and the Rust types say the same: every field of one is a field of the other, of the
//! same type, and what may be left out may be left out in both. A field that is added in one place only fails here.

mod samples;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};
use serde_json::{Value as Json, json};

use super::TOPICS;
use crate::feedback::RawFeedback;
use crate::fleet::{RawDepot, RawDispatch, RawPing, RawStop, RawWindow};
use crate::input::order::{Position, RawLine};
use crate::input::{RawCount, RawOrder, RawPayment, RawRestock};
use crate::product::RawProduct;
use crate::{Sink, Source, Timestamp};

fn schema_text(topic: &str) -> &'static str {
    TOPICS.iter().find(|(name, _)| *name == topic).unwrap_or_else(|| panic!("schemas/avro/{topic}.avsc is missing")).1
}

// --- What is read ---

/// What a Rust type was seen to do with a record of a schema.
#[derive(Default)]
struct Seen {
    faults: RefCell<Vec<String>>,
    /// Records by name whose Rust type named its fields, and those whose did not, because something wraps it.
    named: RefCell<BTreeSet<String>>,
    wrapped: RefCell<BTreeSet<String>>,
}

/// Reads a record that has every field of a schema, and notes what the Rust type asks for.
#[derive(Clone)]
struct Probe<'s> {
    schema: &'s Json,
    path: String,
    seen: &'s Seen,
}

impl<'s> Probe<'s> {
    fn fault(&self, what: &str) {
        self.seen.faults.borrow_mut().push(format!("`{}` {what}; the schema has {}", self.path, self.schema));
    }

    /// Of `["null", X]` or `X`: X.
    fn plain(&self) -> &'s Json {
        match self.schema {
            Json::Array(branches) => branches.iter().find(|b| **b != json!("null")).expect("a branch beside null"),
            plain => plain,
        }
    }

    fn kind(&self) -> &'s str {
        let plain = self.plain();
        plain.as_str().or_else(|| plain["type"].as_str()).expect("a type")
    }

    fn expect(&self, rust: &str, kinds: &[&str]) {
        if !kinds.contains(&self.kind()) {
            self.fault(&format!("is {rust} in Rust"));
        }
    }

    fn fields<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, de::value::Error> {
        let fields = self.plain()["fields"].as_array().cloned().unwrap_or_default();
        visitor.visit_map(ProbeFields { of: self.clone(), fields, next: 0 })
    }
}

struct ProbeFields<'s> {
    of: Probe<'s>,
    fields: Vec<Json>,
    next: usize,
}

impl<'de> de::MapAccess<'de> for ProbeFields<'_> {
    type Error = de::value::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let Some(field) = self.fields.get(self.next) else { return Ok(None) };
        let name = field["name"].as_str().expect("a field has a name");
        seed.deserialize(de::value::StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Self::Error> {
        let field = &self.fields[self.next];
        self.next += 1;
        let name = field["name"].as_str().expect("a field has a name");
        seed.deserialize(Probe { schema: &field["type"], path: format!("{}.{name}", self.of.path), seen: self.of.seen })
    }
}

/// A list of so many.
struct ProbeItems<'s>(Probe<'s>, usize);

impl<'de> de::SeqAccess<'de> for ProbeItems<'_> {
    type Error = de::value::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Self::Error> {
        let Some(left) = self.1.checked_sub(1) else { return Ok(None) };
        self.1 = left;
        seed.deserialize(self.0.clone()).map(Some)
    }
}

macro_rules! probed {
    ($($method:ident: $rust:literal, [$($kind:literal),*] => $visit:ident($value:expr);)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.expect($rust, &[$($kind),*]);
            visitor.$visit($value)
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    probed! {
        deserialize_bool: "a boolean", ["boolean"] => visit_bool(true);
        deserialize_i64: "a whole number", ["long", "int"] => visit_i64(1);
        deserialize_u64: "a whole number", ["long", "int"] => visit_u64(1);
        deserialize_i32: "a whole number", ["long", "int"] => visit_i32(1);
        deserialize_u32: "a whole number", ["long", "int"] => visit_u32(1);
        deserialize_f64: "a fraction", ["double"] => visit_f64(1.0);
        deserialize_str: "text", ["string", "enum"] => visit_str("x");
        deserialize_string: "text", ["string", "enum"] => visit_str("x");
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.expect("a list", &["array"]);
        let schema = &self.plain()["items"];
        visitor.visit_seq(ProbeItems(Probe { schema, path: format!("{}[]", self.path), seen: self.seen }, 1))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.expect("a list", &["array"]);
        let schema = &self.plain()["items"];
        visitor.visit_seq(ProbeItems(Probe { schema, path: format!("{}[]", self.path), seen: self.seen }, length))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.expect("an object", &["record"]);
        self.seen.wrapped.borrow_mut().insert(self.plain()["name"].to_string());
        self.fields(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.expect("an object", &["record"]);
        self.seen.named.borrow_mut().insert(self.plain()["name"].to_string());
        let written: Vec<&str> = self.plain()["fields"].as_array().into_iter().flatten().filter_map(|f| f["name"].as_str()).collect();
        for missing in fields.iter().filter(|name| !written.contains(*name)) {
            self.fault(&format!("has a field `{missing}` in Rust"));
        }
        self.fields(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.fault("is not read by Rust");
        visitor.visit_unit()
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.fault("is asked for in a way that this test does not know");
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u128 f32 char bytes byte_buf unit unit_struct newtype_struct tuple_struct enum identifier
    }
}

fn probe<T: Deserialize<'static>>(seen: &Seen, schema: &Json, path: &str) {
    // Schemas live as long as the process in this test; the probe lends them.
    let schema: &Json = Box::leak(Box::new(schema.clone()));
    let seen_here = Seen::default();
    let seen_here: &Seen = Box::leak(Box::new(seen_here));
    if let Err(e) = T::deserialize(Probe { schema, path: path.into(), seen: seen_here }) {
        seen.faults.borrow_mut().push(format!("`{path}`: {e}"));
    }
    seen.faults.borrow_mut().append(&mut seen_here.faults.borrow_mut());
    seen.named.borrow_mut().append(&mut seen_here.named.borrow_mut());
    seen.wrapped.borrow_mut().append(&mut seen_here.wrapped.borrow_mut());
}

/// The type of a record's field, null aside.
fn field<'j>(schema: &'j Json, name: &str) -> &'j Json {
    let of = schema["fields"].as_array().into_iter().flatten().find(|f| f["name"] == name).map_or(&Json::Null, |f| &f["type"]);
    of.as_array().map_or(of, |branches| branches.iter().find(|b| **b != json!("null")).unwrap_or(&Json::Null))
}

/// What the Rust types make of the schemas of the sources, `orders` given.
fn what_differs(orders: &Json) -> Vec<String> {
    let seen = Seen::default();
    let other = |source: Source| serde_json::from_str::<Json>(schema_text(source.name())).unwrap();
    for source in Source::ALL {
        let name = source.name();
        match source {
            Source::Orders => {
                probe::<RawOrder<'static>>(&seen, orders, name);
                probe::<RawLine<'static>>(&seen, &field(orders, "lines")["items"], "orders.lines[]");
                probe::<Position>(&seen, field(orders, "ship_to"), "orders.ship_to");
            }
            Source::Payments => probe::<RawPayment<'static>>(&seen, &other(source), name),
            Source::Restocks => probe::<RawRestock<'static>>(&seen, &other(source), name),
            Source::StockCounts => probe::<RawCount<'static>>(&seen, &other(source), name),
            Source::GpsPings => probe::<RawPing<'static>>(&seen, &other(source), name),
            Source::Dispatches => {
                let dispatch = other(source);
                let stop = &field(&dispatch, "stops")["items"];
                probe::<RawDispatch<'static>>(&seen, &dispatch, name);
                probe::<RawDepot>(&seen, field(&dispatch, "depot"), "dispatches.depot");
                probe::<RawStop<'static>>(&seen, stop, "dispatches.stops[]");
                probe::<RawWindow>(&seen, field(stop, "window"), "dispatches.stops[].window");
            }
            Source::Products => probe::<RawProduct<'static>>(&seen, &other(source), name),
            Source::Feedback => probe::<RawFeedback<'static>>(&seen, &other(source), name),
        }
    }
    let mut faults = seen.faults.take();
    let unnamed: Vec<_> = seen.wrapped.take().difference(&seen.named.take()).cloned().collect();
    faults.extend(unnamed.iter().map(|name| format!("the Rust type of record {name} has to be probed by itself in this test")));
    faults
}

#[test]
fn what_is_read_is_what_the_schemas_say() {
    let orders: Json = serde_json::from_str(schema_text("orders")).unwrap();
    assert_eq!(what_differs(&orders), Vec::<String>::new());
    // The test sees what it is for: another name, another type, a field more, a field less.
    for (pointer, value, want) in [
        ("/fields/1/name", json!("orderid"), "not read by Rust"),
        ("/fields/6/type/1", json!("string"), "is a whole number in Rust"),
        ("/fields/10/type/1", json!("long"), "is a boolean in Rust"),
        ("/fields/5/type/1/items/fields/2/name", json!("count"), "has a field `quantity` in Rust"),
        ("/fields/5/type/1/items/fields/2/type", json!("double"), "is a whole number in Rust"),
        ("/fields/8/type/1/fields/0/name", json!("latitude"), "has a field `lat` in Rust"),
    ] {
        let mut changed = orders.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        let faults = what_differs(&changed);
        assert!(faults.iter().any(|f| f.contains(want)), "{pointer}: {faults:?}");
    }
}

// --- What is written ---

/// As JSON writes it: times as text, and without what is null or an empty list.
fn as_json(value: &Avro) -> Json {
    match value {
        Avro::Null => Json::Null,
        Avro::Boolean(v) => json!(v),
        Avro::Int(v) => json!(v),
        Avro::Long(v) => json!(v),
        Avro::Double(v) => json!(v),
        Avro::String(v) | Avro::Enum(_, v) => json!(v),
        Avro::TimestampMillis(v) => json!(Timestamp(*v).to_string()),
        Avro::Union(_, v) => as_json(v),
        Avro::Array(v) => v.iter().map(as_json).collect(),
        Avro::Record(v) => v.iter().map(|(name, v)| (name.clone(), as_json(v))).filter(|(_, v)| !is_nothing(v)).collect(),
        other => panic!("{other:?}"),
    }
}

fn is_nothing(value: &Json) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn without_nothing(value: &Json) -> Json {
    match value {
        Json::Object(map) => map
            .iter()
            .map(|(k, v)| (k.clone(), without_nothing(v)))
            .filter(|(_, v)| !is_nothing(v))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Json::Array(items) => items.iter().map(without_nothing).collect(),
        other => other.clone(),
    }
}

/// How often each field was there, and how often it could have been.
fn count(value: &Avro, path: &str, counts: &mut BTreeMap<String, (u32, u32)>) {
    match value {
        Avro::Record(fields) => {
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                let there = match value {
                    Avro::Union(_, inner) => **inner != Avro::Null,
                    Avro::Array(items) => !items.is_empty(),
                    _ => true,
                };
                let (seen, of) = counts.entry(path.clone()).or_default();
                *seen += u32::from(there);
                *of += 1;
                count(value, &path, counts);
            }
        }
        Avro::Array(items) => items.iter().for_each(|item| count(item, &format!("{path}[]"), counts)),
        Avro::Union(_, inner) => count(inner, path, counts),
        _ => {}
    }
}

#[test]
fn what_is_written_is_what_the_schemas_say() {
    let mut counts = BTreeMap::new();
    let mut sinks = BTreeSet::from([Sink::DeadLetters]);
    for (sink, json, avro) in samples::all() {
        sinks.insert(sink);
        let schema = apache_avro::Schema::parse_str(schema_text(sink.name())).unwrap();
        // Another implementation reads what was written, and finds what the JSON says.
        let datum = super::Frame::read(&avro).unwrap().datum;
        let mut rest = datum;
        let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut rest).unwrap();
        assert!(rest.is_empty(), "{}: {} bytes are left", sink.name(), rest.len());
        assert_eq!(as_json(&value), without_nothing(&json), "{}", sink.name());
        let again = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value.clone()).unwrap();
        assert_eq!(again, datum, "{}", sink.name());
        count(&value, sink.name(), &mut counts);
    }
    assert_eq!(sinks, Sink::ALL.into_iter().collect(), "a sink without samples");
    let never: Vec<_> = counts.iter().filter(|(_, (seen, _))| *seen == 0).map(|(path, _)| path).collect();
    assert!(never.is_empty(), "in the schema, and never written: {never:?}");
}
