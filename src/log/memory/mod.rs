//! Kafka in memory: topics, partitions and offsets, transactions with markers, groups and fencing behave as Kafka's
//! do, which the conformance suite checks against a real broker. It carries the tests without a broker, the simulation
//! and `waybill demo`. It forgets nothing and survives no restart, so it is no log for production.
//!
//! With the wall clock any number of threads may use one broker, and calls wait. With a manual clock nothing ever
//! waits, and the same calls in the same order give the same results.

mod broker;
mod client;
mod commit;
mod faults;
mod groups;
mod membership;
mod partition;
mod producer;
mod reader;
mod reading;
mod record;
mod state;
#[cfg(test)]
mod tests;

pub use broker::{Clock, MemoryBroker};
pub use client::{MemoryConfig, MemoryLog};
pub use faults::{At, ClientId, CommitFault, Delay, Faults};
pub use producer::MemoryProducer;
pub use reader::{Follower, MemoryReader};
pub use record::{MemoryMessage, MemoryRecord};
