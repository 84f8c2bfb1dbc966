//! Waybill's records in Avro: the same topics, fields and checks as in JSON. The codec is the crate `avro`; here is
//! what it is used for. Does no I/O: who knows a registry hands in what it knows.
//!
//! | file | what |
//! | --- | --- |
//! | `catalog.rs` | the schema of every topic, and those of former releases |
//! | `decoders.rs` | a record's value to a checked input |
//! | `encoder.rs` | a decision to a record's value |
//! | `transcriber.rs` | any topic's value as JSON, for an auditor |
//! | `agree.rs` | tests: schemas and Rust types say the same |

mod catalog;
mod decoders;
mod encoder;
mod transcriber;

#[cfg(test)]
mod agree;

pub use avro::{Frame, FrameFault, Schema, SchemaFault, Writer};
pub use catalog::{RELEASED, TOPICS, current, known};
pub use decoders::{Decoders, Lookup, Undecoded};
pub use encoder::{Framing, SinkEncoder};
pub use transcriber::Transcriber;
