//! Waybill's records: what producers write, what consumers read, what processors tell each other.
//!
//! `wire.md`'s topics and fields as Rust types, their decoding (bytes to a typed input, or a [`Reject`] that
//! says why not) and their encoding. Nothing here decides anything: no rule, no state, no I/O.
//!
//! | file | what |
//! | --- | --- |
//! | `cause.rs` | which input record led to something |
//! | `time.rs` | milliseconds since the epoch, RFC 3339 in and out |
//! | `input.rs` | the records producers write, decoded and checked |
//! | `event.rs` | the records consumers read, and their JSON |
//! | `fleet/` | the same for vehicles and shipments |
//! | `message.rs` | what the orders and stock processors tell each other |
//! | `plan.rs` | a shipment's route, asked for and given back |
//! | `sink.rs` | the topics consumers read, by role |
//! | `reject.rs` | why a record became a dead letter |

mod cause;
pub mod event;
pub mod fleet;
pub mod input;
pub mod message;
pub mod plan;
mod reject;
mod sink;
mod time;

pub use cause::{Cause, Source, TopicNames};
pub use reject::{Reason, Reject};
pub use sink::Sink;
pub use time::{TimeText, Timestamp};
