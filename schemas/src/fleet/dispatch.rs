//! `dispatches`: what the warehouse and the drivers say about shipments, decoded and checked.

use std::borrow::Cow;

use serde::Deserialize;

use super::area::{self, Area, MAX_RADIUS_METRES, MIN_RADIUS_METRES};
use super::ping::point;
use crate::input::{Object, brief, id, range, required, same_as_key, some_text};
use crate::plan::Point;
use crate::{Reason, Reject, Timestamp};

/// Most stops of one shipment.
pub const MAX_STOPS: usize = 200;
/// Most polygon corners of all stops of one shipment together.
pub const MAX_TOTAL_VERTICES: usize = 2_048;
/// Longest service at a stop: a day, in seconds.
pub const MAX_SERVICE_SECONDS: i64 = 86_400;
/// Longest `reason` that is kept, in bytes; more is cut off.
const MAX_REASON_BYTES: usize = 256;

/// What a record on `dispatches` asks for; the vehicle is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FleetCommand<'a> {
    Dispatch(Dispatch<'a>),
    /// Proof of delivery.
    Delivered {
        shipment_id: Cow<'a, str>,
        stop_id: Cow<'a, str>,
    },
    Failed {
        shipment_id: Cow<'a, str>,
        stop_id: Cow<'a, str>,
        reason: Option<Box<str>>,
    },
    Recall {
        shipment_id: Cow<'a, str>,
        reason: Option<Box<str>>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch<'a> {
    pub shipment_id: Cow<'a, str>,
    pub depot: Point,
    /// Metres around the depot that belong to it; `None`: as configured.
    pub depot_radius: Option<u32>,
    /// 1 to [`MAX_STOPS`], each `stop_id` once.
    pub stops: Vec<Stop<'a>>,
    /// The stops may be visited in another order; otherwise theirs is kept.
    pub optimise: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop<'a> {
    pub stop_id: Cow<'a, str>,
    pub order_id: Cow<'a, str>,
    pub point: Point,
    /// `None`: a circle as configured.
    pub area: Option<Area>,
    pub service_seconds: u32,
    /// Arrival is wanted from … to …
    pub window: Option<(Timestamp, Timestamp)>,
}

#[derive(Deserialize)]
pub(crate) struct RawDispatch<'a> {
    #[serde(borrow, default, deserialize_with = "some_text", rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    shipment_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    vehicle_id: Option<Cow<'a, str>>,
    depot: Option<Object<RawDepot>>,
    #[serde(borrow)]
    stops: Option<Vec<Object<RawStop<'a>>>>,
    optimise: Option<bool>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    stop_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct RawDepot {
    lat: Option<f64>,
    lon: Option<f64>,
    radius: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct RawStop<'a> {
    #[serde(borrow, default, deserialize_with = "some_text")]
    stop_id: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "some_text")]
    order_id: Option<Cow<'a, str>>,
    lat: Option<f64>,
    lon: Option<f64>,
    radius: Option<i64>,
    polygon: Option<Vec<Vec<f64>>>,
    service_seconds: Option<i64>,
    window: Option<Object<RawWindow>>,
}

#[derive(Deserialize)]
pub(crate) struct RawWindow {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl<'a> RawDispatch<'a> {
    pub fn check(self, key: &str) -> Result<FleetCommand<'a>, Reject> {
        let kind = required("type", self.kind)?;
        same_as_key("vehicle_id", &id("vehicle_id", self.vehicle_id)?, key)?;
        let shipment_id = id("shipment_id", self.shipment_id)?;
        let reason = self.reason.map(|text| text[..text.floor_char_boundary(MAX_REASON_BYTES)].into());
        match &*kind {
            "dispatch" => {
                let Object(depot) = required("depot", self.depot)?;
                Ok(FleetCommand::Dispatch(Dispatch {
                    shipment_id,
                    depot: point("depot.", depot.lat, depot.lon)?,
                    depot_radius: depot.radius.map(|r| radius("depot.radius", r)).transpose()?,
                    stops: stops(required("stops", self.stops)?)?,
                    optimise: self.optimise.unwrap_or(false),
                }))
            }
            "delivered" => Ok(FleetCommand::Delivered { shipment_id, stop_id: id("stop_id", self.stop_id)? }),
            "failed" => Ok(FleetCommand::Failed { shipment_id, stop_id: id("stop_id", self.stop_id)?, reason }),
            "recall" => Ok(FleetCommand::Recall { shipment_id, reason }),
            other => Err(Reject::new(
                Reason::UnknownType,
                format!("type is `{}`; it is one of dispatch, delivered, failed, recall", brief(other)),
            )),
        }
    }
}

fn stops(raw: Vec<Object<RawStop<'_>>>) -> Result<Vec<Stop<'_>>, Reject> {
    if raw.is_empty() {
        return Err(Reject::new(Reason::ValueOutOfRange, format!("stops is empty; a shipment has 1 to {MAX_STOPS} stops")));
    }
    if raw.len() > MAX_STOPS {
        return Err(Reject::new(Reason::TooManyStops, format!("stops has {} entries; a shipment has 1 to {MAX_STOPS} stops", raw.len())));
    }
    let mut vertices = 0;
    let mut stops: Vec<Stop<'_>> = Vec::with_capacity(raw.len());
    for (i, Object(raw)) in raw.into_iter().enumerate() {
        let stop = stop(&format!("stops[{i}]."), raw)?;
        if let Some(Area::Polygon(corners)) = &stop.area {
            vertices += corners.len();
        }
        stops.push(stop);
    }
    if vertices > MAX_TOTAL_VERTICES {
        return Err(Reject::new(
            Reason::TooManyVertices,
            format!("the stops' polygons have {vertices} corners together, at most {MAX_TOTAL_VERTICES} are taken"),
        ));
    }
    let mut ids: Vec<&str> = stops.iter().map(|stop| &*stop.stop_id).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Reject::new(Reason::InvalidValue, format!("stop_id `{}` is there twice; each stop has its own", brief(pair[0])))),
        None => Ok(stops),
    }
}

fn stop<'a>(at: &str, raw: RawStop<'a>) -> Result<Stop<'a>, Reject> {
    let name = |field: &str| format!("{at}{field}");
    let area = match (raw.radius, raw.polygon) {
        (Some(_), Some(_)) => {
            return Err(Reject::new(Reason::InvalidValue, format!("`{at}radius` and `{at}polygon` are both given; one of them is taken")));
        }
        (Some(metres), None) => Some(Area::Radius(radius(&name("radius"), metres)?)),
        (None, Some(corners)) => Some(area::polygon(&name("polygon"), &corners)?),
        (None, None) => None,
    };
    let window = match raw.window {
        Some(Object(RawWindow { from, to })) => {
            let (from, to) = (required(&name("window.from"), from)?, required(&name("window.to"), to)?);
            if from > to {
                return Err(Reject::new(Reason::InvalidValue, format!("`{at}window` ends ({to}) before it begins ({from})")));
            }
            Some((from, to))
        }
        None => None,
    };
    Ok(Stop {
        stop_id: id(&name("stop_id"), raw.stop_id)?,
        order_id: id(&name("order_id"), raw.order_id)?,
        point: point(at, raw.lat, raw.lon)?,
        area,
        service_seconds: raw
            .service_seconds
            .map(|s| range(&name("service_seconds"), s, 0, MAX_SERVICE_SECONDS))
            .transpose()?
            .unwrap_or_default() as u32,
        window,
    })
}

fn radius(field: &str, metres: i64) -> Result<u32, Reject> {
    range(field, metres, MIN_RADIUS_METRES, MAX_RADIUS_METRES).map(|metres| metres as u32)
}

#[cfg(test)]
mod tests {
    use super::super::decode_dispatch;

    #[test]
    fn a_dispatch_is_taken_or_named() {
        let head = r#""type":"dispatch","shipment_id":"S-1","vehicle_id":"V-7","depot":{"lat":60.171,"lon":24.941}"#;
        let stop = r#""stop_id":"1","order_id":"536365","lat":60.175,"lon":24.95"#;
        let many =
            |n: usize| (0..n).map(|i| format!(r#"{{"stop_id":"{i}","order_id":"5","lat":60.1,"lon":24.9}}"#)).collect::<Vec<_>>().join(",");
        let corners = (0..64).map(|i| format!("[60.{:02},24.{:02}]", i % 32 + 10, if i < 32 { 10 } else { 20 })).collect::<Vec<_>>();
        let mut ring = corners[..32].to_vec();
        ring.extend(corners[32..].iter().rev().cloned());
        let ring = ring.join(",");
        let fenced = (0..33)
            .map(|i| format!(r#"{{"stop_id":"{i}","order_id":"5","lat":60.1,"lon":24.9,"polygon":[{ring}]}}"#))
            .collect::<Vec<_>>()
            .join(",");
        for (value, want) in [
            (format!(r#"{{{head},"stops":[{{{stop}}}]}}"#), "ok"),
            (
                format!(
                    r#"{{{head},"optimise":true,"stops":[{{{stop},"service_seconds":120,"radius":80,"window":{{"from":"2026-03-01T10:00:00Z","to":1772449200000}}}}]}}"#
                ),
                "ok",
            ),
            (format!(r#"{{{head},"stops":[{{{stop},"polygon":[[60.1,24.1],[60.1,24.2],[60.2,24.2]]}}]}}"#), "ok"),
            (
                format!(r#"{{{head},"stops":[{{{stop},"polygon":[[60.1,24.1,0],[60.1,24.2,0],[60.2,24.2,0]]}}]}}"#),
                "invalid_value `stops[0].polygon` has 3 numbers for corner 0",
            ),
            (format!(r#"{{{head},"stops":[{{{stop},"polygon":[[60.1],[60.1,24.2],[60.2,24.2]]}}]}}"#), "invalid_value 1 numbers"),
            (format!(r#"{{{head},"stops":[{}]}}"#, many(200)), "ok"),
            (format!(r#"{{{head},"stops":[{}]}}"#, many(201)), "too_many_stops"),
            (format!(r#"{{{head},"stops":[{fenced}]}}"#), "too_many_vertices 2112"),
            (format!(r#"{{{head},"stops":[]}}"#), "value_out_of_range empty"),
            (format!(r"{{{head}}}"), "missing_field `stops`"),
            (format!(r#"{{{head},"stops":[{{{stop}}},{{{stop}}}]}}"#), "invalid_value twice"),
            (format!(r#"{{{head},"stops":[{{{stop},"radius":5}}]}}"#), "value_out_of_range `stops[0].radius`"),
            (format!(r#"{{{head},"stops":[{{{stop},"radius":50,"polygon":[[1,1],[1,2],[2,2]]}}]}}"#), "invalid_value both"),
            (
                format!(r#"{{{head},"stops":[{{{stop},"polygon":[[60.1,24.1],[60.2,24.2],[60.1,24.2],[60.2,24.1]]}}]}}"#),
                "invalid_polygon `stops[0].polygon` crosses itself",
            ),
            (format!(r#"{{{head},"stops":[{{{stop},"window":{{"from":1772449200000}}}}]}}"#), "missing_field `stops[0].window.to`"),
            (format!(r#"{{{head},"stops":[{{{stop},"window":{{"from":1772449200000,"to":1772449199999}}}}]}}"#), "invalid_value ends"),
            (format!(r#"{{{head},"stops":[{{"stop_id":"1","order_id":"5","lat":139.7,"lon":35.7}}]}}"#), "value_out_of_range swapped"),
            (format!(r#"{{{head},"stops":[{{"stop_id":"1","lat":60,"lon":24}}]}}"#), "missing_field `stops[0].order_id`"),
            (format!(r#"{{{head},"stops":[["1","5",60,24]]}}"#), "invalid_value"),
            (r#"{"type":"dispatch","shipment_id":"S-1","vehicle_id":"V-7","stops":[]}"#.into(), "missing_field `depot`"),
            (r#"{"type":"dispatch","shipment_id":"S-1","vehicle_id":"V-8"}"#.into(), "key_mismatch"),
            (r#"{"type":"delivered","shipment_id":"S-1","vehicle_id":"V-7","stop_id":"1"}"#.into(), "ok"),
            (r#"{"type":"delivered","shipment_id":"S-1","vehicle_id":"V-7"}"#.into(), "missing_field `stop_id`"),
            (r#"{"type":"failed","shipment_id":"S-1","vehicle_id":"V-7","stop_id":"1","reason":"nobody there"}"#.into(), "ok"),
            (r#"{"type":"recall","shipment_id":"S-1","vehicle_id":"V-7"}"#.into(), "ok"),
            (r#"{"type":"recal","shipment_id":"S-1","vehicle_id":"V-7"}"#.into(), "unknown_type"),
            (r#"{"type":"recall","vehicle_id":"V-7"}"#.into(), "missing_field `shipment_id`"),
        ] {
            let (word, hint) = want.split_once(' ').unwrap_or((want, ""));
            match decode_dispatch("V-7", &value) {
                Ok(_) => assert_eq!(word, "ok", "{value}"),
                Err(reject) => {
                    assert_eq!(reject.reason.word(), word, "{value}: {reject}");
                    assert!(reject.message.contains(hint), "{value}: {reject}");
                }
            }
        }
    }
}
