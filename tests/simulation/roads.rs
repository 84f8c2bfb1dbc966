//! The planner of the simulation: the program's own, with an order of stops that depends on no clock, along great circles
//! or along straight roads of our own, so that routes are cut into pieces, followed and left.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use ::roads::Ways;
use schemas::plan::{Basis, Leg, PlanRequest, Point, RoadClass};
use stops::Budget;
use waybill::planner::Planner;

use crate::tally::Tally;

/// Points on each leg: more than one piece of a route has.
const POINTS: i64 = 120;

/// Tells when it is asked for what it was asked for before: the answer was lost on its way.
pub fn planner(roads: bool, tally: &Tally) -> Planner {
    let (inner, tally) = (Planner::within(Ways::default(), Budget::Rounds(2)), tally.clone());
    let asked: Mutex<BTreeSet<(Box<str>, Box<str>, u32)>> = Mutex::default();
    Planner::new(move |request: &PlanRequest| {
        let this = (request.vehicle_id.clone(), request.shipment_id.clone(), request.revision);
        if !asked.lock().unwrap_or_else(PoisonError::into_inner).insert(this) {
            tally.add("plan asked for again");
        }
        let mut plan = inner.plan(request);
        if roads {
            plan.basis = Basis::Roads;
            plan.legs.iter_mut().for_each(straighten);
        }
        plan
    })
}

/// A leg along a street without bends.
fn straighten(leg: &mut Leg) {
    let (Some(&from), Some(&to)) = (leg.points.first(), leg.points.last()) else { return };
    let between = |a: i32, b: i32, n: i64| (i64::from(a) + (i64::from(b) - i64::from(a)) * n / POINTS) as i32;
    leg.points = (0..=POINTS).map(|n| Point { lat: between(from.lat, to.lat, n), lon: between(from.lon, to.lon, n) }).collect();
    for stretch in &mut leg.stretches {
        stretch.class = RoadClass::Secondary;
    }
}
