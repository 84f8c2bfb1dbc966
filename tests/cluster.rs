//! A cluster of three nodes with three replicas of everything, as people run Kafka, loses one node after the other under
//! full load, in order and by SIGKILL, for longer than sessions and transactions last. The program goes on with the
//! other two, mends itself, and ends with nothing to find.
#![cfg(all(feature = "kafka", feature = "rocksdb"))]
#![allow(clippy::pedantic, reason = "a test reads as a story; the strictest lints are for what ships")]
#![allow(clippy::unwrap_used)]

#[path = "support/live/mod.rs"]
mod live;

use std::time::Duration;

use live::app::{App, Shape};
use live::broker::Broker;
use live::sender::Partitioner;
use live::shop::{Load, Shop};

const PER_SECOND: u32 = 100;

#[test]
fn a_cluster_may_lose_any_node() {
    let broker = Broker::start_cluster("cluster");
    let app = App::new(&broker, "cluster", Shape::default());
    let mut shop = Shop::new(&app, 22, Partitioner::Murmur2);
    shop.fill_shelves();
    let load = Load::start(shop, PER_SECOND);
    let mut process = app.run(0).workers(2).ready();
    for (at, kill) in [(0, false), (1, true), (2, true), (0, false)] {
        std::thread::sleep(Duration::from_secs(3));
        println!("node {} goes, killed: {kill}", at + 1);
        let node = &broker.nodes[at];
        if kill {
            node.kill()
        } else {
            node.stop()
        }
        std::thread::sleep(Duration::from_secs(4));
        assert!(process.is_running(), "it ended with node {}\n{}", at + 1, process.tail());
        process.await_decisions();
        node.restart();
        broker.await_in_sync();
    }
    app.end(load, process);
}
