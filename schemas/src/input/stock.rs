//! Records on `restocks` and `stock-counts`. Shape and limits only; what is on a shelf is state.

use std::borrow::Cow;

use serde::Deserialize;

use super::check::{brief, id, optional_id, range, required, same_as_key};
use super::{MAX_QUANTITY, some_text};
use crate::{Reason, Reject, Timestamp, sku};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restock<'a> {
    pub restock_id: Cow<'a, str>,
    pub sku: Cow<'a, str>,
    /// `main` where the record names none.
    pub location: Cow<'a, str>,
    pub quantity: i64,
    pub kind: RestockKind<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestockKind<'a> {
    Expected { expected_at: Option<Timestamp> },
    Received,
    Damaged,
    Transfer { to_location: Cow<'a, str> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count<'a> {
    pub count_id: Cow<'a, str>,
    pub sku: Cow<'a, str>,
    pub location: Cow<'a, str>,
    /// 0 to [`MAX_QUANTITY`].
    pub counted: i64,
    pub counted_at: Option<Timestamp>,
}

/// Where stock is when nobody says otherwise.
pub const DEFAULT_LOCATION: &str = "main";

#[derive(Deserialize)]
pub(crate) struct RawRestock<'a> {
    #[serde(borrow, default, deserialize_with = "some_text")]
    restock_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    sku: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    location: Option<Cow<'a, str>>,
    quantity: Option<i64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    to_location: Option<Cow<'a, str>>,
    expected_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(crate) struct RawCount<'a> {
    #[serde(borrow, default, deserialize_with = "some_text")]
    count_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    sku: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    location: Option<Cow<'a, str>>,
    counted: Option<i64>,
    counted_at: Option<Timestamp>,
}

impl<'a> RawRestock<'a> {
    pub(super) fn check(self, key: &str) -> Result<Restock<'a>, Reject> {
        let sku = sku::field("sku", self.sku)?;
        same_as_key("sku", &sku, key)?;
        let kind = match &*required("kind", self.kind)? {
            "expected" => RestockKind::Expected { expected_at: self.expected_at },
            "received" => RestockKind::Received,
            "damaged" => RestockKind::Damaged,
            "transfer" => RestockKind::Transfer { to_location: id("to_location", self.to_location)? },
            other => {
                return Err(Reject::new(
                    Reason::UnknownType,
                    format!("kind is `{}`; it is one of expected, received, damaged, transfer", brief(other)),
                ));
            }
        };
        let location = optional_id("location", self.location)?.unwrap_or(Cow::Borrowed(DEFAULT_LOCATION));
        if let RestockKind::Transfer { to_location } = &kind
            && *to_location == location
        {
            return Err(Reject::new(Reason::InvalidValue, "a transfer goes from location to another to_location; they are the same"));
        }
        Ok(Restock {
            restock_id: id("restock_id", self.restock_id)?,
            sku,
            location,
            quantity: range("quantity", required("quantity", self.quantity)?, 1, MAX_QUANTITY)?,
            kind,
        })
    }
}

impl<'a> RawCount<'a> {
    pub(super) fn check(self, key: &str) -> Result<Count<'a>, Reject> {
        let sku = sku::field("sku", self.sku)?;
        same_as_key("sku", &sku, key)?;
        Ok(Count {
            count_id: id("count_id", self.count_id)?,
            sku,
            location: optional_id("location", self.location)?.unwrap_or(Cow::Borrowed(DEFAULT_LOCATION)),
            counted: range("counted", required("counted", self.counted)?, 0, MAX_QUANTITY)?,
            counted_at: self.counted_at,
        })
    }
}
