//! The only broker goes away, in order and by SIGKILL, and comes back: the process mends itself. For nodes of a cluster
//! see `tests/cluster.rs`.
//!
//! It goes in a pause of the load. Kafka (4.3.1) takes a partition that has no leader for a deleted one, and drops the end
//! markers that a transaction owes it (`TransactionMarkerChannelManager`, "Couldn't find leader endpoint for partitions …
//! likely deleted already"). With one replica that happens while the node stops and when it has come back, to whichever
//! transaction is just ending. Its offsets and partitions then hang until somebody uses `kafka-transactions.sh abort`,
//! whoever the client is.

use std::time::Duration;

use crate::live::app::{App, Shape};
use crate::live::broker::Broker;
use crate::live::sender::Partitioner;
use crate::live::shop::{Load, Shop};
use crate::live::{PATIENCE, wait_until};

const PER_SECOND: u32 = 100;

pub fn the_only_broker_comes_back(broker: &Broker) {
    let (app, node) = (App::new(broker, "outage", Shape::default()), &broker.nodes[0]);
    let mut shop = Shop::new(&app, 21, Partitioner::Murmur2);
    shop.fill_shelves();
    let mut load = Load::start(shop, PER_SECOND);
    let mut process = app.run(0).workers(2).ready();
    // Shorter than sessions and transactions last, and longer.
    for (kill, seconds) in [(false, 1), (true, 1), (false, 8), (true, 8)] {
        std::thread::sleep(Duration::from_secs(2));
        let shop = load.stop();
        app.settle();
        if kill {
            node.kill()
        } else {
            node.stop()
        }
        // The customers notice nothing: what they send waits in the producer.
        load = Load::start(shop, PER_SECOND);
        std::thread::sleep(Duration::from_secs(seconds));
        assert!(process.is_running(), "it ended with the broker\n{}", process.tail());
        let before = process.metric("waybill_decisions_total");
        node.restart();
        let more = || process.metric("waybill_decisions_total") > before;
        wait_until(PATIENCE, more, || format!("kill: {kill}, {seconds} s: it decides nothing any more\n{}", process.tail()));
    }
    app.end(load, process);
}
