//! The rules: what an order, a payment, a restock, a count does. Pure functions from event and state to new state
//! and outputs. No I/O, no clock, no log line, no metric, no randomness: time comes in with the event, ids follow
//! from causes, and the engine fetches beforehand what a rule needs to know.
//!
//! | file | what |
//! | --- | --- |
//! | `orders/` | one order from `place` to `return`; asks stock for holds, decides, expires |
//! | `stock/` | one SKU at its places; holds, deducts, counts; the hash chain of movements |
//! | `fleet/` | vehicles and their shipments: when they arrive |
//! | `verdict.rs` | what became of an input record |
//! | `codec.rs` | state to bytes and back |
//! | `fingerprint.rs` | tells a repeated record from a contradicting one |

mod codec;
mod fingerprint;
pub mod fleet;
pub mod orders;
pub mod stock;
mod verdict;

pub use codec::DecodeError;
pub use verdict::Verdict;

use schemas::{Cause, Timestamp};
use serde::{Deserialize, Serialize};

/// What set a rule off: the input record, and the time that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The record's timestamp; for a timer, when it was due; for a message, its sender's.
    pub at: Timestamp,
    pub cause: Cause,
}
