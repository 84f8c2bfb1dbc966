//! Movements: the one place where on hand and reserved change, so that `I(t) = I0 + in − out` holds by construction.
//! Each movement has its number and the hash of the one before it.

use schemas::event::{EventId, Movement, MovementKind};
use sha2::{Digest, Sha256};

use super::level::Stock;
use super::{Config, Step};
use crate::{Trigger, Verdict};

/// A SKU's figures and the movements of one step.
pub(super) struct Ledger<'a> {
    config: &'a Config,
    sku: &'a str,
    trigger: Trigger,
    pub stock: Stock,
    pub movements: Vec<Movement>,
}

impl<'a> Ledger<'a> {
    pub fn new(config: &'a Config, sku: &'a str, trigger: Trigger, stock: Stock) -> Ledger<'a> {
        Ledger { config, sku, trigger, stock, movements: vec![] }
    }

    pub fn sku(&self) -> &'a str {
        self.sku
    }

    /// Moves `quantity` units at the place with this index and writes it down.
    pub fn record(&mut self, kind: MovementKind, place: usize, quantity: i64, order_id: Option<&str>) -> &mut Movement {
        let (on_hand, reserved) = deltas(kind, quantity);
        let place = &mut self.stock.places[place];
        place.on_hand += on_hand;
        place.reserved += reserved;
        let mut movement = Movement {
            kind,
            seq: self.stock.seq + 1,
            location: place.name.clone(),
            quantity,
            on_hand: place.on_hand,
            reserved: place.reserved,
            order_id: order_id.map(Into::into),
            at: self.trigger.at,
            cause: self.trigger.cause,
            shortage: None,
            orders_at_risk: vec![],
            previous: self.stock.hash,
            hash: [0; 32],
        };
        movement.hash = hash(&movement, self.sku, self.config.names.of(movement.cause.source));
        self.stock.seq = movement.seq;
        self.stock.hash = movement.hash;
        self.movements.push_mut(movement)
    }

    /// Ends the step: the figures are as of its trigger.
    pub fn finish(mut self) -> Step {
        self.stock.changed = self.trigger;
        Step { stock: Some(self.stock), movements: self.movements, ..Step::nothing(Verdict::Applied) }
    }
}

/// What a movement does to on hand and to reserved.
fn deltas(kind: MovementKind, quantity: i64) -> (i64, i64) {
    match kind {
        MovementKind::Received | MovementKind::Returned | MovementKind::TransferredIn | MovementKind::Adjusted => (quantity, 0),
        MovementKind::Damaged | MovementKind::TransferredOut => (-quantity, 0),
        MovementKind::Held => (0, quantity),
        MovementKind::Released | MovementKind::Expired => (0, -quantity),
        MovementKind::Sold => (-quantity, -quantity),
        MovementKind::Confirmed | MovementKind::Counted => (0, 0),
    }
}

/// Of the movement and the hash before it; the fields, joined by line feeds, cannot contain one.
fn hash(m: &Movement, sku: &str, topic: &str) -> [u8; 32] {
    let mut previous = [0; 64];
    // 64 characters are what 32 bytes take.
    let _ = hex::encode_to_slice(m.previous, &mut previous);
    let mut text = String::with_capacity(USUAL_TEXT);
    let mut digits = itoa::Buffer::new();
    let mut line = |field: &str| {
        text.push('\n');
        text.push_str(field);
    };
    line(sku);
    line(&m.location);
    line(digits.format(m.seq));
    line(m.kind.word());
    line(digits.format(m.quantity));
    line(digits.format(m.on_hand));
    line(digits.format(m.reserved));
    line(m.order_id.as_deref().unwrap_or_default());
    line(m.at.text().as_str());
    line("");
    EventId { topic, cause: m.cause, key: sku, seq: m.seq }.write(&mut text);
    Sha256::new_with_prefix(previous).chain_update(text).finalize().into()
}

/// Bytes that the hashed text of a movement usually fits into.
const USUAL_TEXT: usize = 256;
