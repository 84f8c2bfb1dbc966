//! The catalogue's rows and events as `wire.md` describes them. Shape only: nothing is compared.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Cause, json, same_as_key, time};
use crate::Record;

/// A type of product event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProductKind {
    Updated,
    Refused,
    Quarantined,
    Withdrawn,
    Rated,
    CountRequested,
    Noted,
}

impl ProductKind {
    pub fn word(self) -> &'static str {
        match self {
            ProductKind::Updated => "updated",
            ProductKind::Refused => "refused",
            ProductKind::Quarantined => "quarantined",
            ProductKind::Withdrawn => "withdrawn",
            ProductKind::Rated => "rated",
            ProductKind::CountRequested => "count_requested",
            ProductKind::Noted => "noted",
        }
    }

    /// It is a version of its product, one more than before.
    pub fn is_version(self) -> bool {
        matches!(self, ProductKind::Updated | ProductKind::Quarantined | ProductKind::Withdrawn)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct ProductEvent<'a> {
    #[serde(borrow)]
    pub event_id: Cow<'a, str>,
    #[serde(borrow)]
    pub sku: Cow<'a, str>,
    #[serde(rename = "type")]
    pub kind: ProductKind,
    pub seq: u64,
    /// After the event.
    pub version: Option<u64>,
    /// What a refusal was compared with.
    pub current_version: Option<u64>,
    pub reason: Option<String>,
    /// Of an update that waits in quarantine; without one the product itself is off sale.
    pub held: Option<IgnoredAny>,
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    #[serde(borrow)]
    pub cause: Cause<'a>,
}

/// The cleaned product.
#[derive(Debug, Deserialize)]
pub(crate) struct Listing<'a> {
    #[serde(borrow)]
    pub sku: Cow<'a, str>,
    pub version: u64,
    pub price: Option<i64>,
}

impl<'a> ProductEvent<'a> {
    pub fn read(record: &Record<'a>) -> Result<ProductEvent<'a>, String> {
        let event: ProductEvent = json(record)?;
        same_as_key("sku", &event.sku, record)?;
        time(&event.at)?;
        if event.kind.is_version() && event.version.is_none() {
            return Err(format!("`{}` has no version", event.kind.word()));
        }
        if event.kind == ProductKind::Refused && (event.reason.is_none() || event.current_version.is_none()) {
            return Err("`refused` has no reason or no current_version".into());
        }
        Ok(event)
    }
}

impl<'a> Listing<'a> {
    pub fn read(record: &Record<'a>) -> Result<Listing<'a>, String> {
        let listing: Listing = json(record)?;
        same_as_key("sku", &listing.sku, record)?;
        if listing.price.is_some_and(|price| price < 0) {
            return Err("the price is negative".into());
        }
        Ok(listing)
    }
}
