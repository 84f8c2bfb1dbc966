//! Which restocks and counts came before, by what they said: the same again is a duplicate, something else under the
//! same id contradicts.

use schemas::feedback::Feedback;
use schemas::input::{Count, Restock, RestockKind};
use schemas::message::Row;
use schemas::{Reason, Reject};
use serde::{Deserialize, Serialize};

use super::Event;
use crate::fingerprint::{Fields, Fingerprint};
use crate::{DecodeError, codec};

const FORMAT: u8 = 1;

/// A restock, count or feedback that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    fingerprint: Fingerprint,
    /// Of an expected restock: what has not come yet.
    pub(super) outstanding: Option<Row>,
}

/// Under which ids of its SKU the store knows what this event needs: first its own, then that of its counterpart (the
/// expected restock that a received one ends, and the other way round).
pub fn seen_ids(event: &Event<'_>) -> [Option<String>; 2] {
    let id = |prefix: &str, id: &str| Some(format!("{prefix}|{id}"));
    match event {
        Event::Restock(Restock { restock_id, kind, .. }) => match kind {
            RestockKind::Expected { .. } => [id("expected", restock_id), id("received", restock_id)],
            RestockKind::Received => [id("received", restock_id), id("expected", restock_id)],
            RestockKind::Damaged => [id("damaged", restock_id), None],
            RestockKind::Transfer { .. } => [id("transfer", restock_id), None],
        },
        Event::Count(count) => [id("count", &count.count_id), None],
        Event::Command { .. } => [None, None],
    }
}

impl Seen {
    pub(super) fn restock(restock: &Restock<'_>) -> Seen {
        let fields = Fields::new().text(Some(&restock.location)).number(Some(restock.quantity));
        let fields = match &restock.kind {
            RestockKind::Expected { expected_at } => fields.number(expected_at.map(|at| at.0)),
            RestockKind::Transfer { to_location } => fields.text(Some(to_location)),
            RestockKind::Received | RestockKind::Damaged => fields,
        };
        Seen { fingerprint: fields.finish(), outstanding: None }
    }

    pub(super) fn count(count: &Count<'_>) -> Seen {
        let fields = Fields::new().text(Some(&count.location)).number(Some(count.counted)).number(count.counted_at.map(|at| at.0));
        Seen { fingerprint: fields.finish(), outstanding: None }
    }

    pub(crate) fn feedback(feedback: &Feedback<'_>) -> Seen {
        Seen { fingerprint: Fingerprint::of_feedback(feedback), outstanding: None }
    }

    /// Whether `before`, known under the same id, is this again.
    pub(crate) fn is_duplicate_of(&self, before: Option<&Seen>) -> Result<bool, Reject> {
        match before {
            None => Ok(false),
            Some(before) if before.fingerprint == self.fingerprint => Ok(true),
            Some(_) => Err(Reject::new(Reason::ConflictingDuplicate, "the same id came before with another content, which stands")),
        }
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Seen, DecodeError> {
        codec::decode(FORMAT, "seen", bytes)
    }
}
