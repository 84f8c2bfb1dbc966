//! What the tests on a real Kafka share: a broker of their own, the program as a process, a shop that keeps it busy,
//! and eyes that see topics as other programs do. Nothing here looks into the engine.
//!
//! | file | what |
//! | --- | --- |
//! | `broker.rs` | a Kafka of one node or three that ends with the test; stopped, killed and started again |
//! | `app.rs` | one application on it: topology, topics, state, `waybill verify` |
//! | `process.rs` | a running `waybill`, its logs, its signals |
//! | `sender.rs` | a producer with the partitioner of your choice, and where its records went |
//! | `reader.rs` | records, ends and committed offsets as others see them |
//! | `shop.rs` | customers, a bank and a warehouse, all drawn from a seed |
//! | `fleet.rs` | vans that bring orders, and their trackers |
//! | `scenes.rs` | runs the scenes of a test beside each other and tells which failed |
#![allow(clippy::unwrap_used, clippy::allow_attributes)]
#![allow(dead_code, reason = "each test binary uses its part")]

pub mod app;
pub mod broker;
pub mod fleet;
pub mod process;
pub mod reader;
pub mod scenes;
pub mod sender;
pub mod shop;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::config::ClientConfig;

/// Long enough for anything that is not broken, on a machine that is busy with other things.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds since the epoch.
pub fn now_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Waits until `done`, or fails with what `what` says then.
pub fn wait_until(most: Duration, mut done: impl FnMut() -> bool, what: impl FnOnce() -> String) {
    let deadline = Instant::now() + most;
    while !done() {
        assert!(Instant::now() < deadline, "not within {most:?}: {}", what());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A plain client of this broker.
pub fn client(bootstrap: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", bootstrap).set("allow.auto.create.topics", "false").set("reconnect.backoff.max.ms", "500");
    client
}
