//! The shop's catalogue, and what its customers report: upserts that overtake each other, prices that jump,
//! withdrawals, complaints; SKUs in whatever case. Drawn after everything else, so that the rest of a seed's records is
//! as it was without them.

use rand::RngExt;
use serde_json::{Value, json};

use crate::setup::one_of;
use crate::shop::Shop;

impl Shop<'_> {
    pub(crate) fn listings(&mut self) {
        for n in 0..self.setup.skus {
            if self.rng.random_bool(0.7) {
                let (at, price) = (self.from + self.rng.random_range(0..3_000), self.rng.random_range(50..500));
                self.upsert(at, &format!("SKU-{n}"), price, None);
            }
        }
        for _ in 0..self.rng.random_range(5..40) {
            let (at, sku) = (self.some_time(), self.sku());
            let version = self.rng.random_bool(0.5).then(|| self.rng.random_range(0..6));
            match self.rng.random_range(0..10) {
                0..6 => {
                    let price = self.rng.random_range(50..500);
                    self.upsert(at, &sku, price, version);
                }
                6 => self.upsert(at, &sku, 1_000_000, version),
                7 => {
                    // Two for one version: at most one of them may win.
                    let price = self.rng.random_range(50..500);
                    self.upsert(at, &sku, price, Some(1));
                    self.upsert(at + 1, &sku, price + 1, Some(1));
                }
                _ => {
                    let mut value = json!({"type": "withdraw", "sku": sku, "reason": "recall"});
                    if let Some(version) = version {
                        value["expected_version"] = json!(version);
                    }
                    self.spelled("products", at, &sku, &mut value, "sku");
                }
            }
        }
    }

    fn upsert(&mut self, at: i64, sku: &str, price: i64, version: Option<i64>) {
        let mut value = json!({"type": "upsert", "sku": sku, "name": " Heart\n", "price": price, "currency": "GBP", "lead_time_days": 7});
        if let Some(version) = version {
            value["expected_version"] = json!(version);
        }
        self.spelled("products", at, sku, &mut value, "sku");
    }

    pub(crate) fn reports(&mut self) {
        for _ in 0..self.rng.random_range(5..60) {
            let (at, id) = (self.some_time(), self.id("F"));
            let about = one_of(&mut self.rng, &["order", "product", "product", "stock", "delivery"]);
            let kind = one_of(&mut self.rng, &["damaged", "missing", "out_of_stock", "counterfeit", "not_as_described", "praise", "Late"]);
            let order = format!("O-{}", self.rng.random_range(0..self.setup.orders + 3));
            let mut value = json!({"feedback_id": id, "about": about, "id": order, "kind": kind, "text": "as I said"});
            if self.rng.random_bool(0.5) {
                value["rating"] = json!(self.rng.random_range(1..=5));
            }
            match about {
                "order" => drop(self.send("feedback", at, &order, &value)),
                "delivery" => {
                    value["id"] = json!("S-1");
                    if self.rng.random_bool(0.9) {
                        value["order_id"] = json!(order);
                    }
                    self.send("feedback", at, "S-1", &value);
                }
                _ => {
                    let sku = self.sku();
                    value["id"] = json!(sku);
                    self.spelled("feedback", at, &sku, &mut value, "id");
                }
            }
            if self.rng.random_bool(0.04) {
                value["kind"] = json!("something else");
                let key = value["id"].as_str().unwrap_or_default().to_owned();
                self.send("feedback", at + 500, &key, &value);
            }
        }
    }

    /// Sends a record about a SKU, every third time in small letters.
    fn spelled(&mut self, topic: &'static str, at: i64, sku: &str, value: &mut Value, field: &str) {
        let small = sku.to_lowercase();
        let key = if self.rng.random_ratio(1, 3) { &*small } else { sku };
        if self.rng.random_ratio(1, 3) {
            value[field] = json!(small);
        }
        self.send(topic, at, key, value);
    }
}
