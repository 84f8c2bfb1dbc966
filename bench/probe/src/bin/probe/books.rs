//! What `probe check` has read, and what in it contradicts itself: an order without a decision or with several, an event
//! of an order that was never sent, a SKU of which more was accepted than came in. Knows no rule beyond these.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::check::Extent;
use crate::decision::{Decision, Event, hash};

/// Of each kind of violation, so many are named.
const EXAMPLES: usize = 5;

#[derive(Deserialize)]
struct RestockRecord {
    #[serde(default)]
    restock_id: String,
    sku: String,
    quantity: i64,
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct OrderRecord {
    order_id: String,
    #[serde(default)]
    lines: Vec<LineRecord>,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct LineRecord {
    sku: String,
    quantity: i64,
}

/// The SKUs by number, so that the lines of millions of orders are small.
#[derive(Default)]
struct Skus {
    numbers: HashMap<String, u32>,
    /// Units that came in, by number.
    received: Vec<i64>,
}

impl Skus {
    fn number(&mut self, sku: &str) -> u32 {
        if let Some(number) = self.numbers.get(sku) {
            return *number;
        }
        let number = self.received.len() as u32;
        self.received.push(0);
        self.numbers.insert(sku.to_owned(), number);
        number
    }
}

struct Order {
    /// Numbers of SKUs, and units.
    lines: Vec<(u32, i64)>,
    accepted: u32,
    rejected: u32,
}

#[derive(Default)]
pub(crate) struct Books {
    skus: Skus,
    /// Hashes of their ids.
    restocks: HashSet<u64>,
    orders: HashMap<String, Order>,
    repeated_restocks: u64,
    repeated_orders: u64,
    orders_unparsed: u64,
    events_unparsed: u64,
    events_for_unknown_order: u64,
    /// Events that tell of something else than a decision.
    other_events: u64,
}

impl Books {
    pub(crate) fn restock(&mut self, value: Option<&[u8]>) {
        let Some(restock) = parse::<RestockRecord>(value) else { return };
        if !restock.restock_id.is_empty() && !self.restocks.insert(hash(&restock.restock_id)) {
            // The same delivery once more counts once: that is the strict reading.
            self.repeated_restocks += 1;
            return;
        }
        let number = self.skus.number(&restock.sku);
        if matches!(restock.kind.as_str(), "" | "received") {
            self.skus.received[number as usize] += restock.quantity;
        }
    }

    pub(crate) fn order(&mut self, value: Option<&[u8]>) {
        let Some(order) = parse::<OrderRecord>(value) else {
            self.orders_unparsed += 1;
            return;
        };
        if !matches!(order.kind.as_str(), "" | "place") {
            return;
        }
        if self.orders.contains_key(&order.order_id) {
            self.repeated_orders += 1;
            return;
        }
        let lines = order.lines.iter().map(|line| (self.skus.number(&line.sku), line.quantity)).collect();
        self.orders.insert(order.order_id, Order { lines, accepted: 0, rejected: 0 });
    }

    pub(crate) fn event(&mut self, value: Option<&[u8]>) {
        let Some(event) = Event::parse(value) else {
            self.events_unparsed += 1;
            return;
        };
        let Some(decision) = event.decision() else {
            self.other_events += 1;
            return;
        };
        match (self.orders.get_mut(&*event.order_id), decision) {
            (None, _) => self.events_for_unknown_order += 1,
            (Some(order), Decision::Accepted) => order.accepted += 1,
            (Some(order), Decision::Rejected) => order.rejected += 1,
        }
    }

    /// The report, and how many violations it shows.
    pub(crate) fn report(&self, restock_records: u64, order_records: u64, events: &Extent) -> (Value, u64) {
        let decided = self.decided();
        let oversold = self.oversold();
        let violations =
            decided.undecided + decided.more_than_once + self.events_for_unknown_order + self.events_unparsed + oversold.len() as u64;
        let report = json!({
            "orders_records": order_records, "distinct_orders": self.orders.len(), "repeated_orders": self.repeated_orders,
            "orders_unparsed": self.orders_unparsed, "restock_records": restock_records,
            "repeated_restocks": self.repeated_restocks, "event_records": events.records, "other_events": self.other_events,
            "accepted": decided.accepted, "rejected": decided.rejected, "events_behind_high_watermark": events.behind,
            "violations": {
                "total": violations, "undecided": decided.undecided, "decided_more_than_once": decided.more_than_once,
                "accepted_and_rejected": decided.both_ways, "events_for_unknown_order": self.events_for_unknown_order,
                "events_unparsed": self.events_unparsed, "oversold_skus": oversold.len(),
                "oversold_examples": &oversold[..oversold.len().min(EXAMPLES)], "examples": decided.examples,
            },
        });
        (report, violations)
    }

    fn decided(&self) -> Decided {
        let mut decided = Decided::default();
        for (id, order) in &self.orders {
            decided.add(id, order);
        }
        decided
    }

    /// SKUs of which more was accepted than came in. An order that was accepted counts, whatever else was said of it.
    fn oversold(&self) -> Vec<Value> {
        let mut accepted = vec![0; self.skus.received.len()];
        for order in self.orders.values().filter(|order| order.accepted > 0) {
            for (number, units) in &order.lines {
                accepted[*number as usize] += units;
            }
        }
        let units = |number: u32| (accepted[number as usize], self.skus.received[number as usize]);
        let sold = self.skus.numbers.iter().map(|(sku, number)| (sku, units(*number)));
        let over = sold.filter(|(_, (accepted, received))| accepted > received);
        over.map(|(sku, (accepted, received))| json!({"sku": sku, "accepted": accepted, "restocked": received})).collect()
    }
}

/// How orders were decided.
#[derive(Default)]
struct Decided {
    accepted: u64,
    rejected: u64,
    undecided: u64,
    more_than_once: u64,
    both_ways: u64,
    examples: Vec<String>,
}

impl Decided {
    fn add(&mut self, id: &str, order: &Order) {
        match order.accepted + order.rejected {
            0 => {
                self.undecided += 1;
                self.example(|| format!("undecided {id}"));
            }
            1 => {}
            times => {
                self.more_than_once += 1;
                self.both_ways += u64::from(order.accepted > 0 && order.rejected > 0);
                self.example(|| format!("{id} decided {times} times"));
            }
        }
        if order.accepted > 0 {
            self.accepted += 1;
        } else if order.rejected > 0 {
            self.rejected += 1;
        }
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text());
        }
    }
}

fn parse<T: for<'a> Deserialize<'a>>(value: Option<&[u8]>) -> Option<T> {
    serde_json::from_slice(value?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(restocks: &[&str], orders: &[&str], events: &[&str]) -> (Value, u64) {
        let mut books = Books::default();
        for value in restocks {
            books.restock(Some(value.as_bytes()));
        }
        for value in orders {
            books.order(Some(value.as_bytes()));
        }
        for value in events {
            books.event(Some(value.as_bytes()));
        }
        let events = Extent { records: events.len() as u64, behind: 0 };
        books.report(restocks.len() as u64, orders.len() as u64, &events)
    }

    const RESTOCK: &str = r#"{"restock_id":"R-1","sku":"S-1","quantity":3,"kind":"received"}"#;
    const ORDERS: [&str; 2] = [
        r#"{"type":"place","order_id":"O-1","lines":[{"sku":"S-1","quantity":2}]}"#,
        r#"{"type":"place","order_id":"O-2","lines":[{"sku":"S-1","quantity":2}]}"#,
    ];

    #[test]
    fn one_decision_each_within_the_stock_is_right() {
        let events = [r#"{"order_id":"O-1","type":"accepted"}"#, r#"{"order_id":"O-2","type":"rejected"}"#];
        let (report, violations) = books(&[RESTOCK], &ORDERS, &events);
        assert_eq!((violations, &report["accepted"], &report["rejected"]), (0, &json!(1), &json!(1)));
    }

    #[test]
    fn a_repeated_restock_counts_once_and_both_orders_are_too_much() {
        let events = [r#"{"order_id":"O-1","type":"accepted"}"#, r#"{"order_id":"O-2","type":"accepted"}"#];
        let (report, violations) = books(&[RESTOCK, RESTOCK], &ORDERS, &events);
        assert_eq!((violations, &report["repeated_restocks"]), (1, &json!(1)));
        assert_eq!(report["violations"]["oversold_examples"], json!([{"sku": "S-1", "accepted": 4, "restocked": 3}]));
    }

    #[test]
    fn decisions_that_are_missing_doubled_or_of_nothing_are_counted() {
        let events = [
            r#"{"order_id":"O-1","type":"accepted"}"#,
            r#"{"order_id":"O-1","type":"rejected"}"#,
            r#"{"order_id":"O-9","type":"rejected"}"#,
            r#"{"order_id":"O-1","type":"shipped"}"#,
            "no JSON",
        ];
        let (report, violations) = books(&[RESTOCK], &ORDERS, &events);
        assert_eq!((violations, &report["other_events"]), (4, &json!(1)));
        let found = &report["violations"];
        assert_eq!(
            (&found["undecided"], &found["decided_more_than_once"], &found["accepted_and_rejected"]),
            (&json!(1), &json!(1), &json!(1))
        );
        assert_eq!((&found["events_for_unknown_order"], &found["events_unparsed"]), (&json!(1), &json!(1)));
    }
}
