//! One input record as the auditor remembers it: what it is, whom it is about, and digests that tell a repeated
//! record from a contradicting one. Reads `wire.md`'s shapes with its own types and judges no rule. Orders and stock
//! are here, the others in files of their own.

mod catalogue;
pub(crate) mod fleet;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::Hash;

use serde::Deserialize;

use crate::Record;
use crate::facts::{Registry, Role, Topic, Units, digest};
use crate::sku::clean;
use crate::wire::catalogue::ProductKind;
use crate::wire::fleet::ShipmentKind;
use crate::wire::{EventKind, MovementKind};
use fleet::Dispatched;

/// Most lines of one order.
const MAX_LINES: usize = 1_000;
/// Largest quantity of a line, a restock or a count.
const MAX_QUANTITY: i64 = 1_000_000_000;
/// Where stock is when a restock or count does not say.
const DEFAULT_LOCATION: &str = "main";

/// What a record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It does not read as `wire.md` says, so nothing but a dead letter may follow.
    Malformed,
    Place,
    Cancel,
    Ship,
    Deliver,
    /// Goods come back to a shelf.
    Return,
    /// Goods come back and are thrown away.
    ReturnScrap,
    Captured,
    Failed,
    Refunded,
    /// On its way: changes `incoming` only and has no output of its own.
    Expected,
    Received,
    Damaged,
    Transfer,
    Count,
    Upsert,
    Withdraw,
    /// About an order, or about the delivery of one.
    FeedbackOrder,
    FeedbackProduct,
    FeedbackStock,
    Dispatch,
    StopDelivered,
    StopFailed,
    Recall,
}

impl Class {
    pub fn word(self) -> &'static str {
        match self {
            Class::Malformed => "malformed record",
            Class::Place => "place",
            Class::Cancel => "cancel",
            Class::Ship => "ship",
            Class::Deliver => "deliver",
            Class::Return | Class::ReturnScrap => "return",
            Class::Captured => "captured payment",
            Class::Failed => "failed payment",
            Class::Refunded => "refunded payment",
            Class::Expected => "expected restock",
            Class::Received => "received restock",
            Class::Damaged => "damaged restock",
            Class::Transfer => "transfer",
            Class::Count => "count",
            Class::Upsert => "upsert",
            Class::Withdraw => "withdraw",
            Class::FeedbackOrder | Class::FeedbackProduct | Class::FeedbackStock => "feedback",
            Class::Dispatch => "dispatch",
            Class::StopDelivered => "proof of delivery",
            Class::StopFailed => "failed delivery",
            Class::Recall => "recall",
        }
    }

    /// May an event of this kind name such a record as its cause?
    pub fn leads_to_event(self, kind: EventKind) -> bool {
        use EventKind as E;
        match self {
            Class::Place => matches!(kind, E::Accepted | E::Rejected | E::Expired),
            // What had to wait for the decision and then turned out to be impossible is `noted`.
            Class::Cancel => matches!(kind, E::Cancelled | E::RefundRequired | E::Noted),
            Class::Ship => matches!(kind, E::PartShipped | E::Shipped | E::Noted),
            Class::Deliver => matches!(kind, E::Delivered | E::Noted),
            Class::Return | Class::ReturnScrap => matches!(kind, E::Returned | E::Noted),
            Class::Captured => matches!(kind, E::Paid | E::RefundRequired | E::Reinstated | E::Noted),
            Class::Failed => matches!(kind, E::PaymentFailed | E::Noted),
            Class::Refunded | Class::FeedbackOrder | Class::StopFailed | Class::Recall => kind == E::Noted,
            // Who dispatches an order ships what is left of it.
            Class::Dispatch => matches!(kind, E::PartShipped | E::Shipped | E::OutForDelivery | E::Noted),
            // It may have been paid since it went out.
            Class::StopDelivered => matches!(kind, E::Shipped | E::Delivered | E::Noted),
            _ => false,
        }
    }

    /// May a shipment event name such a record as its cause?
    pub fn leads_to_shipment(self, kind: ShipmentKind) -> bool {
        use ShipmentKind as S;
        match self {
            // One that takes an order from another shipment ends that, perhaps.
            Class::Dispatch => !matches!(kind, S::Delivered | S::Failed | S::Investigated),
            Class::StopDelivered => !matches!(kind, S::Planned | S::Failed | S::Recalled | S::Investigated),
            Class::StopFailed => !matches!(kind, S::Planned | S::Delivered | S::Recalled | S::Investigated),
            Class::Recall => matches!(kind, S::Left | S::Recalled),
            Class::FeedbackOrder => kind == S::Investigated,
            _ => false,
        }
    }

    /// May a product event name such a record as its cause?
    pub fn leads_to_product(self, kind: ProductKind) -> bool {
        use ProductKind as P;
        match self {
            Class::Upsert => matches!(kind, P::Updated | P::Refused | P::Quarantined),
            Class::Withdraw => matches!(kind, P::Withdrawn | P::Refused),
            Class::FeedbackProduct => matches!(kind, P::Rated | P::Noted | P::Quarantined),
            Class::FeedbackStock => matches!(kind, P::CountRequested | P::Noted),
            _ => false,
        }
    }

    /// May a movement of this kind name such a record as its cause?
    pub fn leads_to_movement(self, kind: MovementKind) -> bool {
        use MovementKind as M;
        match self {
            Class::Place => matches!(kind, M::Held | M::Released | M::Expired),
            Class::Cancel => matches!(kind, M::Released | M::Returned),
            Class::Ship | Class::Dispatch | Class::StopDelivered => kind == M::Sold,
            Class::Return => kind == M::Returned,
            Class::Captured => matches!(kind, M::Held | M::Released | M::Confirmed | M::Sold),
            Class::Received => kind == M::Received,
            Class::Damaged => kind == M::Damaged,
            Class::Transfer => matches!(kind, M::TransferredOut | M::TransferredIn),
            Class::Count => matches!(kind, M::Counted | M::Adjusted),
            _ => false,
        }
    }

    /// Is an event of this kind the answer to such a record, and not just a later consequence?
    pub fn is_answered_by(self, kind: EventKind) -> bool {
        match self {
            Class::Place => matches!(kind, EventKind::Accepted | EventKind::Rejected),
            Class::Cancel => matches!(kind, EventKind::Cancelled | EventKind::Noted),
            // It is the shipment that answers.
            _ if self.of_shipment() => false,
            _ => self.leads_to_event(kind),
        }
    }

    /// The same for a shipment event: what a proof or recall says is said once more, of a dispatch anything.
    pub fn is_answered_by_shipment(self, kind: ShipmentKind) -> bool {
        match self {
            Class::StopDelivered => kind == ShipmentKind::Delivered,
            Class::StopFailed => kind == ShipmentKind::Failed,
            Class::Recall => kind == ShipmentKind::Recalled,
            Class::FeedbackOrder => false,
            _ => true,
        }
    }

    /// It is about a shipment, and so about each of its orders.
    pub fn of_shipment(self) -> bool {
        matches!(self, Class::Dispatch | Class::StopDelivered | Class::StopFailed | Class::Recall)
    }

    /// Several with one id may take effect, one after the other: each changes what the one before has left.
    pub fn repeats(self) -> bool {
        matches!(self, Class::Upsert | Class::Withdraw) || self.of_shipment()
    }

    /// Nothing that can be read has to come of it: it changes a figure of a view at most.
    pub fn may_be_silent(self) -> bool {
        self == Class::Expected
    }

    /// It is about an order, and answered by an order event; else about a SKU, and answered by a movement.
    pub fn of_order(self) -> bool {
        matches!(
            self,
            Class::Place
                | Class::Cancel
                | Class::Ship
                | Class::Deliver
                | Class::Return
                | Class::ReturnScrap
                | Class::Captured
                | Class::Failed
                | Class::Refunded
                | Class::FeedbackOrder
        )
    }
}

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
            Topic::Orders => order(key, text, registry),
            Topic::Payments => payment(key, text, registry),
            Topic::Restocks => restock(key, text, registry),
            Topic::StockCounts => count(key, text, registry),
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

#[derive(Deserialize)]
struct Order<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, rename = "order_id")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    customer_id: Option<Cow<'a, str>>,
    placed_at: Option<Time>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lines: Option<Vec<Line<'a>>>,
    hold_seconds: Option<i64>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    ship_to: Option<Position>,
    restock: Option<bool>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    sku: Cow<'a, str>,
    quantity: i64,
    unit_price: Option<i64>,
}

#[derive(Deserialize)]
struct Position {
    lat: f64,
    lon: f64,
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

fn order(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let order: Order = serde_json::from_str(text).ok()?;
    let class = match (&*order.kind, order.restock) {
        ("place", _) => Class::Place,
        ("cancel", _) => Class::Cancel,
        ("ship", _) => Class::Ship,
        ("deliver", _) => Class::Deliver,
        ("return", Some(true)) => Class::Return,
        ("return", Some(false)) => Class::ReturnScrap,
        _ => return None,
    };
    let lines = order.lines.unwrap_or_default();
    let wrong_lines = lines.len() > MAX_LINES || lines.iter().any(|l| !(1..=MAX_QUANTITY).contains(&l.quantity));
    if order.id != key || wrong_lines || (class == Class::Place && lines.is_empty()) {
        return None;
    }
    // Lines of one SKU are one line; only a different price keeps them apart.
    let mut merged: BTreeMap<(Cow<str>, Option<i64>), i64> = BTreeMap::new();
    let mut balance = Units::NONE;
    for line in &lines {
        *merged.entry((clean(&line.sku), line.unit_price)).or_default() += line.quantity;
        balance += Units::of(line.quantity, Role::Line, registry.sku(&line.sku), 0);
    }
    let content = digest(&(
        (&order.customer_id, order.placed_at.map(|t| t.millis()), &order.currency),
        (order.hold_seconds, &order.location, order.ship_to.map(|p| (p.lat.to_bits(), p.lon.to_bits()))),
        &merged,
    ));
    let id = if class == Class::Place { id(&("place", key)) } else { 0 };
    Some(Said { class, subject: registry.orders.number(key), id, content, balance, lines: !lines.is_empty() })
}

#[derive(Deserialize)]
struct Payment<'a> {
    #[serde(borrow, rename = "payment_id")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    order_id: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    amount: Option<i64>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
}

fn payment(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let payment: Payment = serde_json::from_str(text).ok()?;
    let class = match &*payment.status {
        "captured" => Class::Captured,
        "failed" => Class::Failed,
        "refunded" => Class::Refunded,
        _ => return None,
    };
    let no_money = class == Class::Captured && (payment.amount.is_none() || payment.currency.is_none());
    if payment.order_id != key || no_money {
        return None;
    }
    let id = id(&("payment", key, &payment.id, &payment.status));
    let content = digest(&(payment.amount, &payment.currency));
    Some(Said { class, subject: registry.orders.number(key), id, content, balance: Units::NONE, lines: false })
}

#[derive(Deserialize)]
struct Restock<'a> {
    #[serde(borrow, rename = "restock_id")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    quantity: i64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    to_location: Option<Cow<'a, str>>,
    expected_at: Option<Time>,
}

fn restock(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let restock: Restock = serde_json::from_str(text).ok()?;
    if clean(&restock.sku) != clean(key) || !(1..=MAX_QUANTITY).contains(&restock.quantity) {
        return None;
    }
    let from = restock.location.as_deref().unwrap_or(DEFAULT_LOCATION);
    let location = registry.locations.number(from);
    let effect = |kind, location| effect(kind, location, restock.quantity);
    let (class, balance) = match (&*restock.kind, &restock.to_location) {
        ("expected", _) => (Class::Expected, Units::NONE),
        ("received", _) => (Class::Received, effect(MovementKind::Received, location)),
        ("damaged", _) => (Class::Damaged, effect(MovementKind::Damaged, location)),
        ("transfer", Some(to)) if to != from => {
            let to = registry.locations.number(to);
            (Class::Transfer, effect(MovementKind::TransferredOut, location) + effect(MovementKind::TransferredIn, to))
        }
        _ => return None,
    };
    let id = id(&("restock", &*clean(key), &restock.id, &restock.kind));
    let (to, expected_at) = match class {
        Class::Transfer => (restock.to_location, None),
        Class::Expected => (None, restock.expected_at.map(|t| t.millis())),
        _ => (None, None),
    };
    let content = digest(&(from, restock.quantity, to, expected_at));
    Some(Said { class, subject: registry.sku(key), id, content, balance, lines: false })
}

#[derive(Deserialize)]
struct Count<'a> {
    #[serde(borrow, rename = "count_id")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    sku: Cow<'a, str>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    counted: i64,
    counted_at: Option<Time>,
}

fn count(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
    let count: Count = serde_json::from_str(text).ok()?;
    if clean(&count.sku) != clean(key) || !(0..=MAX_QUANTITY).contains(&count.counted) {
        return None;
    }
    let at = count.location.as_deref().unwrap_or(DEFAULT_LOCATION);
    Some(Said {
        class: Class::Count,
        subject: registry.sku(key),
        id: id(&("count", &*clean(key), &count.id)),
        content: digest(&(at, count.counted, count.counted_at.map(|t| t.millis()))),
        balance: effect(MovementKind::Adjusted, registry.locations.number(at), count.counted),
        lines: false,
    })
}

/// What a restock or count has to do at a place: move so many units, or for a count leave so many.
pub(crate) fn effect(kind: MovementKind, location: u32, units: i64) -> Units {
    Units::of(units, Role::Effect, kind as u32, location)
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
