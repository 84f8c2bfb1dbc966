//! Records of the scenes that say exactly what happens.

use serde_json::json;

use crate::live::app::App;
use crate::live::sender::Record;

pub fn restock(app: &App, id: &str, sku: &str, quantity: i64) -> Record {
    let value = json!({ "restock_id": id, "sku": sku, "quantity": quantity, "kind": "received" });
    Record::new(&app.topic("restocks"), sku, value.to_string())
}

/// An order of one SKU at a price of 100.
pub fn place(app: &App, id: &str, sku: &str, quantity: i64, hold_seconds: i64) -> Record {
    let lines = json!([{ "sku": sku, "quantity": quantity, "unit_price": 100 }]);
    let value = json!({ "type": "place", "order_id": id, "currency": "EUR", "hold_seconds": hold_seconds, "lines": lines });
    Record::new(&app.topic("orders"), id, value.to_string())
}

/// The whole price of such an order.
pub fn pay(app: &App, id: &str, quantity: i64) -> Record {
    let value =
        json!({ "payment_id": format!("P-{id}"), "order_id": id, "status": "captured", "amount": quantity * 100, "currency": "EUR" });
    Record::new(&app.topic("payments"), id, value.to_string())
}

pub fn ship(app: &App, id: &str, sku: &str, quantity: i64) -> Record {
    let value = json!({ "type": "ship", "order_id": id, "lines": [{ "sku": sku, "quantity": quantity }] });
    Record::new(&app.topic("orders"), id, value.to_string())
}
