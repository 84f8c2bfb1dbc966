//! A schema: its text, its types, its fingerprint. What cannot be read safely is refused here, once, so that no record
//! can make use of it.

use std::fmt;

use apache_avro::rabin::Rabin;

use crate::tree::{self, Type};

/// Longest text of a schema, in bytes, with those that it refers to.
pub const MAX_TEXT_BYTES: usize = 256 << 10;
/// Types within types.
pub const MAX_DEPTH: usize = 32;
/// Types in all, each counted where it is used: a schema of 1 KB can name a type 2³⁰ times over.
pub const MAX_TYPES: usize = 4_096;

/// A schema that records can be read and written with.
#[derive(Clone, Debug)]
pub struct Schema {
    pub(crate) root: Type,
    text: Box<str>,
    canonical: Box<str>,
    fingerprint: u64,
}

/// Why a text is no schema that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault(pub(crate) String);

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SchemaFault {}

impl Schema {
    /// From its JSON text.
    pub fn parse(text: &str) -> Result<Schema, SchemaFault> {
        Schema::parse_with(text, &[])
    }

    /// From its JSON text, which may use the named types of `others`.
    pub fn parse_with(text: &str, others: &[String]) -> Result<Schema, SchemaFault> {
        let bytes = text.len() + others.iter().map(String::len).sum::<usize>();
        if bytes > MAX_TEXT_BYTES {
            return Err(SchemaFault(format!("the schema has {bytes} bytes, at most {MAX_TEXT_BYTES} are taken")));
        }
        let fault = |e: apache_avro::Error| SchemaFault(format!("not an Avro schema: {e}"));
        let (schema, others) = if others.is_empty() {
            (apache_avro::Schema::parse_str(text).map_err(fault)?, vec![])
        } else {
            apache_avro::Schema::parse_str_with_list(text, others).map_err(fault)?
        };
        let root = tree::build(&schema, &others)?;
        let canonical =
            if others.is_empty() { schema.canonical_form() } else { schema.independent_canonical_form(&others).map_err(fault)? };
        let print = schema.fingerprint::<Rabin>();
        let bytes = print.bytes.first_chunk().ok_or_else(|| SchemaFault("its fingerprint is too short".into()))?;
        Ok(Schema { root, text: text.into(), canonical: canonical.into(), fingerprint: u64::from_le_bytes(*bytes) })
    }

    /// As it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The Parsing Canonical Form: what is left without documentation, defaults and aliases.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// CRC-64-AVRO of the canonical form.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// What it is called in messages: the record's full name and its fingerprint.
    pub fn title(&self) -> String {
        format!("`{}` ({:016x})", self.root.title(), self.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Schema::parse(text).map(|s| s.title()).unwrap_err().0
    }

    #[test]
    fn fingerprints_are_those_of_other_implementations() {
        // From Avro's own test data, `share/test/data/schema-tests.txt`: CRC-64-AVRO of the canonical form.
        for (text, print) in [(r#""null""#, 7_195_948_357_588_979_594i64), (r#"{"type":"boolean"}"#, -6_970_731_678_124_411_036)] {
            assert_eq!(Schema::parse(text).unwrap().fingerprint() as i64, print, "{text}");
        }
    }

    #[test]
    fn what_could_blow_up_is_refused() {
        let list = r#"{"type":"record","name":"N","fields":[{"name":"next","type":["null","N"]}]}"#;
        assert!(fault(list).contains("`N` contains itself"), "{}", fault(list));
        let deep = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(40), "}".repeat(40));
        assert!(fault(&deep).contains("at most 32"), "{}", fault(&deep));
        let deeper = format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(10_000), "}".repeat(10_000));
        assert!(Schema::parse(&deeper).is_err());
        // Each level uses the one before twice: 2^30 types.
        let mut doubling = r#"{"type":"record","name":"R0","fields":[{"name":"a","type":"int"}]}"#.to_owned();
        for level in 1..=14 {
            let below = level - 1;
            doubling = format!(
                r#"{{"type":"record","name":"R{level}","fields":[{{"name":"a","type":{doubling}}},{{"name":"b","type":"R{below}"}}]}}"#
            );
        }
        assert!(fault(&doubling).contains("4096"), "{}", fault(&doubling));
        // A few bytes would claim any number of them.
        assert!(fault(r#"{"type":"array","items":"null"}"#).contains("no bytes"));
        assert!(
            fault(r#"{"type":"array","items":{"type":"record","name":"E","fields":[{"name":"n","type":"null"}]}}"#).contains("no bytes")
        );
        assert!(Schema::parse(r#"{"type":"array","items":["null","int"]}"#).is_ok());
        assert!(fault("{").contains("not an Avro schema"));
        assert!(fault(&" ".repeat(MAX_TEXT_BYTES + 1)).contains("at most"));
    }

    #[test]
    fn named_types_may_come_from_elsewhere() {
        let line = r#"{"type":"record","name":"shop.Line","fields":[{"name":"sku","type":"string"}]}"#.to_owned();
        let order = r#"{"type":"record","name":"shop.Order","fields":[{"name":"line","type":"shop.Line"}]}"#;
        assert!(Schema::parse(order).is_err());
        assert!(Schema::parse_with(order, &[line]).is_ok());
    }
}
