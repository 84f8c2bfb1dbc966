//! The records' JSON, by the public contract.

use schemas::Timestamp;
use schemas::plan::Point;
use serde_json::{Value, json};

use crate::demo::invoices::Invoice;

/// How long a wholesale customer has to pay: a day.
const HOLD_SECONDS: i64 = 86_400;
pub const CURRENCY: &str = "GBP";

/// `ship_to`: where one of the shop's vans brings it.
pub fn place(invoice: &Invoice, ship_to: Option<Point>) -> Vec<u8> {
    let lines: Vec<Value> = (1..)
        .zip(&invoice.lines)
        .map(|(number, line)| json!({ "line": number, "sku": line.written, "quantity": line.quantity, "unit_price": line.unit_price }))
        .collect();
    let mut value = json!({
        "type": "place",
        "order_id": invoice.number,
        "placed_at": Timestamp(invoice.at).to_string(),
        "currency": CURRENCY,
        "hold_seconds": HOLD_SECONDS,
        "lines": lines,
    });
    if let Some((lat, lon)) = ship_to.map(Point::degrees) {
        value["ship_to"] = json!({ "lat": lat, "lon": lon });
    }
    if let Some(customer) = &invoice.customer {
        value["customer_id"] = json!(customer);
    }
    bytes(&value)
}

/// `cancel`, `ship`, `deliver`; without lines: all that is left.
pub fn command(kind: &str, order: &str, lines: &[(String, i64)]) -> Vec<u8> {
    let mut value = json!({ "type": kind, "order_id": order });
    if !lines.is_empty() {
        value["lines"] = lines.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    }
    bytes(&value)
}

pub fn return_of(order: &str, lines: &[(String, i64)], restock: bool) -> Vec<u8> {
    let lines: Vec<Value> = lines.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    bytes(&json!({ "type": "return", "order_id": order, "lines": lines, "restock": restock }))
}

pub fn captured(id: &str, order: &str, amount: i64) -> Vec<u8> {
    bytes(&json!({ "payment_id": id, "order_id": order, "status": "captured", "amount": amount, "currency": CURRENCY }))
}

pub fn failed(id: &str, order: &str) -> Vec<u8> {
    bytes(&json!({ "payment_id": id, "order_id": order, "status": "failed" }))
}

/// `expected`, `received` or `damaged`.
pub fn restock(kind: &str, id: &str, sku: &str, location: &str, quantity: i64) -> Vec<u8> {
    bytes(&json!({ "restock_id": id, "sku": sku, "location": location, "quantity": quantity, "kind": kind }))
}

pub fn transfer(id: &str, sku: &str, from: &str, to: &str, quantity: i64) -> Vec<u8> {
    bytes(&json!({ "restock_id": id, "sku": sku, "location": from, "to_location": to, "quantity": quantity, "kind": "transfer" }))
}

pub fn count(id: &str, sku: &str, location: &str, counted: i64, at: i64) -> Vec<u8> {
    bytes(&json!({ "count_id": id, "sku": sku, "location": location, "counted": counted, "counted_at": Timestamp(at).to_string() }))
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
