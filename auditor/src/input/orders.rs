//! Orders and payments, as the auditor remembers them. Judges no rule.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Class, MAX_QUANTITY, Said, Time, id};
use crate::facts::{Registry, Role, Units, digest};
use crate::sku::clean;

/// Most lines of one order.
const MAX_LINES: usize = 1_000;

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

/// None if it does not read as `wire.md` says.
pub(super) fn order(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
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

/// None if it does not read as `wire.md` says.
pub(super) fn payment(key: &str, text: &str, registry: &mut Registry) -> Option<Said> {
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
