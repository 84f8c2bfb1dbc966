//! The events of one step, in the making. Decides nothing.

use std::borrow::Cow;

use schemas::product::{ProductEvent, ProductEventKind};

use super::listing::Listing;
use crate::Trigger;

pub(super) struct Outbox {
    pub trigger: Trigger,
    pub events: Vec<ProductEvent>,
}

impl Outbox {
    pub fn new(trigger: Trigger) -> Outbox {
        Outbox { trigger, events: vec![] }
    }

    /// Adds an event, numbered, and returns it for what is special about its kind. A kind that is a version makes one.
    pub fn event(&mut self, listing: &mut Listing, kind: ProductEventKind, reason: Option<Cow<'static, str>>) -> &mut ProductEvent {
        listing.seq += 1;
        listing.version += u64::from(kind.is_version());
        if kind.is_version() {
            listing.changed = self.trigger;
        }
        self.events.push_mut(ProductEvent {
            kind,
            seq: listing.seq,
            version: listing.version,
            at: self.trigger.at,
            cause: self.trigger.cause,
            reason,
            product: None,
            feedback: None,
            ratings: None,
            request: None,
        })
    }
}
