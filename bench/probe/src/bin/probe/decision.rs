//! What an event says of an order. Every system that is measured writes at least this.

use std::borrow::Cow;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Event<'a> {
    #[serde(borrow)]
    pub(crate) order_id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Accepted,
    Rejected,
}

impl Event<'_> {
    /// `None`: something that is no event of an order.
    pub(crate) fn parse(value: Option<&[u8]>) -> Option<Event<'_>> {
        serde_json::from_slice(value?).ok()
    }

    /// `None`: it tells of something else than the order's decision.
    pub(crate) fn decision(&self) -> Option<Decision> {
        match &*self.kind {
            "accepted" => Some(Decision::Accepted),
            "rejected" => Some(Decision::Rejected),
            _ => None,
        }
    }
}

/// Stands for an id where millions are to be told apart.
pub(crate) fn hash(id: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_accepted_or_rejected_and_nothing_else() {
        let decision = |value: &'static str| Event::parse(Some(value.as_bytes())).map(|event| event.decision());
        assert!(decision(r#"{"order_id":"O-1","type":"accepted","lines":[]}"#) == Some(Some(Decision::Accepted)));
        assert!(decision(r#"{"order_id":"O-\u0031","type":"rejected"}"#) == Some(Some(Decision::Rejected)));
        assert!(decision(r#"{"order_id":"O-1","type":"shipped"}"#) == Some(None));
        assert!(decision(r#"{"type":"accepted"}"#).is_none() && Event::parse(None).is_none());
    }
}
