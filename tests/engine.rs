//! The engine end to end on the in-memory log: an order's whole way, with one worker and with several, so that both
//! ways of delivery are taken: inside the transaction and by way of the inboxes.
#![allow(clippy::unwrap_used, clippy::format_push_string)]

mod support;

use std::time::Duration;

use support::Shape;
use support::system::{System, shapes};
use waybill::engine::Fault;
use waybill::log::LogError;
use waybill::log::memory::{At, ClientId, CommitFault, MemoryProducer};

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

/// More orders hold one SKU than fit into its own state: each hold is found again wherever it was put, to be sold, released
/// and expired, and none is left.
#[test]
fn many_holds_of_one_sku_end_each_in_its_way() {
    const ORDERS: usize = 50;
    for (shape, workers) in shapes() {
        let context = format!("{shape:?} with {workers} workers");
        let mut system = System::new(shape, workers);
        system.settle();
        system.send("restocks", "A", r#"{"restock_id":"R","sku":"A","location":"main","quantity":200,"kind":"received"}"#);
        system.settle();
        for n in 0..ORDERS {
            let order =
                format!(r#"{{"type":"place","order_id":"{n}","currency":"GBP","lines":[{{"sku":"A","quantity":2,"unit_price":1}}]}}"#);
            system.send("orders", &n.to_string(), &order);
        }
        system.settle();
        for n in (0..ORDERS).rev() {
            let id = n.to_string();
            match n % 5 {
                0 => {
                    let payment = format!(r#"{{"payment_id":"P","order_id":"{n}","status":"captured","amount":2,"currency":"GBP"}}"#);
                    system.send("payments", &id, &payment);
                }
                1 => system.send("orders", &id, &format!(r#"{{"type":"cancel","order_id":"{n}"}}"#)),
                2 => {
                    let lines = r#"[{"sku":"A","quantity":1}]"#;
                    system.send("orders", &id, &format!(r#"{{"type":"cancel","order_id":"{n}","lines":{lines}}}"#));
                }
                _ => {}
            }
        }
        system.settle();
        // Half of what is on the shelf is lost: who may have to wait for it?
        system.send("stock-counts", "A", r#"{"count_id":"K","sku":"A","location":"main","counted":10}"#);
        system.settle();
        let counted = system.values("stock-movements").into_iter().rev().find(|m| m["kind"] == "adjusted").unwrap();
        let mut at_risk: Vec<usize> =
            counted["orders_at_risk"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse().unwrap()).collect();
        at_risk.sort_unstable();
        assert_eq!(at_risk, (0..ORDERS).filter(|n| n % 5 > 1).collect::<Vec<_>>(), "{context}");
        system.advance(901_000);
        system.settle();
        system.settle();
        let events = system.orders();
        for n in 0..ORDERS {
            let expected: &[&str] = match n % 5 {
                0 => &["accepted", "paid"],
                1 => &["accepted", "cancelled"],
                2 => &["accepted", "cancelled", "expired"],
                _ => &["accepted", "expired"],
            };
            assert_eq!(events[&n.to_string()], expected, "order {n}, {context}");
        }
        assert!(system.values("dead-letters").is_empty(), "{context}");
        let levels = system.values("stock-levels");
        let last = levels.iter().rev().find(|l| l["sku"] == "A").unwrap();
        assert_eq!((last["on_hand"].as_i64(), last["reserved"].as_i64()), (Some(10), Some(0)), "{context}");
    }
}

/// Alerts come with the movement that causes them, forecasts at the end of each day, levels show both; and a timer that
/// is weeks late wakes a few times, not once for every day.
#[test]
fn low_stock_is_told_once_and_demand_is_forecast() {
    const DAY: i64 = 86_400_000;
    for (shape, workers) in shapes() {
        let context = format!("{shape:?} with {workers} workers");
        let mut system = System::new(shape, workers);
        system.settle();
        let restock =
            |id: &str, units: i64| format!(r#"{{"restock_id":"{id}","sku":"A","location":"main","quantity":{units},"kind":"received"}}"#);
        system.send("restocks", "A", &restock("R-1", 10));
        system.settle();
        system.send(
            "orders",
            "1",
            r#"{"type":"place","order_id":"1","currency":"GBP","lines":[{"sku":"A","quantity":10,"unit_price":1}]}"#,
        );
        system.settle();
        system.send("payments", "1", r#"{"payment_id":"P-1","order_id":"1","status":"captured","amount":10,"currency":"GBP"}"#);
        system.settle();
        let alerts = system.values("low-stock-alerts");
        assert_eq!(alerts.len(), 1, "{context}: {alerts:?}");
        assert_eq!((alerts[0]["alert_id"].as_str(), alerts[0]["severity"].as_str()), (Some("A|main|1"), Some("out")), "{context}");
        system.advance(DAY);
        system.settle();
        system.settle();
        let forecasts = system.values("forecasts");
        assert_eq!(forecasts.len(), 1, "{context}: {forecasts:?}");
        assert_eq!((forecasts[0]["sku"].as_str(), forecasts[0]["demand_per_day"].as_f64()), (Some("A"), Some(10.0)), "{context}");
        assert_eq!(forecasts[0]["reorder_point"], 70, "ten a day for seven days; {context}");
        system.send("restocks", "A", &restock("R-2", 1_000));
        system.settle();
        let alerts = system.values("low-stock-alerts");
        assert_eq!((alerts.len(), alerts[1]["state"].as_str()), (2, Some("resolved")), "{context}: {alerts:?}");
        let level = system.values("stock-levels").pop().unwrap();
        assert_eq!((level["demand_per_day"].as_f64(), level["reorder_point"].as_i64()), (Some(10.0), Some(70)), "{context}");
        system.advance(40 * DAY);
        for _ in 0..10 {
            system.settle();
        }
        let count = system.values("forecasts").len();
        assert!((2..=5).contains(&count), "{count} forecasts; {context}");
    }
}

/// A worker stands still before a commit of what time alone has decided: it has read nothing, so no offset has moved.
/// When it goes on, its tasks are another's, who has decided the same. The group must refuse the commit.
#[test]
fn what_time_has_decided_is_refused_when_the_tasks_have_moved() {
    // Both logs are the broker's first clients; who joins first has the only task of each processor.
    const OWNER: ClientId = ClientId(1);
    let mut system = System::new(Shape { tasks: 1, sources: 1 }, 2);
    system.settle();
    system.send("restocks", "A", r#"{"restock_id":"R","sku":"A","location":"main","quantity":10,"kind":"received"}"#);
    system.settle();
    system.send("orders", "1", r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":2}]}"#);
    system.settle();
    system.broker.faults().next_commit(OWNER, CommitFault::Stall(At::BeforeOffsets));
    system.advance(901_000);
    for _ in 0..100 {
        if !system.broker.faults().is_paused(OWNER) {
            system.workers[0].turn(Duration::ZERO).unwrap();
            system.advance(10);
        }
    }
    assert!(system.broker.faults().is_paused(OWNER), "the hold's end is not being committed");
    assert_eq!(system.orders()["1"], ["accepted"]);
    system.broker.faults().expire_session(OWNER);
    for _ in 0..200 {
        system.workers[1].turn(Duration::ZERO).unwrap();
        system.advance(10);
    }
    assert_eq!(system.orders()["1"], ["accepted", "expired"], "the other has the tasks");
    system.broker.faults().resume(OWNER);
    let mut refused = false;
    for _ in 0..100 {
        system.advance(10);
        match system.workers[0].turn(Duration::ZERO) {
            Ok(()) => {}
            Err(Fault::Log(LogError::Retry(_) | LogError::Fenced(_))) => {
                refused = true;
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(system.orders()["1"], ["accepted", "expired"], "it expired twice");
    assert!(refused, "the late commit was taken");
    let levels = system.values("stock-levels");
    assert_eq!(levels.last().unwrap()["available"].as_i64(), Some(10));
}

/// Whoever waits for everything to be read looks at the group's offsets: they come to the end of every partition, over the
/// markers of transactions, too.
#[test]
fn offsets_are_committed_up_to_the_end() {
    let mut system = System::new(Shape { tasks: 4, sources: 3 }, 2);
    system.settle();
    for n in 0..20 {
        let (id, sku) = (n.to_string(), format!("S-{n}"));
        let restock = format!(r#"{{"restock_id":"R-{n}","sku":"{sku}","location":"main","quantity":10,"kind":"received"}}"#);
        system.send("restocks", &sku, &restock);
        system.send("orders", &id, &format!(r#"{{"type":"place","order_id":"{id}","lines":[{{"sku":"{sku}","quantity":1}}]}}"#));
    }
    system.settle();
    // Nothing to read, and yet the end is further on.
    let mut shop = MemoryProducer::new(&system.broker, "shop", 60_000);
    shop.send("orders", 0, Some(b"never"), Some(b"{}"), &[]).unwrap();
    shop.abort().unwrap();
    system.settle();
    let mut by_inbox = 0;
    for topic in system.plan.subscription() {
        let name = system.plan.topics.name(topic);
        for partition in 0..system.plan.topics.partitions(topic) {
            let end = system.broker.end(name, partition).unwrap();
            let committed = system.broker.group_offset("waybill", name, partition).unwrap_or(0);
            assert_eq!(committed, end, "{name}[{partition}]");
            by_inbox += if name.ends_with("-inbox") { end } else { 0 };
        }
    }
    assert!(by_inbox > 0, "nothing went by way of an inbox, whose markers are the point");
}

#[test]
fn a_dead_letter_is_the_record_as_it_came_and_says_why_and_whence() {
    let mut system = System::new(Shape { tasks: 1, sources: 1 }, 1);
    system.settle();
    let own: [(&str, Option<&[u8]>); 3] = [("trace", Some(b"7")), ("none", None), ("trace", Some(b"again"))];
    system.broker.produce("orders", 0, Some(b"1"), Some(b"{\"type\":"), &own, Some(system.now())).unwrap();
    system.settle();
    let letters = system.records("dead-letters");
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].key(), letters[0].value()), (Some(&b"1"[..]), Some(&b"{\"type\":"[..])));
    let headers = letters[0].headers();
    assert_eq!(headers[..3], own);
    let said = |name: &str| headers.iter().find(|(n, _)| *n == name).and_then(|(_, value)| *value).map(String::from_utf8_lossy);
    assert_eq!(said("waybill.error.reason").as_deref(), Some("invalid_json"));
    let whence = ["topic", "partition", "offset"].map(|part| said(&format!("waybill.source.{part}")).unwrap());
    assert_eq!(whence, ["orders", "0", "0"]);
}
