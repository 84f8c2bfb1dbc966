//! A consumer of `dispatches`, `shipment-events` and `ping-verdicts` that keeps the books of the fleet: what a shop's own
//! system would know from them. Believes what it reads; whether that is right is the auditor's question.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Timestamp;
use serde::Deserialize;

use super::BUS;
use crate::demo::Error;
use crate::demo::ledger::drain;
use crate::log::memory::{Follower, MemoryBroker};

/// An arrival that is so near when it is told counts for "ten minutes before", in milliseconds.
const SOON: i64 = 600_000;
/// Nine of ten arrivals of a normal distribution lie within so many standard deviations.
const SIGMAS_90: f64 = 1.645;

/// A shipment event, as far as somebody here wants to know.
#[derive(Clone, Debug, Deserialize)]
pub struct Told {
    pub shipment_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub at: Timestamp,
    stop_id: Option<String>,
    eta: Option<Timestamp>,
    eta_sigma_seconds: Option<i64>,
    /// `arrived`: when it was first seen there.
    since: Option<Timestamp>,
    /// `planned`: as they are to be visited.
    #[serde(default)]
    pub stops: Vec<PlannedStop>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct PlannedStop {
    pub stop_id: String,
    eta: Option<Timestamp>,
    eta_sigma_seconds: Option<i64>,
}

#[derive(Deserialize)]
struct Dispatch {
    shipment_id: String,
    #[serde(default)]
    stops: Vec<DispatchedStop>,
}

#[derive(Deserialize)]
struct DispatchedStop {
    stop_id: String,
    window: Option<Window>,
}

#[derive(Clone, Copy, Deserialize)]
struct Window {
    to: Timestamp,
}

#[derive(Deserialize)]
struct PingVerdict {
    vehicle_id: String,
    verdict: String,
}

/// How a shipment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    Open,
    /// Completed, each stop delivered.
    InFull,
    /// Completed, some stop failed or left to another van.
    InPart,
    Recalled,
}

impl Ending {
    pub fn word(self) -> &'static str {
        match self {
            Ending::Open => "open",
            Ending::InFull => "delivered in full",
            Ending::InPart => "in part",
            Ending::Recalled => "called back",
        }
    }
}

#[derive(Debug, Default)]
struct Course {
    completed: bool,
    recalled: bool,
    stops: BTreeMap<String, Stop>,
}

#[derive(Debug, Default)]
struct Stop {
    /// When the customer's window closes.
    closes: Option<i64>,
    /// What was told: when, which arrival, how certain; milliseconds, and seconds.
    told: Vec<(i64, i64, i64)>,
    /// When the van was first seen there, the last time that it came.
    arrived: Option<i64>,
    delivered: Option<i64>,
    failed: Option<i64>,
    recalled: bool,
}

/// Seconds; the mean of nothing is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Punctuality {
    /// Visited stops that have a window, and those reached before it closed.
    pub visits: u64,
    pub in_time: u64,
    /// Arrivals that were told at all, and their mean absolute error as told first.
    pub arrivals: u64,
    pub first_error: f64,
    /// The same of what stood ten minutes before the arrival, and how many were in the 90 % interval of then.
    pub soon: u64,
    pub soon_error: f64,
    pub soon_within: u64,
}

#[derive(Debug)]
pub struct Logbook {
    dispatches: Follower,
    events: Follower,
    verdicts: Follower,
    shipments: BTreeMap<String, Course>,
    /// Events by type.
    pub counts: BTreeMap<String, u64>,
    /// Pings of the shop's vans and of the buses, by verdict.
    pub vans: BTreeMap<String, u64>,
    pub buses: BTreeMap<String, u64>,
    vehicles: BTreeSet<String>,
}

impl Logbook {
    pub fn new(broker: &MemoryBroker) -> Result<Logbook, Error> {
        Ok(Logbook {
            dispatches: broker.follow("dispatches", true)?,
            events: broker.follow("shipment-events", true)?,
            verdicts: broker.follow("ping-verdicts", true)?,
            shipments: BTreeMap::new(),
            counts: BTreeMap::new(),
            vans: BTreeMap::new(),
            buses: BTreeMap::new(),
            vehicles: BTreeSet::new(),
        })
    }

    /// Takes what has come since; the shipment events among it.
    pub fn read(&mut self) -> Result<Vec<Told>, Error> {
        let shipments = &mut self.shipments;
        drain(&mut self.dispatches, |record| {
            // What is no dispatch is the dead letters' matter.
            let dispatch = serde_json::from_slice::<Dispatch>(record.value().unwrap_or_default());
            for (shipment_id, stop) in dispatch.into_iter().flat_map(|d| d.stops.into_iter().map(move |stop| (d.shipment_id.clone(), stop)))
            {
                let closes = stop.window.map(|window| window.to.0);
                shipments.entry(shipment_id).or_default().stops.entry(stop.stop_id).or_default().closes = closes;
            }
            Ok(())
        })?;
        let mut told: Vec<Told> = vec![];
        drain(&mut self.events, |record| {
            told.push(serde_json::from_slice(record.value().unwrap_or_default())?);
            Ok(())
        })?;
        for event in &told {
            self.event(event);
        }
        let (vans, buses, vehicles) = (&mut self.vans, &mut self.buses, &mut self.vehicles);
        drain(&mut self.verdicts, |record| {
            let PingVerdict { vehicle_id, verdict } = serde_json::from_slice(record.value().unwrap_or_default())?;
            let counts = if vehicle_id.starts_with(BUS) { &mut *buses } else { &mut *vans };
            *counts.entry(verdict).or_default() += 1;
            vehicles.insert(vehicle_id);
            Ok(())
        })?;
        Ok(told)
    }

    fn event(&mut self, event: &Told) {
        *self.counts.entry(event.kind.clone()).or_default() += 1;
        let course = self.shipments.entry(event.shipment_id.clone()).or_default();
        for planned in &event.stops {
            let stop = course.stops.entry(planned.stop_id.clone()).or_default();
            stop.told(event.at, planned.eta, planned.eta_sigma_seconds);
        }
        let Some(stop_id) = &event.stop_id else {
            course.completed |= event.kind == "completed";
            course.recalled |= event.kind == "recalled";
            return;
        };
        let stop = course.stops.entry(stop_id.clone()).or_default();
        stop.told(event.at, event.eta, event.eta_sigma_seconds);
        match &*event.kind {
            "arrived" if stop.delivered.is_none() && stop.failed.is_none() => stop.arrived = event.since.map(|since| since.0),
            "delivered" => stop.delivered = Some(event.at.0),
            "failed" => stop.failed = Some(event.at.0),
            "recalled" => stop.recalled = true,
            _ => {}
        }
    }

    pub fn vehicles(&self) -> usize {
        self.vehicles.len()
    }

    /// Vehicles of the shop.
    pub fn vans(&self) -> usize {
        self.vehicles.iter().filter(|vehicle| !vehicle.starts_with(BUS)).count()
    }

    /// Pings with a verdict.
    pub fn judged(&self) -> u64 {
        self.vans.values().chain(self.buses.values()).sum()
    }

    /// Shipments by how they ended.
    pub fn endings(&self) -> BTreeMap<Ending, u64> {
        let mut endings = BTreeMap::new();
        for course in self.shipments.values() {
            *endings.entry(course.ending()).or_default() += 1;
        }
        endings
    }

    /// Stops delivered, failed, and neither: called back or handed over.
    pub fn stops(&self) -> [u64; 3] {
        let mut counts = [0; 3];
        for stop in self.shipments.values().flat_map(|course| course.stops.values()) {
            counts[if stop.delivered.is_some() {
                0
            } else if stop.failed.is_some() {
                1
            } else {
                2
            }] += 1;
        }
        counts
    }

    pub fn punctuality(&self) -> Punctuality {
        let mut p = Punctuality::default();
        for stop in self.shipments.values().flat_map(|course| course.stops.values()) {
            let Some(proof) = stop.delivered.or(stop.failed) else { continue };
            if let Some(closes) = stop.closes {
                p.visits += 1;
                p.in_time += u64::from(stop.arrived.unwrap_or(proof) <= closes);
            }
            let Some(arrived) = stop.arrived else { continue };
            let off = |eta: i64| (arrived - eta).abs() as f64 / 1000.0;
            if let Some((_, eta, _)) = stop.told.first() {
                p.arrivals += 1;
                p.first_error += off(*eta);
            }
            if let Some((_, eta, sigma)) = stop.told.iter().rfind(|(at, ..)| *at <= arrived - SOON) {
                p.soon += 1;
                p.soon_error += off(*eta);
                p.soon_within += u64::from(off(*eta) <= SIGMAS_90 * *sigma as f64);
            }
        }
        p.first_error /= p.arrivals.max(1) as f64;
        p.soon_error /= p.soon.max(1) as f64;
        p
    }
}

impl Course {
    fn ending(&self) -> Ending {
        match (self.completed, self.recalled) {
            (true, _) if self.stops.values().all(|stop| stop.delivered.is_some()) => Ending::InFull,
            (true, _) => Ending::InPart,
            (false, true) => Ending::Recalled,
            (false, false) => Ending::Open,
        }
    }
}

impl Stop {
    fn told(&mut self, at: Timestamp, eta: Option<Timestamp>, sigma: Option<i64>) {
        if let (Some(eta), Some(sigma)) = (eta, sigma) {
            self.told.push((at.0, eta.0, sigma));
        }
    }
}
