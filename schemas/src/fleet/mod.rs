//! The fleet's records: pings and dispatches in; positions, ping verdicts and shipment events out. Decides nothing.
//!
//! | file | what |
//! | --- | --- |
//! | `ping.rs` | `gps-pings`, decoded and checked |
//! | `dispatch.rs` | `dispatches`, decoded and checked |
//! | `area.rs` | what surrounds a stop, and which polygons are none |
//! | `event.rs` | what consumers read |
//! | `json.rs` | … and its JSON |

mod area;
mod dispatch;
mod event;
mod json;
mod ping;

pub use area::{Area, MAX_RADIUS_METRES, MAX_SPAN, MAX_VERTICES, MIN_RADIUS_METRES};
pub(crate) use dispatch::RawDispatch;
pub use dispatch::{Dispatch, FleetCommand, MAX_SERVICE_SECONDS, MAX_STOPS, MAX_TOTAL_VERTICES, Stop};
#[cfg(test)]
pub(crate) use dispatch::{RawDepot, RawStop, RawWindow};
pub use event::{Judgement, Motion, PingVerdict, PlannedRoute, PlannedStop, ShipmentEvent, ShipmentEventKind, VehiclePosition};
pub use json::ShipmentEventId;
pub(crate) use ping::RawPing;
pub use ping::{FIRST_FIX_TIME, MAX_ACCURACY_METRES, MAX_SPEED, Ping};

use crate::Reject;
use crate::input::json;

/// A record of `gps-pings`, whose key is `key`.
pub fn decode_ping(key: &str, text: &str) -> Result<Ping, Reject> {
    json::<RawPing>(text)?.check(key)
}

/// A record of `dispatches`, whose key is `key`.
pub fn decode_dispatch<'a>(key: &str, text: &'a str) -> Result<FleetCommand<'a>, Reject> {
    json::<RawDispatch>(text)?.check(key)
}
