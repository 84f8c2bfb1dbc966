//! One shipment as the warehouse and its driver have it: what is dispatched, how the day treats it, what is sent on the
//! way. Proofs of delivery come from the driver's phone, pings from the van's tracker.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use roads::ground::metres;
use schemas::plan::Point;
use schemas::{Source, Timestamp};
use serde_json::{Value, json};

use super::driver::Drive;
use super::mishaps::{self, Gap};
use super::streets::Streets;
use super::{Errand, MINUTE};

/// What the warehouse reckons with at a door, in seconds.
const SERVICE_SECONDS: i64 = 180;
/// Metres around a door, and around the depot, that count as being there: doors are near each other here.
const AT_THE_DOOR: i64 = 40;
const AT_THE_DEPOT: i64 = 60;
/// A van sends pings so long after it was told to wait, in seconds.
const STRANDED_SECONDS: f64 = 120.0;
/// From a breakdown until another van is there.
const RESCUE: i64 = 25 * MINUTE;

/// A customer's door, when they are at home, and whose order it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    pub order_id: String,
    pub point: Point,
    /// Milliseconds since the epoch.
    pub window: (i64, i64),
}

/// How the day treats a van.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    AsPlanned,
    /// After so many stops it does not start again, and another van takes what is left.
    Breakdown {
        after: usize,
    },
    /// After so many stops it is called back.
    Recalled {
        after: usize,
    },
    /// Before that stop, counted from 0, the driver has something to do elsewhere.
    Detour {
        before: usize,
    },
}

/// A shipment that was dispatched.
#[derive(Debug)]
pub struct Trip {
    pub vehicle: String,
    pub shipment: String,
    /// Milliseconds since the epoch.
    pub at: i64,
    pub start: Point,
    /// By their ids.
    pub stops: BTreeMap<String, Stop>,
    pub fate: Fate,
    pub rng: ChaCha8Rng,
}

/// What a van leaves behind for another one.
#[derive(Debug)]
pub struct Stranded {
    pub at: Point,
    pub stops: BTreeMap<String, Stop>,
}

/// What comes of a trip.
pub struct Driven {
    pub errands: Vec<Errand>,
    /// When the van may be loaded again, in milliseconds since the epoch.
    pub back: i64,
    pub stranded: Option<Stranded>,
}

impl Trip {
    /// The record on `dispatches` that begins it.
    pub fn dispatch(&self) -> Errand {
        let place = |point: Point| point.degrees();
        let stops: Vec<Value> = self
            .stops
            .iter()
            .map(|(id, stop)| {
                let (lat, lon) = place(stop.point);
                let text = |at: i64| Timestamp(at).to_string();
                json!({
                    "stop_id": id,
                    "order_id": stop.order_id,
                    "lat": lat,
                    "lon": lon,
                    "radius": AT_THE_DOOR,
                    "service_seconds": SERVICE_SECONDS,
                    "window": { "from": text(stop.window.0), "to": text(stop.window.1) },
                })
            })
            .collect();
        let (lat, lon) = place(self.start);
        let depot = json!({ "lat": lat, "lon": lon, "radius": AT_THE_DEPOT });
        self.says(self.at, "dispatch", json!({ "depot": depot, "stops": stops, "optimise": true }))
    }

    fn says(&self, at: i64, kind: &str, more: Value) -> Errand {
        let mut value = more;
        value["type"] = json!(kind);
        value["shipment_id"] = json!(self.shipment);
        value["vehicle_id"] = json!(self.vehicle);
        Errand::Send { at, source: Source::Dispatches, key: self.vehicle.clone(), value: value.to_string().into_bytes() }
    }

    /// Drives to the stops in this order, as Waybill has planned it.
    pub fn drive(mut self, streets: &Streets, order: &[String]) -> Driven {
        let mut errands = vec![];
        let mut stranded = None;
        let mut calm = None;
        let mut drive = Drive::begin(self.at + 1_000, self.start);
        let loading = self.rng.random_range(60.0..240.0);
        // Now and then somebody has to look for something.
        let looking = if self.rng.random_ratio(1, 8) { self.rng.random_range(600.0..2_400.0) } else { 0.0 };
        drive.stand(loading + looking);
        for (number, id) in order.iter().enumerate() {
            match self.fate {
                Fate::Breakdown { after } if after == number => {
                    drive.stand(STRANDED_SECONDS);
                    let left = order[number..].iter().filter_map(|id| Some((id.clone(), self.stops.get(id)?.clone())));
                    stranded = Some(Stranded { at: drive.here(), stops: left.collect() });
                    errands.push(Errand::Rescue { at: drive.end() + RESCUE, shipment: self.shipment.clone() });
                    break;
                }
                Fate::Recalled { after } if after == number => {
                    errands.push(self.says(drive.end(), "recall", json!({ "reason": "the van is needed elsewhere" })));
                    break;
                }
                _ => {}
            }
            let Some(stop) = self.stops.get(id).cloned() else { continue };
            let left = drive.end();
            let strays = self.fate == Fate::Detour { before: number };
            if strays {
                let elsewhere = elsewhere(streets, drive.here(), stop.point, &mut self.rng);
                drive.to(streets, elsewhere, &mut self.rng);
                drive.stand(self.rng.random_range(60.0..180.0));
            }
            drive.to(streets, stop.point, &mut self.rng);
            if strays {
                calm = Some((left, drive.end() + MINUTE));
            }
            drive.stand_until(stop.window.0);
            self.ring(id, &mut drive, &mut errands);
        }
        if stranded.is_none() {
            drive.to(streets, streets.depot, &mut self.rng);
            drive.stand(60.0);
        }
        self.track(&drive, calm, &mut errands);
        Driven { errands, back: drive.end() + 10 * MINUTE, stranded }
    }

    /// At the door.
    fn ring(&mut self, id: &str, drive: &mut Drive, errands: &mut Vec<Errand>) {
        let rng = &mut self.rng;
        let is_home = rng.random_bool(0.94);
        let share = if is_home { rng.random_range(0.5..1.5) } else { rng.random_range(0.3..0.6) };
        // Some like to talk.
        let talk = if is_home && rng.random_ratio(1, 25) { rng.random_range(200.0..700.0) } else { 0.0 };
        drive.stand(SERVICE_SECONDS as f64 * share + talk);
        let (repeats, mistypes, later) = (rng.random_ratio(1, 40), rng.random_ratio(1, 120), rng.random_range(10..40) * MINUTE);
        let at = drive.end();
        let proof = if is_home {
            self.says(at, "delivered", json!({ "stop_id": id }))
        } else {
            self.says(at, "failed", json!({ "stop_id": id, "reason": "nobody at home" }))
        };
        if repeats {
            errands.push(proof.clone().again(at + later));
        }
        errands.push(proof);
        if mistypes {
            errands.push(self.says(at - 2_000, "delivered", json!({ "stop_id": format!("{id}{id}") })).broken());
        }
    }

    /// What the tracker sends. While the van strays, whatever Waybill asks its planner is answered before the next ping: the
    /// planner has a clock of its own, and the same seed is to give the same figures.
    fn track(&mut self, drive: &Drive, calm: Option<(i64, i64)>, errands: &mut Vec<Errand>) {
        let (from, to) = (drive.start() + 5 * MINUTE, drive.end() - 12 * MINUTE);
        let lost = self.rng.random_bool(0.2) && calm.is_none() && from < to;
        let gap = lost.then(|| {
            let from = self.rng.random_range(from..to);
            Gap { from, to: from + self.rng.random_range(6 * MINUTE..9 * MINUTE), kept: self.rng.random_bool(0.5) }
        });
        for (at, value) in mishaps::pings(&self.vehicle, drive, gap, calm, &mut self.rng) {
            if calm.is_some_and(|(from, to)| (from..to).contains(&at)) {
                errands.push(Errand::Settle { at });
            }
            errands.push(Errand::Send { at, source: Source::GpsPings, key: self.vehicle.clone(), value });
        }
        errands.extend(calm.map(|(_, to)| Errand::Settle { at: to }));
    }
}

/// A place far from the way that the van should take.
fn elsewhere(streets: &Streets, from: Point, to: Point, rng: &mut ChaCha8Rng) -> Point {
    let way = streets.way(from, to);
    let off = |place: Point| way.points.iter().map(|point| metres(*point, place)).fold(f64::INFINITY, f64::min);
    let places: Vec<Point> = (0..20).map(|_| streets.address(rng)).collect();
    places.into_iter().max_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(to)
}
