//! Products: what a feed writes on `products`, cleaned, and what consumers read on `product-catalog` and
//! `product-events`, with its JSON. What an update does is decided in the catalogue's rules.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::event::{CauseJson, Named};
use crate::feedback::Remark;
use crate::gtin::Gtin;
use crate::input::{MAX_AMOUNT, MAX_QUANTITY, brief, currency, range, required, same_as_key, some_text};
use crate::{Cause, Currency, Reason, Reject, Timestamp, sku, text};

/// Longest name of a product in bytes, cleaned.
pub const MAX_NAME_BYTES: usize = 1_024;
/// Longest time from an order to its goods: ten years, in days.
pub const MAX_LEAD_TIME_DAYS: i64 = 3_650;
/// So much of a withdrawal's reason is kept, in characters.
pub const MAX_REASON_CHARS: usize = 160;

/// What a record on `products` asks for; the SKU is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProductCommand {
    /// All of the product: what it does not say is not known any more.
    Upsert {
        product: Box<Product>,
        expected_version: Option<u64>,
    },
    Withdraw {
        reason: Option<Box<str>>,
        expected_version: Option<u64>,
    },
}

/// A product as its feed describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub gtin: Option<Gtin>,
    /// One line, at most [`MAX_NAME_BYTES`].
    pub name: Option<Box<str>>,
    /// Of one unit, minor units of `currency`, which is always there with it.
    pub price: Option<i64>,
    pub currency: Option<Currency>,
    pub lead_time_days: Option<u32>,
    /// Of one order to the supplier, minor units.
    pub order_cost: Option<i64>,
    /// Of keeping one unit for a year, minor units.
    pub holding_cost: Option<i64>,
    /// Goes before the computed one, units.
    pub reorder_point: Option<i64>,
    /// No alert of low stock.
    pub mute: bool,
}

#[derive(Deserialize)]
pub(crate) struct RawProduct<'a> {
    #[serde(borrow, default, deserialize_with = "some_text", rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    sku: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    gtin: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    name: Option<Cow<'a, str>>,
    price: Option<i64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    currency: Option<Cow<'a, str>>,
    lead_time_days: Option<i64>,
    order_cost: Option<i64>,
    holding_cost: Option<i64>,
    reorder_point: Option<i64>,
    mute: Option<bool>,
    expected_version: Option<i64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    reason: Option<Cow<'a, str>>,
}

impl RawProduct<'_> {
    /// `key`: the record's, cleaned.
    pub(crate) fn check(self, key: &str) -> Result<ProductCommand, Reject> {
        let kind = required("type", self.kind.as_deref())?;
        same_as_key("sku", &sku::field("sku", self.sku.clone())?, key)?;
        let version = |v| range("expected_version", v, 0, i64::MAX).map(|v| v as u64);
        let expected_version = self.expected_version.map(version).transpose()?;
        match kind {
            "upsert" => Ok(ProductCommand::Upsert { product: Box::new(self.product()?), expected_version }),
            "withdraw" => {
                let reason =
                    self.reason.map(|reason| text::excerpt(&reason, MAX_REASON_CHARS)).filter(|reason| !reason.is_empty()).map(Into::into);
                Ok(ProductCommand::Withdraw { reason, expected_version })
            }
            other => Err(Reject::new(Reason::UnknownType, format!("type is `{}`; it is one of upsert, withdraw", brief(other)))),
        }
    }

    fn product(self) -> Result<Product, Reject> {
        let money = |field: &str, amount: Option<i64>| amount.map(|a| range(field, a, 0, MAX_AMOUNT)).transpose();
        let price = money("price", self.price)?;
        let currency = currency(self.currency)?.as_deref().and_then(Currency::new);
        if price.is_some() {
            required("currency", currency)?;
        }
        Ok(Product {
            gtin: self.gtin.as_deref().filter(|gtin| !gtin.trim().is_empty()).map(Gtin::parse).transpose()?,
            name: self.name.as_deref().map(name).transpose()?.flatten(),
            price,
            currency,
            lead_time_days: self.lead_time_days.map(|d| range("lead_time_days", d, 0, MAX_LEAD_TIME_DAYS)).transpose()?.map(|d| d as u32),
            order_cost: money("order_cost", self.order_cost)?,
            holding_cost: money("holding_cost", self.holding_cost)?,
            reorder_point: self.reorder_point.map(|units| range("reorder_point", units, 0, MAX_QUANTITY)).transpose()?,
            mute: self.mute.unwrap_or(false),
        })
    }
}

/// A name without dirt; one that was nothing else is none.
fn name(raw: &str) -> Result<Option<Box<str>>, Reject> {
    let name = text::one_line(raw);
    if name.len() > MAX_NAME_BYTES {
        return Err(Reject::new(Reason::ValueOutOfRange, format!("`name` has {} bytes, at most {MAX_NAME_BYTES} are taken", name.len())));
    }
    Ok((!name.is_empty()).then(|| (*name).into()))
}

/// One event of a SKU's listing, on `product-events`; the key is the SKU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductEvent {
    pub kind: ProductEventKind,
    /// 1, 2, 3 … per SKU, over all kinds.
    pub seq: u64,
    /// Of the listing, after the event: one more with each `updated`, `quarantined` and `withdrawn`, the same with all
    /// others.
    pub version: u64,
    pub at: Timestamp,
    pub cause: Cause,
    pub reason: Option<Cow<'static, str>>,
    /// `updated`: what stands now. `quarantined` for its price: what is held back.
    pub product: Option<Box<Product>>,
    /// The feedback that led to it.
    pub feedback: Option<Box<Remark>>,
    pub ratings: Option<RatingFigures>,
    /// Of a request to count.
    pub request: Option<CountRequest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProductEventKind {
    Updated,
    Refused,
    Quarantined,
    Withdrawn,
    /// A customer rated the product.
    Rated,
    /// Somebody should count: stock was reported as missing or sold out.
    CountRequested,
    /// Feedback that changed no rating and asked for no count.
    Noted,
}

impl ProductEventKind {
    pub fn word(self) -> &'static str {
        match self {
            ProductEventKind::Updated => "updated",
            ProductEventKind::Refused => "refused",
            ProductEventKind::Quarantined => "quarantined",
            ProductEventKind::Withdrawn => "withdrawn",
            ProductEventKind::Rated => "rated",
            ProductEventKind::CountRequested => "count_requested",
            ProductEventKind::Noted => "noted",
        }
    }

    /// The CloudEvents type.
    pub fn event_type(self) -> &'static str {
        match self {
            ProductEventKind::Updated => "waybill.product.updated",
            ProductEventKind::Refused => "waybill.product.refused",
            ProductEventKind::Quarantined => "waybill.product.quarantined",
            ProductEventKind::Withdrawn => "waybill.product.withdrawn",
            ProductEventKind::Rated => "waybill.product.rated",
            ProductEventKind::CountRequested => "waybill.product.count_requested",
            ProductEventKind::Noted => "waybill.product.noted",
        }
    }

    /// It is a version of the listing.
    pub fn is_version(self) -> bool {
        matches!(self, ProductEventKind::Updated | ProductEventKind::Quarantined | ProductEventKind::Withdrawn)
    }
}

/// What is to be counted, and how often that was said since it was first asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountRequest {
    /// `None`: wherever the SKU is.
    pub location: Option<Box<str>>,
    pub reports: u32,
}

/// What customers think of a product, in thousandths of a star.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatingFigures {
    pub count: u64,
    pub mean_milli: i64,
    /// With a probability of 95 % the mean that all customers would give is not below it.
    pub lower_bound_milli: i64,
}

impl Serialize for RatingFigures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A thousandth more or less than the nearest double prints as what it is.
        let stars = |milli: i64| milli as f64 / 1000.0;
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("count", &self.count)?;
        map.serialize_entry("mean", &stars(self.mean_milli))?;
        map.serialize_entry("lower_bound", &stars(self.lower_bound_milli))?;
        map.end()
    }
}

/// A listing as it stands, on `product-catalog` (compacted); the key is the SKU. A withdrawn one stays, with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueRow {
    pub version: u64,
    /// `listed`, `quarantined`, `withdrawn`.
    pub state: &'static str,
    pub product: Product,
    /// An update that waits for its confirmation.
    pub held: Option<Product>,
    pub ratings: Option<RatingFigures>,
    pub at: Timestamp,
    pub cause: Cause,
}

/// Fields that are not known are left out.
struct ProductJson<'a>(&'a Product);

impl Serialize for ProductJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entries(&mut map, self.0)?;
        map.end()
    }
}

fn entries<M: SerializeMap>(map: &mut M, p: &Product) -> Result<(), M::Error> {
    if let Some(gtin) = p.gtin {
        map.serialize_entry("gtin", &gtin)?;
    }
    if let Some(name) = &p.name {
        map.serialize_entry("name", name)?;
    }
    if let Some(currency) = p.currency {
        map.serialize_entry("currency", &currency)?;
    }
    let numbers = [
        ("price", p.price),
        ("lead_time_days", p.lead_time_days.map(i64::from)),
        ("order_cost", p.order_cost),
        ("holding_cost", p.holding_cost),
        ("reorder_point", p.reorder_point),
    ];
    for (field, number) in numbers {
        if let Some(number) = number {
            map.serialize_entry(field, &number)?;
        }
    }
    if p.mute {
        map.serialize_entry("mute", &true)?;
    }
    Ok(())
}

impl Serialize for Named<'_, ProductEvent> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let e = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("event_id", self.id)?;
        map.serialize_entry("sku", self.key)?;
        map.serialize_entry("type", e.kind.word())?;
        map.serialize_entry("seq", &e.seq)?;
        map.serialize_entry(if e.kind == ProductEventKind::Refused { "current_version" } else { "version" }, &e.version)?;
        if let Some(reason) = &e.reason {
            map.serialize_entry("reason", reason)?;
        }
        if let Some(product) = &e.product {
            map.serialize_entry(if e.kind == ProductEventKind::Quarantined { "held" } else { "product" }, &ProductJson(product))?;
        }
        if let Some(ratings) = &e.ratings {
            map.serialize_entry("ratings", ratings)?;
        }
        if let Some(CountRequest { location, reports }) = &e.request {
            if let Some(location) = location {
                map.serialize_entry("location", location)?;
            }
            map.serialize_entry("reports", reports)?;
        }
        if let Some(feedback) = &e.feedback {
            map.serialize_entry("feedback", feedback)?;
        }
        map.serialize_entry("at", &e.at.text())?;
        map.serialize_entry("cause", &CauseJson::new(self.topic, e.cause))?;
        map.end()
    }
}

impl Serialize for Named<'_, CatalogueRow> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.event;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sku", self.key)?;
        map.serialize_entry("version", &row.version)?;
        map.serialize_entry("state", row.state)?;
        entries(&mut map, &row.product)?;
        if let Some(held) = &row.held {
            map.serialize_entry("held", &ProductJson(held))?;
        }
        if let Some(ratings) = &row.ratings {
            map.serialize_entry("ratings", ratings)?;
        }
        map.serialize_entry("at", &row.at.text())?;
        map.serialize_entry("cause", &CauseJson::new(self.topic, row.cause))?;
        map.end()
    }
}
