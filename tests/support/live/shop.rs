//! A shop with its customers, bank and warehouse, drawn from a seed: orders, payments in time, late and wrong,
//! restocks, counts, cancels, shipments, returns, repeated records and some that nobody can read. It asks for things
//! that cannot be done, too: what Waybill makes of them is the auditor's to judge.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::app::App;
use super::sender::{Partitioner, Record, Sender};

const SKUS: u32 = 40;
/// Orders that something may still happen to.
const MOST_OPEN: usize = 300;

struct Placed {
    id: String,
    lines: Vec<(String, i64)>,
    total: i64,
    paid: bool,
    shipped: bool,
}

pub struct Shop {
    sender: Sender,
    rng: ChaCha8Rng,
    name: String,
    number: u64,
    open: VecDeque<Placed>,
    /// To be sent again.
    recent: VecDeque<Record>,
    pub orders: u64,
    pub records: u64,
}

impl Shop {
    pub fn new(app: &App, seed: u64, partitioner: Partitioner) -> Shop {
        Shop {
            sender: Sender::new(&app.bootstrap, partitioner),
            rng: ChaCha8Rng::seed_from_u64(seed),
            name: app.name.clone(),
            number: 0,
            open: VecDeque::new(),
            recent: VecDeque::new(),
            orders: 0,
            records: 0,
        }
    }

    /// The shelves before the first customer.
    pub fn fill_shelves(&mut self) {
        for sku in 0..SKUS {
            self.restock(sku, 500, "received");
        }
        self.sender.flush();
    }

    pub fn flush(&mut self) {
        self.sender.flush();
    }

    fn send(&mut self, topic: &str, key: &str, value: &Value) {
        self.put(Record::new(&format!("{}.{topic}", self.name), key, value.to_string()));
    }

    fn put(&mut self, record: Record) {
        self.sender.send(&record);
        self.records += 1;
        self.recent.push_back(record);
        if self.recent.len() > 60 {
            self.recent.pop_front();
        }
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// One thing happens.
    pub fn step(&mut self) {
        match self.rng.random_range(0..1000) {
            0..420 => self.place(),
            420..670 => self.pay(),
            670..760 => self.ship(),
            760..800 => self.cancel(),
            800..830 => self.deliver_or_return(),
            830..880 => {
                let (sku, quantity) = (self.rng.random_range(0..SKUS), self.rng.random_range(20..200));
                let kind = ["received", "received", "received", "expected", "damaged", "transfer"][self.rng.random_range(0..6)];
                self.restock(sku, quantity, kind);
            }
            880..895 => self.count(),
            895..960 => self.repeat(),
            _ => self.garble(),
        }
    }

    fn place(&mut self) {
        let number = self.next();
        let id = format!("o{number}");
        let mut lines = vec![];
        for _ in 0..self.rng.random_range(1..=4) {
            lines.push((format!("S{:02}", self.rng.random_range(0..SKUS + 1)), self.rng.random_range(1..=8)));
        }
        let price = 100;
        let total = lines.iter().map(|(_, quantity)| quantity * price).sum();
        let mut order = json!({
            "type": "place", "order_id": id, "currency": "EUR",
            "lines": lines.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity, "unit_price": price })).collect::<Vec<_>>(),
        });
        // Some run out while the test runs, most do not.
        let hold = if self.rng.random_range(0..4) == 0 { self.rng.random_range(1..=5) } else { 900 };
        order["hold_seconds"] = hold.into();
        if self.rng.random_range(0..100) < 2 {
            // The money is quicker than the order.
            self.send("payments", &id, &json!({ "payment_id": format!("early-{number}"), "order_id": id, "status": "captured", "amount": total, "currency": "EUR" }));
        }
        self.send("orders", &id, &order);
        self.orders += 1;
        self.open.push_back(Placed { id, lines, total, paid: false, shipped: false });
        if self.open.len() > MOST_OPEN {
            self.open.pop_front();
        }
    }

    fn some_order(&mut self, wanted: impl Fn(&Placed) -> bool) -> Option<usize> {
        let from = if self.open.is_empty() { return None } else { self.rng.random_range(0..self.open.len()) };
        (from..self.open.len()).chain(0..from).find(|i| wanted(&self.open[*i]))
    }

    fn pay(&mut self) {
        let Some(i) = self.some_order(|o| !o.paid) else { return };
        let (id, mut amount, number) = (self.open[i].id.clone(), self.open[i].total, self.next());
        let (mut status, mut currency) = ("captured", "EUR");
        match self.rng.random_range(0..100) {
            0..4 => amount += 1,
            4..6 => currency = "USD",
            6..10 => status = "failed",
            _ => self.open[i].paid = true,
        }
        self.send(
            "payments",
            &id,
            &json!({ "payment_id": format!("p{number}"), "order_id": id, "status": status, "amount": amount, "currency": currency }),
        );
    }

    fn ship(&mut self) {
        // A few are asked for before they are paid.
        let hasty = self.rng.random_range(0..20) == 0;
        let Some(i) = self.some_order(|o| (o.paid || hasty) && !o.shipped) else { return };
        let id = self.open[i].id.clone();
        let mut command = json!({ "type": "ship", "order_id": id });
        if self.rng.random_range(0..3) == 0 {
            let (sku, _) = &self.open[i].lines[0];
            command["lines"] = json!([{ "sku": sku, "quantity": 1 }]);
        } else {
            self.open[i].shipped = true;
        }
        self.send("orders", &id, &command);
    }

    fn cancel(&mut self) {
        let Some(i) = self.some_order(|o| !o.shipped) else { return };
        let order = &self.open[i];
        let (id, sku) = (order.id.clone(), order.lines[0].0.clone());
        let mut command = json!({ "type": "cancel", "order_id": id, "reason": "customer" });
        if self.rng.random_range(0..3) == 0 {
            command["lines"] = json!([{ "sku": sku, "quantity": 1 }]);
        }
        self.send("orders", &id, &command);
    }

    fn deliver_or_return(&mut self) {
        let Some(i) = self.some_order(|o| o.shipped) else { return };
        let id = self.open[i].id.clone();
        let command = if self.rng.random_range(0..2) == 0 {
            json!({ "type": "deliver", "order_id": id })
        } else {
            json!({ "type": "return", "order_id": id, "restock": self.rng.random_range(0..2) == 0 })
        };
        self.send("orders", &id, &command);
    }

    fn restock(&mut self, sku: u32, quantity: i64, kind: &str) {
        let (sku, number) = (format!("S{sku:02}"), self.next());
        let place = ["main", "main", "main", "annex"][self.rng.random_range(0..4)];
        let mut record = json!({ "restock_id": format!("r{number}"), "sku": sku, "location": place, "quantity": quantity, "kind": kind });
        if kind == "transfer" {
            record["to_location"] = "outlet".into();
        }
        self.send("restocks", &sku, &record);
    }

    fn count(&mut self) {
        let (sku, number) = (format!("S{:02}", self.rng.random_range(0..SKUS)), self.next());
        let counted = self.rng.random_range(0..400);
        self.send("stock-counts", &sku, &json!({ "count_id": format!("c{number}"), "sku": sku, "location": "main", "counted": counted }));
    }

    /// The same again, or nearly.
    fn repeat(&mut self) {
        if self.recent.is_empty() {
            return;
        }
        let mut record = self.recent[self.rng.random_range(0..self.recent.len())].clone();
        if self.rng.random_range(0..8) == 0 {
            // The same id with another content, mostly.
            let text =
                String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).replace(":900", ":800").replace("captured", "failed");
            record.value = Some(text.into_bytes());
        }
        self.sender.send(&record);
        self.records += 1;
    }

    /// A record that cannot be read.
    fn garble(&mut self) {
        let Some(mut record) = self.recent.back().cloned() else { return };
        let value = record.value.take().unwrap_or_default();
        match self.rng.random_range(0..6) {
            0 => record.value = None,
            1 => record.value = Some(value[..value.len() / 2].to_vec()),
            2 => record.value = Some([&value[..], b"}"].concat()),
            3 => (record.value, record.key) = (Some(value), None),
            4 => (record.value, record.key) = (Some(value), Some(b"another".to_vec())),
            _ => record.value = Some([&value[..], &[0xff, 0xfe]].concat()),
        }
        self.sender.send(&record);
        self.records += 1;
    }
}

/// A shop at work on a thread of its own.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Shop>,
}

impl Load {
    /// About so many records a second until it is told to stop.
    pub fn start(mut shop: Shop, per_second: u32) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let began = Instant::now();
            let mut steps = 0;
            while !told.load(Ordering::Acquire) {
                while f64::from(steps) < began.elapsed().as_secs_f64() * f64::from(per_second) {
                    shop.step();
                    steps += 1;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            shop.flush();
            shop
        });
        Load { stop, thread }
    }

    /// Stops and waits until everything it sent has arrived.
    pub fn stop(self) -> Shop {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}
