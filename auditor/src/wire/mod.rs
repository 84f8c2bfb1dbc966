//! The output records as `wire.md` describes them, read by the auditor's own types. Shape only: nothing is compared.
//! Orders and stock are here, the others in files of their own.

pub mod catalogue;
pub mod demand;
pub mod fleet;

use std::borrow::Cow;

use serde::Deserialize;

use crate::Record;

/// Figures beyond this are refused, so that sums stay far from overflow.
const MAX_FIGURE: i64 = 1 << 52;

/// A type of order event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
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

impl EventKind {
    pub fn word(self) -> &'static str {
        match self {
            EventKind::Accepted => "accepted",
            EventKind::Rejected => "rejected",
            EventKind::Paid => "paid",
            EventKind::PaymentFailed => "payment_failed",
            EventKind::RefundRequired => "refund_required",
            EventKind::Expired => "expired",
            EventKind::Reinstated => "reinstated",
            EventKind::PartShipped => "part_shipped",
            EventKind::Shipped => "shipped",
            EventKind::OutForDelivery => "out_for_delivery",
            EventKind::Delivered => "delivered",
            EventKind::Cancelled => "cancelled",
            EventKind::Returned => "returned",
            EventKind::Noted => "noted",
        }
    }
}

/// A kind of stock movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MovementKind {
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

    /// What one unit of it does to (on hand, reserved).
    pub fn effect(self) -> (i64, i64) {
        match self {
            MovementKind::Received | MovementKind::Returned | MovementKind::TransferredIn | MovementKind::Adjusted => (1, 0),
            MovementKind::Held => (0, 1),
            MovementKind::Released | MovementKind::Expired => (0, -1),
            MovementKind::Sold => (-1, -1),
            MovementKind::Damaged | MovementKind::TransferredOut => (-1, 0),
            MovementKind::Confirmed | MovementKind::Counted => (0, 0),
        }
    }

    /// It belongs to an order.
    pub fn of_order(self) -> bool {
        matches!(
            self,
            MovementKind::Held
                | MovementKind::Released
                | MovementKind::Expired
                | MovementKind::Confirmed
                | MovementKind::Sold
                | MovementKind::Returned
        )
    }

    /// Its quantity has a sign.
    fn signed(self) -> bool {
        matches!(self, MovementKind::Counted | MovementKind::Adjusted)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Cause<'a> {
    #[serde(borrow)]
    pub topic: Cow<'a, str>,
    pub partition: i32,
    pub offset: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OrderEvent<'a> {
    #[serde(borrow)]
    pub event_id: Cow<'a, str>,
    #[serde(borrow)]
    pub order_id: Cow<'a, str>,
    #[serde(rename = "type")]
    pub kind: EventKind,
    pub seq: u32,
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    #[serde(borrow, default)]
    pub lines: Vec<EventLine<'a>>,
    pub reason: Option<String>,
    #[serde(borrow)]
    pub sku: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub cause: Cause<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EventLine<'a> {
    #[serde(borrow)]
    pub sku: Cow<'a, str>,
    pub quantity: i64,
    #[serde(borrow)]
    pub location: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Movement<'a> {
    #[serde(borrow, rename = "movement_id")]
    pub id: Cow<'a, str>,
    #[serde(borrow)]
    pub sku: Cow<'a, str>,
    #[serde(borrow)]
    pub location: Cow<'a, str>,
    pub seq: u64,
    pub kind: MovementKind,
    pub quantity: i64,
    pub on_hand: i64,
    pub reserved: i64,
    #[serde(borrow)]
    pub order_id: Option<Cow<'a, str>>,
    pub shortage: Option<i64>,
    #[serde(default)]
    pub orders_at_risk: Vec<String>,
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    #[serde(borrow)]
    pub previous: Cow<'a, str>,
    #[serde(borrow)]
    pub hash: Cow<'a, str>,
    #[serde(borrow)]
    pub cause: Cause<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Level<'a> {
    #[serde(borrow)]
    pub sku: Cow<'a, str>,
    pub on_hand: i64,
    pub reserved: i64,
    pub available: i64,
    #[serde(borrow)]
    pub locations: Vec<LevelRow<'a>>,
    pub version: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LevelRow<'a> {
    #[serde(borrow)]
    pub location: Cow<'a, str>,
    pub on_hand: i64,
    pub reserved: i64,
    pub available: i64,
}

impl<'a> OrderEvent<'a> {
    pub fn read(record: &Record<'a>) -> Result<OrderEvent<'a>, String> {
        let event: OrderEvent = json(record)?;
        same_as_key("order_id", &event.order_id, record)?;
        time(&event.at)?;
        if event.lines.iter().any(|line| !(1..=MAX_FIGURE).contains(&line.quantity)) {
            return Err("a line's quantity is not positive".into());
        }
        let needs_lines = matches!(event.kind, EventKind::Accepted | EventKind::PartShipped | EventKind::Shipped | EventKind::Returned);
        if needs_lines && event.lines.is_empty() {
            return Err(format!("`{}` has no lines", event.kind.word()));
        }
        if event.kind == EventKind::Rejected && event.reason.is_none() {
            return Err("`rejected` has no reason".into());
        }
        Ok(event)
    }
}

impl<'a> Movement<'a> {
    pub fn read(record: &Record<'a>) -> Result<Movement<'a>, String> {
        let movement: Movement = json(record)?;
        same_as_key("sku", &movement.sku, record)?;
        time(&movement.at)?;
        let kind = movement.kind.word();
        let least = if movement.kind.signed() { -MAX_FIGURE } else { 1 };
        if !(least..=MAX_FIGURE).contains(&movement.quantity) {
            return Err(format!("the quantity of `{kind}` is {}", movement.quantity));
        }
        if [movement.on_hand, movement.reserved].iter().any(|figure| !(-MAX_FIGURE..=MAX_FIGURE).contains(figure)) {
            return Err(format!("on_hand {} and reserved {} are out of range", movement.on_hand, movement.reserved));
        }
        match (movement.kind.of_order(), &movement.order_id) {
            (true, None) => Err(format!("`{kind}` has no order_id")),
            (false, Some(_)) => Err(format!("`{kind}` has an order_id")),
            _ => Ok(movement),
        }
    }
}

impl<'a> Level<'a> {
    pub fn read(record: &Record<'a>) -> Result<Level<'a>, String> {
        let level: Level = json(record)?;
        same_as_key("sku", &level.sku, record)?;
        let figures = level.locations.iter().flat_map(|row| [row.on_hand, row.reserved]).chain([level.on_hand, level.reserved]);
        for figure in figures {
            if !(-MAX_FIGURE..=MAX_FIGURE).contains(&figure) {
                return Err(format!("the figure {figure} is out of range"));
            }
        }
        Ok(level)
    }
}

fn json<'a, T: Deserialize<'a>>(record: &Record<'a>) -> Result<T, String> {
    let value = record.value.ok_or("no value")?;
    serde_json::from_slice(value).map_err(|e| e.to_string())
}

fn same_as_key(field: &str, id: &str, record: &Record) -> Result<(), String> {
    match record.key {
        Some(key) if key == id.as_bytes() => Ok(()),
        Some(key) => Err(format!("{field} is `{id}` but the key is `{}`", String::from_utf8_lossy(key))),
        None => Err("no key".into()),
    }
}

/// RFC 3339 with milliseconds and `Z`, as milliseconds since the epoch.
fn time(text: &str) -> Result<i64, String> {
    let shaped = text.len() == "2010-12-01T08:26:00.000Z".len() && text.ends_with('Z');
    let read = if shaped { text.parse::<jiff::Timestamp>().ok() } else { None };
    read.map(jiff::Timestamp::as_millisecond).ok_or_else(|| format!("`{text}` is not a time with milliseconds and Z"))
}

/// What is wrong with the `CloudEvents` headers of a record with this type and, where it has one, this id.
pub(crate) fn header_fault(record: &Record, family: &str, word: &str, id: Option<&str>) -> Option<String> {
    let find = |name: &str| record.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    let fixed: [(&str, &str); 3] = [("ce_specversion", "1.0"), ("ce_source", "/waybill"), ("content-type", "application/json")];
    for (name, want) in fixed {
        if find(name) != Some(want.as_bytes()) {
            return Some(format!("{name} is not `{want}`"));
        }
    }
    let type_fits = find("ce_type").is_some_and(|t| t.strip_prefix(family.as_bytes()) == Some(word.as_bytes()));
    if !type_fits {
        return Some(format!("ce_type is not `{family}{word}`"));
    }
    match (find("ce_id"), id) {
        (None | Some(b""), _) => return Some("ce_id is missing".into()),
        (Some(found), Some(id)) if found != id.as_bytes() => return Some(format!("ce_id is not `{id}`")),
        _ => {}
    }
    let time_fits = find("ce_time").and_then(|t| std::str::from_utf8(t).ok()).is_some_and(|t| time(t).is_ok());
    (!time_fits).then(|| "ce_time is missing or not a time with milliseconds and Z".into())
}

/// `<cause topic>/<partition>/<offset>/<key>/<seq>`
pub(crate) fn id_fits(id: &str, cause: &Cause, key: &str, seq: u64) -> bool {
    // Compared from both ends instead of built: this runs for every output record.
    let rest = id.strip_prefix(&*cause.topic).and_then(|rest| rest.strip_prefix('/'));
    let Some((partition, rest)) = rest.and_then(|rest| rest.split_once('/')) else { return false };
    let Some((offset, rest)) = rest.split_once('/') else { return false };
    let Some((found_key, found_seq)) = rest.rsplit_once('/') else { return false };
    plain(partition) == Some(i64::from(cause.partition))
        && plain(offset) == Some(cause.offset)
        && found_key == key
        && plain(found_seq).is_some_and(|found| u64::try_from(found) == Ok(seq))
}

/// A decimal number without sign or leading zeros.
fn plain(text: &str) -> Option<i64> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_cause_key_and_seq_and_nothing_else() {
        let cause = Cause { topic: "orders".into(), partition: 3, offset: 17 };
        for (id, key, fits) in [
            ("orders/3/17/536365/2", "536365", true),
            ("orders/3/17/a/b/2", "a/b", true),
            ("orders/3/17/536365/3", "536365", false),
            ("orders/3/18/536365/2", "536365", false),
            ("orders/03/17/536365/2", "536365", false),
            ("orders/3/17/536365", "536365", false),
            ("payments/3/17/536365/2", "536365", false),
            ("orders/3/17/536366/2", "536365", false),
            ("", "536365", false),
        ] {
            assert_eq!(id_fits(id, &cause, key, 2), fits, "{id}");
        }
    }

    #[test]
    fn times_have_milliseconds_and_z() {
        assert!(time("2010-12-01T08:26:00.000Z").is_ok());
        for wrong in ["2010-12-01T08:26:00Z", "2010-12-01T08:26:00.000+00:00", "2010-13-01T08:26:00.000Z", ""] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
