//! What is held of one SKU for one order. Gone when all its units have ended: sold, released or expired.

use schemas::{Few, ShortText};
use serde::{Deserialize, Serialize};

use crate::{DecodeError, codec};

const FORMAT: u8 = 1;

/// Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    pub(super) rows: Few<Hold>,
}

/// Units at one place, waiting for payment or for shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    pub location: ShortText,
    /// HELD: may expire.
    pub held: i64,
    /// CONFIRMED: paid for.
    pub confirmed: i64,
}

impl Hold {
    pub fn units(&self) -> i64 {
        self.held + self.confirmed
    }
}

impl Reservation {
    /// Where the units are, and how many.
    pub fn units(&self) -> impl Iterator<Item = (&str, i64)> {
        self.rows.iter().map(|row| (&*row.location, row.units()))
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Reservation, DecodeError> {
        codec::decode(FORMAT, "reservation", bytes)
    }
}
