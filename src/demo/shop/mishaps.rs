//! What no system should send and some system always does: broken records, ids used twice for different things, orders
//! that nobody knows. Each ends in the dead letters, and its neighbours do not notice.

use rand::RngExt;
use schemas::Source;
use serde_json::json;

use super::{Shop, Task, records};

/// Source, key, value.
type Broken = (Source, Option<&'static [u8]>, &'static [u8]);

const BROKEN: [Broken; 21] = [
    (Source::Orders, Some(b"X-1"), br#"{"type":"place","order_id":"X-1","lines":[{"sku":"85123A","quan"#),
    (Source::Orders, None, br#"{"type":"place","order_id":"X-2","lines":[{"sku":"85123A","quantity":1}]}"#),
    (Source::Orders, Some(b"X-3"), br#"{"type":"place","order_id":"X-3","lines":[{"sku":"85123A","quantity":0}]}"#),
    (Source::Orders, Some(b"X-4"), br#"{"type":"place","order_id":"X-4","lines":[{"sku":"85123A","quantity":"six"}]}"#),
    (Source::Orders, Some(b"X-5"), br#"{"type":"place","order_id":"X-6","lines":[{"sku":"85123A","quantity":1}]}"#),
    (Source::Orders, Some(b"X-7"), br#"{"type":"place","order_id":"X-7","lines":[]}"#),
    (Source::Orders, Some(b"X-8"), br#"{"type":"teleport","order_id":"X-8"}"#),
    (Source::Orders, Some(b"X-9"), b"{\"type\":\"place\",\"order_id\":\"X-9\",\"customer_id\":\"Ren\xe9e\"}"),
    (Source::Orders, Some(b"X-10"), b""),
    (Source::Orders, Some(b"X-11"), br#"{"type":"ship","order_id":"X-11"}"#),
    (Source::Payments, Some(b"X-12"), br#"{"payment_id":"P-X","order_id":"X-12","status":"captured","amount":1e99,"currency":"GBP"}"#),
    (Source::Payments, Some(b"X-13"), br#"{"payment_id":"P-Y","order_id":"X-13","status":"captured","currency":"GBP"}"#),
    (Source::Restocks, Some(b"85123A"), br#"{"restock_id":"R-X","sku":"85123A","quantity":-5,"kind":"received"}"#),
    (Source::Restocks, Some(b"85123A"), br#"{"restock_id":"R-Y","sku":"85123A","quantity":5,"kind":"vanished"}"#),
    (Source::StockCounts, Some(b"85123A"), br#"{"count_id":"K-X","sku":"85123A"}"#),
    (Source::GpsPings, Some(b"VAN-1"), br#"{"vehicle_id":"VAN-1","fix_time":"2010-12-01T09:00:00Z","lat":400.0,"lon":24.94}"#),
    (Source::GpsPings, Some(b"VAN-2"), br#"{"vehicle_id":"VAN-2","fix_time":"2010-12-01T09:00:00Z","lat":"NaN","lon":24.94}"#),
    (Source::GpsPings, Some(b"VAN-3"), br#"{"vehicle_id":"VAN-3","fix_time":0,"lat":60.17,"lon":24.94}"#),
    (Source::GpsPings, Some(b"VAN-4"), br#"{"vehicle_id":"VAN-4","fix_time":"2038-01-19T03:14:08Z","lat":60.17,"lon":24.94}"#),
    (Source::GpsPings, Some(b"VAN-5"), br#"{"vehicle_id":"VAN-6","fix_time":"2010-12-01T09:00:00Z","lat":60.17,"lon":24.94}"#),
    (Source::Dispatches, Some(b"VAN-6"), br#"{"type":"delivered","shipment_id":"S-X","vehicle_id":"VAN-6","stop_id":"1"}"#),
];

impl Shop {
    /// Spreads them over the days.
    pub(super) fn plan_mishaps(&mut self, first: i64, last: i64) {
        for (source, key, value) in BROKEN {
            let at = self.rng.random_range(first..last);
            self.tally.broken += 1;
            self.plan(at, Task::Send { source, key: key.map(<[u8]>::to_vec), value: value.to_vec() });
        }
        for _ in 0..3 {
            let at = self.rng.random_range(first..last);
            self.plan(at, Task::ShipUnpaid);
        }
        self.plan_conflicts();
    }

    /// Another order, another delivery under an id that is taken.
    fn plan_conflicts(&mut self) {
        for _ in 0..3 {
            let other = self.rng.random_range(0..self.invoices.len());
            let mut invoice = self.invoices[other].clone();
            for line in &mut invoice.lines {
                line.quantity += 1;
            }
            self.tally.broken += 1;
            let (key, value) = (Some(invoice.number.clone().into_bytes()), records::place(&invoice, None));
            self.plan(invoice.at + super::HOUR, Task::Send { source: Source::Orders, key, value });
        }
        let (id, sku) = ("R-TWICE", "85123A");
        for quantity in [1, 2] {
            self.tally.broken += u64::from(quantity == 2);
            let value = json!({ "restock_id": id, "sku": sku, "quantity": quantity, "kind": "received" }).to_string();
            let at = self.invoices[0].at + quantity * super::HOUR;
            self.plan(at, Task::Send { source: Source::Restocks, key: Some(sku.into()), value: value.into() });
        }
    }

    /// The warehouse packs an order that nobody has paid.
    pub(super) fn ship_unpaid(&mut self, at: i64) {
        if let Some(id) = self.some_unpaid_order() {
            self.tally.broken += 1;
            self.command(at, "ship", &id, &[]);
        }
    }
}
