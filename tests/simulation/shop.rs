//! The shop: what its systems write, when, and with which timestamp. Orders come in bursts and want the same few
//! SKUs; they are paid in time, late, twice, wrongly or not at all, cancelled, shipped, returned; records come again,
//! contradict each other, or are no records at all.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::{Value, json};

use crate::fleet;
use crate::setup::{Setup, Stream, generator, one_of};
use crate::signing::{self, Signature};

/// A record that a producer will write.
#[derive(Clone, Debug)]
pub struct Sent {
    /// When, on the broker's clock.
    pub at: i64,
    pub topic: &'static str,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub timestamp: i64,
    pub headers: Vec<(String, Vec<u8>)>,
    /// The order that this payment pays for, to the unit: amount, currency and id are right.
    pub pays: Option<String>,
    pub fate: Fate,
    pub signature: Signature,
    /// It is signed as it should be, and never sent again.
    pub plain: bool,
    /// Its timestamp is the broker's.
    pub stamped: bool,
}

/// What has to become of a record, if its signature is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The rules' matter.
    Free,
    /// It cannot be read.
    Nonsense,
    /// A dead letter for this reason.
    Refused(&'static str),
    /// Anything but a dead letter.
    Taken,
}

impl Sent {
    pub fn new(at: i64, topic: &'static str, key: &str, value: &Value) -> Sent {
        Sent {
            at,
            topic,
            key: Some(key.into()),
            value: Some(value.to_string().into_bytes()),
            timestamp: at,
            headers: vec![],
            pays: None,
            fate: Fate::Free,
            signature: Signature::None,
            plain: false,
            stamped: false,
        }
    }
}

/// An order as the shop knows it: who drives goods about asks for it.
#[derive(Clone, Debug)]
pub struct Placed {
    pub id: String,
    /// When it was paid rightly, if it was.
    pub paid: Option<i64>,
}

pub(crate) struct Shop<'a> {
    pub setup: &'a Setup,
    pub rng: ChaCha8Rng,
    pub from: i64,
    pub until: i64,
    pub sent: Vec<Sent>,
    next_id: u32,
    pub placed: Vec<Placed>,
}

/// Everything that is written from `from` on, in the order of time.
pub fn open(setup: &Setup, from: i64) -> Vec<Sent> {
    let until = from + setup.minutes * 60_000;
    let mut shop = Shop { setup, rng: generator(setup.seed, Stream::Shop), from, until, sent: vec![], next_id: 0, placed: vec![] };
    shop.stock();
    let bursts: Vec<i64> = (0..shop.rng.random_range(2..7)).map(|_| shop.some_time()).collect();
    for number in 0..setup.orders {
        let at =
            if shop.rng.random_bool(0.7) { one_of(&mut shop.rng, &bursts) + shop.rng.random_range(0..8_000) } else { shop.some_time() };
        shop.order(number, at.min(until));
    }
    for _ in 0..shop.rng.random_range(5..20) {
        shop.nonsense();
    }
    shop.flood();
    shop.listings();
    shop.reports();
    let Shop { placed, sent: own, .. } = shop;
    let mut sent = own;
    sent.extend(fleet::drive(setup, from, until, &placed));
    sent.sort_by_key(|s| s.at);
    signing::sign(setup, from, sent)
}

impl Shop<'_> {
    pub fn some_time(&mut self) -> i64 {
        self.rng.random_range(self.from + 2_000..self.until)
    }

    pub fn id(&mut self, prefix: &str) -> String {
        self.next_id += 1;
        format!("{prefix}-{}", self.next_id)
    }

    pub fn sku(&mut self) -> String {
        let most = if self.setup.hot && self.rng.random_bool(0.8) { 2 } else { self.setup.skus };
        format!("SKU-{}", self.rng.random_range(0..most))
    }

    fn location(&mut self) -> &'static str {
        ["main", "north", "south"][self.rng.random_range(0..self.setup.locations)]
    }

    /// Writes a record, sometimes with a clock that is wrong, sometimes twice.
    pub fn send(&mut self, topic: &'static str, at: i64, key: &str, value: &Value) -> &mut Sent {
        let timestamp = match self.rng.random_range(0..1_000) {
            0..40 => at - self.rng.random_range(0..1_800_000),
            40..50 => at + self.rng.random_range(0..60_000),
            50..52 => at + 3_700_000 + self.rng.random_range(0..100_000_000),
            _ => at,
        };
        let headers = if self.rng.random_bool(0.05) {
            vec![("traceparent".to_owned(), b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_vec())]
        } else {
            vec![]
        };
        let sent = Sent { timestamp, headers, ..Sent::new(at, topic, key, value) };
        if self.rng.random_bool(0.05) {
            let mut again = sent.clone();
            again.at += self.rng.random_range(0..120_000);
            again.timestamp = if self.rng.random_bool(0.5) { again.at } else { again.timestamp };
            self.sent.push(again);
        }
        self.sent.push(sent);
        self.sent.last_mut().expect("it was pushed just now")
    }

    // --- Stock

    fn stock(&mut self) {
        for n in 0..self.setup.skus {
            // One in twenty SKUs never comes.
            if self.rng.random_bool(0.95) {
                let (at, quantity) = (self.from + self.rng.random_range(0..1_500), self.rng.random_range(10..150));
                self.restock(at, &format!("SKU-{n}"), "received", quantity);
            }
        }
        for _ in 0..self.rng.random_range(10..40) {
            let (at, sku, quantity) = (self.some_time(), self.sku(), self.rng.random_range(1..40));
            match self.rng.random_range(0..10) {
                0..4 => self.restock(at, &sku, "received", quantity),
                4 => self.restock(at, &sku, "damaged", self.rng_small()),
                5 => self.restock(at, &sku, "transfer", self.rng_small()),
                6 => self.expected(at, &sku, quantity),
                _ => self.count(at, &sku),
            }
        }
    }

    fn rng_small(&self) -> i64 {
        // Not drawn: a damaged or moved unit or two says as much as many.
        1 + self.sent.len() as i64 % 3
    }

    fn restock(&mut self, at: i64, sku: &str, kind: &str, quantity: i64) {
        let id = self.id("R");
        let (location, to) = (self.location(), self.location());
        let mut value = json!({"restock_id": id, "sku": sku, "location": location, "quantity": quantity, "kind": kind});
        if kind == "transfer" {
            value["to_location"] = json!(to);
            if to == location {
                return;
            }
        }
        self.send("restocks", at, sku, &value);
        if self.rng.random_bool(0.04) {
            value["quantity"] = json!(quantity + 1);
            self.send("restocks", at + 700, sku, &value);
        }
    }

    fn expected(&mut self, at: i64, sku: &str, quantity: i64) {
        let id = self.id("R");
        let location = self.location();
        let value =
            |kind: &str, quantity: i64| json!({"restock_id": id, "sku": sku, "location": location, "quantity": quantity, "kind": kind});
        self.send("restocks", at, sku, &value("expected", quantity));
        let (after, comes) = (self.rng.random_range(-5_000..200_000), quantity - self.rng.random_range(0..3).min(quantity - 1));
        self.send("restocks", at + after, sku, &value("received", comes));
    }

    fn count(&mut self, at: i64, sku: &str) {
        let id = self.id("K");
        let (location, counted) = (self.location(), self.rng.random_range(0..30));
        let mut value = json!({"count_id": id, "sku": sku, "location": location, "counted": counted});
        self.send("stock-counts", at, sku, &value);
        if self.rng.random_bool(0.1) {
            value["counted"] = json!(counted + 1);
            self.send("stock-counts", at + 50, sku, &value);
        }
    }

    // --- Orders

    fn order(&mut self, number: usize, at: i64) {
        let id = format!("O-{number}");
        let priced = self.rng.random_bool(0.7);
        let (mut lines, mut total) = (vec![], 0);
        for _ in 0..self.rng.random_range(1..=4) {
            let sku = if self.rng.random_bool(0.02) { "SKU-unknown".to_owned() } else { self.sku() };
            let (quantity, price) = (self.rng.random_range(1..=4), self.rng.random_range(1..500));
            total += quantity * price;
            lines.push(if priced {
                json!({"sku": sku, "quantity": quantity, "unit_price": price})
            } else {
                json!({"sku": sku, "quantity": quantity})
            });
        }
        let mut place = json!({"type": "place", "order_id": id, "currency": "GBP", "lines": lines.clone()});
        let mut hold = i64::from(self.setup.hold_seconds) * 1_000;
        if self.rng.random_bool(0.5) {
            let seconds = self.rng.random_range(5..600);
            place["hold_seconds"] = json!(seconds);
            hold = seconds * 1_000;
        }
        if self.rng.random_bool(0.1) {
            place["location"] = json!(self.location());
        }
        self.send("orders", at, &id, &place);
        self.placed.push(Placed { id: id.clone(), paid: None });
        if self.rng.random_bool(0.06) {
            let again = at + self.rng.random_range(0..300_000);
            self.send("orders", again, &id, &place);
        }
        let contradicted = self.rng.random_bool(0.03);
        if contradicted {
            place["currency"] = json!("EUR");
            self.send("orders", at + 900, &id, &place);
        }
        let partly = self.cancel(&id, at, &lines);
        if self.rng.random_bool(0.75) {
            self.pay(&id, at, hold, total, priced, partly || contradicted);
        }
    }

    /// Whether only a part is cancelled, so that the order costs less.
    fn cancel(&mut self, id: &str, at: i64, lines: &[Value]) -> bool {
        if !self.rng.random_bool(0.18) {
            return false;
        }
        let at = at + self.rng.random_range(-3_000..400_000);
        let mut cancel = json!({"type": "cancel", "order_id": id, "reason": "customer"});
        let partly = self.rng.random_bool(0.4);
        if partly {
            cancel["lines"] = json!([{"sku": lines[0]["sku"], "quantity": 1}]);
        }
        self.send("orders", at, id, &cancel);
        partly
    }

    /// `unsure`: it may not be this payment that the order needs.
    fn pay(&mut self, id: &str, placed: i64, hold: i64, total: i64, priced: bool, unsure: bool) {
        let after = match self.rng.random_range(0..100) {
            0..45 => self.rng.random_range(50..20_000),
            45..70 => self.rng.random_range(0..hold),
            // About when the hold runs out.
            70..85 => hold + self.rng.random_range(-3_000..1_000),
            85..95 => hold + self.rng.random_range(0..300_000),
            _ => -self.rng.random_range(0..5_000),
        };
        let at = placed + after;
        let payment = self.id("P");
        let mut value = json!({"payment_id": payment, "order_id": id, "status": "captured", "amount": total, "currency": "GBP"});
        let mut right = !unsure;
        match self.rng.random_range(0..100) {
            0..5 if priced => {
                value["amount"] = json!(total + 1);
                right = false;
            }
            5..8 => {
                value["currency"] = json!("EUR");
                right = false;
            }
            8..12 => {
                value["status"] = json!("failed");
                let mut again = value.clone();
                // By a clock that is ahead it would say that the hold has run out.
                self.send("payments", at - 400, id, &value).timestamp = at - 400;
                (again["status"], again["payment_id"]) = (json!("captured"), json!(format!("{payment}b")));
                value = again;
            }
            _ => {}
        }
        let pays = right.then(|| id.to_owned());
        if let Some(placed) = self.placed.last_mut().filter(|_| right && after < hold) {
            placed.paid = Some(at);
        }
        self.send("payments", at, id, &value).pays = pays;
        if self.rng.random_bool(0.06) {
            value["payment_id"] = json!(format!("{payment}c"));
            let again = at + self.rng.random_range(0..60_000);
            self.send("payments", again, id, &value);
        }
        if self.rng.random_bool(0.04) {
            value["amount"] = json!(total + 7);
            self.send("payments", at + 300, id, &value);
        }
        if self.rng.random_bool(0.04) {
            value["status"] = json!("refunded");
            let refunded = at + self.rng.random_range(0..200_000);
            self.send("payments", refunded, id, &value);
        }
        if self.rng.random_bool(0.7) {
            self.ship(id, at);
        }
    }

    fn ship(&mut self, id: &str, paid: i64) {
        let mut at = paid + self.rng.random_range(-200..90_000);
        if self.rng.random_bool(0.3) {
            let part = json!({"type": "ship", "order_id": id, "lines": [{"sku": "SKU-0", "quantity": 1}]});
            self.send("orders", at, id, &part);
            at += self.rng.random_range(0..30_000);
        }
        self.send("orders", at, id, &json!({"type": "ship", "order_id": id}));
        if self.rng.random_bool(0.5) {
            at += self.rng.random_range(0..60_000);
            self.send("orders", at, id, &json!({"type": "deliver", "order_id": id}));
        }
        if self.rng.random_bool(0.3) {
            at += self.rng.random_range(0..60_000);
            let restock = self.rng.random_bool(0.6);
            self.send("orders", at, id, &json!({"type": "return", "order_id": id, "restock": restock}));
        }
    }

    /// One record, written again and again within seconds.
    fn flood(&mut self) {
        let record = self.rng.random_range(0..self.sent.len());
        let from = self.sent[record].at.max(self.from);
        for _ in 0..self.setup.flood {
            let at = from + self.rng.random_range(0..4_000);
            let again = Sent { at, timestamp: at, pays: None, ..self.sent[record].clone() };
            self.sent.push(again);
        }
    }

    // --- No records at all

    fn nonsense(&mut self) {
        let (at, kind) = (self.some_time(), self.rng.random_range(0..14));
        let topic = one_of(&mut self.rng, &["orders", "payments", "restocks", "stock-counts"]);
        let order = json!({"type": "place", "order_id": "X-1", "lines": [{"sku": "SKU-0", "quantity": 1}]}).to_string();
        let text = |s: &str| (Some(b"X-1".to_vec()), Some(s.as_bytes().to_vec()));
        let (key, value) = match kind {
            0 => text("{\"type\":\"place\""),
            1 => (Some(b"X-1".to_vec()), Some(vec![b'"', 0xff, 0xfe, b'"'])),
            2 => (Some(b"X-1".to_vec()), None),
            3 => (Some(b"X-1".to_vec()), Some(vec![])),
            4 => (None, Some(order.into_bytes())),
            5 => (Some(vec![]), Some(order.into_bytes())),
            6 => (Some(b"another".to_vec()), Some(order.into_bytes())),
            7 => (Some(b"X\x01".to_vec()), Some(order.into_bytes())),
            8 => (Some(vec![0xc3, 0x28]), Some(order.into_bytes())),
            9 => text(r#"{"type":"place","order_id":"X-1","lines":[{"sku":"SKU-0","quantity":0}]}"#),
            10 => text(r#"{"type":"place","order_id":"X-1","lines":[{"sku":"SKU-0","quantity":1e30}]}"#),
            11 => text(r#"{"type":"steal","order_id":"X-1","sku":"X-1","status":"x","kind":"y"}"#),
            12 => text("[[[[[[]]]]]]"),
            _ => text("null"),
        };
        self.sent.push(Sent { key, value, fate: Fate::Nonsense, ..Sent::new(at, topic, "", &Value::Null) });
    }
}
