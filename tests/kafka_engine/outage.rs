//! The broker goes away, in order under full load and by SIGKILL, and comes back: the process mends itself.
//!
//! SIGKILL falls into a pause of the load. A single Kafka node (4.3.1) that is killed with a transaction in flight may
//! lose it: on its restart it is fenced as its own predecessor while it sends the end markers, says "Couldn't find leader
//! endpoint for partitions … likely deleted already" and drops them. Offsets and partitions then hang until somebody
//! uses `kafka-transactions.sh abort`, whoever the client is.

use std::time::Duration;

use crate::live::app::{App, Shape};
use crate::live::broker::Broker;
use crate::live::sender::Partitioner;
use crate::live::shop::{Load, Shop};
use crate::live::{PATIENCE, wait_until};

const PER_SECOND: u32 = 100;

pub fn a_broker_comes_back(broker: &Broker) {
    let app = App::new(broker, "outage", Shape::default());
    let mut shop = Shop::new(&app, 21, Partitioner::Murmur2);
    shop.fill_shelves();
    let mut load = Load::start(shop, PER_SECOND);
    let mut process = app.run(0).workers(2).ready();
    // Shorter than sessions and transactions last, and longer.
    for (kill, seconds) in [(false, 1), (true, 1), (false, 8), (true, 8)] {
        std::thread::sleep(Duration::from_secs(2));
        if kill {
            let shop = load.stop();
            app.settle();
            broker.kill();
            // The customers notice nothing: what they send waits in the producer.
            load = Load::start(shop, PER_SECOND);
        } else {
            broker.stop();
        }
        std::thread::sleep(Duration::from_secs(seconds));
        assert!(process.is_running(), "it ended with the broker\n{}", process.tail());
        let before = process.metric("waybill_decisions_total");
        broker.restart();
        let more = || process.metric("waybill_decisions_total") > before;
        wait_until(PATIENCE, more, || format!("kill: {kill}, {seconds} s: it decides nothing any more\n{}", process.tail()));
    }
    load.stop();
    app.settle();
    app.verify();
    assert!(process.is_running(), "{}", process.tail());
    process.terminate();
    app.assert_no_open_transaction();
}
