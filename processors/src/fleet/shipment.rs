//! What is remembered of one shipment on one vehicle: its stops, how each ended, what was told. Rewritten when
//! something happens to it, not with every ping. Nothing here decides.

use schemas::fleet::{Area, Dispatch};
use schemas::plan::{Point, RoadClass};
use schemas::{Cause, Timestamp};
use serde::{Deserialize, Serialize};

use super::Config;
use super::fence::Side;
use crate::fingerprint::{Fields, Fingerprint};
use crate::{DecodeError, Trigger, codec};

const FORMAT: u8 = 1;

/// One shipment, for ever: the same dispatch must be known when it comes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    pub(super) status: Status,
    /// What the dispatch said.
    pub(super) content: Fingerprint,
    pub(super) dispatched: Trigger,
    /// Of the last event.
    pub(super) seq: u32,
    /// Time of the last event.
    pub(super) told_at: Timestamp,
    pub(super) depot: Depot,
    pub(super) departed: bool,
    pub(super) optimise: bool,
    /// In the order of the dispatch.
    pub(super) stops: Vec<Stop>,
    /// Indices into `stops`, as they are to be visited.
    pub(super) visits: Vec<u16>,
    pub(super) plan: Plan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Open,
    Completed,
    /// Called back, or handed over to another vehicle.
    Recalled,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Open => "open",
            Status::Completed => "completed",
            Status::Recalled => "recalled",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Depot {
    pub point: Point,
    pub area: Area,
    pub side: Side,
}

/// What was asked of the planner and what is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Of the last request; 0: none yet.
    pub revision: u32,
    pub asked_at: Timestamp,
    /// What made it be asked.
    pub asked_by: Option<Cause>,
    /// The request's stops, by their indices here; empty once it is answered.
    pub asked: Vec<u16>,
    /// How many pieces of a route are kept.
    pub pieces: u16,
    /// The visit that the route's first leg leads to.
    pub first_leg: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stop {
    pub id: Box<str>,
    pub order_id: Box<str>,
    pub point: Point,
    pub area: Area,
    pub service_seconds: u32,
    pub window: Option<(Timestamp, Timestamp)>,
    pub outcome: Outcome,
    pub side: Side,
    /// The vehicle was there, or is.
    pub visited: bool,
    pub approached: bool,
    /// Told to be late, and not recovered.
    pub late: bool,
    /// The arrival that was told last, and its uncertainty in seconds.
    pub eta: Option<(Timestamp, u32)>,
    /// The way to it from the stop before, by class of road, and its seconds at free flow; zeros: not planned.
    pub way: [u32; RoadClass::ALL.len()],
    pub way_seconds: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    Open,
    Delivered(Proof),
    Failed(Proof),
    Recalled,
}

/// What is known of a proof of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proof {
    pub at: Timestamp,
    pub cause: Cause,
    /// From the stop to where the vehicle was last seen.
    pub distance_metres: Option<u32>,
    /// The vehicle had been seen at the stop.
    pub visited: bool,
}

impl Shipment {
    pub(super) fn new(config: &Config, dispatch: &Dispatch<'_>, dispatched: Trigger) -> Shipment {
        let stops: Vec<Stop> = dispatch
            .stops
            .iter()
            .map(|stop| Stop {
                id: (&*stop.stop_id).into(),
                order_id: (&*stop.order_id).into(),
                point: stop.point,
                area: stop.area.clone().unwrap_or(Area::Radius(config.stop_radius)),
                service_seconds: stop.service_seconds,
                window: stop.window,
                outcome: Outcome::Open,
                side: Side::Outside,
                visited: false,
                approached: false,
                late: false,
                eta: None,
                way: [0; RoadClass::ALL.len()],
                way_seconds: 0,
            })
            .collect();
        Shipment {
            status: Status::Open,
            content: content(dispatch),
            dispatched,
            seq: 0,
            told_at: dispatched.at,
            depot: Depot {
                point: dispatch.depot,
                area: Area::Radius(dispatch.depot_radius.unwrap_or(config.depot_radius)),
                side: Side::Outside,
            },
            departed: false,
            optimise: dispatch.optimise,
            visits: (0..stops.len() as u16).collect(),
            stops,
            plan: Plan::default(),
        }
    }

    /// The stop that is to be visited next, by its index: open, and not one that was left behind without a proof.
    pub(super) fn next(&self) -> Option<usize> {
        self.visits.iter().map(|i| usize::from(*i)).find(|i| self.stops[*i].is_ahead())
    }

    /// When one of its places wants to know whether the vehicle is still there.
    pub(super) fn wake(&self) -> Option<Timestamp> {
        let sides = std::iter::once(self.depot.side).chain(self.stops.iter().map(|stop| stop.side));
        sides.filter_map(|side| side.due().map(|(at, _)| at)).min()
    }

    /// Every order once, in the order of the stops that `wanted` picks.
    pub(super) fn orders(&self, wanted: impl Fn(&Stop) -> bool) -> Vec<Box<str>> {
        let mut seen = std::collections::BTreeSet::new();
        self.stops.iter().filter(|stop| wanted(stop) && seen.insert(&stop.order_id)).map(|stop| stop.order_id.clone()).collect()
    }

    /// It has ended: what nobody will ask for any more is dropped. What it said, and how each stop ended, stays.
    pub(super) fn shrink(&mut self) {
        for stop in &mut self.stops {
            (stop.area, stop.window, stop.eta) = (Area::Radius(0), None, None);
            (stop.way, stop.way_seconds) = ([0; RoadClass::ALL.len()], 0);
        }
        self.visits.clear();
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(FORMAT, self, out);
    }

    pub fn decode(bytes: &[u8]) -> Result<Shipment, DecodeError> {
        codec::decode(FORMAT, "shipment", bytes)
    }
}

impl Stop {
    pub fn is_open(&self) -> bool {
        self.outcome == Outcome::Open
    }

    /// Still to be visited, or being visited.
    pub fn is_ahead(&self) -> bool {
        self.is_open() && (!self.visited || self.side.is_inside())
    }
}

/// Of all that a dispatch says.
pub(super) fn content(dispatch: &Dispatch<'_>) -> Fingerprint {
    let point = |fields: Fields, point: Point| fields.number(Some(i64::from(point.lat))).number(Some(i64::from(point.lon)));
    let head = point(Fields::new(), dispatch.depot).number(dispatch.depot_radius.map(i64::from)).number(Some(i64::from(dispatch.optimise)));
    let stops = dispatch.stops.iter().fold(head, |fields, stop| {
        let fields = point(fields.text(Some(&stop.stop_id)).text(Some(&stop.order_id)), stop.point)
            .number(Some(i64::from(stop.service_seconds)))
            .number(stop.window.map(|(from, _)| from.0))
            .number(stop.window.map(|(_, to)| to.0));
        match &stop.area {
            None => fields.number(None),
            Some(Area::Radius(metres)) => fields.number(Some(i64::from(*metres))),
            Some(Area::Polygon(corners)) => {
                corners.iter().fold(fields.number(Some(-(corners.len() as i64))), |f, corner| point(f, *corner))
            }
        }
    });
    stops.finish()
}
