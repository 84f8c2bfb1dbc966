//! Each id once: what is remembered of a signed record, and for how long.
//!
//! Whoever keeps it (a task, under the topic and the id) forgets it some time after [`Seen::due`]; a verdict never
//! depends on whether that has happened yet.

use schemas::{Reason, Reject, Timestamp};

/// An id that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// By the records' time: a record of a later time may use the id anew.
    pub until: Timestamp,
}

/// Why bytes are not a remembered id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a remembered signature has format {format:?} and {bytes} bytes; this version knows format {FORMAT} with {SIZE}")]
pub struct SeenError {
    format: Option<u8>,
    bytes: usize,
}

const FORMAT: u8 = 1;
/// Format and milliseconds.
const SIZE: usize = 9;
/// Brokers' clocks and the worker's differ, and a record gets its time from a broker: for so long after `until` a
/// record of a time before it may still come.
const CLOCKS_DIFFER_MILLIS: i64 = 60_000;

impl Seen {
    /// Whether a record at `at` may use `id`, of which `before` is remembered.
    pub fn once(id: &str, before: Option<Seen>, at: Timestamp) -> Result<(), Reject> {
        match before {
            Some(Seen { until }) if at <= until => Err(Reject::new(
                Reason::SignatureReplayed,
                format!(
                    "a signed record with the id `{id}` was taken before; until {until} no other may use it. Each record needs an id of \
                     its own, also when it is sent again"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// When it may be forgotten: once everything up to this time has been decided.
    pub fn due(self) -> Timestamp {
        Timestamp(self.until.0.saturating_add(CLOCKS_DIFFER_MILLIS))
    }

    pub fn encode(self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        out.extend_from_slice(&self.until.0.to_be_bytes());
    }

    pub fn decode(bytes: &[u8]) -> Result<Seen, SeenError> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) if rest.len() + 1 == SIZE => {
                let mut until = [0; SIZE - 1];
                until.copy_from_slice(rest);
                Ok(Seen { until: Timestamp(i64::from_be_bytes(until)) })
            }
            _ => Err(SeenError { format: bytes.first().copied(), bytes: bytes.len() }),
        }
    }
}
