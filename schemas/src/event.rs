//! The records consumers read, and their JSON. Field names are the public contract (`wire.md`).

use std::borrow::Cow;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::feedback::Remark;
use crate::message::Row;
use crate::{Cause, ShortText, Timestamp};

/// One event of an order, on `order-events`; the key is the order's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    pub kind: OrderEventKind,
    /// 1, 2, 3 … per order.
    pub seq: u32,
    pub at: Timestamp,
    pub cause: Cause,
    pub lines: Vec<EventLine>,
    pub expires_at: Option<Timestamp>,
    pub reason: Option<Cow<'static, str>>,
    pub sku: Option<ShortText>,
    /// Minor units of `currency`.
    pub amount: Option<i64>,
    pub currency: Option<ShortText>,
    pub payment_id: Option<ShortText>,
    /// Of whom the news is, for what a vehicle's task said.
    pub shipment_id: Option<ShortText>,
    pub vehicle_id: Option<ShortText>,
    pub stop_id: Option<ShortText>,
    /// Somebody's own words beside the `reason`.
    pub detail: Option<ShortText>,
    /// Of `noted`: what somebody reported.
    pub feedback: Option<Box<Remark>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderEventKind {
    Accepted,
    Rejected,
    Paid,
    PaymentFailed,
    RefundRequired,
    Expired,
    Reinstated,
    PartShipped,
    Shipped,
    OutForDelivery,
    Delivered,
    Cancelled,
    Returned,
    Noted,
}

impl OrderEventKind {
    pub fn word(self) -> &'static str {
        match self {
            OrderEventKind::Accepted => "accepted",
            OrderEventKind::Rejected => "rejected",
            OrderEventKind::Paid => "paid",
            OrderEventKind::PaymentFailed => "payment_failed",
            OrderEventKind::RefundRequired => "refund_required",
            OrderEventKind::Expired => "expired",
            OrderEventKind::Reinstated => "reinstated",
            OrderEventKind::PartShipped => "part_shipped",
            OrderEventKind::Shipped => "shipped",
            OrderEventKind::OutForDelivery => "out_for_delivery",
            OrderEventKind::Delivered => "delivered",
            OrderEventKind::Cancelled => "cancelled",
            OrderEventKind::Returned => "returned",
            OrderEventKind::Noted => "noted",
        }
    }

    /// The CloudEvents type.
    pub fn event_type(self) -> &'static str {
        match self {
            OrderEventKind::Accepted => "waybill.order.accepted",
            OrderEventKind::Rejected => "waybill.order.rejected",
            OrderEventKind::Paid => "waybill.order.paid",
            OrderEventKind::PaymentFailed => "waybill.order.payment_failed",
            OrderEventKind::RefundRequired => "waybill.order.refund_required",
            OrderEventKind::Expired => "waybill.order.expired",
            OrderEventKind::Reinstated => "waybill.order.reinstated",
            OrderEventKind::PartShipped => "waybill.order.part_shipped",
            OrderEventKind::Shipped => "waybill.order.shipped",
            OrderEventKind::OutForDelivery => "waybill.order.out_for_delivery",
            OrderEventKind::Delivered => "waybill.order.delivered",
            OrderEventKind::Cancelled => "waybill.order.cancelled",
            OrderEventKind::Returned => "waybill.order.returned",
            OrderEventKind::Noted => "waybill.order.noted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EventLine {
    pub sku: ShortText,
    pub quantity: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<ShortText>,
}

/// One movement of one SKU at one place, on `stock-movements`; the key is the SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    pub kind: MovementKind,
    /// 1, 2, 3 … per SKU, over all its locations.
    pub seq: u64,
    pub location: ShortText,
    /// Positive, its direction follows from `kind`; signed for `counted` and `adjusted`.
    pub quantity: i64,
    /// Of this location, after the movement.
    pub on_hand: i64,
    /// Of this location, after the movement.
    pub reserved: i64,
    pub order_id: Option<ShortText>,
    pub at: Timestamp,
    pub cause: Cause,
    /// Units held here that are not on the shelf, when a count or damage reveals it.
    pub shortage: Option<i64>,
    pub orders_at_risk: Vec<ShortText>,
    /// Hash of the movement with the previous `seq`, 64 zeros before the first; lower-case hex.
    pub previous: [u8; 32],
    pub hash: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MovementKind {
    Received,
    Held,
    Released,
    Expired,
    Confirmed,
    Sold,
    Returned,
    Damaged,
    TransferredOut,
    TransferredIn,
    Counted,
    Adjusted,
}

impl MovementKind {
    pub fn word(self) -> &'static str {
        match self {
            MovementKind::Received => "received",
            MovementKind::Held => "held",
            MovementKind::Released => "released",
            MovementKind::Expired => "expired",
            MovementKind::Confirmed => "confirmed",
            MovementKind::Sold => "sold",
            MovementKind::Returned => "returned",
            MovementKind::Damaged => "damaged",
            MovementKind::TransferredOut => "transferred_out",
            MovementKind::TransferredIn => "transferred_in",
            MovementKind::Counted => "counted",
            MovementKind::Adjusted => "adjusted",
        }
    }

    /// The CloudEvents type.
    pub fn event_type(self) -> &'static str {
        match self {
            MovementKind::Received => "waybill.stock.received",
            MovementKind::Held => "waybill.stock.held",
            MovementKind::Released => "waybill.stock.released",
            MovementKind::Expired => "waybill.stock.expired",
            MovementKind::Confirmed => "waybill.stock.confirmed",
            MovementKind::Sold => "waybill.stock.sold",
            MovementKind::Returned => "waybill.stock.returned",
            MovementKind::Damaged => "waybill.stock.damaged",
            MovementKind::TransferredOut => "waybill.stock.transferred_out",
            MovementKind::TransferredIn => "waybill.stock.transferred_in",
            MovementKind::Counted => "waybill.stock.counted",
            MovementKind::Adjusted => "waybill.stock.adjusted",
        }
    }
}

/// The state of one SKU, on `stock-levels` (compacted); the key is the SKU.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub on_hand: i64,
    pub reserved: i64,
    /// `on_hand - reserved`; negative only after a count or damage revealed a shortage.
    pub available: i64,
    pub incoming: i64,
    pub locations: Vec<LevelRow>,
    /// The `seq` of the SKU's last movement.
    pub version: u64,
    /// As of the last day that has ended there; `None`: nothing was ever sold, or demand is not watched.
    pub demand: Option<LevelDemand>,
    pub at: Timestamp,
    pub cause: Cause,
}

/// What is sold of a SKU, over all its places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelDemand {
    /// Units; four decimals.
    pub demand_per_day: f64,
    /// Standard deviation of a day's forecast error, units; four decimals.
    pub demand_sigma: f64,
    /// The sum of the places' reorder points, units.
    pub reorder_point: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelRow {
    pub location: ShortText,
    pub on_hand: i64,
    pub reserved: i64,
    pub available: i64,
    pub incoming: i64,
}

/// An id that names its cause: `<source topic>/<partition>/<offset>/<key>/<seq>`.
#[derive(Clone, Copy, Debug)]
pub struct EventId<'a> {
    /// The topic's configured name.
    pub topic: &'a str,
    pub cause: Cause,
    pub key: &'a str,
    pub seq: u64,
}

impl EventId<'_> {
    /// Appends the id. Piece by piece: every output has one, and `format!` costs several times as much.
    pub fn write(&self, out: &mut String) {
        let mut digits = itoa::Buffer::new();
        out.push_str(self.topic);
        out.push('/');
        out.push_str(digits.format(self.cause.partition));
        out.push('/');
        out.push_str(digits.format(self.cause.offset));
        out.push('/');
        out.push_str(self.key);
        out.push('/');
        out.push_str(digits.format(self.seq));
    }
}

/// [`EventId`] as text.
pub fn event_id(topic: &str, cause: Cause, key: &str, seq: u64) -> String {
    let mut id = String::with_capacity(topic.len() + key.len() + 32);
    EventId { topic, cause, key, seq }.write(&mut id);
    id
}

/// `cause` as it stands in every output value.
#[derive(Serialize)]
pub(crate) struct CauseJson<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
}

impl<'a> CauseJson<'a> {
    pub(crate) fn new(topic: &'a str, cause: Cause) -> CauseJson<'a> {
        CauseJson { topic, partition: cause.partition, offset: cause.offset }
    }
}

struct Hex<'a>(&'a [u8; 32]);
impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = [0u8; 64];
        for (byte, out) in self.0.iter().zip(text.chunks_exact_mut(2)) {
            out[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            out[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        serializer.serialize_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// An event with the names that only its surroundings know, ready to be written as JSON.
pub struct Named<'a, T> {
    pub event: &'a T,
    /// The record's key: the order's id or the SKU.
    pub key: &'a str,
    /// The `event_id` or `movement_id`; unused for levels.
    pub id: &'a str,
    /// The configured name of the cause's topic.
    pub topic: &'a str,
}

impl<T> Named<'_, T>
where
    Self: Serialize,
{
    /// Appends the JSON to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        // These types have no map with non-text keys and a Vec does not fail.
        let result = serde_json::to_writer(out, self);
        debug_assert!(result.is_ok());
    }
}

impl Serialize for Named<'_, OrderEvent> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let e = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event_id", self.id)?;
        map.serialize_entry("order_id", self.key)?;
        map.serialize_entry("type", e.kind.word())?;
        map.serialize_entry("seq", &e.seq)?;
        map.serialize_entry("at", &e.at.text())?;
        if !e.lines.is_empty() {
            map.serialize_entry("lines", &e.lines)?;
        }
        if let Some(expires_at) = e.expires_at {
            map.serialize_entry("expires_at", &expires_at.text())?;
        }
        if let Some(reason) = &e.reason {
            map.serialize_entry("reason", reason)?;
        }
        if let Some(sku) = &e.sku {
            map.serialize_entry("sku", sku)?;
        }
        if let Some(amount) = e.amount {
            map.serialize_entry("amount", &amount)?;
        }
        if let Some(currency) = &e.currency {
            map.serialize_entry("currency", currency)?;
        }
        if let Some(payment_id) = &e.payment_id {
            map.serialize_entry("payment_id", payment_id)?;
        }
        let of_shipment = [("shipment_id", &e.shipment_id), ("vehicle_id", &e.vehicle_id), ("stop_id", &e.stop_id), ("detail", &e.detail)];
        for (name, value) in of_shipment {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        if let Some(feedback) = &e.feedback {
            map.serialize_entry("feedback", feedback)?;
        }
        map.serialize_entry("cause", &CauseJson::new(self.topic, e.cause))?;
        map.end()
    }
}

impl Serialize for Named<'_, Movement> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let m = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("movement_id", self.id)?;
        map.serialize_entry("sku", self.key)?;
        map.serialize_entry("location", &m.location)?;
        map.serialize_entry("seq", &m.seq)?;
        map.serialize_entry("kind", m.kind.word())?;
        map.serialize_entry("quantity", &m.quantity)?;
        map.serialize_entry("on_hand", &m.on_hand)?;
        map.serialize_entry("reserved", &m.reserved)?;
        if let Some(order_id) = &m.order_id {
            map.serialize_entry("order_id", order_id)?;
        }
        if let Some(shortage) = m.shortage {
            map.serialize_entry("shortage", &shortage)?;
            map.serialize_entry("orders_at_risk", &m.orders_at_risk)?;
        }
        map.serialize_entry("at", &m.at.text())?;
        map.serialize_entry("previous", &Hex(&m.previous))?;
        map.serialize_entry("hash", &Hex(&m.hash))?;
        map.serialize_entry("cause", &CauseJson::new(self.topic, m.cause))?;
        map.end()
    }
}

impl Serialize for Named<'_, Level> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let l = self.event;
        let mut s = serializer.serialize_struct("Level", 12)?;
        s.serialize_field("sku", self.key)?;
        s.serialize_field("on_hand", &l.on_hand)?;
        s.serialize_field("reserved", &l.reserved)?;
        s.serialize_field("available", &l.available)?;
        s.serialize_field("incoming", &l.incoming)?;
        s.serialize_field("locations", &l.locations)?;
        if let Some(demand) = l.demand {
            s.serialize_field("demand_per_day", &demand.demand_per_day)?;
            s.serialize_field("demand_sigma", &demand.demand_sigma)?;
            s.serialize_field("reorder_point", &demand.reorder_point)?;
        }
        s.serialize_field("version", &l.version)?;
        s.serialize_field("at", &l.at.text())?;
        s.serialize_field("cause", &CauseJson::new(self.topic, l.cause))?;
        s.end()
    }
}

/// `Row`s of one SKU as event lines.
pub fn lines_of<'a>(sku: &'a str, rows: &'a [Row]) -> impl Iterator<Item = EventLine> + 'a {
    rows.iter().map(move |row| EventLine { sku: sku.into(), quantity: row.quantity, location: Some(row.location.clone()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    #[test]
    fn an_order_event_reads_as_the_contract_says() {
        let cause = Cause { source: Source::Orders, partition: 3, offset: 17 };
        let event = OrderEvent {
            kind: OrderEventKind::Accepted,
            seq: 1,
            at: Timestamp(0),
            cause,
            lines: lines_of("85123A", &[Row { location: "main".into(), quantity: 6 }]).collect(),
            expires_at: Some(Timestamp(900_000)),
            reason: None,
            sku: None,
            amount: None,
            currency: None,
            payment_id: None,
            shipment_id: None,
            vehicle_id: None,
            stop_id: None,
            detail: None,
            feedback: None,
        };
        let id = event_id("orders", cause, "536365", 1);
        let mut out = vec![];
        Named { event: &event, key: "536365", id: &id, topic: "orders" }.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"event_id":"orders/3/17/536365/1","order_id":"536365","type":"accepted","seq":1,"at":"1970-01-01T00:00:00.000Z","lines":[{"sku":"85123A","quantity":6,"location":"main"}],"expires_at":"1970-01-01T00:15:00.000Z","cause":{"topic":"orders","partition":3,"offset":17}}"#
        );
    }
}
