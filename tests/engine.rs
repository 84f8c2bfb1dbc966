//! The engine end to end on the in-memory log: an order's whole way, with one worker and with several, so that both
//! ways of delivery are taken: inside the transaction and by way of the inboxes.
#![allow(clippy::unwrap_used, clippy::format_push_string)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use state::memory::MemoryStores;
use support::{Shape, create_topics, open_log, plan, send};
use waybill::clock::Clock as Wall;
use waybill::engine::plan::{ClockMode, Plan};
use waybill::engine::{Options, RestoreBy, Stop, Worker};
use waybill::log::memory::{Clock, MemoryBroker, MemoryLog};
use waybill::metrics::Metrics;

const NOW: i64 = 1_800_000_000_000;

struct System {
    broker: MemoryBroker,
    plan: Plan,
    now: std::sync::Arc<std::sync::atomic::AtomicI64>,
    workers: Vec<Worker<MemoryLog, MemoryStores>>,
}

impl System {
    fn new(shape: Shape, workers: usize) -> System {
        let broker = MemoryBroker::new(Clock::Manual(NOW));
        let plan = plan(shape, ClockMode::Wall);
        create_topics(&broker, &plan);
        let now = std::sync::Arc::new(NOW.into());
        let stores: Vec<_> = (0..workers).map(|_| MemoryStores::default()).collect();
        let workers = stores
            .into_iter()
            .enumerate()
            .map(|(n, stores)| {
                let options = Options { restore: RestoreBy::Worker, commit_pace: Duration::ZERO, ..Options::default() };
                Worker::new(
                    open_log(&broker, &plan, n),
                    stores,
                    plan.clone().into(),
                    options,
                    Wall::Manual(std::sync::Arc::clone(&now)),
                    Metrics::new(),
                    Stop::default(),
                )
            })
            .collect();
        System { broker, plan, now, workers }
    }

    /// Turns every worker until nothing moves any more.
    fn settle(&mut self) {
        for _ in 0..200 {
            for worker in &mut self.workers {
                worker.turn(Duration::ZERO).unwrap();
            }
            self.advance(10);
        }
    }

    fn advance(&mut self, ms: i64) {
        self.broker.advance(ms);
        self.now.fetch_add(ms, std::sync::atomic::Ordering::Relaxed);
    }

    fn send(&self, topic: &str, key: &str, value: &str) {
        send(&self.broker, topic, key, value, self.now.load(std::sync::atomic::Ordering::Relaxed));
    }

    /// Committed values of a topic, by partition and offset.
    fn values(&self, topic: &str) -> Vec<Value> {
        let id = self.plan.topics.find(topic).unwrap();
        let mut all = vec![];
        for p in 0..self.plan.topics.partitions(id) {
            all.extend(self.broker.read_committed(topic, p).iter().map(|r| serde_json::from_slice(r.value().unwrap()).unwrap()));
        }
        all
    }

    /// Event types per order.
    fn orders(&self) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in self.values("order-events") {
            all.entry(event["order_id"].as_str().unwrap().into()).or_default().push(event["type"].as_str().unwrap().into());
        }
        all
    }
}

fn shapes() -> Vec<(Shape, usize)> {
    let mut all = vec![];
    for sources in [1, 3, 4, 12] {
        for workers in [1, 2, 3] {
            all.push((Shape { tasks: 4, sources }, workers));
        }
    }
    all
}

#[test]
fn an_order_is_decided_paid_shipped_and_expired() {
    for (shape, workers) in shapes() {
        let mut system = System::new(shape, workers);
        system.settle();
        for sku in ["A", "B", "C", "D", "E"] {
            let value = format!(r#"{{"restock_id":"R-{sku}","sku":"{sku}","location":"main","quantity":10,"kind":"received"}}"#);
            system.send("restocks", sku, &value);
        }
        system.settle();
        let lines = r#"[{"sku":"A","quantity":2,"unit_price":100},{"sku":"B","quantity":3,"unit_price":10},{"sku":"E","quantity":1,"unit_price":1}]"#;
        for id in ["1", "2", "3"] {
            system.send("orders", id, &format!(r#"{{"type":"place","order_id":"{id}","currency":"GBP","lines":{lines}}}"#));
        }
        system.settle();
        // Of SKU A 6 are held and 4 are left.
        system.send("orders", "4", r#"{"type":"place","order_id":"4","lines":[{"sku":"A","quantity":5},{"sku":"B","quantity":1}]}"#);
        system.settle();
        system.send("payments", "1", r#"{"payment_id":"P-1","order_id":"1","status":"captured","amount":231,"currency":"GBP"}"#);
        system.send("orders", "2", r#"{"type":"cancel","order_id":"2"}"#);
        system.settle();
        system.send("orders", "1", r#"{"type":"ship","order_id":"1"}"#);
        system.settle();
        system.advance(901_000);
        system.settle();
        system.settle();
        let events = system.orders();
        let context = format!("{shape:?} with {workers} workers");
        assert_eq!(events["1"], ["accepted", "paid", "shipped"], "{context}");
        assert_eq!(events["2"], ["accepted", "cancelled"], "{context}");
        assert_eq!(events["3"], ["accepted", "expired"], "{context}");
        assert_eq!(events["4"], ["rejected"], "{context}");
        assert!(system.values("dead-letters").is_empty(), "{context}");
        let levels = system.values("stock-levels");
        let last = levels.iter().rev().find(|l| l["sku"] == "A").unwrap();
        assert_eq!((last["on_hand"].as_i64(), last["reserved"].as_i64()), (Some(8), Some(0)), "{context}");
    }
}

/// North of the depot by so many metres.
fn lat(metres: f64) -> f64 {
    60.0 + metres / 111_195.0
}

impl System {
    fn ping(&self, vehicle: &str, metres: f64) {
        let now = self.now.load(std::sync::atomic::Ordering::Relaxed);
        self.send("gps-pings", vehicle, &format!(r#"{{"vehicle_id":"{vehicle}","fix_time":{now},"lat":{},"lon":24.0}}"#, lat(metres)));
    }

    /// Event types per shipment, with those of `vehicle` only.
    fn shipments(&self, vehicle: &str) -> BTreeMap<String, Vec<String>> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in self.values("shipment-events").iter().filter(|event| event["vehicle_id"] == vehicle) {
            all.entry(event["shipment_id"].as_str().unwrap().into()).or_default().push(event["type"].as_str().unwrap().into());
        }
        all
    }
}

/// Until the planner's thread has answered: it has a clock of its own.
fn settle_plans(system: &mut System, plans: usize) {
    for _ in 0..500 {
        system.settle();
        if system.values("shipment-events").iter().filter(|event| event["type"] == "planned").count() >= plans {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("{plans} plans were not made");
}

#[test]
fn a_shipment_carries_its_orders() {
    for (shape, workers) in shapes() {
        let context = format!("{shape:?} with {workers} workers");
        let mut system = System::new(shape, workers);
        system.settle();
        system.send("restocks", "A", r#"{"restock_id":"R","sku":"A","quantity":10,"kind":"received"}"#);
        system.settle();
        for id in ["1", "2"] {
            system.send("orders", id, &format!(r#"{{"type":"place","order_id":"{id}","lines":[{{"sku":"A","quantity":2}}]}}"#));
        }
        system.settle();
        for id in ["1", "2"] {
            let pay = format!(r#"{{"payment_id":"P-{id}","order_id":"{id}","status":"captured","amount":1,"currency":"GBP"}}"#);
            system.send("payments", id, &pay);
        }
        system.ping("V-1", 0.0);
        system.settle();
        let stop = |id: &str, metres: f64| format!(r#"{{"stop_id":"{id}","order_id":"{id}","lat":{},"lon":24.0}}"#, lat(metres));
        let dispatch = |vehicle: &str, shipment: &str, stops: &str| {
            format!(
                r#"{{"type":"dispatch","shipment_id":"{shipment}","vehicle_id":"{vehicle}","depot":{{"lat":60,"lon":24}},"stops":[{stops}]}}"#
            )
        };
        let both = format!("{},{}", stop("1", 2_000.0), stop("2", 4_000.0));
        system.send("dispatches", "V-1", &dispatch("V-1", "S-1", &both));
        settle_plans(&mut system, 1);
        assert_eq!(system.orders()["1"], ["accepted", "paid", "shipped", "out_for_delivery"], "{context}");
        // To the first stop and half a minute there.
        for metres in [0.0, 500.0, 1_000.0, 1_500.0, 2_000.0, 2_000.0, 2_000.0, 2_000.0] {
            system.advance(20_000);
            system.ping("V-1", metres);
            system.settle();
        }
        system.advance(10_000);
        system.settle();
        system.send("dispatches", "V-1", r#"{"type":"delivered","shipment_id":"S-1","vehicle_id":"V-1","stop_id":"1"}"#);
        system.settle();
        // The rest goes on with another vehicle: the first one hears it from the order.
        system.send("dispatches", "V-2", &dispatch("V-2", "S-2", &stop("2", 4_000.0)));
        settle_plans(&mut system, 2);
        system.send(
            "dispatches",
            "V-2",
            r#"{"type":"failed","shipment_id":"S-2","vehicle_id":"V-2","stop_id":"2","reason":"nobody there"}"#,
        );
        system.settle();
        assert_eq!(system.orders()["1"], ["accepted", "paid", "shipped", "out_for_delivery", "delivered"], "{context}");
        assert_eq!(system.orders()["2"], ["accepted", "paid", "shipped", "out_for_delivery", "out_for_delivery", "noted"], "{context}");
        let told = &system.shipments("V-1")["S-1"];
        for event in ["planned", "departed", "approaching", "arrived", "left", "delivered", "recalled", "completed"] {
            assert!(told.iter().any(|t| t == event), "{event} is missing: {told:?}, {context}");
        }
        assert_eq!(system.shipments("V-2")["S-2"], ["planned", "departed", "failed", "completed"], "{context}");
        assert!(system.values("dead-letters").is_empty(), "{context}");
        // Silence is told, and shown.
        system.advance(400_000);
        system.settle();
        system.settle();
        let positions = system.values("vehicle-positions");
        let last = positions.iter().rev().find(|p| p["vehicle_id"] == "V-1").unwrap();
        assert_eq!(last["state"], "silent", "{context}");
        assert!((last["lat"].as_f64().unwrap() - lat(2_000.0)).abs() < 1e-4, "{context}: {last}");
        let verdicts = system.values("ping-verdicts");
        assert_eq!(verdicts.iter().filter(|v| v["verdict"] == "accepted").count(), 9, "{context}");
    }
}
