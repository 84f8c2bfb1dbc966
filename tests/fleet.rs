//! The fleet end to end on the in-memory log: a shipment's way from its dispatch to its proofs of delivery, through
//! vehicle, orders, stock and planner; and a plan that was being made when the process ended.
#![allow(clippy::unwrap_used, reason = "a test may fail by panic")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use state::memory::MemoryStores;
use support::system::{System, shapes};
use support::{Shape, create_topics, open_log, plan, send};
use waybill::clock::Clock as Wall;
use waybill::engine::plan::ClockMode;
use waybill::engine::{Options, RestoreBy, Stop, Subject, Worker};
use waybill::log::memory::{Clock, MemoryBroker};
use waybill::metrics::Metrics;
use waybill::planner::Planner;

/// North of the depot by so many metres.
fn lat(metres: f64) -> f64 {
    60.0 + metres / 111_195.0
}

fn ping(system: &System, vehicle: &str, metres: f64) {
    let now = system.now();
    system.send("gps-pings", vehicle, &format!(r#"{{"vehicle_id":"{vehicle}","fix_time":{now},"lat":{},"lon":24.0}}"#, lat(metres)));
}

fn stop(id: &str, metres: f64) -> String {
    format!(r#"{{"stop_id":"{id}","order_id":"{id}","lat":{},"lon":24.0}}"#, lat(metres))
}

fn dispatch(vehicle: &str, shipment: &str, stops: &str) -> String {
    format!(r#"{{"type":"dispatch","shipment_id":"{shipment}","vehicle_id":"{vehicle}","depot":{{"lat":60,"lon":24}},"stops":[{stops}]}}"#)
}

/// Event types of one shipment on one vehicle.
fn told(system: &System, vehicle: &str, shipment: &str) -> Vec<String> {
    let events = system.values("shipment-events");
    let own = events.iter().filter(|event| event["vehicle_id"] == vehicle && event["shipment_id"] == shipment);
    own.map(|event| event["type"].as_str().unwrap().into()).collect()
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
        ping(&system, "V-1", 0.0);
        system.settle();
        let both = format!("{},{}", stop("1", 2_000.0), stop("2", 4_000.0));
        system.send("dispatches", "V-1", &dispatch("V-1", "S-1", &both));
        settle_plans(&mut system, 1);
        assert_eq!(system.orders()["1"], ["accepted", "paid", "shipped", "out_for_delivery"], "{context}");
        // To the first stop and half a minute there.
        for metres in [0.0, 500.0, 1_000.0, 1_500.0, 2_000.0, 2_000.0, 2_000.0, 2_000.0] {
            system.advance(20_000);
            ping(&system, "V-1", metres);
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
        let told_of_first = told(&system, "V-1", "S-1");
        for event in ["planned", "departed", "approaching", "arrived", "left", "delivered", "recalled", "completed"] {
            assert!(told_of_first.iter().any(|t| t == event), "{event} is missing: {told_of_first:?}, {context}");
        }
        assert_eq!(told(&system, "V-2", "S-2"), ["planned", "departed", "failed", "completed"], "{context}");
        let mut shown = |vehicle, shipment: &str| system.ask(&Subject::Shipment(shipment.into()), vehicle);
        let first = shown("V-1", "S-1").unwrap();
        let states: Vec<(&str, &str, bool)> = first["stops"]
            .as_array()
            .unwrap()
            .iter()
            .map(|stop| (stop["stop_id"].as_str().unwrap(), stop["state"].as_str().unwrap(), stop["visited"].as_bool().unwrap()))
            .collect();
        assert_eq!((first["status"].as_str(), &states[..]), (Some("completed"), &[("1", "delivered", true), ("2", "recalled", false)][..]));
        assert_eq!((&first["shipment_id"], &first["vehicle_id"]), (&"S-1".into(), &"V-1".into()), "{context}");
        assert_eq!(shown("V-2", "S-2").unwrap()["stops"][0]["state"], "failed", "{context}");
        assert_eq!(shown("V-2", "S-1"), None, "{context}: it was never there");
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

/// A ping waits for older ones, also for those that another worker has read and not yet forwarded.
#[test]
fn a_ping_waits_for_an_older_one_that_is_still_to_be_forwarded() {
    for slow in [0, 1] {
        let mut system = System::new(Shape { tasks: 4, sources: 1 }, 2);
        system.settle();
        let first = system.now();
        let send = |system: &System, fix_time: i64, metres: f64| {
            for vehicle in (0..8).map(|n| format!("V-{n}")) {
                let value = format!(r#"{{"vehicle_id":"{vehicle}","fix_time":{fix_time},"lat":{},"lon":24.0}}"#, lat(metres));
                system.send("gps-pings", &vehicle, &value);
            }
        };
        send(&system, first, 40.0);
        system.settle();
        send(&system, first - 2_000, 0.0);
        // Longer than a ping waits.
        system.advance(4_000);
        for _ in 0..200 {
            system.workers[1 - slow].turn(Duration::ZERO).unwrap();
            system.advance(10);
        }
        system.settle();
        system.advance(10_000);
        system.settle();
        let verdicts: Vec<String> = system.values("ping-verdicts").iter().map(|v| v["verdict"].as_str().unwrap().into()).collect();
        assert_eq!(verdicts, ["accepted"; 16], "worker {slow} was slow");
    }
}

/// A process ends while a plan is being made: the next one finds in its state that it is wanted and asks again; the shipment
/// is planned once.
#[test]
fn a_plan_that_was_being_made_is_asked_for_again() {
    const NOW: i64 = 1_800_000_000_000;
    let broker = MemoryBroker::new(Clock::Manual(NOW));
    let (asked, may_answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut topology = plan(Shape { tasks: 1, sources: 1 }, ClockMode::Wall);
    topology.planner = {
        let (asked, may_answer, inner) = (Arc::clone(&asked), Arc::clone(&may_answer), Planner::default());
        Planner::new(move |request| {
            asked.fetch_add(1, Ordering::SeqCst);
            while !may_answer.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            inner.plan(request)
        })
    };
    create_topics(&broker, &topology);
    let (stores, now) = (MemoryStores::default(), Arc::new(NOW.into()));
    let start = || {
        let options = Options { restore: RestoreBy::Worker, commit_pace: Duration::ZERO, ..Options::default() };
        let log = open_log(&broker, &topology, 0);
        Worker::new(log, stores.clone(), topology.clone().into(), options, Wall::Manual(Arc::clone(&now)), Metrics::new(), Stop::default())
    };
    let planned = || {
        let events = broker.read_committed("shipment-events", 0);
        events.iter().filter(|r| String::from_utf8_lossy(r.value().unwrap()).contains(r#""type":"planned""#)).count()
    };
    let turn_until = |worker: &mut Worker<_, _>, done: &dyn Fn() -> bool| {
        for _ in 0..5_000 {
            worker.turn(Duration::ZERO).unwrap();
            if done() {
                return;
            }
            broker.advance(10);
            now.fetch_add(10, Ordering::Relaxed);
            std::thread::sleep(Duration::from_micros(200));
        }
        panic!("it does not come to that");
    };
    let mut first = start();
    send(&broker, "dispatches", "V-1", &dispatch("V-1", "S-1", &stop("1", 2_000.0)), NOW);
    turn_until(&mut first, &|| asked.load(Ordering::SeqCst) == 1);
    drop(first);
    assert_eq!(planned(), 0);
    let mut second = start();
    may_answer.store(true, Ordering::SeqCst);
    turn_until(&mut second, &|| planned() == 1);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    for _ in 0..200 {
        turn_until(&mut second, &|| true);
    }
    assert_eq!(planned(), 1, "once");
}
