//! What the fleet writes: events of shipments, positions of vehicles, verdicts on pings. Shape only: nothing is compared.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Cause, json, same_as_key, time};
use crate::Record;

/// A type of shipment event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShipmentKind {
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

impl ShipmentKind {
    pub fn word(self) -> &'static str {
        match self {
            ShipmentKind::Planned => "planned",
            ShipmentKind::Departed => "departed",
            ShipmentKind::Approaching => "approaching",
            ShipmentKind::Arrived => "arrived",
            ShipmentKind::Left => "left",
            ShipmentKind::Delivered => "delivered",
            ShipmentKind::Failed => "failed",
            ShipmentKind::EtaChanged => "eta_changed",
            ShipmentKind::Late => "late",
            ShipmentKind::OffRoute => "off_route",
            ShipmentKind::BackOnRoute => "back_on_route",
            ShipmentKind::Silent => "silent",
            ShipmentKind::Resumed => "resumed",
            ShipmentKind::Overspeed => "overspeed",
            ShipmentKind::Recalled => "recalled",
            ShipmentKind::Completed => "completed",
            ShipmentKind::Investigated => "investigated",
        }
    }

    /// It is about one stop.
    fn of_stop(self) -> bool {
        use ShipmentKind as S;
        matches!(self, S::Approaching | S::Arrived | S::Left | S::Delivered | S::Failed)
    }
}

/// A verdict on a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictKind {
    Accepted,
    Duplicate,
    Late,
    Outlier,
    Inaccurate,
}

impl VerdictKind {
    pub fn word(self) -> &'static str {
        match self {
            VerdictKind::Accepted => "accepted",
            VerdictKind::Duplicate => "duplicate",
            VerdictKind::Late => "late",
            VerdictKind::Outlier => "outlier",
            VerdictKind::Inaccurate => "inaccurate",
        }
    }
}

/// What a vehicle does, as its position says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Motion {
    Moving,
    Stopped,
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

#[derive(Debug, Deserialize)]
pub(crate) struct ShipmentEvent<'a> {
    #[serde(borrow)]
    pub event_id: Cow<'a, str>,
    #[serde(borrow)]
    pub shipment_id: Cow<'a, str>,
    #[serde(rename = "type")]
    pub kind: ShipmentKind,
    pub seq: u64,
    #[serde(borrow)]
    pub vehicle_id: Cow<'a, str>,
    #[serde(default)]
    pub order_ids: Vec<String>,
    #[serde(borrow)]
    pub stop_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    #[serde(borrow)]
    pub eta: Option<Cow<'a, str>>,
    pub eta_sigma_seconds: Option<f64>,
    #[serde(borrow)]
    pub cause: Cause<'a>,
    /// `at`, read.
    #[serde(skip)]
    pub millis: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Position<'a> {
    #[serde(borrow)]
    pub vehicle_id: Cow<'a, str>,
    pub lat: f64,
    pub lon: f64,
    #[serde(borrow)]
    pub fix_time: Cow<'a, str>,
    pub speed: Option<f64>,
    pub heading: Option<f64>,
    #[serde(rename = "state")]
    pub motion: Motion,
    #[serde(borrow)]
    pub eta: Option<Cow<'a, str>>,
    pub eta_sigma_seconds: Option<f64>,
    pub remaining_metres: Option<f64>,
    #[serde(borrow)]
    pub cause: Cause<'a>,
    /// `fix_time`, read.
    #[serde(skip)]
    pub millis: i64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Verdict<'a> {
    #[serde(borrow)]
    pub event_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub vehicle_id: Cow<'a, str>,
    #[serde(rename = "verdict")]
    pub kind: VerdictKind,
    #[serde(borrow)]
    pub fix_time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub cause: Cause<'a>,
    /// `fix_time`, read.
    #[serde(skip)]
    pub fix_millis: Option<i64>,
}

impl<'a> ShipmentEvent<'a> {
    pub fn read(record: &Record<'a>) -> Result<ShipmentEvent<'a>, String> {
        let mut event: ShipmentEvent = json(record)?;
        same_as_key("shipment_id", &event.shipment_id, record)?;
        event.millis = time(&event.at)?;
        event.eta.as_deref().map_or(Ok(0), time)?;
        figure("eta_sigma_seconds", event.eta_sigma_seconds, 0.0..=f64::MAX)?;
        if event.kind.of_stop() && event.stop_id.is_none() {
            return Err(format!("`{}` has no stop_id", event.kind.word()));
        }
        Ok(event)
    }
}

impl<'a> Position<'a> {
    pub fn read(record: &Record<'a>) -> Result<Position<'a>, String> {
        let mut position: Position = json(record)?;
        same_as_key("vehicle_id", &position.vehicle_id, record)?;
        position.millis = time(&position.fix_time)?;
        position.eta.as_deref().map_or(Ok(0), time)?;
        figure("lat", Some(position.lat), -90.0..=90.0)?;
        figure("lon", Some(position.lon), -180.0..=180.0)?;
        figure("speed", position.speed, 0.0..=f64::MAX)?;
        figure("heading", position.heading, 0.0..=360.0)?;
        figure("eta_sigma_seconds", position.eta_sigma_seconds, 0.0..=f64::MAX)?;
        figure("remaining_metres", position.remaining_metres, 0.0..=f64::MAX)?;
        Ok(position)
    }
}

impl<'a> Verdict<'a> {
    pub fn read(record: &Record<'a>) -> Result<Verdict<'a>, String> {
        let mut verdict: Verdict = json(record)?;
        same_as_key("vehicle_id", &verdict.vehicle_id, record)?;
        verdict.fix_millis = verdict.fix_time.as_deref().map(time).transpose()?;
        Ok(verdict)
    }
}

/// A figure that is there lies in its range; what is no number lies in none.
pub(super) fn figure(name: &str, figure: Option<f64>, range: std::ops::RangeInclusive<f64>) -> Result<(), String> {
    match figure {
        Some(figure) if !range.contains(&figure) => Err(format!("{name} is {figure}")),
        _ => Ok(()),
    }
}
