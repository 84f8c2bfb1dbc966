//! The records producers write: decoded from JSON and checked for shape; `avro/` decodes the same from Avro. Orders,
//! payments and stock have files here, the others folders of their own. No rule that needs state is here.
//!
//! A record that is not well formed is a [`Reject`]; unknown fields are ignored; every limit is named below.
//!
//! The raw shapes are flat, with every field optional: one pass over the bytes, and the missing field can be named.

mod check;
pub(crate) mod order;
mod payment;
mod stock;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, de};

use crate::feedback::{Feedback, RawFeedback};
use crate::fleet::{FleetCommand, Ping, RawDispatch, RawPing};
use crate::product::{ProductCommand, RawProduct};
use crate::{Reason, Reject, Source, sku};

pub(crate) use check::{brief, currency, id, id_fault, optional_id, range, required, same_as_key};
pub(crate) use order::RawOrder;
pub use order::{Line, OrderCommand, Place};
pub(crate) use payment::RawPayment;
pub use payment::{Payment, PaymentStatus};
pub use stock::{Count, DEFAULT_LOCATION, Restock, RestockKind};
pub(crate) use stock::{RawCount, RawRestock};

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

/// A field's text as it stands in the record, where that is possible. serde's own `Option<Cow<str>>` copies it always.
pub(crate) fn some_text<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'a, str>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Text<'a>>::deserialize(deserializer)?.map(|Text(text)| text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ok`, or the word of why it is refused.
    pub(super) fn reason(source: Source, key: &str, value: &str) -> &'static str {
        match decode(source, key, Some(value.as_bytes())) {
            Ok(_) => "ok",
            Err(reject) => reject.reason.word(),
        }
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
    fn texts_are_not_copied_unless_something_in_them_is_escaped() {
        let value = br#"{"type":"place","order_id":"1","customer_id":"C\u002d1","currency":"GBP","lines":[{"sku":"A","quantity":1}]}"#;
        let Ok(Input::Order(OrderCommand::Place(place))) = decode(Source::Orders, "1", Some(value)) else { panic!("it is a place") };
        assert!(matches!((&place.currency, &place.lines[0].sku), (Some(Cow::Borrowed("GBP")), Cow::Borrowed("A"))), "{place:?}");
        assert!(matches!(&place.customer_id, Some(Cow::Owned(id)) if id == "C-1"), "{place:?}");
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
