//! A shipment's plan: in which order its stops are visited, and by which way. Asked for by the fleet processor,
//! made outside its thread, and given back as a message, so that it takes effect exactly once like any other record.
//!
//! Integers only: the same plan is the same bytes everywhere.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A place on the ground, WGS 84, in units of 10⁻⁷ degrees (about a centimetre).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Point {
    pub lat: i32,
    pub lon: i32,
}

impl Point {
    const UNITS: f64 = 1e7;

    /// From degrees that have been checked: |lat| ≤ 90, |lon| ≤ 180.
    pub fn from_degrees(lat: f64, lon: f64) -> Point {
        Point { lat: (lat * Self::UNITS).round() as i32, lon: (lon * Self::UNITS).round() as i32 }
    }

    /// Latitude and longitude in degrees.
    pub fn degrees(self) -> (f64, f64) {
        (f64::from(self.lat) / Self::UNITS, f64::from(self.lon) / Self::UNITS)
    }
}

/// From a shipment to the planner. Whoever answers repeats `shipment_id` and `revision`; an answer to an older
/// revision is stale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRequest {
    pub vehicle_id: Box<str>,
    pub shipment_id: Box<str>,
    /// Counts the requests of one shipment.
    pub revision: u32,
    /// Where the route begins: the depot, or where the vehicle is.
    pub start: Point,
    pub depart_at: Timestamp,
    /// In the dispatch's order.
    pub stops: Vec<PlanStop>,
    /// `false`: keep the order.
    pub optimise: bool,
}

/// A stop as the planner needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStop {
    pub point: Point,
    pub service_seconds: u32,
    /// Arrival is wanted from … to …
    pub window: Option<(Timestamp, Timestamp)>,
}

/// From the planner to the vehicle's task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub vehicle_id: Box<str>,
    pub shipment_id: Box<str>,
    pub revision: u32,
    pub basis: Basis,
    /// Indices into the request's stops, as they are to be visited; each once.
    pub order: Vec<u16>,
    /// One for each of `order`: the way to it from the one before, the first from the start.
    pub legs: Vec<Leg>,
}

/// What a plan's distances are based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Basis {
    /// Shortest paths on a prepared road graph.
    Roads,
    /// Great-circle distance times a detour factor: there is no graph, or it does not reach there.
    GreatCircle,
}

/// The way from one stop to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The line to drive, both ends included; at least two points.
    pub points: Vec<Point>,
    /// Its length by class of road, in the order of driving.
    pub stretches: Vec<Stretch>,
    /// Driving time at free flow.
    pub seconds: u32,
}

/// Part of a leg on roads of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    pub class: RoadClass,
    pub metres: u32,
}

/// Classes of roads for cars, as OpenStreetMap's `highway` has them, links with their roads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RoadClass {
    Motorway,
    Trunk,
    Primary,
    Secondary,
    Tertiary,
    /// Unclassified and residential.
    Minor,
    /// Service roads, living streets, tracks that cars may use.
    Service,
    /// Not known: the way is a great circle.
    Unknown,
}

impl RoadClass {
    pub const ALL: [RoadClass; 8] = [
        RoadClass::Motorway,
        RoadClass::Trunk,
        RoadClass::Primary,
        RoadClass::Secondary,
        RoadClass::Tertiary,
        RoadClass::Minor,
        RoadClass::Service,
        RoadClass::Unknown,
    ];
}
