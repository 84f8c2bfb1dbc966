//! One input record as the auditor remembers it: what it is, whom it is about, and digests that tell a repeated
//! record from a contradicting one. Reads `wire.md`'s shapes with its own types and judges no rule. What the topics'
//! records say is in files of their own.

mod catalogue;
mod class;
pub(crate) mod fleet;
mod orders;
mod stock;

use std::hash::Hash;

use serde::Deserialize;

use crate::Record;
use crate::facts::{Registry, Topic, Units, digest};
pub(crate) use class::Class;
use fleet::Dispatched;
pub(crate) use stock::effect;

/// Largest quantity of a line, a restock or a count.
const MAX_QUANTITY: i64 = 1_000_000_000;

/// What happened to an input record, and what its bytes are like; bits of [`Input::marks`].
pub(crate) mod mark {
    /// The output that answers it is there.
    pub const ANSWERED: u16 = 1;
    /// Some output names it as its cause.
    pub const TOUCHED: u16 = 1 << 1;
    /// It is a dead letter.
    pub const DEAD: u16 = 1 << 2;
    /// It is a dead letter for `conflicting_duplicate`.
    pub const CONFLICT: u16 = 1 << 3;
    /// The answer was no: a place rejected, a command noted. Nothing has to come of it.
    pub const REFUSED: u16 = 1 << 4;
    /// It was a payment before its order, and noted.
    pub const EARLY: u16 = 1 << 9;
    /// Something else than that came of it.
    pub const SETTLED: u16 = 1 << 10;
    /// Which orders hear of it depends on what came before, so it is not counted here.
    pub const UNCOUNTED: u16 = 1 << 11;
    /// It names its lines; otherwise all that is left is meant.
    pub const LINES: u16 = 1 << 5;
    /// The key is there.
    pub const KEY: u16 = 1 << 6;
    /// The value is there and not empty.
    pub const VALUE: u16 = 1 << 7;
    /// The value is UTF-8.
    pub const UTF8: u16 = 1 << 8;
}

/// An input record, 56 bytes: there are as many of these in memory as there are input records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    pub offset: i64,
    pub timestamp: i64,
    /// Digest of the id by which a repeated record is known; 0 for records that have none.
    pub id: u64,
    /// Digest of what the record says, whatever the order of its fields or the way a time is written.
    pub content: u64,
    /// Digest of key and value, byte for byte.
    pub bytes: u64,
    /// What it asks for minus what came out of it; nothing is left when it is done.
    pub balance: Units,
    /// Number of its order or SKU, or of the pair of shipment and vehicle.
    pub subject: u32,
    pub class: Class,
    pub marks: u16,
}

impl Input {
    /// Never fails: what cannot be read is [`Class::Malformed`].
    pub fn read(topic: Topic, record: &Record, registry: &mut Registry) -> Input {
        let said = texts(record).and_then(|(key, text)| match topic {
            Topic::Orders => orders::order(key, text, registry),
            Topic::Payments => orders::payment(key, text, registry),
            Topic::Restocks => stock::restock(key, text, registry),
            Topic::StockCounts => stock::count(key, text, registry),
            Topic::Products => catalogue::product(key, text, registry),
            Topic::Feedback => catalogue::feedback(key, text, registry),
            _ => None,
        });
        Input::of(record, said)
    }

    /// The same for a record on `dispatches`, with what it says of a shipment.
    pub fn dispatch(record: &Record, registry: &mut Registry) -> (Input, Option<Dispatched>) {
        let read = texts(record).and_then(|(key, text)| fleet::dispatch(key, text, registry));
        let (said, dispatched) = read.unzip();
        (Input::of(record, said), dispatched)
    }

    fn of(record: &Record, said: Option<Said>) -> Input {
        let value = record.value.filter(|value| !value.is_empty());
        let utf8 = value.is_some_and(|value| std::str::from_utf8(value).is_ok());
        let mut marks = 0;
        for (bit, set) in [(mark::KEY, record.key.is_some()), (mark::VALUE, value.is_some()), (mark::UTF8, utf8)] {
            marks |= if set { bit } else { 0 };
        }
        let said = said.unwrap_or(Said { class: Class::Malformed, subject: 0, id: 0, content: 0, balance: Units::NONE, lines: false });
        Input {
            offset: record.offset,
            timestamp: record.timestamp,
            id: said.id,
            content: said.content,
            bytes: digest(&(record.key, record.value)),
            balance: said.balance,
            subject: said.subject,
            class: said.class,
            marks: marks | if said.lines { mark::LINES } else { 0 },
        }
    }

    pub fn has(&self, bits: u16) -> bool {
        self.marks & bits == bits
    }
}

/// Key and value, if both are there and text.
fn texts<'a>(record: &Record<'a>) -> Option<(&'a str, &'a str)> {
    let text = |bytes: Option<&'a [u8]>| bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).filter(|text| !text.is_empty());
    text(record.key).zip(text(record.value))
}

/// What a well-formed record says.
struct Said {
    class: Class,
    subject: u32,
    id: u64,
    content: u64,
    balance: Units,
    lines: bool,
}

/// Never 0, which means no id.
fn id(of: &impl Hash) -> u64 {
    digest(of).max(1)
}

/// RFC 3339 text or milliseconds since the epoch.
#[derive(Deserialize)]
#[serde(untagged)]
enum Time {
    Millis(i64),
    Text(jiff::Timestamp),
}

impl Time {
    fn millis(&self) -> i64 {
        match self {
            Time::Millis(millis) => *millis,
            Time::Text(time) => time.as_millisecond(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(topic: Topic, key: &str, value: &str, registry: &mut Registry) -> Input {
        let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
        Input::read(topic, &Record { topic: "", partition: 0, offset: 0, timestamp: 0, key, value, headers: &[] }, registry)
    }

    #[test]
    fn the_same_order_written_otherwise_says_the_same() {
        let mut registry = Registry::default();
        let base = r#"{"type":"place","order_id":"1","placed_at":"2010-12-01T08:26:00Z","lines":[{"sku":"A","quantity":6},{"sku":"B","quantity":1}]}"#;
        let base = read(Topic::Orders, "1", base, &mut registry);
        for (value, same) in [
            (
                r#"{"order_id":"1","type":"place","x":1,"placed_at":1291191960000,"lines":[{"sku":"A","quantity":6},{"sku":"B","quantity":1}]}"#,
                true,
            ),
            (
                r#"{"type":"place","order_id":"1","placed_at":1291191960000,"lines":[{"sku":"B","quantity":1},{"sku":"A","quantity":2},{"sku":"A","quantity":4}]}"#,
                true,
            ),
            (
                r#"{"type":"place","order_id":"1","placed_at":1291191960000,"lines":[{"sku":"A","quantity":6},{"sku":"B","quantity":2}]}"#,
                false,
            ),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":6},{"sku":"B","quantity":1}]}"#, false),
        ] {
            let other = read(Topic::Orders, "1", value, &mut registry);
            assert_eq!((other.class, other.id), (Class::Place, base.id), "{value}");
            assert_eq!(other.content == base.content, same, "{value}");
        }
    }

    #[test]
    fn what_wire_md_forbids_is_malformed() {
        let mut registry = Registry::default();
        for (topic, key, value) in [
            (Topic::Orders, "1", r#"{"type":"place","order_id":"2","lines":[{"sku":"A","quantity":6}]}"#),
            (Topic::Orders, "1", r#"{"type":"place","order_id":"1","lines":[]}"#),
            (Topic::Orders, "1", r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":0}]}"#),
            (Topic::Orders, "1", r#"{"type":"return","order_id":"1"}"#),
            (Topic::Orders, "1", r#"{"type":"place""#),
            (Topic::Payments, "1", r#"{"payment_id":"P","order_id":"1","status":"captured"}"#),
            (Topic::Restocks, "A", r#"{"restock_id":"R","sku":"A","quantity":5,"kind":"transfer"}"#),
            (Topic::StockCounts, "A", r#"{"count_id":"K","sku":"A","counted":-1}"#),
        ] {
            assert_eq!(read(topic, key, value, &mut registry).class, Class::Malformed, "{value}");
        }
    }
}
