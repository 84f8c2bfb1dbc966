//! What the fleet is told: dispatches and pings, as the auditor remembers them. Judges no rule.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Class, Said, Time, id};
use crate::facts::{Registry, Units, digest};

/// Most stops of one dispatch.
const MAX_STOPS: usize = 200;

/// Whom and what a record on `dispatches` speaks of, as numbers.
#[derive(Debug, Default)]
pub(crate) struct Dispatched {
    pub class: Option<Class>,
    pub shipment: u32,
    pub vehicle: u32,
    /// Digest of what a dispatch says.
    pub content: u64,
    /// Of a dispatch all, of a proof of delivery the one.
    pub stops: Vec<u32>,
    /// Of a dispatch, one for each stop.
    pub orders: Vec<u32>,
}

#[derive(Deserialize)]
struct Command<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    shipment_id: Cow<'a, str>,
    #[serde(borrow)]
    vehicle_id: Cow<'a, str>,
    depot: Option<Place>,
    #[serde(borrow)]
    stops: Option<Vec<Stop<'a>>>,
    optimise: Option<bool>,
    #[serde(borrow)]
    stop_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Place {
    lat: f64,
    lon: f64,
    radius: Option<i64>,
}

#[derive(Deserialize)]
struct Stop<'a> {
    #[serde(borrow, rename = "stop_id")]
    id: Cow<'a, str>,
    #[serde(borrow)]
    order_id: Cow<'a, str>,
    lat: f64,
    lon: f64,
    service_seconds: Option<i64>,
    window: Option<Window>,
    radius: Option<i64>,
    polygon: Option<Vec<(f64, f64)>>,
}

#[derive(Deserialize)]
struct Window {
    from: Option<Time>,
    to: Option<Time>,
}

/// None if it does not read as `wire.md` says.
pub(super) fn dispatch(key: &str, text: &str, registry: &mut Registry) -> Option<(Said, Dispatched)> {
    let command: Command = serde_json::from_str(text).ok()?;
    if command.vehicle_id != key || command.shipment_id.is_empty() {
        return None;
    }
    let class = match &*command.kind {
        "dispatch" => Class::Dispatch,
        "delivered" => Class::StopDelivered,
        "failed" => Class::StopFailed,
        "recall" => Class::Recall,
        _ => return None,
    };
    let stops = command.stops.unwrap_or_default();
    let whole = match class {
        Class::Dispatch => command.depot.is_some() && (1..=MAX_STOPS).contains(&stops.len()),
        Class::Recall => true,
        _ => command.stop_id.is_some(),
    };
    if !whole {
        return None;
    }
    let shipment = registry.shipments.number(&command.shipment_id);
    let mut dispatched = Dispatched { class: Some(class), shipment, vehicle: registry.vehicles.number(key), ..Dispatched::default() };
    let (id, content) = if class == Class::Dispatch {
        dispatched.stops = stops.iter().map(|stop| registry.stops.number(&stop.id)).collect();
        dispatched.orders = stops.iter().map(|stop| registry.orders.number(&stop.order_id)).collect();
        let places: Vec<u64> = stops.iter().map(Stop::digest).collect();
        let depot = command.depot.map(|depot| (depot.lat.to_bits(), depot.lon.to_bits(), depot.radius));
        (id(&("dispatch", key, &command.shipment_id)), digest(&(depot, places, command.optimise.unwrap_or_default())))
    } else {
        let stop = command.stop_id.as_deref();
        dispatched.stops.extend(stop.map(|stop| registry.stops.number(stop)));
        (id(&(&command.kind, key, &command.shipment_id, stop)), 0) // Why it failed may be said otherwise.
    };
    dispatched.content = content;
    let subject = registry.rides.number(shipment, dispatched.vehicle);
    Some((Said { class, subject, id, content, balance: Units::NONE, lines: false }, dispatched))
}

impl Stop<'_> {
    fn digest(&self) -> u64 {
        let window = self.window.as_ref().map(|w| [w.from.as_ref(), w.to.as_ref()].map(|t| t.map(Time::millis)));
        let fence: Vec<(u64, u64)> = self.polygon.iter().flatten().map(|(lat, lon)| (lat.to_bits(), lon.to_bits())).collect();
        digest(&((&self.id, &self.order_id, self.lat.to_bits(), self.lon.to_bits()), (self.service_seconds, window, self.radius, fence)))
    }
}

#[derive(Deserialize)]
struct RawPing<'a> {
    #[serde(borrow)]
    vehicle_id: Cow<'a, str>,
    fix_time: Time,
    lat: f64,
    lon: f64,
    speed: Option<f64>,
    heading: Option<f64>,
    accuracy: Option<f64>,
}

/// The fix time of a ping in milliseconds; None if it does not read as `wire.md` says.
pub(crate) fn ping(key: &[u8], value: &[u8]) -> Option<i64> {
    let ping: RawPing = serde_json::from_slice(value).ok()?;
    let place = (-90.0..=90.0).contains(&ping.lat) && (-180.0..=180.0).contains(&ping.lon);
    let possible = place && [ping.speed, ping.heading, ping.accuracy].into_iter().flatten().all(|figure| figure >= 0.0);
    (ping.vehicle_id.as_bytes() == key && !key.is_empty() && possible).then(|| ping.fix_time.millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISPATCH: &str = r#"{"type":"dispatch","shipment_id":"S","vehicle_id":"V","depot":{"lat":60.1,"lon":24.9},
        "stops":[{"stop_id":"1","order_id":"7","lat":60.2,"lon":24.8,"window":{"to":"2026-03-01T10:00:00Z"}}]}"#;

    #[test]
    fn the_same_dispatch_written_otherwise_says_the_same() {
        let mut registry = Registry::default();
        let (base, told) = dispatch("V", DISPATCH, &mut registry).expect("it reads");
        assert_eq!((base.class, told.stops.len(), told.orders.len()), (Class::Dispatch, 1, 1));
        let millis = DISPATCH.replace(r#""2026-03-01T10:00:00Z""#, "1772359200000").replace("\"type\"", "\"x\":1,\"type\"");
        let moved = DISPATCH.replace("60.2", "60.3");
        for (text, same) in [(millis, true), (moved, false)] {
            let (other, _) = dispatch("V", &text, &mut registry).expect("it reads");
            assert_eq!((other.id, other.content == base.content), (base.id, same), "{text}");
        }
    }

    #[test]
    fn what_wire_md_forbids_is_malformed() {
        let mut registry = Registry::default();
        assert!(dispatch("W", DISPATCH, &mut registry).is_none());
        assert!(dispatch("V", &DISPATCH.replace("depot", "depots"), &mut registry).is_none());
        assert!(dispatch("V", r#"{"type":"delivered","shipment_id":"S","vehicle_id":"V"}"#, &mut registry).is_none());
        let fix = r#"{"vehicle_id":"V","fix_time":"2026-03-01T10:00:00Z","lat":60.1,"lon":24.9}"#;
        assert!(ping(b"V", fix.as_bytes()).is_some());
        for wrong in [fix.replace("60.1", "91"), fix.replace("24.9", "\"24.9\""), fix.replace("2026-", "26-")] {
            assert!(ping(b"V", wrong.as_bytes()).is_none(), "{wrong}");
        }
        assert!(ping(b"W", fix.as_bytes()).is_none());
    }
}
