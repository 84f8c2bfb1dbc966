//! Latency, measured where it means something: a calm stream of orders, each timed from its produce to the moment a
//! reader of committed records sees its decision. During the replay a record's age would only be the queue before it.

use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use schemas::Source;
use serde_json::json;
use state::Stores;

use super::Error;
use super::engine::{Engine, Record};
use super::ledger::Ledger;
use crate::engine::Stop;

const ORDERS: usize = 2_000;
/// From one order to the next.
const EVERY: Duration = Duration::from_millis(1);
/// Goods of its own, so that the shop's stay as they are.
const SKUS: usize = 40;
const PATIENCE: Duration = Duration::from_secs(20);

/// Milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Paced {
    pub orders: usize,
    pub a_second: u64,
    pub p50: f64,
    pub p99: f64,
}

/// `None`: it was told to stop.
pub fn run<S: Stores + Sync>(engine: &mut Engine<S>, ledger: &mut Ledger, stop: &Stop) -> Result<Option<Paced>, Error> {
    for number in 0..SKUS {
        let sku = sku(number);
        let value = json!({ "restock_id": format!("R-{sku}"), "sku": sku, "quantity": 1_000_000, "kind": "received" });
        engine.put(&record(engine, Source::Restocks, &sku, &value))?;
    }
    engine.settle(ledger)?;

    let mut follower = engine.broker().follow("order-events", false)?;
    let watching = stop.clone();
    let reader = thread::Builder::new().name("pace".into()).spawn(move || {
        let mut seen: Vec<Option<Instant>> = vec![None; ORDERS];
        let (mut left, until) = (ORDERS, Instant::now() + PATIENCE);
        while left > 0 && Instant::now() < until && !watching.is_set() {
            let records = follower.next(Duration::from_millis(100), ORDERS);
            let now = Instant::now();
            for record in &records {
                let number = record.key().and_then(|key| std::str::from_utf8(key).ok()).and_then(number_of);
                if let Some(slot @ None) = number.and_then(|number| seen.get_mut(number)) {
                    *slot = Some(now);
                    left -= 1;
                }
            }
        }
        seen
    })?;
    let began = Instant::now();
    let mut sent = Vec::with_capacity(ORDERS);
    for number in 0..ORDERS {
        let due = began + EVERY * number as u32;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let id = order_id(number);
        // One to four lines, two and a half on average.
        let lines: Vec<_> = (0..=number % 4).map(|line| json!({ "sku": sku((number * 7 + line * 11) % SKUS), "quantity": 1 })).collect();
        let place = record(engine, Source::Orders, &id, &json!({ "type": "place", "order_id": id, "lines": lines }));
        sent.push(Instant::now());
        engine.put(&place)?;
    }
    let rate = ORDERS as f64 / began.elapsed().as_secs_f64();
    let seen = reader.join().map_err(|_| Error::Stuck("let its decisions be read"))?;
    if stop.is_set() {
        return Ok(None);
    }
    // Three digits, any length: up to a minute.
    let mut histogram = Histogram::<u64>::new_with_max(60_000_000, 3).map_err(|_| Error::Stuck("count in microseconds"))?;
    for (sent, seen) in sent.iter().zip(&seen) {
        let seen = seen.ok_or(Error::Stuck("decide every paced order"))?;
        histogram.saturating_record((seen - *sent).as_micros() as u64);
    }
    for number in 0..ORDERS {
        let id = order_id(number);
        engine.put(&record(engine, Source::Orders, &id, &json!({ "type": "cancel", "order_id": id })))?;
    }
    engine.settle(ledger)?;
    let millis = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Ok(Some(Paced { orders: ORDERS, a_second: rate.round() as u64, p50: millis(0.5), p99: millis(0.99) }))
}

fn record<S: Stores + Sync>(engine: &Engine<S>, source: Source, key: &str, value: &serde_json::Value) -> Record {
    Record { at: engine.broker().now(), source, key: Some(key.into()), value: value.to_string().into_bytes() }
}

fn sku(number: usize) -> String {
    format!("PACE-{number}")
}

fn order_id(number: usize) -> String {
    format!("pace-{number}")
}

fn number_of(order_id: &str) -> Option<usize> {
    order_id.strip_prefix("pace-")?.parse().ok()
}
