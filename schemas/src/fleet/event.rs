//! What consumers read of the fleet: `vehicle-positions`, `ping-verdicts`, `shipment-events`. Their JSON is in
//! `json.rs`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::plan::{Basis, Point};
use crate::{Cause, Timestamp};

/// Where a vehicle is, on `vehicle-positions` (compacted); the key is the vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VehiclePosition {
    /// Smoothed.
    pub point: Point,
    /// Of the last accepted fix.
    pub fix_time: Timestamp,
    /// Centimetres per second.
    pub speed: u32,
    /// Tenths of degrees clockwise from north; `None` for a vehicle that has not moved.
    pub heading: Option<u16>,
    pub motion: Motion,
    /// The shipment that it is on the way for, and what is next on its way; of several the one dispatched first.
    pub shipment_id: Option<Box<str>>,
    pub next_stop: Option<Box<str>>,
    pub eta: Option<Timestamp>,
    pub eta_sigma_seconds: Option<u32>,
    /// To the next stop.
    pub remaining_metres: Option<u32>,
    pub cause: Cause,
}

/// What a vehicle does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Motion {
    Moving,
    #[default]
    Stopped,
    /// Nothing was heard of it for some time.
    Silent,
}

impl Motion {
    pub fn word(self) -> &'static str {
        match self {
            Motion::Moving => "moving",
            Motion::Stopped => "stopped",
            Motion::Silent => "silent",
        }
    }
}

/// What became of one ping, on `ping-verdicts`; the key is the vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PingVerdict {
    pub judgement: Judgement,
    /// A stable word.
    pub reason: &'static str,
    pub fix_time: Timestamp,
    pub at: Timestamp,
    /// The ping.
    pub cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Judgement {
    Accepted,
    Duplicate,
    Late,
    Outlier,
    Inaccurate,
}

impl Judgement {
    pub const ALL: [Judgement; 5] = [Judgement::Accepted, Judgement::Duplicate, Judgement::Late, Judgement::Outlier, Judgement::Inaccurate];

    pub fn word(self) -> &'static str {
        match self {
            Judgement::Accepted => "accepted",
            Judgement::Duplicate => "duplicate",
            Judgement::Late => "late",
            Judgement::Outlier => "outlier",
            Judgement::Inaccurate => "inaccurate",
        }
    }

    /// The CloudEvents type.
    pub fn event_type(self) -> &'static str {
        match self {
            Judgement::Accepted => "waybill.ping.accepted",
            Judgement::Duplicate => "waybill.ping.duplicate",
            Judgement::Late => "waybill.ping.late",
            Judgement::Outlier => "waybill.ping.outlier",
            Judgement::Inaccurate => "waybill.ping.inaccurate",
        }
    }
}

/// One event of a shipment, on `shipment-events`; the key is the shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentEvent {
    pub kind: ShipmentEventKind,
    /// 1, 2, 3 … per vehicle and shipment.
    pub seq: u32,
    /// Never before that of the event before it.
    pub at: Timestamp,
    pub cause: Cause,
    pub vehicle_id: Box<str>,
    /// Of the stop, or of the whole shipment; each once.
    pub order_ids: Vec<Box<str>>,
    pub stop_id: Option<Box<str>>,
    pub eta: Option<Timestamp>,
    pub eta_sigma_seconds: Option<u32>,
    pub reason: Option<Cow<'static, str>>,
    /// `arrived`, `left`: when it was first seen there, or no longer. `silent`: when it was last heard.
    pub since: Option<Timestamp>,
    /// `left`: how long it was there, in seconds.
    pub dwell_seconds: Option<u32>,
    /// `delivered`, `failed`, `investigated`: how far from the stop the vehicle was, if that is known. `approaching`:
    /// how far it is still.
    pub distance_metres: Option<u32>,
    /// `overspeed`: centimetres per second.
    pub speed: Option<u32>,
    /// `planned`.
    pub plan: Option<PlannedRoute>,
    /// `investigated`: the feedback that asked for it.
    pub feedback_id: Option<Box<str>>,
}

/// What `planned` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRoute {
    /// 1, 2, 3 … per shipment; some may be missing.
    pub revision: u32,
    pub basis: Basis,
    pub route_metres: u32,
    /// As they are to be visited.
    pub stops: Vec<PlannedStop>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStop {
    pub stop_id: Box<str>,
    pub order_id: Box<str>,
    /// From the stop before, or from the start.
    pub metres: u32,
    pub eta: Option<Timestamp>,
    pub eta_sigma_seconds: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ShipmentEventKind {
    Planned,
    Departed,
    Approaching,
    Arrived,
    Left,
    Delivered,
    Failed,
    EtaChanged,
    Late,
    OffRoute,
    BackOnRoute,
    Silent,
    Resumed,
    Overspeed,
    Recalled,
    Completed,
    /// What is known of a delivery that somebody complained of.
    Investigated,
}

impl ShipmentEventKind {
    pub fn word(self) -> &'static str {
        match self {
            ShipmentEventKind::Planned => "planned",
            ShipmentEventKind::Departed => "departed",
            ShipmentEventKind::Approaching => "approaching",
            ShipmentEventKind::Arrived => "arrived",
            ShipmentEventKind::Left => "left",
            ShipmentEventKind::Delivered => "delivered",
            ShipmentEventKind::Failed => "failed",
            ShipmentEventKind::EtaChanged => "eta_changed",
            ShipmentEventKind::Late => "late",
            ShipmentEventKind::OffRoute => "off_route",
            ShipmentEventKind::BackOnRoute => "back_on_route",
            ShipmentEventKind::Silent => "silent",
            ShipmentEventKind::Resumed => "resumed",
            ShipmentEventKind::Overspeed => "overspeed",
            ShipmentEventKind::Recalled => "recalled",
            ShipmentEventKind::Completed => "completed",
            ShipmentEventKind::Investigated => "investigated",
        }
    }

    /// The CloudEvents type.
    pub fn event_type(self) -> &'static str {
        match self {
            ShipmentEventKind::Planned => "waybill.shipment.planned",
            ShipmentEventKind::Departed => "waybill.shipment.departed",
            ShipmentEventKind::Approaching => "waybill.shipment.approaching",
            ShipmentEventKind::Arrived => "waybill.shipment.arrived",
            ShipmentEventKind::Left => "waybill.shipment.left",
            ShipmentEventKind::Delivered => "waybill.shipment.delivered",
            ShipmentEventKind::Failed => "waybill.shipment.failed",
            ShipmentEventKind::EtaChanged => "waybill.shipment.eta_changed",
            ShipmentEventKind::Late => "waybill.shipment.late",
            ShipmentEventKind::OffRoute => "waybill.shipment.off_route",
            ShipmentEventKind::BackOnRoute => "waybill.shipment.back_on_route",
            ShipmentEventKind::Silent => "waybill.shipment.silent",
            ShipmentEventKind::Resumed => "waybill.shipment.resumed",
            ShipmentEventKind::Overspeed => "waybill.shipment.overspeed",
            ShipmentEventKind::Recalled => "waybill.shipment.recalled",
            ShipmentEventKind::Completed => "waybill.shipment.completed",
            ShipmentEventKind::Investigated => "waybill.shipment.investigated",
        }
    }
}
