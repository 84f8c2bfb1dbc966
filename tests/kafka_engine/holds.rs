//! Time: a hold runs out when it should, and never while a payment that was in time stands in the log, wherever it
//! stands and whatever the process was doing meanwhile.

use std::time::Duration;

use crate::live::app::{App, Shape};
use crate::live::broker::Broker;
use crate::live::sender::{Partitioner, Sender};
use crate::live::{PATIENCE, now_millis, wait_until};
use crate::records::{pay, place, restock};

const ORDERS: usize = 24;
/// Of the orders of a scene.
const HOLD_SECONDS: i64 = 6;

/// Enough of one SKU, and orders that hold it.
fn hold(app: &App, sender: &mut Sender, hold_seconds: i64) -> Vec<String> {
    sender.send(&restock(app, "R-1", "S", 100_000));
    sender.flush();
    let topic = app.topic("stock-movements");
    wait_until(PATIENCE, || !app.reader.read(&topic).is_empty(), || "no stock came".into());
    let ids: Vec<String> = (0..ORDERS).map(|n| format!("o{n}")).collect();
    for id in &ids {
        sender.send(&place(app, id, "S", 2, hold_seconds));
    }
    sender.flush();
    await_all(app, "accepted");
    ids
}

fn await_all(app: &App, event: &str) {
    let events = || app.reader.order_events(&app.topic("order-events"));
    let all = || events().values().filter(|e| e.iter().any(|e| e == event)).count() == ORDERS;
    wait_until(PATIENCE, all, || format!("not all are {event}: {:?}", events()));
}

/// What each order has been through.
fn assert_all(app: &App, course: &[&str]) {
    let events = app.reader.order_events(&app.topic("order-events"));
    assert_eq!(events.len(), ORDERS);
    for (id, events) in &events {
        assert_eq!(events, course, "order {id} of {}", app.name);
    }
}

fn sleep_until(millis: i64) {
    std::thread::sleep(Duration::from_millis((millis - now_millis()).max(0) as u64));
}

pub fn a_hold_expires_on_time(broker: &Broker) {
    expires_on_time(broker, "expiry", Shape::default(), Partitioner::Murmur2);
}

pub fn a_hold_expires_on_time_when_forwarded(broker: &Broker) {
    expires_on_time(broker, "expiry-3", Shape { sources: 3, ..Shape::default() }, Partitioner::Crc32);
}

fn expires_on_time(broker: &Broker, name: &str, shape: Shape, partitioner: Partitioner) {
    let app = App::new(broker, name, shape);
    let mut process = app.run(0).workers(2).ready();
    let mut sender = Sender::new(&app.bootstrap, partitioner);
    hold(&app, &mut sender, 2);
    await_all(&app, "expired");
    assert_all(&app, &["accepted", "expired"]);
    let (mut due, mut late) = (std::collections::BTreeMap::new(), vec![]);
    for event in app.reader.read(&app.topic("order-events")) {
        let value = event.json();
        if let Some("accepted") = value["type"].as_str() {
            drop(due.insert(event.key_text().to_owned(), value["expires_at"].clone()))
        } else {
            assert_eq!(value["at"], due[event.key_text()], "it expired when it said it would");
            late.push(event.timestamp - millis(value["at"].as_str().unwrap()));
        }
    }
    println!("{name}: expired {} to {} ms after the hold's end", late.iter().min().unwrap(), late.iter().max().unwrap());
    assert!(late.iter().all(|ms| (0..5_000).contains(ms)), "{late:?}");
    app.settle();
    assert_eq!(app.verify()["open_holds"], 0);
    process.terminate();
}

/// RFC 3339 to milliseconds, by the log's own reader.
fn millis(text: &str) -> i64 {
    schemas::Timestamp::parse(text).unwrap().0
}

pub fn a_payment_in_the_log_counts_after_a_stop(broker: &Broker) {
    pays_while_stopped(broker, "paid-4", Shape::default(), Partitioner::Murmur2, 1);
}

pub fn a_payment_in_the_log_counts_when_forwarded(broker: &Broker) {
    pays_while_stopped(broker, "paid-3", Shape { sources: 3, ..Shape::default() }, Partitioner::Crc32, 3);
}

/// As many partitions as tasks, and the payment is in one that another worker reads.
pub fn a_payment_in_the_log_counts_from_any_partition(broker: &Broker) {
    pays_while_stopped(broker, "paid-crc32", Shape::default(), Partitioner::Crc32, 3);
}

fn pays_while_stopped(broker: &Broker, name: &str, shape: Shape, partitioner: Partitioner, workers: usize) {
    let app = App::new(broker, name, shape);
    let mut process = app.run(0).workers(workers).ready();
    let mut sender = Sender::new(&app.bootstrap, partitioner);
    let placed_before = now_millis();
    let ids = hold(&app, &mut sender, HOLD_SECONDS);
    let placed = now_millis();
    process.terminate();
    let pay_at = now_millis();
    assert!(pay_at < placed_before + HOLD_SECONDS * 1000, "the machine is too busy for this scene");
    for id in &ids {
        sender.send(&pay(&app, id, 2).at(pay_at));
    }
    sender.flush();
    sleep_until(placed + HOLD_SECONDS * 1000 + 1_000);
    process = app.run(0).workers(workers).ready();
    await_all(&app, "paid");
    assert_all(&app, &["accepted", "paid"]);
    app.settle();
    app.verify();
    process.terminate();
}

/// The process stands still while the payment comes and the hold runs out, for less than its session.
pub fn a_payment_in_the_log_counts_after_standing_still(broker: &Broker) {
    let app = App::new(broker, "paid-still", Shape { timeout_ms: 20_000, ..Shape::default() });
    let mut process = app.run(0).ready();
    let mut sender = Sender::new(&app.bootstrap, Partitioner::Murmur2);
    let placed_before = now_millis();
    let ids = hold(&app, &mut sender, HOLD_SECONDS);
    let placed = now_millis();
    std::thread::sleep(Duration::from_millis(500));
    process.signal("STOP");
    let pay_at = now_millis();
    assert!(pay_at < placed_before + HOLD_SECONDS * 1000, "the machine is too busy for this scene");
    for id in &ids {
        sender.send(&pay(&app, id, 2).at(pay_at));
    }
    sender.flush();
    sleep_until(placed + HOLD_SECONDS * 1000 + 1_000);
    process.signal("CONT");
    await_all(&app, "paid");
    assert_all(&app, &["accepted", "paid"]);
    app.settle();
    app.verify();
    process.terminate();
}

/// A producer's clock that is two hours ahead.
pub fn a_record_from_the_future_expires_nothing(broker: &Broker) {
    let app = App::new(broker, "future", Shape::default());
    let mut process = app.run(0).workers(2).ready();
    let mut sender = Sender::new(&app.bootstrap, Partitioner::Murmur2);
    let ids = hold(&app, &mut sender, 900);
    let ahead = now_millis() + 2 * 3_600_000;
    let mut sent = 0;
    for (n, id) in ids.iter().enumerate() {
        sender.send(&place(&app, &format!("later-{n}"), "S", 1, 900).at(ahead));
        sender.send(&pay(&app, id, 2).at(ahead));
        sender.send(&restock(&app, &format!("R-later-{n}"), "S", 5).at(ahead));
        sent += 3;
    }
    sender.flush();
    app.settle();
    let dead = app.reader.read(&app.topic("dead-letters"));
    assert_eq!(dead.len(), sent);
    for letter in &dead {
        assert_eq!(letter.header("waybill.error.reason"), Some("timestamp_in_future"));
        assert_eq!(letter.header("waybill.source.timestamp"), Some(ahead.to_string().as_str()));
    }
    assert_all(&app, &["accepted"]);
    for id in &ids {
        sender.send(&pay(&app, id, 2));
    }
    sender.flush();
    await_all(&app, "paid");
    assert_all(&app, &["accepted", "paid"]);
    app.settle();
    app.verify();
    process.terminate();
}
