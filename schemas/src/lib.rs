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
//! | `avro/` | both in Avro: schemas, decoding, encoding |
//! | `event.rs` `json.rs` | the records consumers read, and their JSON |
//! | `fleet/` | the same for vehicles and shipments |
//! | `product.rs` `feedback.rs` | the same for the catalogue, and for what customers report |
//! | `sku.rs` `gtin.rs` `currency.rs` `text.rs` | values in their one form |
//! | `small.rs` | how ids, names and short lists are held in memory |
//! | `alert.rs` `forecast.rs` | what buyers read: low stock, and what will be needed |
//! | `message.rs` | what the orders and stock processors tell each other |
//! | `plan.rs` | a shipment's route, asked for and given back |
//! | `sink.rs` | the topics consumers read, by role |
//! | `reject.rs` | why a record became a dead letter |

pub mod alert;
pub mod avro;
mod cause;
mod currency;
pub mod event;
pub mod feedback;
pub mod fleet;
pub mod forecast;
pub mod gtin;
pub mod input;
pub mod json;
pub mod message;
pub mod plan;
pub mod product;
mod reject;
mod sink;
pub mod sku;
mod small;
pub mod text;
mod time;

pub use cause::{Cause, Source, TopicNames};
pub use currency::Currency;
pub use reject::{Reason, Reject};
pub use sink::Sink;
pub use small::{Few, ShortText};
pub use time::{TimeText, Timestamp};
