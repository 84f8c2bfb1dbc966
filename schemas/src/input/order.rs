//! Records on `orders`: what a shop asks for, and its lines. Shape and limits only; whether it can be kept is a rule.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

use super::check::{brief, currency, degrees, id, optional_id, range, required, same_as_key};
use super::{MAX_AMOUNT, MAX_HOLD_SECONDS, MAX_LINES, MAX_QUANTITY, Object, some_text};
use crate::{Reason, Reject, Timestamp, sku};

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

#[derive(Deserialize)]
pub(crate) struct RawOrder<'a> {
    #[serde(borrow, default, deserialize_with = "some_text", rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    order_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    customer_id: Option<Cow<'a, str>>,
    placed_at: Option<Timestamp>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    currency: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lines: Option<Vec<Object<RawLine<'a>>>>,
    hold_seconds: Option<i64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    location: Option<Cow<'a, str>>,
    ship_to: Option<Object<Position>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    reason: Option<Cow<'a, str>>,
    restock: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct RawLine<'a> {
    line: Option<i64>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    sku: Option<Cow<'a, str>>,
    quantity: Option<i64>,
    unit_price: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct Position {
    lat: Option<f64>,
    lon: Option<f64>,
}

impl<'a> RawOrder<'a> {
    pub(super) fn check(self, key: &str) -> Result<OrderCommand<'a>, Reject> {
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

/// A line's field by its name in messages, made only when there is something to say.
struct LineField(usize, &'static str);

impl fmt::Display for LineField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lines[{}].{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reason;
    use crate::Source;

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
}
