//! The engine: tasks, their state, and the loop that carries a record from the log to its decision and back.
//!
//! | file | what |
//! | --- | --- |
//! | `plan.rs` | the topology by numbers; which record belongs to which task |
//! | `worker.rs` `options.rs` | the loop of one thread; what may be chosen about it |
//! | `inputs.rs` | what is read and not decided; the oldest first |
//! | `decide.rs` | one record: to its task, its inbox, or the dead letters |
//! | `orders.rs` `stock.rs` `products.rs` `demand.rs` `fleet.rs` | a processor's step: read state, apply the rules, keep what they say |
//! | `reservations.rs` | where a SKU's reservations are kept |
//! | `signed.rs` | signatures of source records, each id once |
//! | `task.rs` `values.rs` `overlay.rs` `recent.rs` | a task's state: the store, states decoded, what is not committed yet, what is hot |
//! | `formats.rs` | values in JSON or Avro; the schema that a record waits for |
//! | `outputs.rs` `message.rs` | what is written: for consumers, and between tasks |
//! | `commit.rs` | commit, then apply; recovery |
//! | `timers.rs` `views.rs` | states that want to be woken; states that are shown at a pace |
//! | `ownership.rs` `restore.rs` `parking.rs` | tasks that come and go, and their state |
//! | `planning.rs` | plans of shipments: handed to the planner, given back by way of the inbox |
//! | `horizon.rs` | up to when everything has been read: when holds may expire |
//! | `query.rs` | answers from committed state |
//! | `work.rs` | what a batch gathers; what can go wrong |
//!
//! Rules are in the crate `processors`; nothing here knows one.

mod commit;
mod decide;
mod demand;
mod fleet;
pub mod formats;
mod horizon;
mod inputs;
#[doc(hidden)]
pub mod message; // public for the fuzz targets alone
mod options;
mod orders;
mod outputs;
mod overlay;
mod ownership;
mod parking;
pub mod plan;
mod planning;
mod products;
mod query;
mod recent;
mod reservations;
mod restore;
mod signed;
mod stock;
pub(crate) mod task;
mod timers;
mod values;
mod views;
pub mod work;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use options::{Options, RestoreBy};
pub use parking::Parking;
pub use planning::PlanBy;
pub use query::Subject;
pub use work::Fault;
pub use worker::{Query, Worker};

/// A request to stop, seen by everybody who holds a copy.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
