//! The figures of one SKU, place by place, and the end of its chain of movements.

use schemas::event::{Level, LevelRow};
use schemas::{Few, Reason, Reject, ShortText};
use serde::{Deserialize, Serialize};

use super::slot::OpenSlot;
use crate::{DecodeError, Trigger, codec};

/// Most units of one SKU at one place, on hand or on their way. Far from where an `i64` ends.
pub const MAX_ON_HAND: i64 = 1_000_000_000_000_000;
/// Most places that one SKU may be at.
pub const MAX_LOCATIONS: usize = 1_000;

/// 1 was never released.
const FORMAT: u8 = 2;

/// One SKU. Of its open reservations only the newest are in here: there may be a hundred thousand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Of the last movement; 0 before the first.
    pub(super) seq: u64,
    /// Of the last movement; zeros before the first.
    pub(super) hash: [u8; 32],
    /// Sorted by name.
    pub(super) places: Few<Place>,
    /// What changed it last.
    pub(super) changed: Trigger,
    /// The newest reservations, for those who keep them.
    pub open: OpenSlot,
}

/// One SKU at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub name: ShortText,
    pub on_hand: i64,
    pub reserved: i64,
    pub incoming: i64,
}

impl Place {
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

impl Stock {
    pub(super) fn new(first_heard: Trigger) -> Stock {
        Stock { seq: 0, hash: [0; 32], places: Few::new(), changed: first_heard, open: OpenSlot::default() }
    }

    /// As `stock-levels` and queries show it.
    pub fn level(&self) -> Level {
        let sum = |figure: fn(&Place) -> i64| self.places.iter().map(figure).sum::<i64>();
        Level {
            on_hand: sum(|p| p.on_hand),
            reserved: sum(|p| p.reserved),
            available: sum(Place::available),
            incoming: sum(|p| p.incoming),
            locations: self
                .places
                .iter()
                .map(|p| LevelRow {
                    location: p.name.clone(),
                    on_hand: p.on_hand,
                    reserved: p.reserved,
                    available: p.available(),
                    incoming: p.incoming,
                })
                .collect(),
            version: self.seq,
            demand: None,
            at: self.changed.at,
            cause: self.changed.cause,
        }
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Stock, DecodeError> {
        codec::decode(FORMAT, "stock", bytes)
    }

    /// Where in `places` it is, if anywhere.
    pub(super) fn find(&self, location: &str) -> Option<usize> {
        self.places.binary_search_by(|p| (*p.name).cmp(location)).ok()
    }

    /// Where in `places` it is, added if it is new.
    pub(super) fn find_or_add(&mut self, location: &str) -> Result<usize, Reject> {
        match self.places.binary_search_by(|p| (*p.name).cmp(location)) {
            Ok(index) => Ok(index),
            Err(_) if self.places.len() == MAX_LOCATIONS => {
                Err(Reject::new(Reason::ValueOutOfRange, format!("a SKU is at {MAX_LOCATIONS} places at most; `{location}` is one more")))
            }
            Err(index) => {
                self.places.insert(index, Place { name: location.into(), on_hand: 0, reserved: 0, incoming: 0 });
                Ok(index)
            }
        }
    }
}

/// Refuses a figure that would grow beyond [`MAX_ON_HAND`].
pub(super) fn check_most(location: &str, units: i64) -> Result<(), Reject> {
    if units <= MAX_ON_HAND {
        Ok(())
    } else {
        Err(Reject::new(Reason::ValueOutOfRange, format!("`{location}` would have {units} units; a place has at most {MAX_ON_HAND}")))
    }
}
