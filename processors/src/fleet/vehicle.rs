//! What is remembered of one vehicle: small, because every ping rewrites it. Shipments and routes have keys of their
//! own. Nothing here decides.

use schemas::fleet::{Motion, VehiclePosition};
use schemas::plan::Point;
use schemas::{Cause, Timestamp};
use serde::{Deserialize, Serialize};

use super::arrival::{Gathered, LiveSpeed};
use crate::{DecodeError, Trigger, codec};

/// Most pings that wait for older ones; with a further one the oldest waits no longer.
pub const MAX_HELD: usize = 8;
/// Most open shipments of one vehicle; a further one is a dead letter `too_many_pending`.
pub const MAX_SHIPMENTS: usize = 64;

const FORMAT: u8 = 1;

/// One vehicle.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vehicle {
    /// The timer that is set, and what set it; see [`Vehicle::due`].
    pub(super) armed: Option<Trigger>,
    /// Fix time of the last ping that waits no longer: an older one is late.
    pub(super) passed: Option<Timestamp>,
    /// Pings that wait for older ones, in the order of their fix times.
    pub(super) held: Vec<Held>,
    /// The last accepted fix.
    pub(super) last: Option<Fix>,
    /// Fixes that were rejected since, if they agree with each other.
    pub(super) suspect: Option<Suspect>,
    /// Where the vehicle is, smoothed, at the last accepted fix.
    pub(super) track: Option<Track>,
    pub(super) motion: Motion,
    /// Where it came to rest, or passed by last.
    pub(super) rest: Rest,
    /// Since when it is too fast.
    pub(super) speeding: Option<Speeding>,
    /// What it has on board, in the order of dispatch.
    pub(super) rides: Vec<Ride>,
}

/// A ping that waits. The fields' order is the order in which they are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Reading {
    pub fix_time: Timestamp,
    pub point: Point,
    /// Centimetres per second.
    pub speed: Option<u16>,
    /// Tenths of degrees.
    pub heading: Option<u16>,
    /// Decimetres.
    pub accuracy: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub reading: Reading,
    pub heard: Trigger,
}

/// An accepted fix as it came, not smoothed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fix {
    pub time: Timestamp,
    pub point: Point,
    /// Decimetres.
    pub accuracy: Option<u32>,
    pub heard: Trigger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Suspect {
    /// How many in a row agree.
    pub count: u8,
    pub time: Timestamp,
    pub point: Point,
    pub accuracy: Option<u32>,
}

/// The state of the Kalman filter: the same for east and north, but for their values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Track {
    pub point: Point,
    /// Metres per second east and north.
    pub velocity: [f32; 2],
    /// Variances of place and velocity, and their covariance between them.
    pub covariance: [f32; 3],
    /// What is said of it: centimetres per second, tenths of degrees.
    pub speed: u16,
    pub heading: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rest {
    pub point: Point,
    pub since: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Speeding {
    pub since: Timestamp,
    /// Said once per episode.
    pub told: bool,
}

/// What changes of a shipment with the vehicle's pings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ride {
    pub shipment_id: Box<str>,
    /// By the record that dispatched it.
    pub dispatched: Trigger,
    /// When one of its places wants to know whether the vehicle is still there.
    pub wake: Option<Timestamp>,
    pub silent: bool,
    pub progress: Option<Progress>,
    pub next: Option<Next>,
    /// How fast it comes on, and what there is to learn from it.
    pub live: LiveSpeed,
    pub gathered: Gathered,
}

/// How far the vehicle is on the shipment's route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The piece of the route where it was last.
    pub piece: u16,
    /// Metres from the route's start.
    pub along: u32,
    /// It was seen on the route …
    pub found: bool,
    /// … last at; before that: when the route was asked for.
    pub seen: Timestamp,
    /// Fixes in a row that are off the route, and since when.
    pub strays: u8,
    pub stray_since: Timestamp,
    /// Told, and not taken back.
    pub off_route: bool,
}

/// The stop that is next, as the position shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Next {
    pub stop_id: Box<str>,
    pub remaining_metres: u32,
    pub eta: Option<(Timestamp, u32)>,
}

impl Vehicle {
    /// When it wants to be woken. Not always as late as it could be: it is moved only when it must be earlier or has
    /// come, so that a ping that changes nothing else sets no timer.
    pub fn due(&self) -> Option<Timestamp> {
        self.armed.map(|armed| armed.at)
    }

    /// Of the record that set the timer; what comes of it names its own.
    pub fn cause(&self) -> Option<Cause> {
        self.armed.map(|armed| armed.cause)
    }

    /// For `vehicle-positions`; `None` before the first accepted fix.
    pub fn position(&self) -> Option<VehiclePosition> {
        let (last, track) = (self.last?, self.track?);
        let ride = self.rides.first();
        let next = ride.and_then(|ride| ride.next.as_ref());
        let eta = next.and_then(|next| next.eta);
        Some(VehiclePosition {
            point: track.point,
            fix_time: last.time,
            speed: if self.motion == Motion::Moving { u32::from(track.speed) } else { 0 },
            heading: track.heading,
            motion: self.motion,
            shipment_id: ride.map(|ride| ride.shipment_id.clone()),
            next_stop: next.map(|next| next.stop_id.clone()),
            eta: eta.map(|(at, _)| at),
            eta_sigma_seconds: eta.map(|(_, sigma)| sigma),
            remaining_metres: next.map(|next| next.remaining_metres),
            cause: last.heard.cause,
        })
    }

    /// How many pings wait for older ones.
    pub fn waiting(&self) -> usize {
        self.held.len()
    }

    /// The open shipments, in the order of dispatch, each with the piece of its route where the vehicle is.
    pub fn on_board(&self) -> impl Iterator<Item = (&str, Option<u16>)> {
        self.rides.iter().map(|ride| (&*ride.shipment_id, ride.progress.map(|progress| progress.piece)))
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Vehicle, DecodeError> {
        codec::decode(FORMAT, "vehicle", bytes)
    }
}
