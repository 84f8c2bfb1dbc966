//! Any partitioner, any number of partitions: every record comes to its task, exactly once and in order per key.

use std::collections::BTreeMap;

use crate::live::app::{App, Shape};
use crate::live::broker::Broker;
use crate::live::sender::{Partitioner, Sender};
use crate::live::{PATIENCE, wait_until};
use crate::records::{pay, place, restock, ship};

const SKUS: usize = 20;
const ORDERS: usize = 60;

pub fn one_partition_murmur2(broker: &Broker) {
    every_record_finds_its_task(broker, "one-murmur2", 1, Partitioner::Murmur2, 2);
}

pub fn three_partitions_crc32(broker: &Broker) {
    every_record_finds_its_task(broker, "three-crc32", 3, Partitioner::Crc32, 3);
}

pub fn four_partitions_murmur2(broker: &Broker) {
    every_record_finds_its_task(broker, "four-murmur2", 4, Partitioner::Murmur2, 2);
}

/// As many partitions as tasks, and yet most records are in the wrong one.
pub fn four_partitions_crc32(broker: &Broker) {
    every_record_finds_its_task(broker, "four-crc32", 4, Partitioner::Crc32, 2);
}

pub fn twelve_partitions_murmur2(broker: &Broker) {
    every_record_finds_its_task(broker, "twelve-murmur2", 12, Partitioner::Murmur2, 3);
}

pub fn twelve_partitions_crc32(broker: &Broker) {
    every_record_finds_its_task(broker, "twelve-crc32", 12, Partitioner::Crc32, 1);
}

fn every_record_finds_its_task(broker: &Broker, name: &str, sources: i32, partitioner: Partitioner, workers: usize) {
    let app = App::new(broker, name, Shape { sources, ..Shape::default() });
    let mut process = app.run(0).workers(workers).ready();
    let mut sender = Sender::new(&app.bootstrap, partitioner);
    let (skus, orders): (Vec<_>, Vec<_>) = ((0..SKUS).map(|n| format!("S{n}")).collect(), (0..ORDERS).map(|n| format!("o{n}")).collect());
    let of = |n: usize| &skus[n % SKUS];
    // Each SKU gets 100, 200 and 300, in this order.
    for quantity in [100, 200, 300] {
        for sku in &skus {
            sender.send(&restock(&app, &format!("R-{sku}-{quantity}"), sku, quantity));
        }
    }
    sender.flush();
    let movements = || app.reader.read(&app.topic("stock-movements"));
    wait_until(PATIENCE, || movements().len() == 3 * SKUS, || process.tail());
    let mut received: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for movement in movements() {
        received.entry(movement.key_text().to_owned()).or_default().push(movement.json()["quantity"].as_i64().unwrap());
    }
    assert!(received.values().all(|quantities| *quantities == [100, 200, 300]), "{name}: {received:?}");

    let await_last = |event: &str| {
        let last = || app.reader.order_events(&app.topic("order-events"));
        let all = || last().values().filter(|events| events.last().is_some_and(|e| e == event)).count() == ORDERS;
        wait_until(PATIENCE, all, || format!("{name}: not all are {event}: {:?}\n{}", last(), process.tail()));
    };
    for (n, id) in orders.iter().enumerate() {
        sender.send(&place(&app, id, of(n), 6, 900));
    }
    await_last("accepted");
    for id in &orders {
        sender.send(&pay(&app, id, 6));
    }
    await_last("paid");
    // Out of order, the last of these would ask for more than is left.
    for quantity in 1..=3 {
        for (n, id) in orders.iter().enumerate() {
            sender.send(&ship(&app, id, of(n), quantity));
        }
    }
    await_last("shipped");
    let shipped: BTreeMap<String, Vec<i64>> =
        app.reader.read(&app.topic("order-events")).iter().filter(|e| e.json()["type"].as_str().unwrap().ends_with("shipped")).fold(
            BTreeMap::new(),
            |mut all, event| {
                let units = event.json()["lines"][0]["quantity"].as_i64().unwrap();
                all.entry(event.key_text().to_owned()).or_insert_with(Vec::new).push(units);
                all
            },
        );
    assert!(shipped.values().all(|units| *units == [1, 2, 3]), "{name}: {shipped:?}");
    let forwarded = process.metric("waybill_forwarded_total");
    if sources == 4 && matches!(partitioner, Partitioner::Murmur2) {
        assert!(forwarded == 0.0, "{name}: {forwarded} records were forwarded for nothing");
    } else {
        assert!(forwarded > 0.0, "{name}: nothing was forwarded");
    }
    sender.flush();
    app.settle();
    let counts = app.verify();
    assert_eq!((&counts["accepted"], &counts["dead_letters"]), (&ORDERS.into(), &0.into()), "{name}");
    process.terminate();
    app.assert_no_open_transaction();
}
