//! The state of one SKU's listing. The rules beside this file change it; nothing here decides.

use schemas::Timestamp;
use schemas::product::{CatalogueRow, Product, RatingFigures};
use serde::{Deserialize, Serialize};

use super::ratings::Ratings;
use crate::fingerprint::Fingerprint;
use crate::{DecodeError, Trigger, codec};

/// Most complaints that a shop may want before a listing is taken off sale, and so most that are remembered.
pub const MAX_COMPLAINTS: u16 = 100;
/// Most requests to count that one SKU may have open, one for each place; a further report asks for none.
pub const MAX_REQUESTS: usize = 16;

const FORMAT: u8 = 1;

/// One SKU in the catalogue, or beside it: what is rated and reported need not be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Of the last event.
    pub(super) seq: u64,
    /// 0: never listed.
    pub(super) version: u64,
    pub(super) standing: Standing,
    /// What stands: the last that was accepted.
    pub(super) product: Product,
    /// What waits for its confirmation.
    pub(super) held: Option<Product>,
    pub(super) ratings: Ratings,
    /// Within the window before the latest, sorted by time; at most [`MAX_COMPLAINTS`].
    pub(super) complaints: Vec<Complaint>,
    /// At most [`MAX_REQUESTS`].
    pub(super) requests: Vec<Request>,
    /// What changed the product, its state or its ratings last.
    pub(super) changed: Trigger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    Unlisted,
    Listed,
    /// Off sale, because customers complained.
    Quarantined,
    Withdrawn,
}

/// Somebody says that the goods are not what was promised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Complaint {
    pub at: Timestamp,
    /// One order complains once.
    pub order: Option<Fingerprint>,
}

/// Somebody should count, and nobody has yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// `None`: wherever the SKU is.
    pub location: Option<Box<str>>,
    pub since: Timestamp,
    pub reports: u32,
}

impl Listing {
    pub(super) fn new(first_heard: Trigger) -> Listing {
        Listing {
            seq: 0,
            version: 0,
            standing: Standing::Unlisted,
            product: Product::default(),
            held: None,
            ratings: Ratings::default(),
            complaints: vec![],
            requests: vec![],
            changed: first_heard,
        }
    }

    /// What the catalogue says of the product; `None`: it was never listed.
    pub fn product(&self) -> Option<&Product> {
        (self.standing != Standing::Unlisted).then_some(&self.product)
    }

    /// What customers think of it; `None`: nobody has rated.
    pub fn ratings(&self) -> Option<RatingFigures> {
        self.ratings.figures()
    }

    /// Orders may have it, as far as the catalogue knows.
    pub(super) fn is_for_sale(&self) -> bool {
        !matches!(self.standing, Standing::Quarantined | Standing::Withdrawn)
    }

    /// An update or the listing itself is in quarantine.
    pub(super) fn is_in_quarantine(&self) -> bool {
        self.held.is_some() || self.standing == Standing::Quarantined
    }

    /// As `product-catalog` and queries show it; `None`: it was never listed.
    pub fn row(&self) -> Option<CatalogueRow> {
        let state = match self.standing {
            Standing::Unlisted => return None,
            Standing::Listed => "listed",
            Standing::Quarantined => "quarantined",
            Standing::Withdrawn => "withdrawn",
        };
        let Trigger { at, cause } = self.changed;
        Some(CatalogueRow {
            version: self.version,
            state,
            product: self.product.clone(),
            held: self.held.clone(),
            ratings: self.ratings.figures(),
            at,
            cause,
        })
    }

    /// Whether what the row shows is new with this event.
    pub fn changed_by(&self, trigger: Trigger) -> bool {
        self.changed == trigger
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Listing, DecodeError> {
        codec::decode(FORMAT, "listing", bytes)
    }
}
