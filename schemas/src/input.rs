//! The records producers write: decoded from JSON and checked for shape; `avro/` decodes the same from Avro. No rule
//! that needs state is here.
//!
//! A record that is not well formed is a [`Reject`]; unknown fields are ignored; every limit is named below.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, de};

use crate::feedback::{Feedback, RawFeedback};
use crate::fleet::{FleetCommand, Ping, RawDispatch, RawPing};
use crate::product::{ProductCommand, RawProduct};
use crate::{Reason, Reject, Source, Timestamp, sku};

/// Longest record value in bytes.
pub const MAX_VALUE_BYTES: usize = 1 << 20;
/// Longest id (order, SKU, payment, location …) in bytes of UTF-8.
pub const MAX_ID_BYTES: usize = 256;
/// Most lines in one order.
pub const MAX_LINES: usize = 1_000;
/// Largest quantity of a line, restock or count.
pub const MAX_QUANTITY: i64 = 1_000_000_000;
/// Largest amount of money in minor units.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000_000;
/// Longest hold that an order may ask for: 30 days.
pub const MAX_HOLD_SECONDS: i64 = 30 * 86_400;

/// A well-formed input record.
#[derive(Clone, Debug, PartialEq)]
pub enum Input<'a> {
    Order(OrderCommand<'a>),
    Payment(Payment<'a>),
    Restock(Restock<'a>),
    Count(Count<'a>),
    Ping(Ping),
    Fleet(FleetCommand<'a>),
    Product(ProductCommand),
    Feedback(Feedback<'a>),
}

/// What a record on `orders` asks for; the order's id is the key.
#[derive(Clone, Debug, PartialEq)]
pub enum OrderCommand<'a> {
    Place(Place<'a>),
    /// Empty `lines`: all that is left.
    Cancel {
        lines: Vec<Line<'a>>,
        reason: Option<Cow<'a, str>>,
    },
    Ship {
        lines: Vec<Line<'a>>,
    },
    Deliver,
    Return {
        lines: Vec<Line<'a>>,
        restock: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Place<'a> {
    pub customer_id: Option<Cow<'a, str>>,
    pub placed_at: Option<Timestamp>,
    pub currency: Option<Cow<'a, str>>,
    pub lines: Vec<Line<'a>>,
    pub hold_seconds: Option<u32>,
    pub location: Option<Cow<'a, str>>,
    /// Latitude and longitude in degrees.
    pub ship_to: Option<(f64, f64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub sku: Cow<'a, str>,
    /// 1 to [`MAX_QUANTITY`].
    pub quantity: i64,
    /// Minor units, 0 to [`MAX_AMOUNT`].
    pub unit_price: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment<'a> {
    pub payment_id: Cow<'a, str>,
    pub order_id: Cow<'a, str>,
    pub status: PaymentStatus,
    /// Minor units; always there when captured.
    pub amount: Option<i64>,
    pub currency: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentStatus {
    Captured,
    Failed,
    Refunded,
}

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

/// The key as text: present, not empty, no control characters, at most [`MAX_ID_BYTES`]. A SKU is cleaned, so that the
/// same article is the same key to whoever asks for its task.
pub fn decode_key(source: Source, key: Option<&[u8]>) -> Result<Cow<'_, str>, Reject> {
    let bytes =
        key.ok_or_else(|| Reject::new(Reason::MissingKey, format!("the record has no key; the key is the {}", source.key_field())))?;
    let text = std::str::from_utf8(bytes).map_err(|e| Reject::new(Reason::InvalidKey, format!("the key is not UTF-8: {e}")))?;
    let checked = match source {
        Source::Restocks | Source::StockCounts | Source::Products => sku::checked(Cow::Borrowed(text)),
        // What feedback is about is said in the record.
        Source::Orders | Source::Payments | Source::Feedback | Source::GpsPings | Source::Dispatches => {
            id_fault(text).map_or(Ok(Cow::Borrowed(text)), Err)
        }
    };
    checked.map_err(|fault| Reject::new(Reason::InvalidKey, format!("the key {fault}")))
}

/// Decodes and checks one JSON record of `source` whose key is `key`, as [`decode_key`] gives it.
pub fn decode<'a>(source: Source, key: &str, value: Option<&'a [u8]>) -> Result<Input<'a>, Reject> {
    let bytes = present(value)?;
    let text = std::str::from_utf8(bytes).map_err(|e| Reject::new(Reason::InvalidUtf8, format!("the value is not UTF-8: {e}")))?;
    checked(source, key, &Json(text))
}

/// The value's bytes: some, and not too many.
pub(crate) fn present(value: Option<&[u8]>) -> Result<&[u8], Reject> {
    let bytes = value.ok_or_else(|| Reject::new(Reason::MissingValue, "the record has no value (a tombstone)"))?;
    if bytes.is_empty() {
        return Err(Reject::new(Reason::MissingValue, "the value is empty"));
    }
    if bytes.len() > MAX_VALUE_BYTES {
        return Err(Reject::new(Reason::TooLarge, format!("the value has {} bytes, at most {MAX_VALUE_BYTES} are taken", bytes.len())));
    }
    Ok(bytes)
}

/// A record's value in one of the formats: turned into a flat shape, whose fields are then checked alike.
pub(crate) trait Value<'a> {
    fn shape<T: Deserialize<'a>>(&self) -> Result<T, Reject>;
}

/// The shape of `source`'s records, checked.
pub(crate) fn checked<'a>(source: Source, key: &str, value: &impl Value<'a>) -> Result<Input<'a>, Reject> {
    match source {
        Source::Orders => value.shape::<RawOrder>()?.check(key).map(Input::Order),
        Source::Payments => value.shape::<RawPayment>()?.check(key).map(Input::Payment),
        Source::Restocks => value.shape::<RawRestock>()?.check(key).map(Input::Restock),
        Source::StockCounts => value.shape::<RawCount>()?.check(key).map(Input::Count),
        Source::GpsPings => value.shape::<RawPing>()?.check(key).map(Input::Ping),
        Source::Dispatches => value.shape::<RawDispatch>()?.check(key).map(Input::Fleet),
        Source::Products => value.shape::<RawProduct>()?.check(key).map(Input::Product),
        Source::Feedback => value.shape::<RawFeedback>()?.check(key).map(Input::Feedback),
    }
}

struct Json<'a>(&'a str);

impl<'a> Value<'a> for Json<'a> {
    fn shape<T: Deserialize<'a>>(&self) -> Result<T, Reject> {
        json(self.0)
    }
}

/// The text's one value, an object; positions in the message are `serde_json`'s.
pub(crate) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Reject> {
    serde_json::from_str(text).map(|Object(value)| value).map_err(|e| match e.classify() {
        serde_json::error::Category::Data => Reject::new(Reason::InvalidValue, e.to_string()),
        _ => Reject::new(Reason::InvalidJson, e.to_string()),
    })
}

/// An object and nothing else: derived shapes would also take an array with the fields in their order.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = T;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_map(Visitor(PhantomData)).map(Object)
    }
}

// Flat shapes with every field optional: one pass over the bytes, and the missing field can be named.

#[derive(Deserialize)]
pub(crate) struct RawOrder<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    order_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    customer_id: Option<Cow<'a, str>>,
    placed_at: Option<Timestamp>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lines: Option<Vec<Object<RawLine<'a>>>>,
    hold_seconds: Option<i64>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    ship_to: Option<Object<Position>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    restock: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct RawLine<'a> {
    line: Option<i64>,
    #[serde(borrow)]
    sku: Option<Cow<'a, str>>,
    quantity: Option<i64>,
    unit_price: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Position {
    lat: Option<f64>,
    lon: Option<f64>,
}

#[derive(Deserialize)]
pub(crate) struct RawPayment<'a> {
    #[serde(borrow)]
    payment_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    order_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    amount: Option<i64>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct RawRestock<'a> {
    #[serde(borrow)]
    restock_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sku: Option<Cow<'a, str>>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    quantity: Option<i64>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    to_location: Option<Cow<'a, str>>,
    expected_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(crate) struct RawCount<'a> {
    #[serde(borrow)]
    count_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    sku: Option<Cow<'a, str>>,
    #[serde(borrow)]
    location: Option<Cow<'a, str>>,
    counted: Option<i64>,
    counted_at: Option<Timestamp>,
}

impl<'a> RawOrder<'a> {
    fn check(self, key: &str) -> Result<OrderCommand<'a>, Reject> {
        let kind = required("type", self.kind)?;
        same_as_key("order_id", &id("order_id", self.order_id)?, key)?;
        let ship_to = match self.ship_to {
            Some(Object(Position { lat, lon })) => Some((degrees("ship_to.lat", lat, 90.0)?, degrees("ship_to.lon", lon, 180.0)?)),
            None => None,
        };
        match &*kind {
            "place" => Ok(OrderCommand::Place(Place {
                customer_id: optional_id("customer_id", self.customer_id)?,
                placed_at: self.placed_at,
                currency: currency(self.currency)?,
                lines: check_lines(required("lines", self.lines)?, true)?,
                hold_seconds: self.hold_seconds.map(|s| range("hold_seconds", s, 1, MAX_HOLD_SECONDS)).transpose()?.map(|s| s as u32),
                location: optional_id("location", self.location)?,
                ship_to,
            })),
            "cancel" => Ok(OrderCommand::Cancel { lines: check_lines(self.lines.unwrap_or_default(), false)?, reason: self.reason }),
            "ship" => Ok(OrderCommand::Ship { lines: check_lines(self.lines.unwrap_or_default(), false)? }),
            "deliver" => Ok(OrderCommand::Deliver),
            "return" => Ok(OrderCommand::Return {
                lines: check_lines(self.lines.unwrap_or_default(), false)?,
                restock: required("restock", self.restock)?,
            }),
            other => Err(Reject::new(
                Reason::UnknownType,
                format!("type is `{}`; it is one of place, cancel, ship, deliver, return", brief(other)),
            )),
        }
    }
}

fn check_lines(raw: Vec<Object<RawLine<'_>>>, needed: bool) -> Result<Vec<Line<'_>>, Reject> {
    if needed && raw.is_empty() {
        return Err(Reject::new(Reason::ValueOutOfRange, "lines is empty; an order has 1 to 1,000 lines"));
    }
    if raw.len() > MAX_LINES {
        return Err(Reject::new(Reason::TooManyLines, format!("lines has {} entries; an order has 1 to 1,000 lines", raw.len())));
    }
    raw.into_iter()
        .enumerate()
        .map(|(i, Object(l))| {
            let at = |field: &'static str| LineField(i, field);
            if let Some(number) = l.line {
                range(&at("line"), number, 0, i64::from(i32::MAX))?;
            }
            Ok(Line {
                sku: sku::field(&at("sku"), l.sku)?,
                quantity: range(&at("quantity"), required(&at("quantity"), l.quantity)?, 1, MAX_QUANTITY)?,
                unit_price: l.unit_price.map(|p| range(&at("unit_price"), p, 0, MAX_AMOUNT)).transpose()?,
            })
        })
        .collect()
}

impl<'a> RawPayment<'a> {
    fn check(self, key: &str) -> Result<Payment<'a>, Reject> {
        let order_id = id("order_id", self.order_id)?;
        same_as_key("order_id", &order_id, key)?;
        let status = match &*required("status", self.status)? {
            "captured" => PaymentStatus::Captured,
            "failed" => PaymentStatus::Failed,
            "refunded" => PaymentStatus::Refunded,
            other => {
                return Err(Reject::new(
                    Reason::UnknownType,
                    format!("status is `{}`; it is one of captured, failed, refunded", brief(other)),
                ));
            }
        };
        let amount = self.amount.map(|a| range("amount", a, 0, MAX_AMOUNT)).transpose()?;
        let currency = currency(self.currency)?;
        if status == PaymentStatus::Captured {
            required("amount", amount)?;
            required("currency", currency.as_ref())?;
        }
        Ok(Payment { payment_id: id("payment_id", self.payment_id)?, order_id, status, amount, currency })
    }
}

impl<'a> RawRestock<'a> {
    fn check(self, key: &str) -> Result<Restock<'a>, Reject> {
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
    fn check(self, key: &str) -> Result<Count<'a>, Reject> {
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

/// A line's field by its name in messages, made only when there is something to say.
struct LineField(usize, &'static str);

impl fmt::Display for LineField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lines[{}].{}", self.0, self.1)
    }
}

pub(crate) fn required<T>(field: &(impl fmt::Display + ?Sized), value: Option<T>) -> Result<T, Reject> {
    value.ok_or_else(|| Reject::new(Reason::MissingField, format!("`{field}` is missing")))
}

pub(crate) fn range(field: &(impl fmt::Display + ?Sized), value: i64, least: i64, most: i64) -> Result<i64, Reject> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(Reject::new(Reason::ValueOutOfRange, format!("`{field}` is {value}; it is {least} to {most}")))
    }
}

pub(crate) fn degrees(field: &str, value: Option<f64>, most: f64) -> Result<f64, Reject> {
    let value = required(field, value)?;
    if value.abs() <= most {
        Ok(value)
    } else {
        Err(Reject::new(Reason::ValueOutOfRange, format!("`{field}` is {value}; it is -{most} to {most} degrees")))
    }
}

pub(crate) fn id<'a>(field: &(impl fmt::Display + ?Sized), value: Option<Cow<'a, str>>) -> Result<Cow<'a, str>, Reject> {
    let text = required(field, value)?;
    match id_fault(&text) {
        None => Ok(text),
        Some(fault) => Err(Reject::new(Reason::InvalidValue, format!("`{field}` {fault}"))),
    }
}

pub(crate) fn optional_id<'a>(field: &str, value: Option<Cow<'a, str>>) -> Result<Option<Cow<'a, str>>, Reject> {
    value.map(|v| id(field, Some(v))).transpose()
}

/// Ids are not empty, not long, and without control characters: they are joined by line feeds in the movements' hash.
pub(crate) fn id_fault(text: &str) -> Option<String> {
    if text.is_empty() {
        Some("is empty".into())
    } else if text.len() > MAX_ID_BYTES {
        Some(format!("has {} bytes, at most {MAX_ID_BYTES} are taken", text.len()))
    } else if text.chars().any(char::is_control) {
        Some("contains a control character".into())
    } else {
        None
    }
}

/// An ISO 4217 code: three upper-case letters.
pub(crate) fn currency(value: Option<Cow<'_, str>>) -> Result<Option<Cow<'_, str>>, Reject> {
    match value {
        Some(code) if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) => {
            Err(Reject::new(Reason::InvalidValue, format!("`currency` is `{}`; it is three capital letters (ISO 4217)", brief(&code))))
        }
        other => Ok(other),
    }
}

pub(crate) fn same_as_key(field: &str, value: &str, key: &str) -> Result<(), Reject> {
    if value == key {
        Ok(())
    } else {
        Err(Reject::new(Reason::KeyMismatch, format!("`{field}` is `{}` but the record's key is `{}`", brief(value), brief(key))))
    }
}

/// Enough of a text to recognise it, for messages.
pub(crate) fn brief(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(64) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(source: Source, key: &str, value: &str) -> &'static str {
        match decode(source, key, Some(value.as_bytes())) {
            Ok(_) => "ok",
            Err(reject) => reject.reason.word(),
        }
    }

    #[test]
    fn an_order_is_taken_or_named() {
        let many = (0..1001).map(|_| r#"{"sku":"A","quantity":1}"#).collect::<Vec<_>>().join(",");
        for (value, want) in [
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":6}]}"#, "ok"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":6}],"new_field":[{}]}"#, "ok"),
            (r#"{"type":"place","order_id":"1","placed_at":1291191960000,"lines":[{"sku":"A","quantity":6,"unit_price":null}]}"#, "ok"),
            (r#"{"type":"cancel","order_id":"1"}"#, "ok"),
            (r#"{"type":"return","order_id":"1","restock":true}"#, "ok"),
            (r#"{"type":"return","order_id":"1"}"#, "missing_field"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":6}]"#, "invalid_json"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":6}]} x"#, "invalid_json"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":NaN}]}"#, "invalid_json"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":1.5}]}"#, "invalid_value"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":99999999999999999999}]}"#, "invalid_value"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":0}]}"#, "value_out_of_range"),
            (r#"{"type":"place","order_id":"1","lines":[{"sku":"A","quantity":-1}]}"#, "value_out_of_range"),
            (r#"{"type":"place","order_id":"1","lines":[]}"#, "value_out_of_range"),
            (r#"{"type":"place","order_id":"1","lines":null}"#, "missing_field"),
            (r#"{"type":"place","order_id":"2","lines":[{"sku":"A","quantity":1}]}"#, "key_mismatch"),
            (r#"{"type":"plaice","order_id":"1"}"#, "unknown_type"),
            (r#"{"type":"place","order_id":1,"lines":[{"sku":"A","quantity":1}]}"#, "invalid_value"),
            (r#"{"type":"place","order_id":"1","currency":"gbp","lines":[{"sku":"A","quantity":1}]}"#, "invalid_value"),
            (r#"{"type":"place","order_id":"1","ship_to":{"lat":91,"lon":0},"lines":[{"sku":"A","quantity":1}]}"#, "value_out_of_range"),
            (r#"{"type":"place","order_id":"1","placed_at":"soon","lines":[{"sku":"A","quantity":1}]}"#, "invalid_value"),
            (r"[]", "invalid_value"),
            (r#"["cancel","1",null,null,null,null,null,null,null,null,null]"#, "invalid_value"),
            (r#"{"type":"place","order_id":"1","lines":[[1,"A",6,null]]}"#, "invalid_value"),
            (r#"{"type":"place","order_id":"1","ship_to":[1,2],"lines":[{"sku":"A","quantity":6}]}"#, "invalid_value"),
            (r"null", "invalid_value"),
        ] {
            assert_eq!(reason(Source::Orders, "1", value), want, "{value}");
        }
        let crowded = format!(r#"{{"type":"place","order_id":"1","lines":[{many}]}}"#);
        assert_eq!(reason(Source::Orders, "1", &crowded), "too_many_lines");
        // A depth bomb: passed over without recursion where nobody reads it, refused where something else should be.
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let unread = format!(r#"{{"type":"cancel","order_id":"1","x":{deep}}}"#);
        assert_eq!(reason(Source::Orders, "1", &unread), "ok");
        let read = format!(r#"{{"type":"cancel","order_id":"1","lines":{deep}}}"#);
        assert_eq!(reason(Source::Orders, "1", &read), "invalid_value");
    }

    #[test]
    fn payments_restocks_and_counts_are_taken_or_named() {
        for (source, key, value, want) in [
            (Source::Payments, "1", r#"{"payment_id":"P","order_id":"1","status":"captured","amount":10,"currency":"GBP"}"#, "ok"),
            (Source::Payments, "1", r#"{"payment_id":"P","order_id":"1","status":"captured","currency":"GBP"}"#, "missing_field"),
            (Source::Payments, "1", r#"{"payment_id":"P","order_id":"1","status":"failed"}"#, "ok"),
            (Source::Payments, "1", r#"{"payment_id":"P","order_id":"1","status":"lost"}"#, "unknown_type"),
            (Source::Restocks, "A", r#"{"restock_id":"R","sku":"A","quantity":5,"kind":"received"}"#, "ok"),
            (Source::Restocks, "A", r#"{"restock_id":"R","sku":"A","quantity":5,"kind":"transfer"}"#, "missing_field"),
            (
                Source::Restocks,
                "A",
                r#"{"restock_id":"R","sku":"A","quantity":5,"kind":"transfer","location":"x","to_location":"x"}"#,
                "invalid_value",
            ),
            (Source::StockCounts, "A", r#"{"count_id":"K","sku":"A","location":"main","counted":0}"#, "ok"),
            (Source::StockCounts, "A", r#"{"count_id":"K","sku":"A","location":"main","counted":-1}"#, "value_out_of_range"),
            (Source::StockCounts, "A", "{\"count_id\":\"K\\n\",\"sku\":\"A\",\"counted\":1}", "invalid_value"),
        ] {
            assert_eq!(reason(source, key, value), want, "{value}");
        }
    }

    #[test]
    fn keys_and_bytes() {
        fn word(source: Source, key: Option<&[u8]>) -> Result<String, &'static str> {
            decode_key(source, key).map(Cow::into_owned).map_err(|reject| reject.reason.word())
        }
        for source in Source::ALL {
            assert_eq!(word(source, Some(b"536365")), Ok("536365".into()));
            assert_eq!(word(source, None), Err("missing_key"));
            assert_eq!(word(source, Some(b"")), Err("invalid_key"));
            assert_eq!(word(source, Some(b"\xff")), Err("invalid_key"));
            assert_eq!(word(source, Some(&[b'x'; 257])), Err("invalid_key"));
            // Only a SKU is the same in whatever case.
            let same = source.key_field() == "sku";
            assert_eq!(word(source, Some(b"15056bl")), Ok(if same { "15056BL" } else { "15056bl" }.into()));
            assert_eq!(word(source, Some(b" ")), if same { Err("invalid_key") } else { Ok(" ".into()) });
        }
        let bytes = |v: Option<&[u8]>| decode(Source::Orders, "1", v).map(|_| ()).map_err(|e| e.reason.word());
        assert_eq!(bytes(None), Err("missing_value"));
        assert_eq!(bytes(Some(b"")), Err("missing_value"));
        assert_eq!(bytes(Some(b"\xff{}")), Err("invalid_utf8"));
        assert_eq!(bytes(Some(&vec![b' '; MAX_VALUE_BYTES + 1])), Err("too_large"));
    }
}
