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
//! | `product.rs` `feedback.rs` | the same for the catalogue, and for what customers report |
//! | `sku.rs` `gtin.rs` `currency.rs` `text.rs` | values in their one form |
//! | `alert.rs` `forecast.rs` | what buyers read: low stock, and what will be needed |
//! | `message.rs` | what the orders and stock processors tell each other |
//! | `plan.rs` | a shipment's route, asked for and given back |
//! | `sink.rs` | the topics consumers read, by role |
//! | `reject.rs` | why a record became a dead letter |

pub mod alert;
mod cause;
mod currency;
pub mod event;
pub mod feedback;
pub mod forecast;
pub mod gtin;
pub mod input;
pub mod message;
pub mod plan;
pub mod product;
mod reject;
mod sink;
pub mod sku;
pub mod text;
mod time;

pub use cause::{Cause, Source, TopicNames};
pub use currency::Currency;
pub use reject::{Reason, Reject};
pub use sink::Sink;
pub use time::{TimeText, Timestamp};
